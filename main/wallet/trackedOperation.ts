/**
 * The life of one own operation (chapter 04 §4.12) as a pure state machine: what is known, and one step for each thing that
 * can be learnt about it. What it does not expect changes nothing, so that events may come twice or late.
 *
 *     queued → signed → cementing → confirmed → settled
 *                          │ ↑          └→ skipped
 *                          │ └ again
 *                          ├→ expired        any of them → rejected: another operation took the place
 */
import type { Hash32 } from "../protocol/bytes.ts";
import type { Operation } from "../protocol/objects/operations.ts";
import type { Role } from "./person.ts";

/** Places in the list are part of the file format. */
export const OPERATION_STATES = [
  "queued",
  "signed",
  "cementing",
  "confirmed",
  "settled",
  "skipped",
  "rejected",
  "expired",
] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** As a person is told: what was rejected because the person took it back is no failure. */
export const SHOWN_STATES = [...OPERATION_STATES, "cancelled"] as const;
export type ShownState = (typeof SHOWN_STATES)[number];

export function shownState({ state, reason }: TrackedOperation): ShownState {
  return state === "rejected" && reason === CANCELLED ? "cancelled" : state;
}

/** The `reason` of an operation that the person took back. */
export const CANCELLED = "cancelled";

/** Windows without a quorum after which an operation counts as expired, and nodes forget what they held in its place. */
export const EXPIRY_WINDOWS = 13;

export interface TrackedOperation {
  /** Identifier of the operation as it was first signed; stays when the operation has to be signed anew. */
  readonly id: Hash32;
  readonly opHash: Hash32;
  readonly role: Role;
  /** Signed; while `queued` ahead of its turn, after the operations before it. */
  readonly operation: Operation;
  readonly state: OperationState;
  /** Others may hold these bytes: nothing else may be put in their place without the person's word. */
  readonly isPublished: boolean;
  /** Superseded by the person's own cancellation: not sent any more. */
  readonly isWithdrawn: boolean;
  /** A different operation in its place was seen, which this wallet did not make. */
  readonly isContradicted: boolean;
  /** The last decided window when it was made. */
  readonly since: bigint;
  /** Windows since it was sent (again) in which no quorum confirmed it. */
  readonly quietWindows: number;
  /** When the present state was entered, for `confirmed` and what ends an operation; 0 otherwise. */
  readonly stateWindow: bigint;
  /** Code of what ended it, or empty. */
  readonly reason: string;
  /** The operation that this one cancels, by taking its place; zeros for none. */
  readonly cancels: Hash32;
  /** Names the order that it was made for, so that an order which comes twice is carried out once; zeros for none. */
  readonly order: Hash32;
}

/** What became of the place behind the sender's frontier that an operation was signed for. */
export type SlotOutcome = "open" | "taken" | { readonly settledIn: bigint };

export type OperationEvent =
  /** Its turn has come: `operation` fits the settled state. */
  | { readonly kind: "turn"; readonly operation: Operation; readonly opHash: Hash32 }
  /** It is about to be given away. */
  | { readonly kind: "publishing" }
  | { readonly kind: "accepted" }
  /** By the own node; `isFirst` where nobody was given it before. */
  | { readonly kind: "refused"; readonly failure: string; readonly window: bigint; readonly isFirst: boolean }
  /** A quorum of the bundles of `window` lists it. */
  | { readonly kind: "confirmed"; readonly window: bigint }
  | {
      readonly kind: "window";
      readonly window: bigint;
      readonly isLive: boolean;
      readonly slot: SlotOutcome;
      /** Why settlement passed over it in this window. */
      readonly skipped: string | undefined;
    }
  | { readonly kind: "contradicted" }
  /** The person wants it in spite of `expired`. */
  | { readonly kind: "again" }
  /** The person does not want it any more, and another operation takes its place. */
  | { readonly kind: "withdrawn" }
  /** It ends before anybody else has seen it. */
  | { readonly kind: "dropped"; readonly reason: string; readonly window: bigint };

export function stepOperation(tracked: TrackedOperation, event: OperationEvent): TrackedOperation {
  if (isOver(tracked)) return tracked;
  const { state } = tracked;
  switch (event.kind) {
    case "turn":
      if (state !== "queued") return tracked;
      return { ...tracked, operation: event.operation, opHash: event.opHash, state: "signed" };
    case "publishing":
      return state === "queued" ? tracked : { ...tracked, isPublished: true };
    case "accepted":
      return state === "signed" ? { ...tracked, state: "cementing" } : tracked;
    case "refused":
      // Once others have it, only the chain can say that it will not settle.
      return state === "signed" && event.isFirst ? ended(tracked, "rejected", event.window, event.failure) : tracked;
    case "confirmed":
      if (state !== "signed" && state !== "cementing" && state !== "expired") return tracked;
      return { ...tracked, state: "confirmed", quietWindows: 0, stateWindow: event.window };
    case "window":
      return state === "queued" ? tracked : closeWindow(tracked, event);
    case "contradicted":
      return { ...tracked, isContradicted: true };
    case "again":
      if (state !== "expired") return tracked;
      return { ...tracked, state: "signed", quietWindows: 0, stateWindow: 0n, isContradicted: false };
    case "withdrawn":
      return { ...tracked, isWithdrawn: true };
    case "dropped":
      return tracked.isPublished ? tracked : ended(tracked, "rejected", event.window, event.reason);
  }
}

function closeWindow(
  tracked: TrackedOperation,
  { window, isLive, slot, skipped }: Extract<OperationEvent, { kind: "window" }>,
): TrackedOperation {
  const { state } = tracked;
  if (typeof slot === "object") return ended(tracked, "settled", slot.settledIn, "");
  if (slot === "taken") {
    if (state === "skipped") return tracked;
    return ended(tracked, "rejected", window, tracked.isWithdrawn ? CANCELLED : "other-operation-settled");
  }
  if (state === "skipped" || state === "expired") return tracked;
  if (skipped !== undefined) return ended(tracked, "skipped", window, skipped);
  // What the bundles of V confirmed settles in V + 1; votes do not carry over (§4.9).
  if (state === "confirmed" && window <= tracked.stateWindow) return tracked;
  const open: TrackedOperation =
    state === "confirmed" ? { ...tracked, state: "cementing", stateWindow: 0n, quietWindows: 0 } : tracked;
  if (!isLive || !open.isPublished) return open;
  const quietWindows = open.quietWindows + 1;
  if (quietWindows < EXPIRY_WINDOWS) return { ...open, quietWindows };
  return { ...ended(open, "expired", window, ""), quietWindows };
}

function ended(
  tracked: TrackedOperation,
  state: OperationState,
  stateWindow: bigint,
  reason: string,
): TrackedOperation {
  return { ...tracked, state, stateWindow, reason };
}

/** Nothing can happen to it any more. */
export function isOver({ state }: TrackedOperation): boolean {
  return state === "settled" || state === "rejected";
}

/**
 * Whether another operation in its place could meet it. A skipped one is dead while the state is as it is, yet nodes keep to it
 * for some windows: until then they would not attest another one.
 */
export function holdsPlace({ state, stateWindow }: TrackedOperation, window: bigint): boolean {
  switch (state) {
    case "signed":
    case "cementing":
    case "confirmed":
    case "expired":
      return true;
    case "skipped":
      return window < stateWindow + BigInt(EXPIRY_WINDOWS);
    case "queued":
    case "settled":
    case "rejected":
      return false;
  }
}

/** To be given to the node again. */
export function isToBeSent({ state, isWithdrawn }: TrackedOperation): boolean {
  return !isWithdrawn && (state === "signed" || state === "cementing" || state === "confirmed");
}
