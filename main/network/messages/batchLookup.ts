/**
 * Batch lookup, messages 0x60 to 0x62 (chapter 07 §3.6, §4.13): a client hides whom it asks about among fifteen others.
 */
import type { AccountId } from "../../protocol/bytes.ts";
import { accountId, encode, flag, list, struct, typeByte, u8, type Infer } from "../../protocol/codec/codec.ts";
import {
  blob,
  decodeFixed,
  decodePayload,
  invalidField,
  requireAtLeast,
  requireLength,
} from "../../protocol/codec/payload.ts";

/** Accounts of every request, neither more nor fewer. */
export const LOOKUP_SIZE = 16;
/** Requests of one account in one window. */
export const LOOKUPS_PER_WINDOW_MAX = 16;
/** Longer ones are answered as absent, so that every answer fits a message. */
export const BUNDLE_SIZE_MAX = 65_000;

export const PRE_KEY_BUNDLE = 1;
export const ACCOUNT_EXISTS = 3;
export type QueryType = typeof PRE_KEY_BUNDLE | typeof ACCOUNT_EXISTS;

export const LOOKUP_ERROR = { rateLimited: 1, unsupportedType: 2, invalidCount: 3 } as const;

const requestLayout = struct({ queryType: u8, accountIds: list(accountId, { count: u8 }) });
const REQUEST_SIZE = requestLayout.minSize + LOOKUP_SIZE * accountId.size;

export interface LookupRequest {
  readonly queryType: QueryType;
  /** Sixteen. */
  readonly accountIds: readonly AccountId[];
}

const bundlesLayout = struct({ queryType: typeByte(PRE_KEY_BUNDLE), bundles: list(blob, { count: u8 }) });
const existsLayout = struct({ queryType: typeByte(ACCOUNT_EXISTS), exists: list(flag, { count: u8 }) });
/** Answer i belongs to account i; an empty bundle says that none is published. */
export type LookupResponse = Infer<typeof bundlesLayout> | Infer<typeof existsLayout>;

const errorLayout = struct({ queryType: u8, errorCode: u8 });
export type LookupError = Infer<typeof errorLayout>;

/** 514 bytes. Throws `invalid-payload-field` unless there are sixteen accounts. */
export function encodeLookupRequest(request: LookupRequest): Uint8Array {
  requireSixteen(request.accountIds);
  return encode(requestLayout, request);
}

/** Throws `payload-length-mismatch`, then `invalid-payload-field`. */
export function decodeLookupRequest(payload: Uint8Array): LookupRequest {
  requireLength(payload, REQUEST_SIZE);
  const [queryType, count] = payload;
  if (!isQueryType(queryType)) throw invalidField("query_type");
  if (count !== LOOKUP_SIZE) throw invalidField("count");
  return { ...decodePayload(requestLayout, payload), queryType };
}

/**
 * What a host does with a request of an account that has made `madeInWindow` requests in this window: gives it back, or the
 * error to answer with.
 */
export function judgeLookupRequest(
  payload: Uint8Array,
  madeInWindow: number,
): { readonly request: LookupRequest } | { readonly error: LookupError } {
  const [queryType = 0, count] = payload;
  const refuse = (errorCode: number) => ({ error: { queryType, errorCode } });
  if (!isQueryType(queryType)) return refuse(LOOKUP_ERROR.unsupportedType);
  if (count !== LOOKUP_SIZE || payload.length !== REQUEST_SIZE) return refuse(LOOKUP_ERROR.invalidCount);
  if (madeInWindow >= LOOKUPS_PER_WINDOW_MAX) return refuse(LOOKUP_ERROR.rateLimited);
  return { request: decodeLookupRequest(payload) };
}

/** At most 1,040,066 bytes: a bundle above 65,000 is left empty. Throws `invalid-payload-field` unless there are sixteen. */
export function encodeLookupResponse(response: LookupResponse): Uint8Array {
  if (response.queryType === ACCOUNT_EXISTS) {
    requireSixteen(response.exists);
    return encode(existsLayout, response);
  }
  requireSixteen(response.bundles);
  const bundles = response.bundles.map((it) => (it.length > BUNDLE_SIZE_MAX ? new Uint8Array(0) : it));
  return encode(bundlesLayout, { ...response, bundles });
}

/** The answer to a request of `queryType`. Throws `ProtocolError<PayloadErrorCode>`, for another type, too. */
export function decodeLookupResponse(payload: Uint8Array, queryType: QueryType): LookupResponse {
  requireAtLeast(payload, 1);
  if (payload[0] !== queryType) throw invalidField("query_type");
  if (queryType === ACCOUNT_EXISTS) {
    const response = decodePayload(existsLayout, payload);
    requireSixteen(response.exists);
    return response;
  }
  const response = decodePayload(bundlesLayout, payload);
  requireSixteen(response.bundles);
  if (response.bundles.some(({ length }) => length > BUNDLE_SIZE_MAX)) throw invalidField("length");
  return response;
}

/** 2 bytes. */
export function encodeLookupError(error: LookupError): Uint8Array {
  return encode(errorLayout, error);
}

/** Throws `payload-length-mismatch`. */
export function decodeLookupError(payload: Uint8Array): LookupError {
  return decodeFixed(errorLayout, payload);
}

/**
 * `wanted` among fifteen `decoys`, all orders equally likely when `below(n)` gives every number from 0 to n − 1 equally
 * likely, and where it stands. Throws `invalid-payload-field` for another number of decoys.
 */
export function hideAmong(
  wanted: AccountId,
  decoys: readonly AccountId[],
  below: (n: number) => number,
): { readonly accountIds: readonly AccountId[]; readonly position: number } {
  const accountIds = [wanted, ...decoys];
  requireSixteen(accountIds);
  let position = 0;
  for (let i = accountIds.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [accountIds[i], accountIds[j]] = [accountIds[j]!, accountIds[i]!];
    if (position === i) position = j;
    else if (position === j) position = i;
  }
  return { accountIds, position };
}

function isQueryType(value: number | undefined): value is QueryType {
  return value === PRE_KEY_BUNDLE || value === ACCOUNT_EXISTS;
}

function requireSixteen(items: readonly unknown[]): void {
  if (items.length !== LOOKUP_SIZE) throw invalidField("count");
}
