/** The text forms of an account (chapter 01 §4.9). Consensus objects carry the raw 32 bytes, never text. */
import { concatBytes, equalBytes, fromHex, HASH_SIZE, type AccountId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { decodeBase58, encodeBase58 } from "./base58.ts";

const PREFIX = "mt";
const SCHEME = "montana:";
const CHECKSUM_SIZE = 4;

type AddressErrorCode = "bad-prefix" | "bad-character" | "bad-length" | "bad-checksum";

/** `mt` and Base58 of the id and its checksum: usually 51 or 52 characters. */
export function encodeAddress(crypto: Pick<Crypto, "sha256">, accountId: AccountId): string {
  return PREFIX + encodeBase58(concatBytes(accountId, checksumOf(crypto, accountId)));
}

/** Exact inverse of {@link encodeAddress}. Throws `ProtocolError<AddressErrorCode>`, checked in the order of the type. */
export function decodeAddress(crypto: Pick<Crypto, "sha256">, text: string): AccountId {
  if (!text.startsWith(PREFIX)) throw new ProtocolError<AddressErrorCode>("bad-prefix");
  const payload = decodeBase58(text.slice(PREFIX.length));
  if (payload.length !== HASH_SIZE + CHECKSUM_SIZE) {
    throw new ProtocolError<AddressErrorCode>("bad-length", { bytes: payload.length });
  }
  const accountId = payload.slice(0, HASH_SIZE) as AccountId;
  if (!equalBytes(payload.subarray(HASH_SIZE), checksumOf(crypto, accountId))) {
    throw new ProtocolError<AddressErrorCode>("bad-checksum");
  }
  return accountId;
}

/** What a link or a QR code of an account holds. */
export function encodeAccountUri(crypto: Pick<Crypto, "sha256">, accountId: AccountId): string {
  return SCHEME + encodeAddress(crypto, accountId);
}

/**
 * Reads what a person enters or scans: an address or 64 lower-case hex digits (the form that the reference prints, without a
 * checksum), bare or after `montana:`. Throws `ProtocolError<AddressErrorCode>`.
 */
export function parseAccount(crypto: Pick<Crypto, "sha256">, text: string): AccountId {
  const name = text.startsWith(SCHEME) ? text.slice(SCHEME.length) : text;
  return /^[0-9a-f]{64}$/.test(name) ? (fromHex(name) as AccountId) : decodeAddress(crypto, name);
}

function checksumOf(crypto: Pick<Crypto, "sha256">, accountId: Uint8Array): Uint8Array {
  return crypto.sha256(crypto.sha256(accountId)).subarray(0, CHECKSUM_SIZE);
}
