/** A bench for one machine in window 0 of a small network: everybody else is played by the test. */
import { loadCrypto } from "../native/index.ts";
import { byteKey, equalBytes, toHex, ZERO_HASH, type Hash32 } from "../protocol/bytes.ts";
import { encode, u32 } from "../protocol/codec/codec.ts";
import type { PublicKey, SecretKey } from "../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../protocol/genesis/rules.ts";
import { genesisRecords } from "../protocol/genesis/state.ts";
import { nodeIdOf } from "../protocol/identity/ids.ts";
import { includedRoot, controlRoot } from "../protocol/merkle/proposalRoots.ts";
import { proposalHeader, type ProposalBody, type ProposalHeader } from "../protocol/objects/consensus.ts";
import { INITIAL_TARGET } from "../protocol/lottery/target.ts";
import { MemoryState } from "../protocol/state/memory.ts";
import { emptyTrees, updateTrees, type StateRoots } from "../protocol/state/roots.ts";
import { genesisTimechainValue } from "../protocol/timechain/genesisValue.ts";
import { genesisEpoch } from "../protocol/transition/adaptEpoch.ts";
import type { Settled, WindowResult } from "../protocol/transition/applyWindow.ts";
import type { Effect, Sign } from "./effects.ts";
import type { MachineEvent } from "./events.ts";
import { WindowMachine } from "./machine.ts";
import type { LoggedObject } from "./material.ts";
import { bodyMessage, messageOf, signObject, type Message, type Unsigned } from "./objects.ts";
import type { Phase } from "./pools/votes.ts";
import { checkObjects, computeTransition, listObjects, outcomeOf, viewOf } from "./tables.ts";
import type { TimerName } from "./timers.ts";

export const { crypto } = loadCrypto();

interface Member {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

export const members: readonly Member[] = Array.from({ length: 7 }, (_, i) => {
  const seed = new Uint8Array(32);
  seed.set(encode(u32, i));
  return crypto.mldsa65.generate(seed);
});

export const nodeIds = members.map(({ publicKey }) => nodeIdOf(crypto, publicKey));
export const T0 = genesisTimechainValue(crypto);

const PARAMS = {
  ...MONTANA_PARAMS,
  d0: 64n,
  tau2Windows: 2n,
  bootstrapAccountPubkey: members[0]!.publicKey,
  bootstrapNodePubkey: members[0]!.publicKey,
};

export interface BenchOptions {
  readonly nodes?: number;
  /** Index of the member that the machine is; the bootstrap node is 0. */
  readonly self?: number;
  readonly log?: readonly LoggedObject[];
  readonly chainLengths?: readonly bigint[];
  /** What it asks to be signed is not: a quiet node. */
  readonly isSilent?: boolean;
}

export class Bench {
  readonly rules: NetworkRules = rulesOf(PARAMS, "spec");
  readonly effects: Effect[] = [];
  readonly log: LoggedObject[] = [];
  readonly #machine: WindowMachine;
  readonly #self: number;
  readonly #isSilent: boolean;
  readonly #state: MemoryState;
  #settled: Settled;
  readonly #results = new Map<string, WindowResult>();
  #nextMessage = 0;

  constructor({ nodes = 4, self = 1, log = [], chainLengths = [], isSilent = false }: BenchOptions = {}) {
    const others = members
      .slice(1, nodes)
      .map(({ publicKey }) => ({ accountPubkey: publicKey, nodePubkey: publicKey }));
    const genesis = genesisRecords(crypto, this.rules.params, "spec", others);
    const rows = genesis.nodes.map((node, i) => ({ ...node, chainLength: chainLengths[i] ?? node.chainLength }));
    this.#state = new MemoryState().load({ ...genesis, nodes: rows });
    const trees = updateTrees(crypto, emptyTrees(crypto), {
      accounts: genesis.accounts.map((row) => ({ id: row.accountId, row })),
      nodes: rows.map((row) => ({ id: row.nodeId, row })),
      candidates: [],
    });
    this.#settled = { state: this.#state, trees, epoch: genesisEpoch(this.rules) };
    this.#self = self;
    this.#isSilent = isSilent;
    this.#machine = new WindowMachine(crypto, this.rules, { nodeId: nodeIds[self]!, protocolVersionMax: 1 });
    const view = viewOf(crypto, this.#state, this.#settled.epoch, 0n, undefined);
    this.step({ kind: "started", view, past: [], log, times: [] });
  }

  get window(): bigint {
    return this.#machine.window;
  }

  /** Carries out what needs only the tables and the key, at once; the rest is kept for the test to look at. */
  step(event: MachineEvent): void {
    for (const effect of this.#machine.step(event)) {
      this.effects.push(effect);
      if (effect.kind === "sign") {
        if (!this.#isSilent) this.#sign(effect);
      } else if (effect.kind === "list-objects") {
        this.step(listObjects(crypto, this.rules, this.#state, effect));
      } else if (effect.kind === "check-objects") {
        this.step(checkObjects(crypto, this.rules, this.#state, effect));
      } else if (effect.kind === "compute-transition") {
        const { outcome, result } = computeTransition(crypto, this.rules, this.#settled, effect.inputs);
        if (result !== undefined) this.#results.set(byteKey(effect.key), result);
        this.step({ kind: "transition-computed", key: effect.key, outcome });
      }
    }
  }

  /** Signs what a silent one has asked for all the same. */
  finishSigning(): void {
    for (const effect of this.all("sign")) this.#sign(effect);
  }

  #sign({ unsigned, keep }: Sign): void {
    const signed = signObject(crypto, members[this.#self]!.secretKey, unsigned);
    this.log.push({ signed, keep });
    this.step({ kind: "signed", signed });
  }

  /** Carries out the last `persist`. */
  commit(): void {
    const { decided } = this.last("persist")!;
    const result = this.#results.get(byteKey(decided.key))!;
    this.#state.apply(result.changes);
    this.#settled = { state: this.#state, trees: result.trees, epoch: result.epoch };
    const window = decided.header.windowIndex + 1n;
    const view = viewOf(crypto, this.#state, result.epoch, window, decided);
    this.step({ kind: "committed", view, ...outcomeOf(result) });
  }

  receive(...messages: readonly Message[]): string[] {
    const first = this.#nextMessage;
    this.#nextMessage += messages.length;
    this.step({
      kind: "received",
      messages: messages.map((message, i) => ({ ...message, id: first + i, from: "peer" })),
    });
    return messages.map((_, i) => this.#verdictOf(first + i));
  }

  expire(name: TimerName, round = 1): void {
    this.step({ kind: "timer-expired", timer: { name, window: this.window, round } });
  }

  /** Round 1 begins: bundles of all others are here. */
  arm(nodes = 4): void {
    for (let i = 0; i < nodes; i++) if (i !== this.#self) this.receive(bundleOf(i));
  }

  last<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }> | undefined {
    return this.effects.findLast((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  all<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  /** Own votes as "round/phase value", value being the start of the hash or nil. */
  ownVotes(): string[] {
    return this.all("sign").flatMap(({ unsigned }) => {
      if (unsigned.type !== "vote") return [];
      const { round, phase, proposalHash } = unsigned.object;
      return `${round}/${phase === 1 ? "prevote" : "precommit"} ${nameOf(proposalHash)}`;
    });
  }

  /** The only right proposal of window 0, whose leader is the bootstrap node at every depth. */
  proposal(depth = 1, change: Partial<ProposalHeader> = {}) {
    const inputs = {
      window: 0n,
      timechainValue: T0,
      aggregate: ZERO_HASH,
      bundleSigners: [],
      operations: [],
      registrations: [],
      winnerId: nodeIds[0]!,
      participationPermille: 1000,
      includedReveals: 0,
    };
    const { outcome } = computeTransition(crypto, this.rules, this.#settled, inputs);
    const { roots } = outcome as { roots: StateRoots };
    const unsigned = {
      ...roots,
      prevProposalHash: ZERO_HASH,
      windowIndex: 0n,
      protocolVersion: 1,
      controlRoot: controlRoot(crypto, []),
      timechainValue: T0,
      includedBundlesRoot: includedRoot(crypto, []),
      includedRevealsRoot: includedRoot(crypto, []),
      winnerEndpoint: ZERO_HASH,
      winnerId: nodeIds[0]!,
      proposerNodeId: nodeIds[0]!,
      target: INITIAL_TARGET,
      fallbackDepth: depth,
      ...change,
    };
    const hash = proposalHeader.identify(crypto, unsigned);
    const body: ProposalBody = {
      proposalHash: hash,
      windowIndex: 0n,
      bundles: [],
      evidence: [],
      reveals: [],
      controlHashes: [],
    };
    const header = signed(0, { type: "header", object: unsigned });
    return { header, body: bodyMessage(body), hash, name: nameOf(hash) };
  }

  #verdictOf(id: number): string {
    const given = this.effects.find((effect) => effect.kind === "verdict" && effect.id === id);
    if (given?.kind !== "verdict") return "pending";
    const { verdict } = given;
    return verdict.verdict === "accept" ? "accept" : `${verdict.verdict}: ${verdict.code}`;
  }
}

export const signed = (member: number, unsigned: Unsigned): Message =>
  messageOf(signObject(crypto, members[member]!.secretKey, unsigned));

export function bundleOf(
  member: number,
  window = 0n,
  endpoint: Hash32 = T0,
  revealHashes: readonly Hash32[] = [],
): Message {
  const object = { nodeId: nodeIds[member]!, endpoint, windowIndex: window, opHashes: [], revealHashes };
  return signed(member, { type: "bundle", object });
}

export function voteOf(member: number, round: number, phase: Phase, proposalHash: Hash32, windowIndex = 0n): Message {
  return signed(member, {
    type: "vote",
    object: { nodeId: nodeIds[member]!, windowIndex, round, phase, proposalHash },
  });
}

const nameOf = (hash: Hash32): string => (equalBytes(hash, ZERO_HASH) ? "nil" : toHex(hash).slice(0, 8));
