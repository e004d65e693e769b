/** Share URLs: one `vless://` line that holds all that a client needs to use one exit (chapter 08 §3.1, §4.2, §4.3). */
import { ProtocolError } from "../protocol/errors.ts";
import { formatIpv6, isAddress, isDnsName, parseIpv4, parseIpv6 } from "./addresses.ts";
import { canonicalBase64Url } from "./base64.ts";
import { LABEL_MAX, SHARE_LINK_MAX, SPIDER_X_MAX } from "./limits.ts";

export const FLOW_VISION = "xtls-rprx-vision";
const FLOWS = ["", FLOW_VISION, "xtls-rprx-vision-udp443"] as const;
const FINGERPRINTS = [
  ...["chrome", "firefox", "safari", "ios", "edge", "qq", "random", "randomized", "randomizednoalpn"],
] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Names and values as in the URL; all but `pbk`, `spx` and `label` in lower case. */
export interface ShareLink {
  readonly uuid: string;
  /** IPv4, IPv6 in its canonical form without brackets, or a DNS name. */
  readonly host: string;
  readonly port: number;
  readonly flow: string;
  readonly sni: string;
  readonly fp: string;
  /** 32 bytes, 43 characters base64url. */
  readonly pbk: string;
  readonly sid: string;
  readonly spx: string;
  /** Display text that anybody wrote: see {@link shownLabel}. */
  readonly label: string;
}

export type ShareLinkFault =
  | "too-long"
  | "bad-character"
  | "not-vless"
  | "unexpected-path"
  | "missing-uuid"
  | "bad-uuid"
  | "missing-host"
  | "bad-host"
  | "missing-port"
  | "bad-port"
  | "bad-parameter"
  | "duplicate-parameter"
  | "bad-percent-encoding"
  | "unsupported-encryption"
  | "unsupported-security"
  | "unsupported-transport"
  | "unsupported-header-type"
  | "unsupported-flow"
  | "missing-sni"
  | "bad-sni"
  | "unsupported-fingerprint"
  | "missing-public-key"
  | "bad-public-key"
  | "bad-short-id"
  | "bad-spider-x";

/** What an exit publishes: where a value is left out, the one of the mesh. */
export type ShareLinkParameters = Omit<ShareLink, "flow" | "fp" | "spx"> &
  Partial<Pick<ShareLink, "flow" | "fp" | "spx">>;

/** Prints a link in the one canonical order (§3.1). */
export function buildShareLink(parameters: ShareLinkParameters): string {
  const { uuid, host, port, flow = FLOW_VISION, sni, fp = "chrome", pbk, sid, spx = "/", label } = parameters;
  const authority = host.includes(":") ? `[${host.toLowerCase()}]` : host.toLowerCase();
  const values: readonly (readonly [string, string])[] = [
    ["encryption", "none"],
    ["flow", flow],
    ["security", "reality"],
    ["sni", sni.toLowerCase()],
    ["fp", fp],
    ["pbk", pbk],
    ["sid", sid.toLowerCase()],
    ...(spx === "" || spx === "/" ? [] : ([["spx", spx]] as const)),
    ["type", "tcp"],
  ];
  const query = values.map(([name, value]) => `${name}=${escape(value)}`).join("&");
  return `vless://${uuid.toLowerCase()}@${authority}:${port}?${query}#${escape(label)}`;
}

const escape = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Throws `ProtocolError` with the first violated step of §4.3. */
export function parseShareLink(url: string): ShareLink {
  if (url.length > SHARE_LINK_MAX && isLongerThan(url, SHARE_LINK_MAX)) throw fault("too-long");
  const [link, fragment = ""] = splitFirst(url, "#");
  if (!/^[\x21-\x7e]*$/.test(link) || hasControl(fragment)) throw fault("bad-character");
  if (!link.startsWith("vless://")) throw fault("not-vless");
  const [authority, query] = splitFirst(link.slice("vless://".length), "?");
  const { uuid, host, port } = parseAuthority(authority);
  const values = parseValues(parseQuery(query ?? ""), host);
  return { uuid, host, port, ...values, label: parseLabel(fragment) || host };
}

/** The label without what could make it look like something else: controls and marks of writing direction (§12). */
export function shownLabel(label: string): string {
  return label.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}

const fault = (code: ShareLinkFault): ProtocolError<ShareLinkFault> => new ProtocolError(code);

function parseAuthority(text: string): Pick<ShareLink, "uuid" | "host" | "port"> {
  const authority = text.endsWith("/") ? text.slice(0, -1) : text;
  if (authority.includes("/")) throw fault("unexpected-path");
  const at = authority.lastIndexOf("@");
  if (at < 0) throw fault("missing-uuid");
  const uuid = authority.slice(0, at).toLowerCase();
  if (!UUID.test(uuid)) throw fault("bad-uuid");
  const [host, port] = splitPort(authority.slice(at + 1).toLowerCase());
  if (port === "") throw fault("missing-port");
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65_535) throw fault("bad-port");
  return { uuid, host, port: Number(port) };
}

/** Canonical host, and the text of the port. */
function splitPort(text: string): readonly [host: string, port: string] {
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    const groups = end < 0 ? undefined : parseIpv6(text.slice(1, end));
    if (groups === undefined) throw fault("bad-host");
    const after = text.slice(end + 1);
    if (after !== "" && !after.startsWith(":")) throw fault("bad-host");
    return [formatIpv6(groups), after.slice(1)];
  }
  if (text === "") throw fault("missing-host");
  const colon = text.lastIndexOf(":");
  if (colon < 0) throw fault("missing-port");
  const host = text.slice(0, colon);
  if (host === "") throw fault("missing-host");
  if (parseIpv4(host) === undefined && !isDnsName(host)) throw fault("bad-host");
  return [host, text.slice(colon + 1)];
}

function parseQuery(query: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (query === "") return values;
  for (const item of query.split("&")) {
    const [name, value] = splitFirst(item, "=");
    if (name === "" || value === undefined) throw fault("bad-parameter");
    if (values.has(name)) throw fault("duplicate-parameter");
    values.set(name, unescape(value));
  }
  return values;
}

function parseValues(query: ReadonlyMap<string, string>, host: string) {
  if ((query.get("encryption") ?? "none") !== "none") throw fault("unsupported-encryption");
  if (query.get("security") !== "reality") throw fault("unsupported-security");
  if (!["tcp", "raw"].includes(query.get("type") ?? "tcp")) throw fault("unsupported-transport");
  if ((query.get("headerType") ?? "none") !== "none") throw fault("unsupported-header-type");
  const flow = query.get("flow") ?? "";
  if (!isOneOf(FLOWS, flow)) throw fault("unsupported-flow");
  const sni = query.get("sni")?.toLowerCase() ?? (isAddress(host) ? undefined : host);
  if (sni === undefined) throw fault("missing-sni");
  if (!isDnsName(sni)) throw fault("bad-sni");
  const fp = query.get("fp")?.toLowerCase() ?? "chrome";
  if (!isOneOf(FINGERPRINTS, fp)) throw fault("unsupported-fingerprint");
  const pbk = query.get("pbk");
  if (pbk === undefined) throw fault("missing-public-key");
  if (!/^[A-Za-z0-9_-]{43}$/.test(pbk)) throw fault("bad-public-key");
  const sid = query.get("sid")?.toLowerCase() ?? "";
  if (!/^(?:[0-9a-f]{2}){0,8}$/.test(sid)) throw fault("bad-short-id");
  const spx = query.get("spx") ?? "/";
  if (!spx.startsWith("/") || encodeURIComponent(spx).length > SPIDER_X_MAX) throw fault("bad-spider-x");
  return { flow, sni, fp, pbk: canonicalBase64Url(pbk), sid, spx };
}

/** Some clients append their settings to a label behind a literal `?`. */
function parseLabel(fragment: string): string {
  const label = unescape(splitFirst(fragment, "?")[0])
    .toWellFormed()
    .replace(/\p{Cc}/gu, "")
    .trim();
  if (label.length <= LABEL_MAX) return label;
  return Array.from(label).slice(0, LABEL_MAX).join("").trim();
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault("bad-percent-encoding");
  }
}

function splitFirst(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** In code points; no more of the text is looked at than that takes. */
const isLongerThan = (text: string, limit: number): boolean =>
  text.length > 2 * limit || Array.from(text).length > limit;

const hasControl = (text: string): boolean => /[\x00-\x1f\x7f]/.test(text);

const isOneOf = (allowed: readonly string[], value: string): boolean => allowed.includes(value);
