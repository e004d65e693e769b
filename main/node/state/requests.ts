/** What the state worker is asked, what it answers, and how both travel. */
import type { AccountId, Hash32, NodeId } from "../../protocol/bytes.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import type { Founder } from "../../protocol/genesis/state.ts";
import type { ErrorParams } from "../../protocol/errors.ts";
import type { ProposalHeader } from "../../protocol/objects/consensus.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import type { RefusedRegistration } from "../../protocol/transition/applyControlSet.ts";
import type { CheckObjects, ComputeTransition, ListObjects } from "../../consensus/effects.ts";
import type { Checked, Listed, TransitionOutcome } from "../../consensus/events.ts";
import type { WindowView } from "../../consensus/facts.ts";
import type { DecidedWindow, PastWindow, WindowOutcome } from "../../consensus/material.ts";
import type { Settlement } from "../../protocol/transition/settleOperations.ts";
import type { Message } from "../../consensus/objects.ts";
import type { OwnStanding } from "../lifecycle/standing.ts";
import type { RegistrationDraft } from "../lifecycle/state.ts";
import type { ArchivedObject, HistoryLine, WindowTime } from "../store/archive.ts";
import type { CheckReport } from "../store/check.ts";
import type { Rc1Import } from "../store/importRc1.ts";
import type { Progress } from "../store/tables.ts";
import type { BodiesGiven, JoinPlan, JoinTarget, ManifestGiven, TablesGiven } from "../sync/assembly.ts";

export interface OpenOptions {
  /** Of the node in this network; made where it is missing. */
  readonly directory: string;
  readonly rules: NetworkRules;
  /** Genesis State Hash. */
  readonly networkId: Hash32;
  /** Genesis nodes besides the bootstrap pair of the parameters, for a store that is not there yet. */
  readonly founders: readonly Founder[];
  /** `must-exist`: a node that has decided windows before never starts from genesis again without being told. */
  readonly whenMissing: "create" | "must-exist";
  readonly diskReserveBytes?: number;
  readonly treeFileLeavesMin?: number;
}

export interface Opened {
  readonly height: bigint;
  /** For the log: trees that had to be folded again, and why. */
  readonly notes: readonly string[];
}

/** What a window machine is told at its start, from the store. */
export interface Standing {
  readonly view: WindowView;
  readonly past: readonly PastWindow[];
}

/** A decided window that is on disk. */
export interface Persisted extends WindowOutcome {
  /** Of the next window. */
  readonly view: WindowView;
  /** Registrations of the window that its transition skipped, and why. */
  readonly refused: readonly RefusedRegistration[];
  /** Operations of the window that its transition skipped, and why. */
  readonly skipped: Settlement["skipped"];
}

export interface Summary {
  /** Next window to decide. */
  readonly height: bigint;
  readonly roots: StateRoots;
  readonly accounts: number;
  readonly nodes: number;
  readonly candidates: number;
  /** Σ balance in nɈ. */
  readonly totalBalance: bigint;
  /** Of the last decided window. */
  readonly header: ProposalHeader | undefined;
}

export interface SettledAccounts {
  /** The last decided window; undefined before the first. */
  readonly window: bigint | undefined;
  readonly records: readonly (AccountRecord | undefined)[];
}

export interface AccountProof {
  /** The proof is against the account root of this window's header. */
  readonly window: bigint;
  /** Canonical bytes (chapter 02 §3.5): of the record, or of its absence. */
  readonly proof: Uint8Array;
}

/** The state before a window. */
export interface AnchorGround {
  /** Of the sender's record, in canonical bytes. */
  readonly senderProof: Uint8Array;
  readonly nodes: readonly NodeRecord[];
}

export interface RangeAsked {
  readonly first: bigint;
  readonly last: bigint;
  readonly cursor: number;
  /** Of the objects of a page together; a single object may be longer. */
  readonly bytesMax: number;
}

export interface RangePage {
  readonly objects: readonly Message[];
  readonly nextCursor: number;
  readonly more: boolean;
}

/** A page of a table, by node id, after `after`. */
export interface RowsAsked {
  readonly after: NodeId | undefined;
  /** At most {@link ROWS_PAGE_SIZE}. */
  readonly count: number;
}
export const ROWS_PAGE_SIZE = 100;
export type NodeRow = Pick<NodeRecord, "nodeId" | "startWindow" | "chainLength" | "lastConfirmationWindow">;
export type CandidateRow = Pick<
  CandidateRecord,
  "nodeId" | "wStart" | "vdfChainLength" | "registrationWindow" | "expires"
>;

/** What a decided window says in a line. */
export interface WindowFacts {
  readonly window: bigint;
  readonly timechainValue: Hash32;
  /** Iterations to the next one; undefined for windows before an import. */
  readonly d: bigint | undefined;
  /** Zeros where nobody won. */
  readonly winnerId: NodeId;
  readonly proposerNodeId: NodeId;
  readonly fallbackDepth: number;
  /** Whether the node asked about was counted as present, and its reveal included; undefined where the body is not kept. */
  readonly own: { readonly isPresent: boolean; readonly hasRevealed: boolean } | undefined;
}
/** Windows of one request. */
export const WINDOW_FACTS_MAX = 120;

/** One page of a history holds at most so many lines. */
export const HISTORY_PAGE_SIZE = 50;

/** Name of a request → what it takes and gives. */
export interface StateRequests {
  open: { readonly takes: OpenOptions; readonly gives: Opened };
  /** Makes the store from the files of a reference node; then `open`. */
  importRc1: { readonly takes: OpenOptions & { readonly source: string }; readonly gives: Rc1Import };
  standing: { readonly takes: undefined; readonly gives: Standing };
  listObjects: { readonly takes: ListObjects; readonly gives: Listed };
  checkObjects: { readonly takes: CheckObjects; readonly gives: Checked };
  computeTransition: { readonly takes: ComputeTransition; readonly gives: TransitionOutcome };
  persist: { readonly takes: DecidedWindow; readonly gives: Persisted };
  /** How the tables see the own node; `draft` is the registration that it would publish. */
  ownStanding: {
    readonly takes: { readonly nodeId: NodeId; readonly draft: RegistrationDraft | undefined };
    readonly gives: OwnStanding;
  };
  summary: { readonly takes: undefined; readonly gives: Summary };
  /** Those of them that stand in the pool. */
  candidatesAmong: { readonly takes: readonly NodeId[]; readonly gives: readonly NodeId[] };
  nodeRows: { readonly takes: RowsAsked; readonly gives: readonly NodeRow[] };
  candidateRows: { readonly takes: RowsAsked; readonly gives: readonly CandidateRow[] };
  /** Who was admitted in `first` or later and is still in the Node Table, in no order. */
  admittedSince: {
    readonly takes: bigint;
    readonly gives: readonly Pick<NodeRecord, "nodeId" | "startWindow">[];
  };
  /** Of at most {@link WINDOW_FACTS_MAX} windows up to `last`, newest first, as far as they are there. */
  windowFacts: {
    readonly takes: { readonly last: bigint; readonly count: number; readonly nodeId: NodeId };
    readonly gives: readonly WindowFacts[];
  };
  account: { readonly takes: AccountId; readonly gives: AccountRecord | undefined };
  /** Of one and the same state, in the order asked. */
  accounts: { readonly takes: readonly AccountId[]; readonly gives: SettledAccounts };
  accountProof: { readonly takes: AccountId; readonly gives: AccountProof };
  /** What an anchor in the bundles of `window` rests on (chapter 04 §4.14); undefined where it is not at hand any more. */
  anchorGround: {
    readonly takes: { readonly sender: AccountId; readonly window: bigint };
    readonly gives: AnchorGround | undefined;
  };
  /** Newest first; `before` is the cursor of the last line of the page before. */
  history: {
    readonly takes: { readonly subject: Hash32; readonly before?: number; readonly count?: number };
    readonly gives: readonly HistoryLine[];
  };
  headers: {
    readonly takes: { readonly first: bigint; readonly count: number };
    readonly gives: readonly Uint8Array[];
  };
  times: { readonly takes: { readonly first: bigint; readonly last: bigint }; readonly gives: readonly WindowTime[] };
  /** Objects of one window in the order of a range fetch, without its header. */
  windowObjects: {
    readonly takes: { readonly window: bigint; readonly first: number; readonly count: number };
    readonly gives: readonly ArchivedObject[];
  };
  /** A page of what a peer that asks for a range of windows is served (chapter 07 §3.18), from the `cursor`th object on. */
  range: { readonly takes: RangeAsked; readonly gives: RangePage };
  objectsById: { readonly takes: readonly Hash32[]; readonly gives: readonly (ArchivedObject | undefined)[] };
  /** Holds the state after a window; gives the number of chunks (chapter 02 §4.11). Held until released. */
  holdSnapshot: { readonly takes: bigint; readonly gives: { readonly totalChunks: number } };
  snapshotChunk: {
    readonly takes: { readonly window: bigint; readonly index: number };
    readonly gives: Uint8Array | undefined;
  };
  releaseSnapshot: { readonly takes: bigint; readonly gives: undefined };
  /** A part of the state at one of the two latest anchors, as `resumeOffset` asks; undefined where there is none. */
  snapshotPart: {
    readonly takes: { readonly anchor: bigint; readonly resumeOffset: bigint };
    readonly gives: Uint8Array | undefined;
  };
  /** Begins to put a snapshot together beside the store, which may be open; `joinEnd` ends that. */
  joinBegin: {
    readonly takes: OpenOptions & { readonly genesisStateRoot: Hash32 };
    readonly gives: undefined;
  };
  joinAim: { readonly takes: JoinTarget; readonly gives: JoinPlan };
  joinPlan: { readonly takes: undefined; readonly gives: JoinPlan };
  /** Each takes a part and gives what is wrong with it; see `../sync/assembly.ts`. */
  joinProbe: { readonly takes: Uint8Array; readonly gives: string | undefined };
  joinHeaders: {
    readonly takes: { readonly chunk: number; readonly index: number; readonly payload: Uint8Array };
    readonly gives: string | undefined;
  };
  joinRestartTables: { readonly takes: undefined; readonly gives: undefined };
  joinTables: {
    readonly takes: { readonly index: number; readonly payload: Uint8Array };
    readonly gives: TablesGiven;
  };
  joinCertify: { readonly takes: undefined; readonly gives: string | undefined };
  joinIsCertified: {
    readonly takes: { readonly next: Uint8Array; readonly certificate: readonly Uint8Array[] };
    readonly gives: boolean;
  };
  joinTime: { readonly takes: undefined; readonly gives: string | undefined };
  joinManifest: {
    readonly takes: { readonly index: number; readonly payload: Uint8Array };
    readonly gives: ManifestGiven;
  };
  joinAccounts: {
    readonly takes: { readonly prefix: number; readonly payloads: readonly Uint8Array[] };
    readonly gives: string | undefined;
  };
  joinProposalHashes: { readonly takes: readonly bigint[]; readonly gives: readonly Hash32[] };
  joinBodies: { readonly takes: readonly Uint8Array[]; readonly gives: BodiesGiven };
  /** Closes the store if one is open, and puts the new one in its place. */
  joinInstall: { readonly takes: undefined; readonly gives: undefined };
  joinEnd: { readonly takes: undefined; readonly gives: undefined };
  check: { readonly takes: undefined; readonly gives: CheckReport };
  backup: { readonly takes: { readonly target: string }; readonly gives: undefined };
  close: { readonly takes: undefined; readonly gives: undefined };
}

export type StateRequestName = keyof StateRequests;

/** To the worker. */
export type ToWorker =
  | {
      readonly kind: "request";
      readonly id: number;
      readonly name: StateRequestName;
      readonly input: unknown;
    }
  | { readonly kind: "cancel"; readonly id: number };

/** From the worker. */
export type FromWorker =
  | { readonly kind: "result"; readonly id: number; readonly output: unknown }
  | { readonly kind: "error"; readonly id: number; readonly code: string; readonly params: ErrorParams }
  /** Not one of the named errors: a defect of this program. */
  | { readonly kind: "defect"; readonly id: number; readonly message: string }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress };
