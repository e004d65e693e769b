/** What no public file may hold (chapter 08 §4.12). A file with a finding does not replace the one before. */
import { IPV4, IPV6_CANDIDATE, isIpv6Shaped, KEY, UUID } from "./patterns.ts";

export type Violation =
  | "coordinate-precision"
  | "exit-host"
  | "hosting-name"
  | "ipv4"
  | "ipv6"
  | "multiaddr"
  | "reality-key"
  | "uuid"
  | "vless-url";

export interface Secrets {
  /** Names and addresses of all exits. */
  readonly exitHosts: readonly string[];
  /** Names of hosting providers. */
  readonly providers: readonly string[];
}

const MULTIADDRESSES = ["/ip4/", "/ip6/", "/dns4/", "/dns6/", "/dnsaddr/"];

/** The kinds of forbidden content in a document, sorted; none where it may be published. */
export function scanForPublication(text: string, { exitHosts, providers }: Secrets): readonly Violation[] {
  const lower = text.toLowerCase();
  const isFound: Readonly<Record<Violation, () => boolean>> = {
    "coordinate-precision": () => /"(?:lat|lon)"\s*:\s*-?[0-9]+\.[0-9]{5}/.test(text),
    "exit-host": () => exitHosts.some((host) => host !== "" && lower.includes(host.toLowerCase())),
    "hosting-name": () => providers.some((name) => hasWord(lower, name.toLowerCase())),
    ipv4: () => text.search(IPV4) >= 0,
    ipv6: () => (text.match(IPV6_CANDIDATE) ?? []).some(isIpv6Shaped),
    multiaddr: () => MULTIADDRESSES.some((prefix) => text.includes(prefix)),
    "reality-key": () => text.search(KEY) >= 0,
    uuid: () => text.search(UUID) >= 0,
    "vless-url": () => lower.includes("vless://"),
  };
  return (Object.keys(isFound) as Violation[]).filter((kind) => isFound[kind]()).sort();
}

function hasWord(text: string, word: string): boolean {
  if (word === "") return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isWordUnit(text[at - 1]) && !isWordUnit(text[at + word.length])) return true;
  }
  return false;
}

const isWordUnit = (unit: string | undefined): boolean => unit !== undefined && /[\p{L}\p{N}_]/u.test(unit);
