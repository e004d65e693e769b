/** Own operations: filling them in, fitting them to the settled state, signing them and checking the result. */
import { equalBytes, ZERO_HASH, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import { validateOperation, type OperationFailure } from "../protocol/accounts/validate.ts";
import type { Crypto, PublicKey, Signature } from "../protocol/crypto.ts";
import { SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import {
  operation as operationClass,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../protocol/objects/operations.ts";
import type { Draft } from "../protocol/objects/signed.ts";
import type { AccountRecord } from "../protocol/state/records.ts";
import type { AccountSigner } from "../keystore/signers.ts";
import { walletError } from "./errors.ts";

/** What is to be done, before it is known where in the account's chain. */
export type Intent =
  | { readonly kind: "pay"; readonly receiver: AccountId; readonly receiverKey?: PublicKey; readonly amount: bigint }
  | { readonly kind: "anchor"; readonly appId: Hash32; readonly dataHash: Hash32 }
  | { readonly kind: "change-key"; readonly newKey: PublicKey };

export interface Link {
  readonly sender: AccountId;
  readonly prevHash: Hash32;
}

/** A payment with the receiver's key creates its account unless `exists` says that there is one. */
export function draftOperation(
  intent: Intent,
  { sender, prevHash }: Link,
  exists: (id: AccountId) => boolean,
): Draft<Operation> {
  const link: Link = { sender, prevHash };
  switch (intent.kind) {
    case "pay": {
      const { receiver, receiverKey, amount } = intent;
      if (receiverKey === undefined || exists(receiver)) {
        return { type: TYPE_TRANSFER, ...link, link: receiver, amount } as Draft<Operation>;
      }
      const fields = { receiver, suiteId: SUITE_MLDSA65, receiverPubkey: receiverKey, amount };
      return { type: TYPE_CREATE, ...link, ...fields };
    }
    case "anchor": {
      const { appId, dataHash } = intent;
      return { type: TYPE_ANCHOR, ...link, appId, dataHash } as Draft<Operation>;
    }
    case "change-key":
      return {
        type: TYPE_CHANGE_KEY,
        ...link,
        newSuiteId: SUITE_MLDSA65,
        newPubkey: intent.newKey,
      } as Draft<Operation>;
  }
}

/** What an operation was made for. A transfer has forgotten the key of its receiver, who existed when it was made. */
export function intentOf(op: Operation): Intent {
  switch (op.type) {
    case TYPE_TRANSFER:
      return { kind: "pay", receiver: op.link, amount: op.amount };
    case TYPE_CREATE:
      return { kind: "pay", receiver: op.receiver, receiverKey: op.receiverPubkey, amount: op.amount };
    case TYPE_ANCHOR:
      return { kind: "anchor", appId: op.appId, dataHash: op.dataHash };
    case TYPE_CHANGE_KEY:
      return { kind: "change-key", newKey: op.newPubkey };
  }
}

/** Signs and checks the signature: a fault of the machine must not leave it. */
export function signOperation(crypto: Crypto, draft: Draft<Operation>, signer: AccountSigner): Operation {
  const signature: Signature = signer.signScope(operationClass.scope(draft));
  const signed = { ...draft, signature } as Operation;
  if (!operationClass.verify(crypto, signer.publicKey, signed)) throw walletError("invalid-signature");
  return signed;
}

/** The first failing check of chapter 04 §4.3 in the next window, `records` being what is settled of all accounts it names. */
export function findFailure(
  crypto: Crypto,
  op: Operation,
  records: readonly (AccountRecord | undefined)[],
  window: bigint,
  tau2Windows: bigint,
): OperationFailure | undefined {
  const accounts = {
    get: (id: AccountId) => records.find((record) => record !== undefined && equalBytes(record.accountId, id)),
  };
  return validateOperation(crypto, op, accounts, window, tau2Windows);
}

/** nɈ that leave the sender. */
export function amountOf(op: Operation): bigint {
  return "amount" in op ? op.amount : 0n;
}

export function receiverOf(op: Operation): AccountId | undefined {
  if (op.type === TYPE_TRANSFER) return op.link;
  return op.type === TYPE_CREATE ? op.receiver : undefined;
}

/** The account's key after these operations of it have settled. */
export function keyAfter(key: PublicKey, operations: readonly Operation[]): PublicKey {
  return operations.reduce((current, op) => (op.type === TYPE_CHANGE_KEY ? op.newPubkey : current), key);
}

export const NO_OPERATION = ZERO_HASH;
