/** What can go wrong in this room. Params hold names, numbers and public ids; never a key, a passphrase or a note. */
import type { OperationFailure } from "../protocol/accounts/validate.ts";
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";

export type WalletErrorCode =
  /** `text` is no amount; `reason` is "empty", "comma", "sign", "space", "digits", "decimals", "unit" or "too-large". */
  | "amount-invalid"
  // a payment that cannot be made
  /** The state holds no account of this person that could send: `role`. */
  | "account-not-active"
  /** `address` has no account yet, and only its owner's request brings the key that creates it. */
  | "receiver-needs-request"
  /** Less than `amount` in all accounts together, `total`; both nɈ. */
  | "funds-insufficient"
  /** Enough in all (`total`) but not in one account: `largest` is the most that one payment can be, `from` says from where. */
  | "amount-needs-two-payments"
  /** This account may create another one from `window` on, in `windows` windows. */
  | "creation-too-early"
  /** The passphrase has not been given, or its time is over (the keystore's code). */
  | "account-locked"
  /** The account's key was changed to one that this identity does not hold: `role`. */
  | "key-not-held"
  /** `max` operations wait in one account already. */
  | "queue-full"
  /** What must be signed for this very moment cannot be queued: an operation is under way, `id`. */
  | "account-busy"
  /** An operation stays valid although nobody confirmed it: it must be sent again or cancelled first, `id`. */
  | "operation-unresolved"
  | "operation-unknown"
  /** What has happened cannot be cancelled or sent again: `id`, `state`. */
  | "operation-final"
  /** Nobody has shown that the new key's secret is at hand. */
  | "key-not-proven"
  | "key-unchanged"
  /** What is to be signed as a proof is no change of a key. */
  | "challenge-malformed"
  /** There is nothing on the node's account that could be moved. */
  | "nothing-to-move"
  // account requests
  /** Not in the form of a request; `reason` is "prefix", "size", "text" or "fields". */
  | "request-malformed"
  /** Made by a later program: `version`. */
  | "request-newer"
  | "request-checksum"
  /** The account id is not that of the key. */
  | "request-binding"
  /** `suite` is not one that this program knows. */
  | "request-suite"
  /** Longer than `max` bytes, or with characters that are not to be shown. */
  | "request-note"
  /** One picture of a series: not in its form, damaged, or of another request. */
  | "picture-malformed"
  | "picture-checksum"
  | "picture-of-another-series"
  /** `missing` of `total` pictures have not been seen. */
  | "pictures-missing"
  // files
  /** `file` is not what was written; `reason` is "size", "magic", "checksum" or "fields". */
  | "wallet-file-damaged"
  /** Written by a later program: `version`. */
  | "wallet-file-newer"
  | "wallet-file-of-another-network"
  // looking things up
  /** No entry has this `id`. */
  | "history-entry-unknown"
  /** The bytes are no proof of an anchor. */
  | "proof-unreadable"
  // What the own check of an operation finds before it is sent.
  | OperationFailure;

export function walletError(code: WalletErrorCode, params: ErrorParams = {}): ProtocolError<WalletErrorCode> {
  return new ProtocolError(code, params);
}
