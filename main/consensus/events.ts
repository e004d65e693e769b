/** Everything that the window machine is told. One call of `step` takes one of these. */
import type { Hash32 } from "../protocol/bytes.ts";
import type { OperationFailure } from "../protocol/accounts/validate.ts";
import type { PublicKey } from "../protocol/crypto.ts";
import type { ValidationFailure } from "../protocol/entry/validateRegistration.ts";
import type { StateRoots } from "../protocol/state/roots.ts";
import type { WindowView } from "./facts.ts";
import type { FetchedWindow, LoggedObject, PastWindow, WindowOutcome } from "./material.ts";
import type { Message, Signed } from "./objects.ts";
import type { Timer } from "./timers.ts";

/** Names a connection's other end; the machine only compares it. */
export type PeerId = string;

/** The first event of every run; what the store and the write-ahead log held. */
export interface Started {
  readonly kind: "started";
  /** Of the window after the last decided one. */
  readonly view: WindowView;
  /** The last three decided windows, oldest first; fewer near the beginning of the chain. */
  readonly past: readonly PastWindow[];
  /** All that this node signed for windows ≥ W − 1, and its bundles of the last 13 windows, in any order. */
  readonly log: readonly LoggedObject[];
  /** Own TimeChain values of windows ≥ W that were stored. */
  readonly times: readonly { readonly window: bigint; readonly value: Hash32 }[];
}

/** Messages that waited: their signatures are verified in one batch. `id` comes back in the verdict. */
export interface Received {
  readonly kind: "received";
  readonly messages: readonly ReceivedMessage[];
}

export interface ReceivedMessage extends Message {
  readonly id: number;
  readonly from: PeerId;
}

/** Own VDF reached T_window. */
export interface Ticked {
  readonly kind: "ticked";
  readonly window: bigint;
  readonly value: Hash32;
}

/** Answer to `find-iterations`: undefined where it is none of the candidates. */
export interface IterationsFound {
  readonly kind: "iterations-found";
  readonly window: bigint;
  readonly iterations: bigint | undefined;
}

/** Answer to `sign`: the object is signed and, with what was to be kept with it, safely in the write-ahead log. */
export interface SignedAndLogged {
  readonly kind: "signed";
  readonly signed: Signed;
}

/** Answer to `list-objects`: what may stand in this node's bundle of `window`, both ascending. */
export interface Listed {
  readonly kind: "listed";
  readonly window: bigint;
  readonly operations: readonly Hash32[];
  readonly registrations: readonly Hash32[];
}

/** Answer to `check-objects`, for each of them. */
export interface Checked {
  readonly kind: "checked";
  readonly window: bigint;
  readonly operations: readonly OperationCheck[];
  readonly registrations: readonly RegistrationCheck[];
}

export interface OperationCheck {
  readonly opHash: Hash32;
  /** The first failing check of chapter 04 §4.3. */
  readonly failure: OperationFailure | undefined;
  /** The key that the signature is valid under: the sender's settled one. Undefined also for an unknown sender. */
  readonly verifiedWith: PublicKey | undefined;
  /** Chapter 04 §4.10. */
  readonly priority: bigint;
}

export interface RegistrationCheck {
  readonly hash: Hash32;
  /** Of chapter 05 §5, or of the confirmer's own check of the candidate chain. */
  readonly failure: ValidationFailure | "vdf-mismatch" | undefined;
}

/** Answer to `compute-transition`. */
export interface TransitionComputed {
  readonly kind: "transition-computed";
  readonly key: Hash32;
  readonly outcome: TransitionOutcome;
}

export type TransitionOutcome =
  | {
      readonly roots: StateRoots;
      /** Identifiers of operations that were skipped for their signature: a bad copy from a peer, or a bad operation. */
      readonly badlySigned: readonly Hash32[];
    }
  /** The code of the halt; for a proposal of another node it is a rejection. */
  | { readonly failure: string };

/** Answer to `persist`: window W is on disk; the view is of W + 1. */
export interface Committed extends WindowOutcome {
  readonly kind: "committed";
  readonly view: WindowView;
}

/** A decided window that was asked for, from a peer that may lie. */
export interface WindowFetched {
  readonly kind: "window-fetched";
  readonly from: PeerId;
  readonly fetched: FetchedWindow;
}

export interface TimerExpired {
  readonly kind: "timer-expired";
  readonly timer: Timer;
}

export interface PeerConnected {
  readonly kind: "peer-connected" | "peer-disconnected";
  readonly peer: PeerId;
}

export type MachineEvent =
  | Started
  | Received
  | Ticked
  | IterationsFound
  | SignedAndLogged
  | Listed
  | Checked
  | TransitionComputed
  | Committed
  | WindowFetched
  | TimerExpired
  | PeerConnected;
