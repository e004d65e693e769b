/**
 * What helps whoever helps, as one text that the person reads before it goes anywhere. What identifies people, exits or
 * accounts is left out where it is known by its name, and replaced by its kind wherever else it may stand.
 */
import { arch, availableParallelism, platform, release, totalmem } from "node:os";

import type { Output, Status } from "../api/contract.ts";
import type { Services } from "../api/services.ts";
import { redactLine } from "../cities/redaction.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { WORDLIST } from "../protocol/identity/wordlist.ts";
import { VERSION } from "./version.ts";

const LENGTH_MAX = 262_144;
/** Characters of an id that stay: enough to tell two apart. */
const ID_LENGTH = 8;

export interface DiagnosticsOptions {
  readonly services: () => Services;
  readonly status: () => Promise<Status>;
  /** The newest lines of the log, oldest first. */
  readonly logLines: () => readonly string[];
  readonly nowMs: () => number;
}

export async function makeDiagnostics({
  services,
  status,
  logLines,
  nowMs,
}: DiagnosticsOptions): Promise<Output<"diagnostics">> {
  const { setup, node, vpn, preferences } = services();
  const date = new Date(nowMs()).toISOString();
  const parts: [string, unknown][] = [
    ["program", { version: VERSION, ...versions() }],
    ["computer", { system: `${platform()} ${release()} ${arch()}`, cores: availableParallelism(), memory: totalmem() }],
    ["status", await status()],
    ["networks", await unlessRefused(setup?.networks())],
    ["node settings", await unlessRefused(node?.settings())],
    ["preferences", preferences?.read() ?? null],
    ["tunnel", vpn?.status() ?? null],
    ["tunnel settings", vpn?.settings() ?? null],
    ["subscriptions", vpn?.subscriptions() ?? null],
  ];
  const head = parts.map(([title, value]) => `## ${title}\n${describe(value)}\n`);
  const told = [`Montana Desktop, ${date}\n`, ...head, "## log, newest last"].join("\n");
  const text = redactPhrases(told.split("\n").map(redact).join("\n"));
  // The newest lines matter most, and the text has an end.
  const lines: string[] = [];
  let left = LENGTH_MAX - text.length - 1;
  for (const line of logLines().toReversed()) {
    const shown = redactPhrases(redact(line));
    left -= shown.length + 1;
    if (left < 0) break;
    lines.unshift(shown);
  }
  const whole = `${text.slice(0, LENGTH_MAX - 1)}\n${lines.map((line) => `${line}\n`).join("")}`;
  return { fileName: `montana-diagnostics-${date.slice(0, 10)}.txt`, text: whole.slice(0, LENGTH_MAX) };
}

/** Fields that hold what nobody else is to know, whatever it looks like: where a person connects to, and what they own. */
const HIDDEN = new Set([
  "url",
  "subscriptionUrl",
  "probeUrl",
  "addressUrl",
  "signInUrl",
  "title",
  "direct",
  "host",
  "balance",
]);

function describe(value: unknown): string {
  const hide = (name: string, inner: unknown): unknown =>
    HIDDEN.has(name) && inner !== null && inner !== undefined ? "<hidden>" : inner;
  return JSON.stringify(value, hide, 1);
}

/** Beyond what the mesh's own rules find: this network's addresses, ids and keys, and names of hosts. */
const OWN_RULES: readonly (readonly [RegExp, (match: string, ...groups: string[]) => string])[] = [
  [/("(?:address|multiaddr|remote|host|url|sni|serverName)":)"[^"]*"/g, (_, name) => `${name}"<hidden>"`],
  [/\/(?:ip4|ip6|dns[46]?|dnsaddr)\/[^/\s"]+/g, () => "/<host>"],
  [/\bmontana:\S+/gi, () => "montana:<redacted>"],
  [/\bmt[0-9A-Za-z]{20,}/g, () => "<account>"],
  [/\b(?:Qm|12D3)[1-9A-HJ-NP-Za-km-z]{20,}/g, (peer) => `${peer.slice(0, ID_LENGTH)}…`],
  [/\b[0-9a-fA-F]{65,}\b/g, () => "<hex>"],
  [/\b[0-9a-fA-F]{64}\b/g, (id) => `${id.slice(0, ID_LENGTH)}…`],
];

const HOST_NAME = /(?<![\w./-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+([a-z]{2,})(?![\w-])/gi;
/** Ends of names of files that this program speaks of. */
const FILE_ENDS = new Set([
  "ts",
  "js",
  "mjs",
  "json",
  "key",
  "log",
  "sock",
  "lock",
  "node",
  "sqlite",
  "txt",
  "service",
]);

/** One line; total. */
export function redact(line: string): string {
  const own = OWN_RULES.reduce((text, [pattern, replace]) => text.replace(pattern, replace), line);
  return redactLine(own).replace(HOST_NAME, (name, end: string) =>
    FILE_ENDS.has(end.toLowerCase()) ? name : "<host>",
  );
}

/** So many words of the list in a row are no sentence: articles and the like are not in it. */
const PHRASE_WORDS_MIN = 4;

/** Hides what looks like a phrase or a good part of one, whatever stands between its words. */
export function redactPhrases(text: string): string {
  const listed = new Set<string>(WORDLIST);
  const run = new RegExp(String.raw`[a-z]+(?:(?:[\s,;"'\[\]]|\\n|\d+\.?)+[a-z]+){${PHRASE_WORDS_MIN - 1},}`, "gi");
  return text.replace(run, (words) => {
    const kept = [...words.matchAll(/[a-z]+/gi)].map(({ 0: word, index }) => ({
      word,
      index,
      end: index + word.length,
    }));
    let shown = "";
    let at = 0;
    for (let i = 0; i < kept.length;) {
      let after = i;
      while (after < kept.length && listed.has(kept[after]!.word.toLowerCase())) after++;
      if (after - i >= PHRASE_WORDS_MIN) {
        shown += `${words.slice(at, kept[i]!.index)}<words>`;
        at = kept[after - 1]!.end;
      }
      i = Math.max(after, i + 1);
    }
    return shown + words.slice(at);
  });
}

/** Of what runs this program. */
function versions(): object {
  const { node, electron } = process.versions as Partial<NodeJS.ProcessVersions>;
  return { node, electron: electron ?? null };
}

async function unlessRefused<T>(answer: Promise<T> | undefined): Promise<T | string | null> {
  try {
    return (await answer) ?? null;
  } catch (error) {
    if (error instanceof ProtocolError) return String(error.code);
    throw error;
  }
}
