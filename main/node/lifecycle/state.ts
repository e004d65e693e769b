/** Where a node is on its way into the Node Table (chapter 05 §6.4), what happens to it and what is to be done. */
import type { AccountId, Hash32 } from "../../protocol/bytes.ts";
import type { ValidationFailure } from "../../protocol/entry/validateRegistration.ts";
import type { NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import type { Draft } from "../../protocol/objects/signed.ts";
import type { OwnStanding } from "./standing.ts";

export type Phase = "Bootstrap" | "CandidateVdf" | "Registered" | "Active";

/** Why a chain was begun, or taken up, other than at first. */
export type RestartCause =
  /** Past W_start + 2τ₂, and this computer cannot make it even without a break. */
  | "too-slow"
  /** Past W_start + 2τ₂ with an unfinished chain. */
  | "deadline-missed"
  /** Past W_start + 2τ₂ with a finished chain that no window applied. */
  | "not-registered-in-time"
  /** 3τ₂ in the pool without an admission. */
  | "registration-expired"
  /** Out of the pool without an admission. */
  | "registration-dropped"
  /** The node was evicted from the Node Table. */
  | "evicted"
  /** The person asked for it. */
  | "requested";

/** Why a finished chain is not published now. */
export type Hindrance = ValidationFailure | "entry-closed";

/** A candidate chain; what of it is on disk beyond `done` is the progress file's (main/node/vdf). */
export interface ChainState {
  readonly wStart: bigint;
  /** v_0. */
  readonly init: Hash32;
  /** D(W_start). */
  readonly d: bigint;
  readonly target: bigint;
  /** Finished segments, and the value after them. */
  readonly done: bigint;
  readonly value: Hash32;
}

export type RegistrationDraft = Draft<NodeRegistration>;

/** What is published each window until it is applied. */
export interface Publication {
  readonly operatorAccountId: AccountId;
  readonly proofEndpoint: Hash32;
  readonly vdfChainLength: bigint;
}

export interface LifecycleState {
  readonly phase: Phase;
  /** Undefined: the person did not ask to become a node, or has withdrawn. */
  readonly operatorAccountId: AccountId | undefined;
  /** No chain begins in an earlier window. Not kept over a restart of the program. */
  readonly notBefore: bigint | undefined;
  readonly chain: ChainState | undefined;
  readonly publication: Publication | undefined;
  readonly registration: { readonly window: bigint; readonly noderegHash: Hash32 } | undefined;
  readonly admissionWindow: bigint | undefined;
  readonly hindrance: Hindrance | undefined;
  readonly lastRestart: RestartCause | undefined;
}

/** What a window says to the own node, besides its standing. */
export interface WindowFacts {
  readonly window: bigint;
  /** T of the window. */
  readonly timechainValue: Hash32;
  /** cba(W − 2), the 32 zero bytes where that is before window 2. */
  readonly aggregate: Hash32;
  /** D(W). */
  readonly d: bigint;
  /** Was the node at the tip of the network when this window closed? */
  readonly isSynchronised: boolean;
  readonly standing: OwnStanding;
  /** Why the transition skipped the own registration, where the window had one. */
  readonly refusal: ValidationFailure | "vdf-chain-too-short" | undefined;
  /** Whether a whole chain fits the deadline at this computer's own speed without a break; undefined: not measured. */
  readonly isFastEnough: boolean | undefined;
}

export type LifecycleEvent =
  | { readonly kind: "join"; readonly operatorAccountId: AccountId; readonly notBefore?: bigint | undefined }
  | { readonly kind: "withdraw" }
  /** Give the chain up and begin another one, as after an alarm that it cannot be in time. */
  | { readonly kind: "start-over" }
  | ({ readonly kind: "window" } & WindowFacts)
  /** The chain finished a segment, or went back to one. */
  | { readonly kind: "segment"; readonly done: bigint; readonly value: Hash32 };

export type LifecycleAction =
  /** Let this chain run up to its target: start it, or extend the one that runs. */
  | { readonly kind: "run-chain"; readonly chain: ChainState }
  | { readonly kind: "rest-chain" }
  /** Sign, and send to the network. */
  | { readonly kind: "publish"; readonly draft: RegistrationDraft }
  | { readonly kind: "tell"; readonly news: LifecycleNews };

/** What a person is told, once. */
export type LifecycleNews =
  | {
      readonly kind: "chain-begun";
      readonly wStart: bigint;
      readonly target: bigint;
      readonly cause: RestartCause | undefined;
    }
  | { readonly kind: "chain-taken-up"; readonly done: bigint; readonly cause: RestartCause }
  | { readonly kind: "chain-extended"; readonly from: bigint; readonly to: bigint }
  | { readonly kind: "chain-finished"; readonly segments: bigint }
  | { readonly kind: "published"; readonly window: bigint; readonly noderegHash: Hash32 }
  | { readonly kind: "refused"; readonly failure: ValidationFailure | "vdf-chain-too-short" }
  | { readonly kind: "hindered"; readonly hindrance: Hindrance }
  | { readonly kind: "registered"; readonly window: bigint }
  /** `bonus` in nɈ, credited to `operatorAccountId` in `window`. */
  | {
      readonly kind: "admitted";
      readonly window: bigint;
      readonly bonus: bigint;
      readonly operatorAccountId: AccountId;
    }
  | { readonly kind: "already-a-node"; readonly startWindow: bigint }
  | { readonly kind: "lost-place"; readonly cause: RestartCause };
