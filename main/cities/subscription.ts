/** Body of a subscription: written as one line of base64, read in every notation in use (chapter 08 §4.5, §4.7). */
import { ProtocolError } from "../protocol/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { METADATA_LINES, SUBSCRIPTION_LINES_MAX, SUBSCRIPTION_MAX } from "./limits.ts";
import { parseShareLink, type ShareLink, type ShareLinkFault } from "./shareLink.ts";
import { decodeUtf8, encodeUtf8, utf8Length } from "./utf8.ts";

export type SkipReason = "unsupported-scheme" | "duplicate" | ShareLinkFault;

export interface Skipped {
  /** From 1 on, in the text that was read. */
  readonly line: number;
  readonly reason: SkipReason;
}

export interface Subscription {
  /** Absent where something usable was found. The reader keeps its previous list otherwise, and says so. */
  readonly fault?: "too-large" | "empty-subscription";
  readonly servers: readonly ShareLink[];
  readonly skipped: readonly Skipped[];
  /** Header fields written into the body, by name in lower case. Headers of the answer win over them. */
  readonly meta: ReadonlyMap<string, string>;
}

/** Standard alphabet, padded, one line, no final newline. */
export function encodeSubscription(urls: readonly string[]): string {
  return encodeBase64(encodeUtf8(urls.join("\n")));
}

/** Total: whatever the body is, every line of it is a server, a metadata field, a comment or skipped with its reason. */
export function decodeSubscription(body: string): Subscription {
  if (body.length > SUBSCRIPTION_MAX || utf8Length(body) > SUBSCRIPTION_MAX) return refused("too-large");
  const lines = plainText(body.replace(/^\ufeff/, "").trim()).split("\n", SUBSCRIPTION_LINES_MAX + 1);
  if (lines.length > SUBSCRIPTION_LINES_MAX) return refused("too-large");
  const servers: ShareLink[] = [];
  const skipped: Skipped[] = [];
  const meta = new Map<string, string>();
  const seen = new Set<string>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === "") continue;
    if (line.startsWith("#") || line.startsWith("//")) {
      if (i < METADATA_LINES) readMetadata(line, meta);
      continue;
    }
    const read = readServer(line, seen);
    if (typeof read === "string") skipped.push({ line: i + 1, reason: read });
    else servers.push(read);
  }
  return servers.length > 0 ? { servers, skipped, meta } : { fault: "empty-subscription", servers: [], skipped, meta };
}

/** Code of the city that an entry belongs to: the last word of its label, in capitals (`Montana FRA`). */
export function cityOfLabel(label: string, codes: ReadonlySet<string>): string | undefined {
  const word = /(?:^|\s)([A-Z]{3})$/.exec(label)?.[1]?.toLowerCase();
  return word !== undefined && codes.has(word) ? word : undefined;
}

const refused = (fault: "too-large"): Subscription => ({ fault, servers: [], skipped: [], meta: new Map() });

function plainText(text: string): string {
  const digits = text.replace(/[\t\n\v\f\r ]+/g, "");
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(digits)) return text;
  const bytes = decodeBase64(digits);
  const decoded = bytes === undefined ? undefined : decodeUtf8(bytes);
  return decoded?.includes("://") ? decoded : text;
}

const METADATA = /^(?:#|\/\/)\s*([A-Za-z0-9-]{1,64})\s*:\s*(?!\/\/)(\S.{0,1023})$/;

/** The first field of a name counts. An address with its scheme is a comment. */
function readMetadata(line: string, meta: Map<string, string>): void {
  const [, name, value] = METADATA.exec(line) ?? [];
  if (name === undefined || value === undefined || meta.has(name.toLowerCase())) return;
  meta.set(name.toLowerCase(), value);
}

function readServer(line: string, seen: Set<string>): ShareLink | SkipReason {
  if (!line.startsWith("vless://")) return "unsupported-scheme";
  try {
    const link = parseShareLink(line);
    const { uuid, host, port, sni, pbk, sid } = link;
    const key = [uuid, host, port, sni, pbk, sid].join(" ");
    if (seen.has(key)) return "duplicate";
    seen.add(key);
    return link;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code as ShareLinkFault;
    throw error;
  }
}
