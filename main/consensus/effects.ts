/** Everything that the window machine asks for. The runtime carries effects out in the order given. */
import type { Hash32, NodeId } from "../protocol/bytes.ts";
import type { GatheredOperation } from "../protocol/accounts/bundleRules.ts";
import type { HeldOperation } from "../protocol/accounts/equivocation.ts";
import type { ErrorParams } from "../protocol/errors.ts";
import type { NodeRegistration } from "../protocol/objects/nodeRegistration.ts";
import type { WindowInputs } from "../protocol/transition/applyWindow.ts";
import type { PeerId } from "./events.ts";
import type { DecidedWindow, Material } from "./material.ts";
import type { Message, Signed, Unsigned } from "./objects.ts";
import type { Timer, TimerLength, TimerName } from "./timers.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Sign, write object and `keep` to the write-ahead log with fsync, then answer `signed`. The machine never asks for an object
 * that contradicts a logged one; it sends the object itself, after the answer.
 */
export interface Sign {
  readonly kind: "sign";
  readonly unsigned: Unsigned;
  readonly keep: Material;
}

/** To all peers but `except`, each identifier once a peer unless the machine repeats it. */
export interface Broadcast {
  readonly kind: "broadcast";
  readonly message: Message;
  readonly except?: PeerId;
}

export interface Send {
  readonly kind: "send";
  readonly to: PeerId;
  readonly messages: readonly Message[];
}

/** What became of a received message; a rejection costs the peer a penalty. */
export interface GiveVerdict {
  readonly kind: "verdict";
  readonly id: number;
  readonly verdict: Verdict;
}

/** Ask the owner of the tables what may stand in this node's bundle of `window` (§5.6); answered by `listed`. */
export interface ListObjects {
  readonly kind: "list-objects";
  readonly window: bigint;
  /** In the order in which they were first seen, without what contradicts an earlier bundle. */
  readonly operations: readonly GatheredOperation[];
  /** Operations of these that earlier bundles of this node listed. */
  readonly attested: readonly HeldOperation[];
  readonly registrations: readonly IdentifiedRegistration[];
}

export interface IdentifiedRegistration {
  readonly registration: NodeRegistration;
  readonly hash: Hash32;
}

/** Ask the owner of the tables to check objects against S_{W−1}, W = `window`; answered by `checked`. */
export interface CheckObjects {
  readonly kind: "check-objects";
  readonly window: bigint;
  readonly operations: readonly HeldOperation[];
  readonly registrations: readonly IdentifiedRegistration[];
}

/** Ask the owner of the tables for the roots that `inputs` lead to; answered by `transition-computed`. Keep the result. */
export interface ComputeTransition {
  readonly kind: "compute-transition";
  readonly key: Hash32;
  readonly inputs: WindowInputs;
}

/** Store a decided window in one atomic step (§6.9), then answer `committed`. Other computed transitions are void. */
export interface Persist {
  readonly kind: "persist";
  readonly decided: DecidedWindow;
}

/** Ask peers for objects by identifier; what comes back is `received` like everything else. */
export interface FetchObjects {
  readonly kind: "fetch-objects";
  readonly hashes: readonly Hash32[];
}

/** Ask a peer for decided windows from `first` on; each comes back as `window-fetched`, in ascending order. */
export interface FetchWindows {
  readonly kind: "fetch-windows";
  readonly first: bigint;
  readonly count: bigint;
}

/** Hash `iterations` times from `from` to T_window; a computation in progress is abandoned. Answered by `ticked`. */
export interface RunVdf {
  readonly kind: "run-vdf";
  readonly window: bigint;
  readonly from: Hash32;
  readonly iterations: bigint;
}

/** As `run-vdf`, of window + 1 from T_`window`, where own values after `window` are void: their D was another one. */
export interface RestartVdf {
  readonly kind: "restart-vdf";
  readonly window: bigint;
  readonly value: Hash32;
  readonly iterations: bigint;
}

/** With which of `candidates` does the chain come from one value to the other? Answered by `iterations-found`. */
export interface FindIterations {
  readonly kind: "find-iterations";
  readonly window: bigint;
  readonly from: Hash32;
  readonly to: Hash32;
  readonly candidates: readonly bigint[];
}

/** Replaces a running timer of the same name. */
export interface SetTimer {
  readonly kind: "set-timer";
  readonly timer: Timer;
  readonly length: TimerLength;
}

export interface CancelTimer {
  readonly kind: "cancel-timer";
  readonly name: TimerName;
}

/** Keep and show: proof of another node's fault, or a reason why this one stopped signing. */
export interface Report {
  readonly kind: "report";
  readonly fault: Fault;
}

export type Fault =
  /** Two different signed objects for one key (§6.11). */
  | { readonly code: "equivocation"; readonly nodeId: NodeId; readonly first: Signed; readonly second: Signed }
  | { readonly code: "invalid-proposal"; readonly nodeId: NodeId; readonly hash: Hash32; readonly failure: string }
  /** The own key signed something that the log does not hold: it is in use elsewhere. */
  | { readonly code: "own-signature-elsewhere"; readonly object: Signed }
  /** A header of a protocol that this program does not know: it needs an upgrade if the chain follows that header. */
  | { readonly code: "protocol-version-unsupported"; readonly nodeId: NodeId; readonly protocolVersion: number }
  /** A peer served a decided window that does not check. */
  | { readonly code: "bad-window"; readonly peer: PeerId; readonly failure: string }
  /** An rc.1 producer's header is not what the window leads to here: the check, and the first field that differs. */
  | {
      readonly code: "producer-header-refused";
      readonly window: bigint;
      readonly failure: string;
      readonly field: string | undefined;
    }
  /** From here on this node signs nothing more. */
  | { readonly code: SilenceReason; readonly window: bigint };

export type SilenceReason =
  /** A certified header leads to another state here: own state or software is wrong. */
  | "certified-state-differs"
  /** Own hashing gives another T than a quorum has. */
  | "adopted-time-differs"
  | "two-certificates";

/** For whoever watches. */
export type Notice =
  | { readonly code: "armed"; readonly window: bigint }
  | { readonly code: "round"; readonly window: bigint; readonly round: number }
  | {
      readonly code: "decided";
      readonly window: bigint;
      readonly hash: Hash32;
      readonly depth: number;
      readonly round: number;
    }
  | { readonly code: "adopted-time"; readonly window: bigint; readonly value: Hash32 }
  | { readonly code: "behind"; readonly window: bigint; readonly seen: bigint }
  /** After T_`window` an rc.1 producer takes other iterations than the rule gives. */
  | { readonly code: "iterations-found"; readonly window: bigint; readonly iterations: bigint };

export interface Notify {
  readonly kind: "notify";
  readonly notice: Notice;
}

/** The node cannot go on; the code is that of the protocol's halt. */
export interface Halt {
  readonly kind: "halt";
  readonly code: string;
  readonly params: ErrorParams;
}

export type Effect =
  | Sign
  | Broadcast
  | Send
  | GiveVerdict
  | ListObjects
  | CheckObjects
  | ComputeTransition
  | Persist
  | FetchObjects
  | FetchWindows
  | RunVdf
  | RestartVdf
  | FindIterations
  | SetTimer
  | CancelTimer
  | Report
  | Notify
  | Halt;
