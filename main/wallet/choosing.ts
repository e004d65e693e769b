/** From which account a payment goes: pure, per payment. */
import { isActivationCooldownOver } from "../protocol/accounts/validate.ts";
import { walletError } from "./errors.ts";
import type { Role } from "./person.ts";

/** What there is to choose from. */
export interface Purse {
  readonly role: Role;
  /** Settled, without what operations under way will take; nɈ. */
  readonly free: bigint;
  readonly isBusy: boolean;
  /** Of the state; {@link pendingCreation} comes on top of it. */
  readonly lastActivationWindow: number;
  /** A create of this account is under way or waits. */
  readonly hasPendingCreation: boolean;
}

export interface Payment {
  readonly amount: bigint;
  /** The receiver has no account yet: only one such payment an epoch from each account. */
  readonly creates: boolean;
  /** The person's choice. */
  readonly from: Role | undefined;
}

/** A payment that is on its way settles within so many windows, if all goes well. */
const SETTLES_WITHIN = 2n;

/**
 * One that can send now comes before one that must wait; then the node's account, whose key the machine opens, before the
 * account of the words. Throws "zero-amount", "account-not-active", "funds-insufficient", "amount-needs-two-payments" and
 * "creation-too-early". `window` is the next one.
 */
export function choosePurse(purses: readonly Purse[], payment: Payment, window: bigint, tau2Windows: bigint): Role {
  const { amount, creates, from } = payment;
  if (amount <= 0n) throw walletError("zero-amount");
  const allowed = purses.filter(({ role }) => from === undefined || role === from);
  if (allowed.length === 0) throw walletError("account-not-active", { role: from ?? "account" });
  const sufficient = allowed.filter(({ free }) => free >= amount);
  if (sufficient.length === 0) {
    const total = allowed.reduce((sum, { free }) => sum + free, 0n);
    if (total < amount) throw walletError("funds-insufficient", { amount, total });
    const largest = allowed.reduce((most, purse) => (purse.free > most.free ? purse : most));
    throw walletError("amount-needs-two-payments", { amount, total, largest: largest.free, from: largest.role });
  }
  const able = creates
    ? sufficient.filter((purse) => earliestCreation(purse, window, tau2Windows) <= window)
    : sufficient;
  if (able.length === 0) {
    const earliest = sufficient
      .map((purse) => earliestCreation(purse, window, tau2Windows))
      .reduce((first, each) => (each < first ? each : first));
    throw walletError("creation-too-early", { window: earliest, windows: earliest - window });
  }
  return able.toSorted((a, b) => Number(a.isBusy) - Number(b.isBusy) || rank(a) - rank(b))[0]!.role;
}

const rank = ({ role }: Purse): number => (role === "node" ? 0 : 1);

/** The first window in which the account may create another one (§4.12); for one that is on its way, about when. */
function earliestCreation(
  { lastActivationWindow, hasPendingCreation }: Purse,
  window: bigint,
  tau2Windows: bigint,
): bigint {
  if (hasPendingCreation) return window + SETTLES_WITHIN + tau2Windows;
  if (isActivationCooldownOver(lastActivationWindow, window, tau2Windows)) return window;
  return BigInt(lastActivationWindow) + tau2Windows;
}
