/** May an operation take effect in a window? (chapter 04 §4.3) */
import { equalBytes, type AccountId } from "../bytes.ts";
import { U64_MAX } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import {
  operation,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Create,
  type Operation,
  type Transfer,
} from "../objects/operations.ts";
import type { AccountRecord } from "../state/records.ts";
import type { Table } from "../state/table.ts";

export type OperationFailure =
  | "account-not-found"
  | "invalid-prev-hash"
  | "self-transfer"
  | "zero-amount"
  | "insufficient-balance"
  | "receiver-not-active"
  | "receiver-already-exists"
  | "unsupported-suite"
  | "invalid-binding"
  | "activation-cooldown-not-elapsed"
  | "invalid-signature";

export type AccountLookup = Pick<Table<AccountId, AccountRecord>, "get">;

export interface ValidationOptions {
  /** `assume-valid` only where this very operation passed under the same key before: the signature is the dear part. */
  readonly signature?: "check" | "assume-valid";
}

/**
 * The first failing check of the table in §4.3, or undefined when `op` may take effect in `window`. `accounts` is the settled
 * state of the window before, or, in the second check at settlement, that state with smaller operations applied (§4.5).
 */
export function validateOperation(
  crypto: Crypto,
  op: Operation,
  accounts: AccountLookup,
  window: bigint,
  tau2Windows: bigint,
  options: ValidationOptions = {},
): OperationFailure | undefined {
  const sender = accounts.get(op.sender);
  if (sender === undefined) return "account-not-found";
  if (!equalBytes(sender.frontierHash, op.prevHash)) return "invalid-prev-hash";
  const failure = validateContent(crypto, op, sender, accounts, window, tau2Windows);
  if (failure !== undefined) return failure;
  if (options.signature === "assume-valid") return undefined;
  return operation.verify(crypto, sender.currentPubkey, op) ? undefined : "invalid-signature";
}

/**
 * May an account whose last create settled in `lastActivationWindow` (0 = it never sent one) send another one that settles in
 * `window`? Exactly τ₂ windows later it may.
 */
export function isActivationCooldownOver(lastActivationWindow: number, window: bigint, tau2Windows: bigint): boolean {
  if (lastActivationWindow === 0) return true;
  const end = BigInt(lastActivationWindow) + tau2Windows;
  return window >= (end > U64_MAX ? U64_MAX : end);
}

function validateContent(
  crypto: Crypto,
  op: Operation,
  sender: AccountRecord,
  accounts: AccountLookup,
  window: bigint,
  tau2Windows: bigint,
): OperationFailure | undefined {
  switch (op.type) {
    case TYPE_TRANSFER:
      return validateTransfer(op, sender, accounts);
    case TYPE_CREATE:
      return validateCreate(crypto, op, sender, accounts, window, tau2Windows);
    case TYPE_CHANGE_KEY:
      return op.newSuiteId === SUITE_MLDSA65 ? undefined : "unsupported-suite";
    case TYPE_ANCHOR:
      return undefined;
  }
}

function validateTransfer(op: Transfer, sender: AccountRecord, accounts: AccountLookup): OperationFailure | undefined {
  if (equalBytes(op.sender, op.link)) return "self-transfer";
  if (op.amount === 0n) return "zero-amount";
  if (sender.balance < op.amount) return "insufficient-balance";
  if (accounts.get(op.link) === undefined) return "receiver-not-active";
  return undefined;
}

/** A create to the sender itself needs no check: the sender's record exists, so it fails as `receiver-already-exists`. */
function validateCreate(
  crypto: Crypto,
  op: Create,
  sender: AccountRecord,
  accounts: AccountLookup,
  window: bigint,
  tau2Windows: bigint,
): OperationFailure | undefined {
  if (accounts.get(op.receiver) !== undefined) return "receiver-already-exists";
  if (op.suiteId !== SUITE_MLDSA65) return "unsupported-suite";
  if (!equalBytes(op.receiver, accountIdOf(crypto, op.suiteId, op.receiverPubkey))) return "invalid-binding";
  if (op.amount === 0n) return "zero-amount";
  if (sender.balance < op.amount) return "insufficient-balance";
  if (!isActivationCooldownOver(sender.lastActivationWindow, window, tau2Windows)) {
    return "activation-cooldown-not-elapsed";
  }
  return undefined;
}
