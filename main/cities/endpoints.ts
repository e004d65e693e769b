/**
 * Answers of the public server (chapter 08 §4.6). All that an answer needs is prepared when a file is published: a request
 * costs a look-up and a comparison of tags.
 */
import { CITY_CODE } from "./cities.ts";
import { HTTP_MAX_AGE_SECONDS, SUB_PERIOD_SECONDS } from "./limits.ts";
import { subscriptionHeaders, type Headers, type ProfileHeaders } from "./subscriptionHeaders.ts";
import { encodeUtf8 } from "./utf8.ts";

export interface Request {
  readonly method: string;
  /** May have a query, which changes nothing. */
  readonly path: string;
  readonly ifNoneMatch?: string | undefined;
}

export interface Answer {
  readonly status: 200 | 304 | 404 | 405 | 503;
  /** By name in lower case. */
  readonly headers: Headers;
  readonly body: string;
}

export interface Published {
  /** Body of `/vpn/sub`; absent before the first aggregation that found something. */
  readonly subscription: string | undefined;
  /** Bodies of `/vpn/city/<code>`. */
  readonly cities: ReadonlyMap<string, string>;
  /** Public JSON files by path, such as `/net/cities.json`. */
  readonly documents: ReadonlyMap<string, string>;
  readonly profile: ProfileHeaders;
}

/** By path. */
export type Pages = ReadonlyMap<string, Page>;

export interface Page {
  readonly body: string;
  readonly headers: Headers & { readonly etag: string };
}

/** 32 bytes of SHA-256. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

const SUBSCRIPTION_PATH = "/vpn/sub";
const METHODS = "GET, HEAD";
const TEXT = "text/plain; charset=utf-8";
const CACHED = `public, max-age=${HTTP_MAX_AGE_SECONDS}`;

export function preparePages(sha256: Sha256, { subscription, cities, documents, profile }: Published): Pages {
  const pages = new Map<string, Page>();
  const add = (path: string, body: string, headers: Headers): void => {
    const etag = `"${hexOf(sha256(encodeUtf8(body)).subarray(0, 16))}"`;
    pages.set(path, { body, headers: { ...headers, "cache-control": CACHED, etag } });
  };
  const forClients = subscriptionHeaders(profile);
  if (subscription !== undefined) add(SUBSCRIPTION_PATH, subscription, forClients);
  for (const [code, body] of cities) if (CITY_CODE.test(code)) add(`/vpn/city/${code}`, body, forClients);
  for (const [path, body] of documents) {
    add(path, body, { "content-type": "application/json; charset=utf-8", "access-control-allow-origin": "*" });
  }
  return pages;
}

export function answerRequest(pages: Pages, { method, path, ifNoneMatch }: Request): Answer {
  if (method !== "GET" && method !== "HEAD") {
    return { status: 405, headers: { "content-type": TEXT, allow: METHODS }, body: "method not allowed\n" };
  }
  const bare = path.split("?", 1)[0]!;
  const answer = answerGet(pages.get(bare), bare, ifNoneMatch);
  return method === "HEAD" ? { ...answer, body: "" } : answer;
}

function answerGet(page: Page | undefined, path: string, ifNoneMatch: string | undefined): Answer {
  const notStored = { "content-type": TEXT, "cache-control": "no-store" };
  if (page !== undefined) {
    const { headers, body } = page;
    if (!hasTag(ifNoneMatch ?? "", headers.etag)) return { status: 200, headers, body };
    return { status: 304, headers: { etag: headers.etag, "cache-control": CACHED }, body: "" };
  }
  if (path === SUBSCRIPTION_PATH) {
    const headers = { ...notStored, "retry-after": String(SUB_PERIOD_SECONDS) };
    return { status: 503, headers, body: "no cities yet\n" };
  }
  return { status: 404, headers: notStored, body: "not found\n" };
}

/** Of one tag, a list of tags, or `*`; a weak tag matches too, as the comparison for caches demands. */
function hasTag(field: string, etag: string): boolean {
  if (field.trim() === "*") return true;
  return field.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
