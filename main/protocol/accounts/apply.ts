/** What an operation does to the Account Table (chapter 04 §4.4, §5.4). */
import { toHex, ZERO_HASH, type AccountId, type Hash32 } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";
import {
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Create,
  type Operation,
} from "../objects/operations.ts";
import type { AccountRecord } from "../state/records.ts";

/** Conditions under which a node stops, because no table can hold the result or the table is not what it must be. */
export type OperationHalt =
  | "sender-missing"
  | "balance-underflow"
  | "op-height-overflow"
  | "account-chain-length-overflow"
  | "window-exceeds-u32"
  | "receiver-missing"
  | "balance-overflow";

export interface AccountRows {
  get(id: AccountId): AccountRecord | undefined;
  put(row: AccountRecord): void;
}

const U32_MAX = 2 ** 32 - 1;

/**
 * The effect alone of `op`, whose identifier is `opHash`, in `window`. It is right only for an operation that passed
 * `validateOperation` on these very `accounts`: unchecked, a second create of one receiver overwrites the first and its coins
 * (suite `collisions` shows it). Throws `ProtocolError<OperationHalt>` before anything was put.
 */
export function applyOperation(op: Operation, opHash: Hash32, accounts: AccountRows, window: bigint): void {
  const sender = accounts.get(op.sender);
  if (sender === undefined) throw halt("sender-missing", op.sender);
  switch (op.type) {
    case TYPE_TRANSFER: {
      const debited = touch(debit(sender, op.amount), opHash, window);
      const receiver = accounts.get(op.link);
      if (receiver === undefined) throw halt("receiver-missing", op.link);
      const credited = creditAccount(receiver, op.amount);
      accounts.put(debited);
      accounts.put(credited);
      break;
    }
    case TYPE_CREATE: {
      const debited = touch(debit(sender, op.amount), opHash, window);
      accounts.put({ ...debited, lastActivationWindow: debited.lastOpWindow });
      accounts.put(createdAccount(op, debited.lastOpWindow));
      break;
    }
    case TYPE_CHANGE_KEY:
      accounts.put({ ...touch(sender, opHash, window), currentPubkey: op.newPubkey, suiteId: op.newSuiteId });
      break;
    case TYPE_ANCHOR:
      accounts.put(touch(sender, opHash, window));
      break;
  }
}

/** Adds `amount` nɈ. Throws `ProtocolError("balance-overflow")` above 2¹²⁸−1. */
export function creditAccount(account: AccountRecord, amount: bigint): AccountRecord {
  const balance = account.balance + amount;
  if (balance > U128_MAX) throw halt("balance-overflow", account.accountId);
  return { ...account, balance };
}

/** A window as the u32 of an account record. Throws `ProtocolError("window-exceeds-u32")`. */
export function accountWindow(window: bigint): number {
  if (window > BigInt(U32_MAX)) throw new ProtocolError<OperationHalt>("window-exceeds-u32", { window });
  return Number(window);
}

function debit(account: AccountRecord, amount: bigint): AccountRecord {
  if (account.balance < amount) throw halt("balance-underflow", account.accountId);
  return { ...account, balance: account.balance - amount };
}

/** The account with one operation more in its chain. */
function touch(account: AccountRecord, opHash: Hash32, window: bigint): AccountRecord {
  if (account.opHeight === U32_MAX) throw halt("op-height-overflow", account.accountId);
  if (account.accountChainLength === U32_MAX) throw halt("account-chain-length-overflow", account.accountId);
  return {
    ...account,
    frontierHash: opHash,
    opHeight: account.opHeight + 1,
    accountChainLength: account.accountChainLength + 1,
    lastOpWindow: accountWindow(window),
  };
}

function createdAccount(op: Create, window: number): AccountRecord {
  return {
    accountId: op.receiver,
    balance: op.amount,
    suiteId: op.suiteId,
    isNodeOperator: false,
    frontierHash: ZERO_HASH,
    opHeight: 0,
    accountChainLength: 0,
    accountChainLengthSnapshot: 0,
    currentPubkey: op.receiverPubkey,
    creationWindow: window,
    lastOpWindow: window,
    lastActivationWindow: 0,
  };
}

function halt(code: OperationHalt, account: AccountId): ProtocolError<OperationHalt> {
  return new ProtocolError(code, { account: toHex(account) });
}
