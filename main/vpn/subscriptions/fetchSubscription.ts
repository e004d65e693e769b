/** Fetches the body of a subscription within bounds: of size, time and redirections (chapter 08 §2, §4.6, §4.7). */
import { ProtocolError } from "../../protocol/errors.ts";
import { isForbiddenHost } from "../../cities/addresses.ts";
import { SUBSCRIPTION_MAX } from "../../cities/limits.ts";
import { decodeUtf8 } from "../../cities/utf8.ts";
import { errnoOf } from "../../files/sealedFile.ts";
import { parseAddress } from "./address.ts";
import type { Answer, Transport } from "./transport.ts";

/** Milliseconds, from the first name to the last byte, redirections included. */
export const FETCH_TIMEOUT = 15_000;
const REDIRECTIONS_MAX = 3;
const ETAG_MAX = 256;

export type Fetched =
  | {
      readonly kind: "body";
      readonly body: string;
      readonly etag: string | null;
      readonly headers: ReadonlyMap<string, string>;
    }
  /** The body of the tag that was sent still stands. */
  | { readonly kind: "unchanged"; readonly headers: ReadonlyMap<string, string> };

/**
 * Throws `subscription-unreachable` (`errno`), `subscription-timeout`, `subscription-refused` (`status`), `subscription-too-large` (`limit`),
 * `subscription-redirected` (too often, to no address, from https to http, or from outside into this network), `subscription-not-text`.
 */
export async function fetchSubscription(url: string, etag: string | null, transport: Transport): Promise<Fetched> {
  const abort = new AbortController();
  // The timer, and not AbortSignal.timeout, which would not keep the process until it fires.
  const timer = setTimeout(() => abort.abort(), FETCH_TIMEOUT);
  try {
    return await follow(new URL(parseAddress(url)), etag, transport, abort.signal);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (abort.signal.aborted) throw new ProtocolError("subscription-timeout");
    throw new ProtocolError("subscription-unreachable", { errno: errnoOf(error) });
  } finally {
    clearTimeout(timer);
  }
}

async function follow(first: URL, etag: string | null, transport: Transport, signal: AbortSignal): Promise<Fetched> {
  // Nothing that tells one person or device from another.
  const headers: Record<string, string> = { accept: "*/*", "accept-encoding": "identity", "user-agent": "Montana" };
  if (etag !== null) headers["if-none-match"] = etag;
  let url = first;
  for (let redirections = 0; redirections <= REDIRECTIONS_MAX; redirections++) {
    const answer = await transport(url, headers, signal);
    try {
      if (answer.status === 304 && etag !== null) return { kind: "unchanged", headers: answer.headers };
      if (answer.status === 200) return await readAnswer(answer, signal);
      if (![301, 302, 303, 307, 308].includes(answer.status)) {
        throw new ProtocolError("subscription-refused", { status: answer.status });
      }
      url = nextAddress(first, url, answer.headers.get("location"));
    } finally {
      answer.close();
    }
  }
  throw new ProtocolError("subscription-redirected");
}

async function readAnswer(answer: Answer, signal: AbortSignal): Promise<Fetched> {
  const encoding = answer.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") throw new ProtocolError("subscription-not-text");
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of answer.body) {
    length += piece.length;
    if (length > SUBSCRIPTION_MAX) throw new ProtocolError("subscription-too-large", { limit: SUBSCRIPTION_MAX });
    pieces.push(piece);
    signal.throwIfAborted();
  }
  const body = decodeUtf8(Buffer.concat(pieces));
  if (body === undefined) throw new ProtocolError("subscription-not-text");
  const etag = answer.headers.get("etag") ?? "";
  const isTag = etag.length <= ETAG_MAX && /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(etag);
  return { kind: "body", body, etag: isTag ? etag : null, headers: answer.headers };
}

/** Nobody outside may send this program to this machine or its network: what is there answers to whoever asks from here. */
function nextAddress(first: URL, from: URL, location: string | undefined): URL {
  const to = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  const isSafe = to !== undefined && (from.protocol === "http:" || to.protocol === "https:");
  if (!isSafe || (isNear(to) && !isNear(first))) throw new ProtocolError("subscription-redirected");
  try {
    return new URL(parseAddress(to.href));
  } catch {
    throw new ProtocolError("subscription-redirected");
  }
}

const isNear = ({ hostname }: URL): boolean => isForbiddenHost(hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, ""));
