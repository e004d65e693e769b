import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { chunkAddress } from "../../protocol/fastsync/addressing.ts";
import { WindowAssembler } from "../gossip/windowAssembler.ts";
import type { FetchedWindow } from "../../consensus/material.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { decodeError, encodeRequest } from "../../protocol/fastsync/codec.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import { StateService, type TaskContext } from "../state/service.ts";
import type { StateClient } from "../state/client.ts";
import { anchorInterval } from "./anchors.ts";
import { crypto, MadeChain, MadeNetwork, someOperations } from "./madeChain.fixture.ts";
import { MemoryNetwork, MemoryPeer, type Behaviour } from "./memoryPeers.fixture.ts";
import { FastSyncServer } from "./server.ts";
import { syncState, type SyncOptions, type SyncOutcome } from "./syncState.ts";

const WINDOWS = 60n;
const BEHIND_MAX = 20n;
const NO_TASK: TaskContext = { onProgress: () => undefined, signal: new AbortController().signal };
const folder = mkdtempSync(join(tmpdir(), "montana-sync-"));
const network = new MadeNetwork({
  ...{ accounts: 1200, senders: 12, candidates: 58 },
  params: { tau2Windows: 44n, candidateExpiryWindows: 3000n },
});
const chain = new MadeChain(network);
const ANCHOR = 55n;

beforeAll(async () => {
  network.createStore(join(folder, "server"));
  await chain.open(join(folder, "server"));
  await chain.decideUpTo(WINDOWS, someOperations(chain, 3));
  falseNetwork.createStore(join(folder, "false"));
  falseChain.falseTimeFrom = 20n;
  await falseChain.open(join(folder, "false"));
  await falseChain.decideUpTo(WINDOWS, () => Promise.resolve([]));
}, 120_000);
afterAll(() => {
  chain.close();
  falseChain.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Founders of another network, who agree on a T that nobody computed. */
const falseNetwork = new MadeNetwork({
  ...{ accounts: 10, senders: 4, candidates: 0, founders: " elsewhere" },
  params: { tau2Windows: 44n },
});
const falseChain = new MadeChain(falseNetwork);

/** A joiner with a folder of its own. */
class Joiner {
  readonly directory = mkdtempSync(join(folder, "joiner-"));
  readonly network: MemoryNetwork;
  service = new StateService(crypto);
  readonly progress: string[] = [];
  beforeInstall: () => void = () => undefined;
  /** Of the last {@link catchUp}. */
  follower: MadeChain | undefined;
  onProgress: (step: string, done: number) => void = () => undefined;

  constructor(...behaviours: (Behaviour & { readonly serves?: MadeChain })[]) {
    this.network = new MemoryNetwork(
      behaviours.map((behaviour, i) => new MemoryPeer(`peer-${i}`, behaviour.serves ?? chain, behaviour)),
    );
  }

  get requests(): number {
    return this.network.peers.reduce((sum, { requests }) => sum + requests, 0);
  }

  join(options: Partial<SyncOptions> = {}): Promise<SyncOutcome> {
    const { service } = this;
    const signal = options.signal ?? new AbortController().signal;
    const ask = ((name: keyof StateService["handlers"], input: never, asked: { signal?: AbortSignal } | undefined) =>
      Promise.resolve().then(() => {
        if (name === "joinInstall") this.beforeInstall();
        return service.handlers[name](input, {
          onProgress: ({ step, done }) => this.onProgress(step, done),
          signal: asked?.signal ?? signal,
        });
      })) as StateClient["ask"];
    return syncState({
      ...{ crypto, network: this.network, state: { ask }, height: 0n, behindMax: BEHIND_MAX, gatherMs: 0 },
      open: { ...network.openOptions(this.directory), genesisStateRoot: network.roots.stateRoot },
      onProgress: ({ step, done }) => {
        if (this.progress.at(-1) !== step) this.progress.push(step);
        this.onProgress(step, done);
      },
      signal,
      ...options,
    });
  }

  /** As a crash does it: nothing is closed, what is on the disk stays. */
  crash(): void {
    this.service = new StateService(crypto);
  }

  /** Opens what was joined, and decides what the others have decided since; gives the last state root. */
  async catchUp(): Promise<Uint8Array> {
    const stranger = crypto.mldsa65.generate(crypto.sha256(new TextEncoder().encode("stranger")));
    const follower = new MadeChain(network, [stranger]);
    this.follower = follower;
    onTestFinished(() => follower.close());
    await follower.open(this.directory);
    await follower.follow(await decidedFrom(follower.height));
    expect(follower.height).toBe(chain.height);
    const { problems } = await follower.ask("check", undefined);
    expect(problems).toEqual([]);
    return (await follower.ask("summary", undefined)).roots.stateRoot;
  }
}

async function decidedFrom(first: bigint): Promise<readonly FetchedWindow[]> {
  const last = chain.height - 1n;
  const assembler = new WindowAssembler(crypto, first, last);
  for (let cursor = 0; ;) {
    const page = await chain.ask("range", { first, last, cursor, bytesMax: 1 << 20 });
    for (const message of page.objects) assembler.add(message);
    if (!page.more) return assembler.finish();
    cursor = page.nextCursor;
  }
}

const stateRoot = async () => (await chain.ask("summary", undefined)).roots.stateRoot;

const KINDS = { chunk: 0n, accounts: 1n, manifest: 2n } as const;
const flipped = (payload: Uint8Array, at: number): Uint8Array => payload.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** Changes the replies of one kind, of chunks those of one table. */
function lying(kind: keyof typeof KINDS, change: (payload: Uint8Array) => Uint8Array, table?: number): Behaviour {
  return {
    tamper: (reply, { resumeOffset }) => {
      const isMeant = resumeOffset >> 62n === KINDS[kind] && (table === undefined || reply.payload[8] === table);
      return isMeant && reply.msgType === MESSAGE.fastSyncResponse
        ? { ...reply, payload: change(reply.payload) }
        : reply;
    },
  };
}

describe("a newcomer", () => {
  test("joins from three peers, one of which lies about accounts, and names it", async () => {
    expect(anchorInterval(network.rules.params)).toBe(11n);
    const joiner = new Joiner(
      {},
      lying("accounts", (payload) => flipped(payload, 13 + 40)),
      {},
    );
    const { anchor, faults, bytesReceived } = await joiner.join();
    expect(anchor).toBe(ANCHOR);
    expect(faults).toEqual([{ peerId: "peer-1", fault: "subtree-root-mismatch" }]);
    expect(joiner.network.penalised()).toEqual(["peer-1"]);
    expect(existsSync(join(joiner.directory, "sync"))).toBe(false);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
    // Looking for the tip weighs more here than beside a state of any size.
    expect(bytesReceived).toBeLessThan(1.7 * (await chain.snapshotBytes(ANCHOR)));
  });

  test("that was killed goes on with what it had verified", async () => {
    const joiner = new Joiner({}, {});
    const stop = new AbortController();
    joiner.onProgress = (step, done) => {
      if (step === "accounts" && done >= 4) stop.abort();
    };
    await expect(joiner.join({ signal: stop.signal })).rejects.toMatchObject({ code: "cancelled" });
    const { requests } = joiner;
    joiner.crash();
    joiner.onProgress = () => undefined;
    expect((await joiner.join()).anchor).toBe(ANCHOR);
    // 8 prefixes, of which the first chunk has brought two; no headers, no tables, no manifest.
    expect(joiner.requests - requests).toBeLessThanOrEqual(6);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test("loses nothing but the last record when the staging file ends in a cut one", async () => {
    const joiner = new Joiner({});
    const stop = new AbortController();
    joiner.onProgress = (step, done) => {
      if (step === "accounts" && done >= 6) stop.abort();
    };
    await expect(joiner.join({ signal: stop.signal })).rejects.toMatchObject({ code: "cancelled" });
    joiner.crash();
    const file = join(joiner.directory, "sync", "staged.bin");
    truncateSync(file, statSync(file).size - 1000);
    joiner.onProgress = () => undefined;
    expect((await joiner.join()).anchor).toBe(ANCHOR);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test("that was killed while its store was being put together needs nothing from anybody to go on", async () => {
    const joiner = new Joiner({}, {});
    joiner.beforeInstall = () => {
      throw new ProtocolError("killed");
    };
    await expect(joiner.join()).rejects.toMatchObject({ code: "killed" });
    const { requests } = joiner;
    joiner.crash();
    joiner.beforeInstall = () => undefined;
    // A store that was never finished, as a crash leaves it.
    mkdirSync(join(joiner.directory, "store.new"));
    writeFileSync(join(joiner.directory, "store.new", "store.sqlite"), "half a file");
    expect((await joiner.join()).anchor).toBe(ANCHOR);
    expect(joiner.requests).toBe(requests);
    expect(readdirSync(joiner.directory)).toEqual(["joined.json", "store"]);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test.each<[string, Behaviour, string]>([
    ["a header", lying("chunk", (payload) => flipped(payload, 13 + 300), 4), "wrong-parent"],
    ["the number of headers", lying("chunk", (payload) => payload.slice(0, -3722), 4), "wrong-records-length"],
    ["a node", lying("chunk", (payload) => flipped(payload, 13), 2), "wrong-node-id"],
    ["a node's presence", lying("chunk", (payload) => flipped(payload, 13 + 2098 - 8), 2), "wrong-table"],
    ["a candidate", lying("chunk", (payload) => flipped(payload, 13 + 2082 - 40), 3), "candidate-root-mismatch"],
    ["the manifest", lying("manifest", (payload) => flipped(payload, 13)), "account-root-mismatch"],
    ["the length of accounts", lying("accounts", (payload) => payload.slice(0, -1)), "wrong-records-length"],
    ["the number of chunks", lying("chunk", (payload) => flipped(payload, 4)), "wrong-chunk-index"],
  ])("names who lies about %s, and joins from the other", async (_, behaviour, fault) => {
    const joiner = new Joiner(behaviour, {});
    const { anchor, faults } = await joiner.join();
    expect(anchor).toBe(ANCHOR);
    expect(faults).toEqual([{ peerId: "peer-0", fault }]);
  });

  test("does without peers that do not answer, and without those that serve no snapshots", async () => {
    const joiner = new Joiner(
      { isMute: true },
      { tamper: () => ({ msgType: MESSAGE.fastSyncError, payload: new Uint8Array([5, 0]) }) },
      {},
    );
    const { anchor, faults } = await joiner.join();
    expect(anchor).toBe(ANCHOR);
    expect(faults).toEqual([{ peerId: "peer-0", fault: "no-answer" }]);
    expect(joiner.network.penalised()).toEqual([]);
  });

  test("does not believe most of its peers when their chain does not begin with its network's state", async () => {
    const joiner = new Joiner({ serves: falseChain }, { serves: falseChain }, {});
    const { anchor, faults } = await joiner.join();
    expect(anchor).toBe(ANCHOR);
    expect(faults.map(({ peerId }) => peerId).sort()).toEqual(["peer-0", "peer-1"]);
    expect(new Set(faults.map(({ fault }) => fault))).toEqual(new Set(["genesis-state-differs"]));
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test("names peers of another chain than the one that it verified", async () => {
    const joiner = new Joiner({}, {}, { serves: falseChain });
    const { faults } = await joiner.join();
    expect(faults).toEqual([{ peerId: "peer-2", fault: "foreign-chain" }]);
  });

  test("refuses a chain, however well signed, whose TimeChain nobody computed", async () => {
    const joiner = new Joiner({ serves: falseChain }, { serves: falseChain });
    const stop = new AbortController();
    const joined = joiner.join({
      open: { ...falseNetwork.openOptions(joiner.directory), genesisStateRoot: falseNetwork.roots.stateRoot },
      signal: stop.signal,
      onFault: () => {
        if (joiner.network.penalised().length === 2) stop.abort();
      },
    });
    await expect(joined).rejects.toMatchObject({ code: "cancelled" });
    expect(new Set(joiner.network.penalties.map(({ reason }) => reason))).toEqual(new Set(["wrong-timechain-value"]));
    expect(existsSync(join(joiner.directory, "store"))).toBe(false);
  });

  test("takes no snapshot where windows will do", async () => {
    const joiner = new Joiner({});
    expect((await joiner.join({ height: WINDOWS - BEHIND_MAX })).anchor).toBeUndefined();
    expect((await joiner.join({ height: WINDOWS })).anchor).toBeUndefined();
    expect(joiner.requests).toBe(0);
  });
});

describe("a node that was away", () => {
  test("keeps the history that people saw, and is not led off its own chain", async () => {
    const joiner = new Joiner({}, {});
    const stranger = new MadeChain(network, [crypto.mldsa65.generate(crypto.sha256(new Uint8Array(1)))]);
    network.createStore(joiner.directory);
    await stranger.open(joiner.directory);
    await stranger.follow((await decidedFrom(0n)).slice(0, 30));
    const subject = network.accounts[3]!.accountId;
    const seen = await stranger.ask("history", { subject });
    expect(seen.length).toBeGreaterThan(0);
    await stranger.ask("close", undefined);
    await joiner.service.handlers.open(network.openOptions(joiner.directory), NO_TASK);
    expect((await joiner.join({ height: 30n })).anchor).toBe(ANCHOR);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
    const after = await joiner.follower!.ask("history", { subject });
    expect(after.slice(-seen.length)).toEqual(seen);
  });

  test("halts where the network follows another chain than it has decided itself", async () => {
    const joiner = new Joiner({});
    const own = new MadeChain(network);
    network.createStore(joiner.directory);
    await own.open(joiner.directory);
    await own.decideUpTo(6n, () => Promise.resolve([]));
    await own.ask("close", undefined);
    await joiner.service.handlers.open(network.openOptions(joiner.directory), NO_TASK);
    await expect(joiner.join({ height: 6n })).rejects.toMatchObject({
      code: "two-certificates",
      params: { window: 5n },
    });
    await joiner.service.handlers.close(undefined, NO_TASK);
  });
});

/** The chain of all tests moves on: these come last. */
describe("while the network goes on", () => {
  const noOperations = () => Promise.resolve([]);

  test("an anchor that is served no longer is given up for a newer one; what has not changed is kept", async () => {
    await chain.decideUpTo(85n, noOperations);
    const joiner = new Joiner({});
    let moving: Promise<void> | undefined;
    const [peer] = joiner.network.peers;
    peer!.behaviour = { delay: () => moving ?? Promise.resolve() };
    let changed: number[] = [];
    joiner.onProgress = (step, done) => {
      if (step === "accounts" && done >= 5) moving ??= chain.decideUpTo(103n, noOperations);
    };
    const asked: bigint[] = [];
    peer!.behaviour = {
      ...peer!.behaviour,
      tamper: (reply, { anchor, resumeOffset }) => {
        if (resumeOffset >> 62n === KINDS.accounts && reply.msgType === MESSAGE.fastSyncResponse) asked.push(anchor);
        return reply;
      },
    };
    const { anchor, faults } = await joiner.join();
    expect(anchor).toBe(99n);
    expect(faults).toEqual([]);
    changed = asked.filter((each) => each === 99n).map(Number);
    // Only the founders' accounts have changed, under three of eight prefixes at most, and three had not come.
    expect(asked.filter((each) => each === 77n).length).toBeGreaterThan(0);
    expect(changed.length).toBeLessThanOrEqual(6);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test("epoch data that was counted from bodies leads over the next boundary", async () => {
    await chain.decideUpTo(130n, noOperations);
    const joiner = new Joiner({}, {});
    expect((await joiner.join()).anchor).toBe(121n);
    await chain.decideUpTo(136n, noOperations);
    // Window 132 is a boundary: D and target follow from the samples of the whole epoch.
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });

  test("a server refuses who asks too much, and what it does not have", async () => {
    const server = new FastSyncServer({
      state: { ask: (...asked) => chain.ask(asked[0], asked[1]) },
    });
    const peer = { peerId: "someone", nodeId: network.networkId as never };
    const ask = async (anchor: bigint, resumeOffset: bigint) => {
      const reply = await server.answer(peer, encodeRequest({ anchorWindow: anchor, resumeOffset }));
      return reply!.msgType === MESSAGE.fastSyncError ? decodeError(reply!.payload).code : 0;
    };
    expect(await ask(121n, 0n)).toBe(0);
    expect(await ask(120n, 0n)).toBe(1);
    expect(await ask(99n, 0n)).toBe(1);
    expect(await ask(121n, 1000n)).toBe(1);
    expect(await ask(121n, chunkAddress(0n) | (1n << 62n) | (16n << 8n))).toBe(1);
    expect(await ask(121n, 3n << 62n)).toBe(3);
    expect(await server.answer(peer, new Uint8Array(15))).toBeUndefined();
    const many = await Promise.all(Array.from({ length: 6 }, () => ask(121n, 0n)));
    expect(many.filter((code) => code === 4)).toHaveLength(2);
    for (let i = 0; i < 600; i++) await ask(120n, 0n);
    expect(await ask(121n, 0n)).toBe(4);
    server.windowClosed();
    expect(await ask(121n, 0n)).toBe(0);
    const closed = new FastSyncServer({
      state: { ask: () => Promise.reject(new Error("not asked")) },
      mayAsk: () => false,
    });
    expect(decodeError((await closed.answer(peer, new Uint8Array(16)))!.payload).code).toBe(5);
  });
});
