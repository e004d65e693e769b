/** Log lines without what identifies people, exits or accounts: applied before one is stored or shown (chapter 08 §10.13). */
import { LINE_MAX } from "./limits.ts";
import { IPV4, isIpv6Shaped, KEY, UUID } from "./patterns.ts";

/** The line with every secret replaced by its kind. Total; a line longer than LINE_MAX is replaced wholly. */
export function redactLine(line: string): string {
  if (line.length > LINE_MAX) return `<line of ${line.length} characters>`;
  return rules.reduce((text, [pattern, replace]) => text.replace(pattern, replace), line);
}

type Replace = (match: string, ...groups: string[]) => string;

const by =
  (word: string): Replace =>
  () =>
    word;

/** Keeps what the first group of the pattern matched. */
const after =
  (word: string): Replace =>
  (_, kept) =>
    `${kept}${word}`;

const LOCAL_HOSTS = new Set(["127.0.0.1", "localhost", "[::1]", "0.0.0.0"]);

const SECRET_FIELD = String.raw`"(?:privateKey|password|shortIds?(?:\[\d+\])?|mldsa65Seed|mldsa65Verify)"`;
/** To the next of the causes that the engine lists in a row, or the end: what it prints of a bad value ends its message. */
const TO_NEXT_CAUSE = String.raw`\S.*?(?= > |$)`;

/** As in a public file, and also before the full stop of a sentence. */
const IPV6_IN_LINE = /(?<![0-9A-Za-z:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![0-9A-Za-z:]|\.[0-9A-Za-z])/g;

/** Whole, before its end is taken for an address of its own: what stands before that would stay. */
const IPV6_ENDING_AS_IPV4 = new RegExp(String.raw`(?<![0-9A-Za-z:.])(?:[0-9a-fA-F]{0,4}:){2,6}${IPV4.source}`, "g");

/** In this order: an address inside a URL is the URL's, a key inside a share link is the link's. */
const rules: readonly (readonly [RegExp, Replace])[] = [
  [/vless:\/\/\S+/gi, by("vless://<redacted>")],
  [UUID, by("<uuid>")],
  [new RegExp(`((?:invalid|too long) ${SECRET_FIELD}: )${TO_NEXT_CAUSE}`, "gm"), after("<secret>")],
  [new RegExp(`(invalid UUID: )${TO_NEXT_CAUSE}`, "gm"), after("<secret>")],
  [/(AuthKey\[:16\]: )\[[^\]]*\]?/g, after("<secret>")],
  [/(email: )\S+/g, after("<id>")],
  [/https?:\/\/[^\s"'<>]+/gi, by("<url>")],
  [
    /\b(tcp|udp):(\[[^\]\s]*\]|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}|[^\s:[\]/<>]+):(\d{1,5})/g,
    (match, protocol, host, port) => (LOCAL_HOSTS.has(host) ? match : `${protocol}:<host>:${port}`),
  ],
  [/((?:sniffed domain: |server name mismatch: |for domain ))\S+/g, after("<host>")],
  // The system's resolver names no server; a server that is named follows "on".
  [/\blookup \S+ on /g, by("lookup <host> on ")],
  [/\blookup [^\s:]+: /g, by("lookup <host>: ")],
  [/(certificate is valid for )\S.*?, not [^\s\]]+/g, after("<host>, not <host>")],
  [/(certificate is not valid for any names, but wanted to match )[^\s\]]+/g, after("<host>")],
  [KEY, by("<key>")],
  [IPV6_ENDING_AS_IPV4, by("<ip6>")],
  [IPV4, (address) => (address.startsWith("127.") || address === "0.0.0.0" ? address : "<ip>")],
  [IPV6_IN_LINE, (address) => (!isIpv6Shaped(address) || address === "::1" ? address : "<ip6>")],
  [/([A-Za-z]:\\{1,2}Users\\{1,2})(?:[^\\/:*?"<>|]+(?=\\)|[^\\\s]+)/gi, after("<user>")],
  [/(\/(?:home|Users)\/)[^/\s:\]]+/g, after("<user>")],
];
