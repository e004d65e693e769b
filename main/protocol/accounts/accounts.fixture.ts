/** Five people with an account each, and the operations that they send; for the tests of this room. */
import { loadCrypto } from "../../native/index.ts";
import { ZERO_HASH, type AccountId, type Hash32 } from "../bytes.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import {
  operation,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../objects/operations.ts";
import type { Draft } from "../objects/signed.ts";
import { MemoryAccountTable } from "../state/memory.ts";
import type { AccountRecord } from "../state/records.ts";
import type { HeldOperation } from "./equivocation.ts";

export const { crypto } = loadCrypto();

const PEOPLE = 5;
export const keys = Array.from({ length: PEOPLE }, (_, i) =>
  crypto.mldsa65.generate(new Uint8Array(32).fill(0xa0 + i)),
);
export const ids = keys.map(({ publicKey }) => accountIdOf(crypto, SUITE_MLDSA65, publicKey));

/** A hash that is told apart from others by `seed`. */
export const hashOf = (seed: number | string): Hash32 => crypto.sha256(new TextEncoder().encode(String(seed)));

/** The account of person `i`: 1000 nɈ and an empty chain unless `fields` says otherwise. */
export function accountOf(i: number, fields: Partial<AccountRecord> = {}): AccountRecord {
  return {
    accountId: ids[i]!,
    balance: 1000n,
    suiteId: SUITE_MLDSA65,
    isNodeOperator: false,
    frontierHash: ZERO_HASH,
    opHeight: 0,
    accountChainLength: 0,
    accountChainLengthSnapshot: 0,
    currentPubkey: keys[i]!.publicKey,
    creationWindow: 1,
    lastOpWindow: 1,
    lastActivationWindow: 0,
    ...fields,
  };
}

export function tableOf(...accounts: readonly AccountRecord[]): MemoryAccountTable {
  const table = new MemoryAccountTable();
  table.apply(accounts.map((row) => ({ id: row.accountId, row })));
  return table;
}

interface Link {
  readonly prevHash?: Hash32;
}

const linkOf = (from: number, { prevHash = ZERO_HASH }: Link) => ({ prevHash, sender: ids[from]! });

export function transfer(from: number, link: AccountId, amount: bigint, fields: Link = {}): Operation {
  return sign(from, { type: TYPE_TRANSFER, ...linkOf(from, fields), link, amount } as Draft<Operation>);
}

export function create(
  from: number,
  to: number,
  amount: bigint,
  fields: Link & { receiver?: AccountId } = {},
): Operation {
  const receiver = {
    receiver: fields.receiver ?? ids[to]!,
    suiteId: SUITE_MLDSA65,
    receiverPubkey: keys[to]!.publicKey,
  };
  return sign(from, { type: TYPE_CREATE, ...linkOf(from, fields), ...receiver, amount } as Draft<Operation>);
}

export function changeKey(from: number, to: number, fields: Link = {}): Operation {
  const newKey = { newSuiteId: SUITE_MLDSA65, newPubkey: keys[to]!.publicKey };
  return sign(from, { type: TYPE_CHANGE_KEY, ...linkOf(from, fields), ...newKey });
}

export function anchor(from: number, dataHash: Hash32, fields: Link = {}): Operation {
  return sign(from, { type: TYPE_ANCHOR, ...linkOf(from, fields), appId: ZERO_HASH, dataHash } as Draft<Operation>);
}

export function held(op: Operation): HeldOperation {
  return { operation: op, opHash: operation.identify(crypto, op) };
}

function sign(from: number, draft: Draft<Operation>): Operation {
  return operation.sign(crypto, keys[from]!.secretKey, draft);
}
