/**
 * A payment as it is being written: what a person typed, read before the host is asked. The host checks all of it again; here
 * it is for an answer at once.
 */
import type { Notice } from "../../../main/api/contract.ts";
import { toHex } from "../../../main/protocol/bytes.ts";
import { ProtocolError, type ErrorParams } from "../../../main/protocol/errors.ts";
import { encodeAddress, parseAccount } from "../../../main/protocol/identity/address.ts";
import { MONETA_PER_MONT, parseAmount } from "../../../main/wallet/amounts.ts";
import type { HashOnly } from "./hash.ts";

export type Recipient =
  | { readonly kind: "empty" }
  /** `address` is its text with a checksum, also where hex was typed. */
  | { readonly kind: "account"; readonly accountId: string; readonly address: string }
  /** An account request: the host opens it. */
  | { readonly kind: "request"; readonly request: string }
  | { readonly kind: "invalid"; readonly failure: Notice };

/** A link, or the text of one picture; a series of them stands one a line. */
const REQUEST = /^(montana:request:|MT1\/)/;

export function recipientOf(crypto: HashOnly, text: string): Recipient {
  const name = text.trim();
  if (name === "") return { kind: "empty" };
  if (REQUEST.test(name)) return { kind: "request", request: name };
  try {
    const accountId = parseAccount(crypto, name);
    return { kind: "account", accountId: toHex(accountId), address: encodeAddress(crypto, accountId) };
  } catch (error) {
    return { kind: "invalid", failure: noticeOf(error) };
  }
}

export type TypedAmount =
  | { readonly kind: "empty" }
  /** nɈ, above 0. */
  | { readonly kind: "amount"; readonly moneta: string }
  | { readonly kind: "invalid"; readonly failure: Notice };

/**
 * Where `language` writes a decimal comma, one comma is read as such; in all others it stays refused, because there it may
 * mean thousands.
 */
export function amountOf(text: string, language: string): TypedAmount {
  const typed = text.trim();
  if (typed === "") return { kind: "empty" };
  try {
    const moneta = parseAmount(
      hasDecimalComma(language) && /^[^,.]*,[^,.]*$/.test(typed) ? typed.replace(",", ".") : typed,
    );
    if (moneta === 0n) return { kind: "invalid", failure: { code: "zero-amount", params: {} } };
    return { kind: "amount", moneta: moneta.toString() };
  } catch (error) {
    return { kind: "invalid", failure: noticeOf(error) };
  }
}

/** As a person would type it in `language`, exactly. */
export function typedAmount(moneta: string, language: string): string {
  const amount = BigInt(moneta);
  const decimals = (amount % MONETA_PER_MONT).toString().padStart(9, "0").replace(/0+$/, "");
  const point = hasDecimalComma(language) ? "," : ".";
  return `${amount / MONETA_PER_MONT}${decimals === "" ? "" : point + decimals}`;
}

function hasDecimalComma(language: string): boolean {
  return new Intl.NumberFormat(language)
    .formatToParts(0.5)
    .some(({ type, value }) => type === "decimal" && value === ",");
}

/** What one payment can be at most: it leaves from one account. */
export function largestPayment(accounts: readonly { readonly balance: string }[]): string {
  return accounts.reduce((most, { balance }) => (BigInt(balance) > BigInt(most) ? balance : most), "0");
}

/** Checked before the host is: the sum of both accounts is the most that can be had at all. */
export function tooMuch(moneta: string, total: string): Notice | null {
  return BigInt(moneta) <= BigInt(total) ? null : { code: "funds-insufficient", params: { amount: moneta, total } };
}

/** An account as text with a checksum, for people to compare; the id itself where it is none. */
export function addressOf(crypto: HashOnly, accountId: string): string {
  const recipient = recipientOf(crypto, accountId);
  return recipient.kind === "account" ? recipient.address : accountId;
}

/** Beginning and end of an address, for a list. */
export function shortAddress(address: string): string {
  return address.length <= 16 ? address : `${address.slice(0, 8)}…${address.slice(-6)}`;
}

function noticeOf(error: unknown): Notice {
  if (!(error instanceof ProtocolError)) throw error;
  const { code, params } = error as ProtocolError & { readonly params: ErrorParams };
  const told = Object.entries(params).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]);
  return { code, params: Object.fromEntries(told) as Notice["params"] };
}
