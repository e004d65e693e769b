/** What can go wrong in this room. Params hold names and numbers, never secrets; words of a phrase are never quoted. */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";

export type KeystoreErrorCode =
  /** No key file in `directory`. */
  | "identity-missing"
  /** `directory` holds key files already, whatever their state. */
  | "identity-exists"
  /** `file` is not what was written; `reason` is "size", "magic", "checksum" or "field". */
  | "key-file-damaged"
  /** `file` was written by a later version of this program: `version`. */
  | "key-file-newer"
  /** `file` asks for something outside the bounds of this program: `field`, `value`. */
  | "key-file-refused"
  /** Intact but not authentic: someone made it who has not the keys; `part` is "node" or "account". */
  | "key-file-forged"
  /** The two generations are of different identities: somebody put one of them there, and neither may be overwritten. */
  | "identities-mixed"
  /** Another process rewrote the file since it was opened. */
  | "key-file-changed"
  /** The system refused: `operation`, `file`, `errno`. */
  | "file-failed"
  /** What the machine keeps for the node key is gone; `kind` says where it was. The passphrase makes a new one. */
  | "machine-key-missing"
  /** The keeper of the machine key did not answer, or refused; `kind`, `step`. */
  | "machine-key-unavailable"
  /** The keeper gave another key than this identity needs; `kind`. */
  | "machine-key-mismatch"
  | "wrong-passphrase"
  /** No passphrase and nobody to ask; the params name the three ways to give one. */
  | "passphrase-needed"
  /** `characters`, `min`. */
  | "passphrase-too-short"
  /** `bytes`, `max`. */
  | "passphrase-too-long"
  /** Not UTF-8, or with a line break inside. */
  | "passphrase-not-one-line"
  /** The two entries at the terminal differ. */
  | "passphrases-differ"
  /** The person gave up at the terminal. */
  | "passphrase-cancelled"
  /** The account part is locked, or was locked after this object was given out. */
  | "account-locked"
  /** The node's signer has been closed. */
  | "signer-closed"
  /** The node's signer signs no operation of an account. */
  | "not-a-node-message"
  /** There are no words: `reason` is "ephemeral" or "imported". */
  | "words-unknown"
  /** The phrase that was given is not UTF-8. */
  | "phrase-not-text"
  | "already-ephemeral"
  /** Only identities with a master seed can be written as version 1. */
  | "not-recoverable"
  /** A key does not follow from, or does not belong to, what is stored with it: `key`. */
  | "identity-keys-mismatch"
  /** The program's own cryptography gives wrong results: `check`. */
  | "self-test-failed"
  /** A key derivation on its thread ended without a result. */
  | "derivation-failed";

export function keystoreError(code: KeystoreErrorCode, params: ErrorParams = {}): ProtocolError<KeystoreErrorCode> {
  return new ProtocolError<KeystoreErrorCode>(code, params);
}

/** Something that a person should know although the operation succeeded. */
export interface KeystoreWarning {
  readonly code:
    /** `file` could be reached by others, `mode` in octal; it has been closed to them. */
    | "permissions-repaired"
    /** This system's access lists are not checked: the folder's inherited ones hold. */
    | "permissions-unchecked"
    /** `file` belongs to another user, `owner`. */
    | "foreign-owner"
    /** `file` was damaged (`reason`) or missing and has been made again from its other generation. */
    | "key-file-repaired"
    /** The OS keychain cannot be used (`step`); the machine key went to a file. */
    | "keychain-unavailable"
    /** The passphrase file can be read by others; `mode` in octal. */
    | "passphrase-file-open";
  readonly params: ErrorParams;
}
