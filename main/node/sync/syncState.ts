/**
 * How a node that is new or far behind comes to the state of its network: finds out how far the others are, takes the snapshot
 * that most of them vouch for part by part from all of them, checks it, and puts it in the place of its store (chapter 02
 * §4.11 and §4.12, chapter 07 §4.5). From the window after it on the runtime catches up as after any pause.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { toHex } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { accountsAddress, chunkAddress, manifestAddress } from "../../protocol/fastsync/addressing.ts";
import type { PeerIdText } from "../../network/ports.ts";
import type { StateClient } from "../state/client.ts";
import type { StateRequests } from "../state/requests.ts";
import type { Progress } from "../store/tables.ts";
import { usableAnchors } from "./anchors.ts";
import type { JoinPlan } from "./assembly.ts";
import { HEADERS_PER_CHUNK } from "./headerChain.ts";
import { PeerPool, transfer, type PeerFault, type SyncNetwork } from "./peerPool.ts";
import { removeStaging } from "./staging.ts";
import { peerFailure, type AnchorView, type SyncPeer } from "./syncPeer.ts";
import { findTip } from "./tip.ts";

/** What servers keep of decided windows (`Store`): who is further behind cannot catch up window by window. */
export const CATCH_UP_WINDOWS_MAX = 2n * 336n;
/** Peers that are asked how far they are. */
const PEERS_ASKED_MAX = 8;
/** For peers to come after the first one. */
const GATHER_MS = 1000;
const TICK_MS = 100;
/** Nobody has the anchor any more: then it is another one's turn. */
const PATIENCE_MS = 15_000;
const BODIES_PER_REQUEST = 128;
/** Account prefixes have at most so many parts. */
const PARTS_MAX = 256;
const RETRY_MS = 1000;
const TOTAL_CHUNKS_OFFSET = 4;

export interface SyncOptions {
  readonly crypto: Crypto;
  readonly network: SyncNetwork;
  /** Its store may be open, and is closed when the new one is ready. */
  readonly state: Pick<StateClient, "ask">;
  readonly open: StateRequests["joinBegin"]["takes"];
  /** Next window of the own store to decide; 0 without one. */
  readonly height: bigint;
  /** A window that somebody has shown to be open. */
  readonly hint?: bigint;
  /** Who is at most so many windows behind catches up window by window. */
  readonly behindMax?: bigint;
  /** How long peers may take to come after the first one, in ms. */
  readonly gatherMs?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onFault?: (fault: PeerFault) => void;
  readonly signal: AbortSignal;
}

export interface SyncOutcome {
  /** Undefined where windows do: nothing was changed. */
  readonly anchor: bigint | undefined;
  /** Of all replies. */
  readonly bytesReceived: number;
  readonly faults: readonly PeerFault[];
}

/**
 * Resolves once the store is that of a snapshot, or needs none. Rejects with `cancelled`; with `snapshot-breaks-rules` and
 * `two-certificates`, after which a person must decide; and with what the disk reports. Waits for peers as long as it takes.
 */
export async function syncState(options: SyncOptions): Promise<SyncOutcome> {
  const joining = new Joining(options);
  try {
    return await joining.run();
  } finally {
    await options.state.ask("joinEnd", undefined).catch(() => undefined);
  }
}

/** Peers that show the same header of one anchor. */
interface Candidate {
  readonly anchor: bigint;
  readonly hash: string;
  readonly views: Map<PeerIdText, AnchorView>;
}

class Joining {
  readonly #options: SyncOptions;
  readonly #pool: PeerPool;
  readonly #params;
  #hint: bigint | undefined;
  #isBegun = false;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#params = options.open.rules.params;
    this.#hint = options.hint;
    this.#pool = new PeerPool(options.crypto, options.network, (fault) => options.onFault?.(fault));
  }

  async run(): Promise<SyncOutcome> {
    const { signal, height, open, behindMax = CATCH_UP_WINDOWS_MAX } = this.#options;
    for (;;) {
      if (signal.aborted) throw new ProtocolError("cancelled");
      const tips = await this.#findTips();
      const candidates = await this.#findCandidates(tips, behindMax);
      if (candidates === undefined) return this.#outcome(undefined);
      const [best] = candidates;
      if (best !== undefined && best.anchor + 1n > height) {
        if (!this.#isBegun) await this.#ask("joinBegin", open);
        this.#isBegun = true;
        if (await this.#attempt(best, candidates.slice(1))) {
          await this.#ask("joinEnd", undefined);
          removeStaging(open.directory);
          return this.#outcome(best.anchor);
        }
      }
      await this.#pause(RETRY_MS);
    }
  }

  #outcome(anchor: bigint | undefined): SyncOutcome {
    return { anchor, bytesReceived: this.#pool.bytesReceived, faults: this.#pool.faults };
  }

  async #findTips(): Promise<ReadonlyMap<SyncPeer, bigint>> {
    const { signal, height, gatherMs = GATHER_MS } = this.#options;
    while (this.#pool.ready.length === 0) await this.#pause(TICK_MS);
    const gatheredMs = performance.now() + gatherMs;
    while (this.#pool.ready.length < PEERS_ASKED_MAX && performance.now() < gatheredMs) await this.#pause(TICK_MS);
    const tips = new Map<SyncPeer, bigint>();
    for (const peer of this.#pool.ready.slice(0, PEERS_ASKED_MAX)) {
      const tip = await this.#tried(peer, () =>
        findTip({ height, hint: this.#hint, tau2Windows: this.#params.tau2Windows }, (window) =>
          peer.serves(window, signal),
        ),
      );
      if (tip === undefined) continue;
      tips.set(peer, tip);
      // The next one is not far from there.
      this.#hint ??= tip;
    }
    return tips;
  }

  /** Best first; undefined where nobody is so far ahead that a snapshot is needed. */
  async #findCandidates(tips: ReadonlyMap<SyncPeer, bigint>, behindMax: bigint): Promise<Candidate[] | undefined> {
    const { height, signal } = this.#options;
    const highest = [...tips.values()].reduce((a, b) => (a > b ? a : b), -1n);
    if (tips.size > 0 && highest + 1n - height <= behindMax) return undefined;
    const anchors = [...new Set([...tips.values()].flatMap((tip) => usableAnchors(this.#params, tip)))];
    anchors.sort((a, b) => (a > b ? -1 : 1));
    const candidates = new Map<string, Candidate>();
    for (const anchor of anchors) {
      for (const [peer, tip] of tips) {
        if (tip <= anchor) continue;
        const view = await this.#tried(peer, () => peer.anchorView(anchor, signal));
        if (view === undefined) continue;
        const hash = toHex(view.hash);
        const key = `${anchor} ${hash}`;
        const candidate = candidates.get(key) ?? { anchor, hash, views: new Map<PeerIdText, AnchorView>() };
        candidate.views.set(peer.peerId, view);
        candidates.set(key, candidate);
      }
      // Most of them vouch for the same one: an older anchor would not be better.
      if ([...candidates.values()].some(({ views }) => 2 * views.size > tips.size)) break;
    }
    return [...candidates.values()].sort(
      (a, b) => b.views.size - a.views.size || (a.anchor === b.anchor ? 0 : a.anchor > b.anchor ? -1 : 1),
    );
  }

  /** True once the snapshot is in place; false where another anchor must be found. */
  async #attempt(candidate: Candidate, others: readonly Candidate[]): Promise<boolean> {
    this.#pool.forgetAnchor();
    const { views, anchor } = candidate;
    for (const [peerId, view] of views) {
      const vouching = this.#peerOf(peerId);
      if (vouching === undefined) continue;
      const { header, next, certificate } = view;
      const plan = await this.#ask("joinAim", { header, next, certificate });
      try {
        await this.#fetchChain(candidate, plan);
        const failure = await this.#ask("joinCertify", undefined);
        if (failure !== undefined) {
          this.#pool.exclude(vouching, failure);
          views.delete(peerId);
          continue;
        }
        await this.#judgeOthers(others, anchor, candidate.hash);
        if (!(await this.#fetchState(candidate))) return false;
        await this.#ask("joinInstall", undefined);
        return true;
      } catch (error) {
        if ((error as { code?: string }).code === "unavailable") return false;
        throw error;
      }
    }
    return false;
  }

  /** Headers, Node Table and Candidate Pool: what must be right before anything large is fetched. */
  async #fetchChain({ anchor, views }: Candidate, plan: JoinPlan): Promise<void> {
    const vouching = (peer: SyncPeer): boolean => views.has(peer.peerId);
    if (plan.headerChunks.length === 0 && !plan.tables) return;
    let totalChunks = plan.totalChunks;
    if (totalChunks === undefined) {
      await this.#transfer({
        items: [0],
        mayAsk: vouching,
        fetch: (peer, _, signal) => peer.part(anchor, chunkAddress(0n), signal),
        accept: async (_, payload) => {
          const fault = await this.#ask("joinProbe", payload);
          if (fault === undefined) totalChunks = totalOf(payload);
          return fault;
        },
      });
    }
    const headerChunks = Math.ceil((Number(anchor) + 1) / HEADERS_PER_CHUNK);
    let done = headerChunks - plan.headerChunks.length;
    await this.#transfer({
      items: plan.headerChunks,
      mayAsk: vouching,
      isOrdered: true,
      fetch: (peer, chunk, signal) =>
        this.#fromEnd(peer, anchor, totalChunks!, (total) => total - headerChunks + chunk, signal),
      accept: async (chunk, { index, payload }) => {
        const fault = await this.#ask("joinHeaders", { chunk, index, payload });
        if (fault === undefined) this.#tell("headers", ++done, headerChunks);
        return fault;
      },
    });
    if (plan.tables) await this.#fetchTables(anchor, totalChunks!, headerChunks, vouching);
  }

  /** From one peer at a time: only whole tables can be held against their roots. */
  async #fetchTables(
    anchor: bigint,
    totalChunks: number,
    headerChunks: number,
    mayAsk: (peer: SyncPeer) => boolean,
  ): Promise<void> {
    await this.#transfer({
      items: ["tables"],
      mayAsk,
      fetch: async (peer, _, signal) => {
        await this.#ask("joinRestartTables", undefined);
        for (let back = 1; ; back++) {
          const place = (total: number): number => total - headerChunks - back;
          const { index, payload } = await this.#fromEnd(peer, anchor, totalChunks, place, signal);
          const given = await this.#ask("joinTables", { index, payload });
          if (given.fault !== undefined) return given.fault;
          if (given.isComplete) return undefined;
        }
      },
      accept: (_, fault) => Promise.resolve(fault),
    });
  }

  /** Peers that vouch for another chain: liars, unless the nodes of this one have certified that, too. */
  async #judgeOthers(others: readonly Candidate[], anchor: bigint, hash: string): Promise<void> {
    for (const other of others) {
      if (other.anchor !== anchor || other.hash === hash) continue;
      for (const [peerId, { next, certificate }] of other.views) {
        if (await this.#ask("joinIsCertified", { next, certificate })) {
          throw new ProtocolError("two-certificates", { window: anchor + 1n, peer: peerId });
        }
        const peer = this.#peerOf(peerId);
        if (peer !== undefined) this.#pool.exclude(peer, "foreign-chain");
      }
    }
  }

  /** The accounts; meanwhile the sample of the TimeChain, which takes the processor and not the line. */
  async #fetchState(candidate: Candidate): Promise<boolean> {
    const { anchor } = candidate;
    const stopping = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, stopping.signal]);
    let plan = await this.#ask("joinPlan", undefined);
    const onProgress = (progress: Progress): void => this.#options.onProgress?.(progress);
    const time = plan.time
      ? this.#options.state.ask("joinTime", undefined, { signal, onProgress })
      : Promise.resolve(undefined);
    // Heard at the end; a transfer that fails before must not leave it unheard.
    time.catch(() => undefined);
    try {
      if (plan.manifest) {
        await this.#fetchManifest(anchor);
        plan = await this.#ask("joinPlan", undefined);
      }
      await this.#fetchAccounts(anchor, plan);
      await this.#fetchBodies(plan.bodies);
      const failure = await time;
      if (failure === undefined) return true;
      for (const peerId of candidate.views.keys()) {
        const peer = this.#peerOf(peerId);
        if (peer !== undefined) this.#pool.exclude(peer, failure);
      }
      return false;
    } finally {
      stopping.abort();
      await time.catch(() => undefined);
    }
  }

  async #fetchManifest(anchor: bigint): Promise<void> {
    await this.#transfer({
      items: ["manifest"],
      fetch: async (peer, _, signal) => {
        for (let index = 0, total = 1; index < total; index++) {
          const payload = await peer.part(anchor, manifestAddress(BigInt(index)), signal);
          const given = await this.#ask("joinManifest", { index, payload });
          if (given.fault !== undefined) return given.fault;
          total = given.totalChunks;
        }
        return undefined;
      },
      accept: (_, fault) => Promise.resolve(fault),
    });
  }

  async #fetchAccounts(anchor: bigint, { prefixes, prefixesTotal }: JoinPlan): Promise<void> {
    let done = prefixesTotal - prefixes.length;
    this.#tell("accounts", done, prefixesTotal);
    await this.#transfer({
      items: prefixes,
      fetch: async (peer, prefix, signal) => {
        const first = await peer.part(anchor, accountsAddress(BigInt(prefix), 0), signal);
        const payloads = [first];
        const parts = Math.min(totalOf(first), PARTS_MAX);
        while (payloads.length < parts) {
          payloads.push(await peer.part(anchor, accountsAddress(BigInt(prefix), payloads.length), signal));
        }
        return payloads;
      },
      accept: async (prefix, payloads) => {
        const fault = await this.#ask("joinAccounts", { prefix, payloads });
        if (fault === undefined) this.#tell("accounts", ++done, prefixesTotal);
        return fault;
      },
    });
  }

  async #fetchBodies(windows: readonly bigint[]): Promise<void> {
    const batches: (readonly bigint[])[] = [];
    for (let first = 0; first < windows.length; first += BODIES_PER_REQUEST) {
      batches.push(windows.slice(first, first + BODIES_PER_REQUEST));
    }
    let done = 0;
    await this.#transfer({
      items: batches,
      fetch: async (peer, batch, signal) => {
        const hashes = await this.#ask("joinProposalHashes", batch);
        const bodies: Uint8Array[] = [];
        while (bodies.length < hashes.length) {
          const found = await peer.bodies(hashes.slice(bodies.length), signal);
          // In the order asked; one that is left out is not there.
          if (found.length === 0) throw peerFailure("unavailable");
          bodies.push(...found);
        }
        return bodies;
      },
      accept: async (batch, bodies) => {
        const { fault, windows: right } = await this.#ask("joinBodies", bodies);
        const given = new Set(right);
        if (fault !== undefined || !batch.every((window) => given.has(window))) return fault ?? "malformed-body";
        done += batch.length;
        this.#tell("bodies", done, windows.length);
        return undefined;
      },
    });
  }

  /**
   * A chunk that is counted from the end of the snapshot. Each peer's own total counts: one that lies about it is found out by
   * what lies there, and nobody else is blamed.
   */
  async #fromEnd(
    peer: SyncPeer,
    anchor: bigint,
    guess: number,
    place: (total: number) => number,
    signal: AbortSignal,
  ): Promise<{ readonly index: number; readonly payload: Uint8Array }> {
    for (;;) {
      const isKnown = peer.totalChunks !== undefined;
      const total = peer.totalChunks ?? guess;
      const index = place(total);
      if (index < 0) throw peerFailure("malformed");
      const payload = await peer.part(anchor, chunkAddress(BigInt(index)), signal).catch(async (error: unknown) => {
        if (isKnown || (error as { code?: string }).code !== "unavailable") throw error;
        return peer.part(anchor, chunkAddress(0n), signal);
      });
      peer.totalChunks = totalOf(payload);
      if (peer.totalChunks === total) return { index, payload };
      if (isKnown) throw peerFailure("malformed");
    }
  }

  #transfer<Item, Value>(
    of: Omit<Parameters<typeof transfer<Item, Value>>[1], "signal" | "patienceMs">,
  ): Promise<void> {
    return transfer(this.#pool, { ...of, patienceMs: PATIENCE_MS, signal: this.#options.signal });
  }

  /** Undefined where the peer does not answer. */
  async #tried<T>(peer: SyncPeer, question: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      const answer = await question();
      this.#pool.answered(peer);
      return answer;
    } catch (error) {
      if (!(error instanceof ProtocolError) || this.#options.signal.aborted) throw error;
      this.#pool.failed(peer, (error as ProtocolError).code as never);
      return undefined;
    }
  }

  #peerOf(peerId: PeerIdText): SyncPeer | undefined {
    return this.#pool.peers.find((peer) => peer.peerId === peerId);
  }

  #ask<Name extends keyof StateRequests>(
    name: Name,
    input: StateRequests[Name]["takes"],
  ): Promise<StateRequests[Name]["gives"]> {
    const { signal, onProgress, state } = this.#options;
    return state.ask(name, input, { signal, ...(onProgress && { onProgress }) });
  }

  #tell(step: string, done: number, total: number): void {
    this.#options.onProgress?.({ step, done, total });
  }

  async #pause(ms: number): Promise<void> {
    if (this.#options.signal.aborted) throw new ProtocolError("cancelled");
    await sleep(ms);
  }
}

/** What a chunk says of their number; its other fields the state worker looks at. */
function totalOf(payload: Uint8Array): number {
  if (payload.length < TOTAL_CHUNKS_OFFSET + 4) throw peerFailure("malformed");
  return new DataView(payload.buffer, payload.byteOffset).getUint32(TOTAL_CHUNKS_OFFSET, true);
}
