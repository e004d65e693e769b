/** Giving an account another key (chapter 04 §4.3, ChangeKey): what it means, and the proof that it does not lose the account. */
import { concatBytes, equalBytes, toHex, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type PublicKey, type Signature } from "../protocol/crypto.ts";
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";
import { accountFingerprint } from "../protocol/identity/fingerprints.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import { operation, TYPE_CHANGE_KEY, type Operation } from "../protocol/objects/operations.ts";
import type { Draft } from "../protocol/objects/signed.ts";
import { draftOperation } from "./drafting.ts";
import { walletError } from "./errors.ts";
import { signerOf, type Person, type Role } from "./person.ts";
import type { OpenedSigners } from "./ports.ts";

/** What a person has to know before the key of an account changes; each is a fact about this very change. */
export interface KeyChangeWarning {
  readonly code:
    /** Contacts know the account by six words, which change: `before`, `after`. They must compare them again. */
    | "fingerprint-changes"
    /** `accountId` stays, and money sent to it still arrives. */
    | "account-id-stays"
    /** From the window after it settles the old key opens nothing; backups with the old key alone are worth nothing. */
    | "old-key-ends"
    /** This identity does not hold the new key: this program cannot send from the account any more. */
    | "key-leaves-this-identity"
    /** The machine opens the new key without the passphrase. */
    | "key-opened-by-machine"
    /** One key then signs for two accounts: who gets it has both. */
    | "key-shared"
    /** The new key names an account of its own, `accountId`, which is another one. */
    | "key-names-another-account";
  readonly params: ErrorParams;
}

export interface KeyChange {
  readonly accountId: AccountId;
  readonly oldKey: PublicKey;
  readonly newKey: PublicKey;
  readonly prevHash: Hash32;
}

const draftOf = ({ accountId, prevHash, newKey }: KeyChange): Draft<Operation> =>
  draftOperation({ kind: "change-key", newKey }, { sender: accountId, prevHash }, () => true);

/**
 * What the holder of the new key signs to show that it is at hand: the very scope of the operation. Under the new key it
 * authorises nothing, for the account still has the old one; and it fits this one change only.
 */
export function possessionChallenge(change: KeyChange): Uint8Array {
  return operation.scope(draftOf(change));
}

/** Throws "key-unchanged" and "key-not-proven". */
export function requirePossession(crypto: Crypto, change: KeyChange, proof: Signature): void {
  if (equalBytes(change.oldKey, change.newKey)) throw walletError("key-unchanged");
  if (!crypto.mldsa65.verify(change.newKey, possessionChallenge(change), proof)) throw walletError("key-not-proven");
}

/** The proof for a key of this identity; undefined for another one's. */
export function ownPossession(change: KeyChange, signers: OpenedSigners): Signature | undefined {
  return signerOf(signers, change.newKey)?.signScope(possessionChallenge(change));
}

/**
 * The other side of it: signs the challenge that somebody brings, if the new key in it is one of these. Nothing else that one
 * could sign here authorises anything: a change to a key is signed by the key before. Throws "challenge-malformed" and
 * "key-not-held".
 */
export function provePossession(challenge: Uint8Array, signers: OpenedSigners): Signature {
  const change = readChallenge(challenge);
  const signer = signerOf(signers, change.newPubkey);
  if (signer === undefined) throw walletError("key-not-held", { role: "account" });
  return signer.signScope(challenge);
}

function readChallenge(challenge: Uint8Array) {
  try {
    const change = operation.decode(concatBytes(challenge, new Uint8Array(MLDSA_SIGNATURE_SIZE)));
    if (change.type === TYPE_CHANGE_KEY) return change;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw walletError("challenge-malformed");
}

export function keyChangeWarnings(crypto: Crypto, person: Person, role: Role, change: KeyChange): KeyChangeWarning[] {
  const { accountId, oldKey, newKey } = change;
  const words = (key: PublicKey): string => accountFingerprint(crypto, key).join(" ");
  const warnings: KeyChangeWarning[] = [
    { code: "account-id-stays", params: { accountId: toHex(accountId) } },
    { code: "old-key-ends", params: {} },
    { code: "fingerprint-changes", params: { before: words(oldKey), after: words(newKey) } },
  ];
  const owner = person.accounts.find(({ firstKey }) => equalBytes(firstKey, newKey));
  if (owner === undefined) warnings.push({ code: "key-leaves-this-identity", params: { role } });
  if (owner?.role === "node") warnings.push({ code: "key-opened-by-machine", params: {} });
  if (owner !== undefined && owner.role !== role) warnings.push({ code: "key-shared", params: { role: owner.role } });
  const named = accountIdOf(crypto, SUITE_MLDSA65, newKey);
  if (!equalBytes(named, accountId)) {
    warnings.push({ code: "key-names-another-account", params: { accountId: toHex(named) } });
  }
  return warnings;
}
