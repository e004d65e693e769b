/** The state of a node in the window machine (chapter 03 §6.2). The files of this room read and change it by rules. */
import { byteKey, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { HeldOperation } from "../protocol/accounts/equivocation.ts";
import type { Crypto } from "../protocol/crypto.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import type {
  BundledConfirmation,
  ProposalBody,
  ProposalHeader,
  ProposalVote,
  VdfReveal,
} from "../protocol/objects/consensus.ts";
import { Chain } from "./chain.ts";
import type { Effect, IdentifiedRegistration, SilenceReason } from "./effects.ts";
import type { PeerId, TransitionOutcome, WindowFetched } from "./events.ts";
import type { BodyLists, Expected } from "./expected.ts";
import { WANTED_MAX } from "./limits.ts";
import { NO_MATERIAL, type DecidedWindow, type LoggedObject, type Material } from "./material.ts";
import { ObjectBytes } from "./objectBytes.ts";
import type { Unsigned } from "./objects.ts";
import { OperationPool, RegistrationPool } from "./pools/operations.ts";
import { ProposalPool } from "./pools/proposals.ts";
import { VariantPool } from "./pools/variants.ts";
import type { VoteBook } from "./pools/votes.ts";
import { SignedLog } from "./signedLog.ts";
import { TimeValues } from "./time.ts";
import { timerLength, type Timer, type TimerName } from "./timers.ts";

export interface Self {
  readonly nodeId: NodeId;
  /** The highest protocol version of headers that this program knows. */
  readonly protocolVersionMax: number;
}

export type TimerState = "off" | "running" | "expired";

export const NOTHING_ASKED = { first: 0n, end: 0n };

/** Where the node stands in the open window; round 0 until it is armed. */
export interface RoundState {
  readonly round: number;
  readonly propose: TimerState;
  readonly prevote: TimerState;
  readonly precommit: TimerState;
}

export const UNARMED: RoundState = { round: 0, propose: "off", prevote: "off", precommit: "off" };

/** An own proposal in the making: its lists, and the transition that is being computed for them. */
export interface Draft {
  readonly depth: number;
  readonly body: BodyLists;
  readonly key: Hash32;
  readonly expected: Expected;
}

/** An object that waits for the owner of the tables. */
export interface PendingCheck {
  /** Undefined where an object that is already held is checked again. */
  readonly message: { readonly id: number; readonly from: PeerId } | undefined;
  readonly isWanted: boolean;
  readonly subject: { readonly operation: HeldOperation } | { readonly registration: IdentifiedRegistration };
}

/** Verified objects of the next window, while this one is undecided. */
export interface HeldForNext {
  readonly headers: ProposalHeader[];
  readonly bodies: ProposalBody[];
  readonly votes: ProposalVote[];
}

export class NodeState {
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  readonly self: Self;

  readonly chain: Chain;
  readonly times = new TimeValues();
  /** Window whose T was asked of the VDF last. */
  vdfTarget = -1n;

  readonly bundles = new VariantPool<BundledConfirmation>();
  readonly reveals = new VariantPool<VdfReveal>();
  readonly operations = new OperationPool();
  readonly registrations = new RegistrationPool();
  readonly pendingChecks = new Map<string, PendingCheck>();
  unaskedChecks: PendingCheck[] = [];
  readonly signed = new SignedLog();
  readonly objects: ObjectBytes;

  /** Everything below belongs to the open window and starts anew with the next. */
  round: RoundState = UNARMED;
  grace: TimerState = "off";
  proposals = new ProposalPool();
  votes!: VoteBook;
  draft: Draft | undefined;
  /** Transitions asked for and, once answered, their outcomes. */
  readonly transitions = new Map<string, TransitionOutcome | "asked">();
  listing: "unasked" | "asked" | "answered" = "unasked";
  unmatchedBodies: ProposalBody[] = [];
  /** Of own headers that are being signed. */
  ownBodies: ProposalBody[] = [];
  deciding: DecidedWindow | undefined;

  /** Keys of nodes whose bundle of the window before was held when T of the window became known (§5.4, check 14). */
  readonly heldAtTick = new Map<bigint, ReadonlySet<string>>();
  held: HeldForNext = { headers: [], bodies: [], votes: [] };
  /** Identifiers that a rule asks for; kept while the window is open. */
  readonly wanted = new Map<string, { readonly hash: Hash32; isAsked: boolean }>();
  /** The highest window of which somebody has shown a signed object. */
  seenWindow = -1n;
  /** Of the own log, for windows that are not open yet. */
  readonly loggedAhead = new Map<bigint, LoggedObject[]>();
  /** Decided windows that were asked for last and may be on their way, `end` not included. */
  asked = NOTHING_ASKED;
  /** A repetition found that others are a window ahead. */
  isBehind = false;
  /** Decided windows from peers, until their turn comes. */
  readonly fetched = new Map<bigint, WindowFetched>();
  readonly peers: PeerId[] = [];
  nextPeer = 0;
  repetitions = 0;
  silence: SilenceReason | undefined;
  isHalted = false;
  /** Proposal hashes whose material the log holds. */
  readonly loggedMaterial = new Set<string>();

  constructor(crypto: Crypto, rules: NetworkRules, self: Self, objects = new ObjectBytes(crypto)) {
    this.crypto = crypto;
    this.rules = rules;
    this.self = self;
    this.objects = objects;
    this.chain = new Chain(crypto, rules);
  }

  /** W. */
  get window(): bigint {
    return this.chain.window;
  }

  get timechainValue(): Hash32 | undefined {
    return this.times.of(this.window);
  }

  /** May rules act: the window is open and not decided? */
  get isOpen(): boolean {
    return !this.isHalted && this.deciding === undefined;
  }

  get ownWeight(): bigint {
    return this.chain.facts.weights.of(this.self.nodeId);
  }

  isWanted(hash: Hash32): boolean {
    return this.wanted.has(byteKey(hash));
  }

  want(hashes: readonly Hash32[]): void {
    for (const hash of hashes) {
      const key = byteKey(hash);
      if (!this.wanted.has(key) && this.wanted.size < WANTED_MAX) this.wanted.set(key, { hash, isAsked: false });
    }
  }

  unwant(hashes: readonly Hash32[]): void {
    for (const hash of hashes) this.wanted.delete(byteKey(hash));
  }

  /** Valid bundles of the open window and of the one before count; those of the open one once its T is known. */
  weightOfBundles(window: bigint): bigint {
    const facts = this.chain.factsOf(window);
    if (facts === undefined || this.times.of(window) === undefined) return 0n;
    let weight = 0n;
    for (const { object } of this.bundles.firsts(window)) weight += facts.weights.of(object.nodeId);
    return weight;
  }

  startTimer(out: Effect[], name: TimerName, round: number): void {
    const timer: Timer = { name, window: this.window, round };
    out.push({ kind: "set-timer", timer, length: timerLength(name, round, this.chain.facts.d) });
  }

  sign(out: Effect[], unsigned: Unsigned, keep: Material = NO_MATERIAL): void {
    this.signed.request(unsigned);
    out.push({ kind: "sign", unsigned, keep });
  }

  /** Stops all signing for good. */
  fallSilent(out: Effect[], reason: SilenceReason): void {
    if (this.silence !== undefined) return;
    this.silence = reason;
    out.push({ kind: "report", fault: { code: reason, window: this.window } });
  }
}
