/** Headers of a subscription: written for phone clients, read from any server (chapter 08 §4.6). */
import { decodeBase64, encodeBase64 } from "./base64.ts";
import {
  ANNOUNCEMENT_MAX,
  HEADER_VALUE_MAX,
  TITLE_MAX,
  TITLE_READ_MAX,
  UPDATE_INTERVAL_HOURS,
  UPDATE_INTERVAL_MAX_HOURS,
} from "./limits.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** By name in lower case. */
export type Headers = Readonly<Record<string, string>>;

export interface ProfileHeaders {
  readonly title: string;
  readonly intervalHours?: number;
  readonly supportUrl?: string | undefined;
  readonly webPageUrl?: string | undefined;
  readonly announcement?: string | undefined;
}

export interface ReadProfile {
  readonly title: string | null;
  readonly intervalHours: number;
  readonly userinfo: UserInfo | null;
  readonly supportUrl: string | null;
  readonly webPageUrl: string | null;
}

/** Bytes, and Unix seconds; null where there is no limit. */
export interface UserInfo {
  readonly upload: number;
  readonly download: number;
  readonly total: number | null;
  readonly expire: number | null;
}

/** Nothing that makes a client identify or restrict the person is ever among them. */
export function subscriptionHeaders(profile: ProfileHeaders): Headers {
  const { title, intervalHours = UPDATE_INTERVAL_HOURS, supportUrl, webPageUrl, announcement } = profile;
  return {
    "content-type": "text/plain; charset=utf-8",
    "profile-title": base64Value(title, TITLE_MAX),
    "profile-update-interval": String(intervalHours),
    "subscription-userinfo": "upload=0; download=0; total=0; expire=0",
    "content-disposition": 'inline; filename="montana.txt"',
    ...(supportUrl === undefined ? {} : { "support-url": supportUrl }),
    ...(webPageUrl === undefined ? {} : { "profile-web-page-url": webPageUrl }),
    ...(announcement === undefined ? {} : { announce: base64Value(announcement, ANNOUNCEMENT_MAX) }),
  };
}

/** `fields` by name, in any case; what cannot be used reads as absent. */
export function readSubscriptionHeaders(fields: Iterable<readonly [string, string]>): ReadProfile {
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (!headers.has(key) && value.length <= HEADER_VALUE_MAX) headers.set(key, value.trim());
  }
  return {
    title: readTitle(headers.get("profile-title") ?? ""),
    intervalHours: readInterval(headers.get("profile-update-interval") ?? ""),
    userinfo: readUserInfo(headers.get("subscription-userinfo") ?? ""),
    supportUrl: readLink(headers.get("support-url") ?? ""),
    webPageUrl: readLink(headers.get("profile-web-page-url") ?? ""),
  };
}

const base64Value = (text: string, pointsMax: number): string =>
  `base64:${encodeBase64(encodeUtf8(Array.from(text).slice(0, pointsMax).join("")))}`;

const BASE64_PREFIX = "base64:";

function readTitle(value: string): string | null {
  const title = value.startsWith(BASE64_PREFIX) ? decodeText(value.slice(BASE64_PREFIX.length)) : value;
  const shown = title?.replace(/\p{Cc}/gu, "").trim() ?? "";
  return shown === "" ? null : Array.from(shown).slice(0, TITLE_READ_MAX).join("");
}

function decodeText(digits: string): string | undefined {
  const bytes = decodeBase64(digits.trim());
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

function readInterval(value: string): number {
  if (!/^[0-9]+$/.test(value)) return UPDATE_INTERVAL_HOURS;
  return Math.min(UPDATE_INTERVAL_MAX_HOURS, Math.max(1, Number(value)));
}

function readUserInfo(value: string): UserInfo | null {
  const numbers = new Map<string, number>();
  for (const item of value.split(";")) {
    const [, name, digits] = /^\s*([A-Za-z]+)\s*=\s*([0-9]{1,15})\s*$/.exec(item) ?? [];
    if (name !== undefined) numbers.set(name.toLowerCase(), Number(digits));
  }
  const upload = numbers.get("upload");
  const download = numbers.get("download");
  if (upload === undefined || download === undefined) return null;
  const limitOf = (name: string): number | null => {
    const limit = numbers.get(name) ?? 0;
    return limit === 0 ? null : limit;
  };
  return { upload, download, total: limitOf("total"), expire: limitOf("expire") };
}

const readLink = (value: string): string | null => (/^https:\/\/[^\s]+$/i.test(value) ? value : null);
