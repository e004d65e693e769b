/**
 * An account request: what a receiver who has no account yet gives to a sender, because only the receiver's whole key creates
 * one (chapter 04 §3.4, create). As a link (`montana:request:…`), as a file that holds the link, or as a series of pictures
 * (`pictures.ts`). It holds nothing secret; its checksum finds accidents, and the binding of account and key finds the rest
 * that matters: a request whose key was exchanged names another account.
 */
import { ascii, equalBytes, type AccountId } from "../protocol/bytes.ts";
import {
  accountId,
  bytes,
  decode,
  encode,
  flag,
  list,
  publicKey,
  struct,
  u128,
  u16,
  u8,
} from "../protocol/codec/codec.ts";
import type { Crypto, PublicKey } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import { walletError } from "./errors.ts";

export interface AccountRequest {
  readonly accountId: AccountId;
  readonly publicKey: PublicKey;
  /** nɈ, above 0; what the receiver asks for. */
  readonly amount?: bigint;
  /** For the sender's eyes; it goes no further than the request itself, into no operation and no file of this program. */
  readonly note?: string;
}

export const REQUEST_LINK_PREFIX = "montana:request:";
const MAGIC = ascii("mtar");
const VERSION = 1;
const CHECKSUM_SIZE = 8;
export const NOTE_BYTES_MAX = 280;

const layout = struct({
  magic: bytes(4),
  version: u8,
  suiteId: u16,
  publicKey,
  accountId,
  hasAmount: flag,
  amount: u128,
  note: list(u8),
});
export const REQUEST_BYTES_MAX = layout.minSize + NOTE_BYTES_MAX + CHECKSUM_SIZE;
const LINK_LENGTH_MAX = REQUEST_LINK_PREFIX.length + Math.ceil((REQUEST_BYTES_MAX * 4) / 3);

/** The request for the account that `key` creates. Throws "request-note", and "zero-amount" for an amount of nothing. */
export function accountRequestOf(
  crypto: Crypto,
  key: PublicKey,
  wishes: Pick<AccountRequest, "amount" | "note"> = {},
): AccountRequest {
  if (wishes.amount === 0n) throw walletError("zero-amount");
  if (wishes.note !== undefined) noteBytes(wishes.note);
  return { ...wishes, accountId: accountIdOf(crypto, SUITE_MLDSA65, key), publicKey: key };
}

export function encodeRequest(crypto: Crypto, request: AccountRequest): Uint8Array {
  const content = encode(layout, {
    magic: MAGIC as never,
    version: VERSION,
    suiteId: SUITE_MLDSA65,
    publicKey: request.publicKey,
    accountId: request.accountId,
    hasAmount: request.amount !== undefined,
    amount: request.amount ?? 0n,
    note: request.note === undefined ? [] : [...noteBytes(request.note)],
  });
  const sealed = new Uint8Array(content.length + CHECKSUM_SIZE);
  sealed.set(content);
  sealed.set(checksumOf(crypto, content), content.length);
  return sealed;
}

/**
 * Exact inverse of {@link encodeRequest}. Throws `ProtocolError`, in this order: "request-malformed", "request-newer",
 * "request-checksum", "request-suite", "request-binding", "request-note".
 */
export function decodeRequest(crypto: Crypto, sealed: Uint8Array): AccountRequest {
  if (sealed.length < layout.minSize + CHECKSUM_SIZE || sealed.length > REQUEST_BYTES_MAX) {
    throw walletError("request-malformed", { reason: "size", bytes: sealed.length });
  }
  if (!equalBytes(sealed.subarray(0, MAGIC.length), MAGIC))
    throw walletError("request-malformed", { reason: "prefix" });
  const version = sealed[MAGIC.length]!;
  if (version > VERSION) throw walletError("request-newer", { version });
  const content = sealed.subarray(0, -CHECKSUM_SIZE);
  if (!equalBytes(sealed.subarray(-CHECKSUM_SIZE), checksumOf(crypto, content))) throw walletError("request-checksum");
  const fields = decodeFields(content);
  if (fields.suiteId !== SUITE_MLDSA65) throw walletError("request-suite", { suite: fields.suiteId });
  if (!equalBytes(fields.accountId, accountIdOf(crypto, fields.suiteId, fields.publicKey))) {
    throw walletError("request-binding");
  }
  const note = readNote(Uint8Array.from(fields.note));
  return {
    accountId: fields.accountId,
    publicKey: fields.publicKey,
    ...(fields.hasAmount && { amount: fields.amount }),
    ...(note !== undefined && { note }),
  };
}

export function requestLink(crypto: Crypto, request: AccountRequest): string {
  return REQUEST_LINK_PREFIX + Buffer.from(encodeRequest(crypto, request)).toString("base64url");
}

/** Reads a link, or the text of a file that holds one. Throws as {@link decodeRequest}. */
export function readRequestLink(crypto: Crypto, text: string): AccountRequest {
  const link = text.trim();
  if (link.length > LINK_LENGTH_MAX) throw walletError("request-malformed", { reason: "size", bytes: link.length });
  if (!link.startsWith(REQUEST_LINK_PREFIX)) throw walletError("request-malformed", { reason: "prefix" });
  const encoded = link.slice(REQUEST_LINK_PREFIX.length);
  const decoded = Buffer.from(encoded, "base64url");
  if (decoded.toString("base64url") !== encoded) throw walletError("request-malformed", { reason: "text" });
  return decodeRequest(crypto, Uint8Array.from(decoded));
}

function decodeFields(content: Uint8Array) {
  try {
    const fields = decode(layout, content);
    // One request has one text.
    if (fields.version === 0 || fields.hasAmount === (fields.amount === 0n)) {
      throw walletError("request-malformed", { reason: "fields" });
    }
    return fields;
  } catch (error) {
    if (error instanceof ProtocolError && error.code !== "request-malformed") {
      throw walletError("request-malformed", { reason: "fields" });
    }
    throw error;
  }
}

function noteBytes(note: string): Uint8Array {
  const encoded = new TextEncoder().encode(note);
  if (note === "" || !isPlainText(note) || encoded.length > NOTE_BYTES_MAX) {
    throw walletError("request-note", { max: NOTE_BYTES_MAX });
  }
  return encoded;
}

function readNote(encoded: Uint8Array): string | undefined {
  if (encoded.length === 0) return undefined;
  try {
    const note = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encoded);
    if (isPlainText(note)) return note;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw walletError("request-note", { max: NOTE_BYTES_MAX });
}

/** No control characters, and none that turn the direction of text: what is shown is what was written. */
function isPlainText(note: string): boolean {
  return note.isWellFormed() && !/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(note);
}

function checksumOf(crypto: Crypto, content: Uint8Array): Uint8Array {
  return crypto.sha256(content).subarray(0, CHECKSUM_SIZE);
}
