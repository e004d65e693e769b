/** Addresses of peers: multiaddr texts, what may be shared, and which addresses count as neighbours (chapter 07 §3.5, §4.6, §4.8). */
import { BlockList, isIPv4, isIPv6 } from "node:net";

import { ascii, concatBytes, equalBytes, isAllZero, sized, toHex, type Bytes } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";

/** An IP address and a TCP port, as a PeerEntry holds them: IPv4 in the last four of 16 bytes, zeros before. */
export interface Address {
  readonly ipVersion: 4 | 6;
  readonly ip: Bytes<16>;
  /** 1 … 65535 */
  readonly port: number;
}

export type Reach = "public" | "private" | "loopback" | "unusable";

const MULTIADDR = /^\/ip([46])\/([0-9a-fA-F:.]{2,45})\/tcp\/([0-9]{1,5})$/;
const PORT_MAX = 65_535;
const V4_PREFIX = new Uint8Array(12);

/** Reads `/ip4/A/tcp/P` or `/ip6/A/tcp/P`. Throws `ProtocolError("invalid-multiaddr")`; port 0 is one to listen on. */
export function parseMultiaddr(text: string): Address {
  const [, version, host = "", portText = ""] = MULTIADDR.exec(text) ?? [];
  const port = Number(portText);
  const ip = version === "4" ? bytesOfV4(host) : version === "6" ? bytesOfV6(host) : undefined;
  if (ip === undefined || port > PORT_MAX) throw new ProtocolError("invalid-multiaddr", { text: text.slice(0, 128) });
  return { ipVersion: version === "4" ? 4 : 6, ip, port };
}

export function formatMultiaddr(address: Address): string {
  return `/ip${address.ipVersion}/${hostOf(address)}/tcp/${address.port}`;
}

/** The IP alone, as sockets take it. */
export function hostOf({ ipVersion, ip }: Address): string {
  if (ipVersion === 4) return ip.subarray(12).join(".");
  return formatV6(ip);
}

export function isSameAddress(a: Address, b: Address): boolean {
  return a.ipVersion === b.ipVersion && a.port === b.port && equalBytes(a.ip, b.ip);
}

/** Names the endpoint, for use as a key of `Map`. */
export function addressKey({ ipVersion, ip, port }: Address): string {
  return `${ipVersion} ${toHex(ip)} ${port}`;
}

/** Who may be told of it: public addresses everybody, private and loopback ones only where the network allows them. */
export function reachOf({ ipVersion, ip, port }: Address): Reach {
  if (port === 0 || isAllZero(ip)) return "unusable";
  if (ipVersion === 4) return equalBytes(ip.subarray(0, 12), V4_PREFIX) ? reachOfV4(ip.subarray(12)) : "unusable";
  if (isMapped(ip)) return "unusable";
  const host = formatV6(ip);
  if (host === "::1") return "loopback";
  if (unusableV6.check(host, "ipv6")) return "unusable";
  return privateV6.check(host, "ipv6") ? "private" : "public";
}

/**
 * Addresses of one group are taken for neighbours that one person may hold: the /16 of IPv4, the /48 of IPv6. Private and
 * loopback addresses say nothing of that kind; each endpoint is a group of its own.
 */
export function groupOf(address: Address): string {
  const { ipVersion, ip } = address;
  if (reachOf(address) !== "public") return addressKey(address);
  return ipVersion === 4 ? `4 ${toHex(ip.subarray(12, 14))}` : `6 ${toHex(ip.subarray(0, 6))}`;
}

/** What is hashed into the number of a bucket. */
export function groupBytes(group: string): Uint8Array {
  return ascii(group);
}

function bytesOfV4(host: string): Bytes<16> | undefined {
  if (!isIPv4(host)) return undefined;
  return sized(concatBytes(V4_PREFIX, Uint8Array.from(host.split("."), Number)), 16);
}

function bytesOfV6(host: string): Bytes<16> | undefined {
  if (!isIPv6(host) || host.includes(".")) return undefined;
  const [head = "", tail] = host.split("::");
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const groups = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return sized(Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])), 16);
}

const groupsOf = (text: string): number[] =>
  text === "" ? [] : text.split(":").map((part) => Number.parseInt(part, 16));

/** RFC 5952 but for the choice among equal runs of zeros, which is the first. */
function formatV6(ip: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (ip[2 * i]! << 8) | ip[2 * i + 1]!);
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

function reachOfV4(ip: Uint8Array): Reach {
  const host = ip.join(".");
  if (ip[0] === 127) return "loopback";
  if (unusableV4.check(host)) return "unusable";
  return privateV4.check(host) ? "private" : "public";
}

const isMapped = (ip: Uint8Array): boolean => isAllZero(ip.subarray(0, 10)) && ip[10] === 0xff && ip[11] === 0xff;

const subnets = (type: "ipv4" | "ipv6", texts: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const text of texts) {
    const [network = "", prefix] = text.split("/");
    list.addSubnet(network, Number(prefix), type);
  }
  return list;
};

const unusableV4 = subnets("ipv4", ["0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"]);
const privateV4 = subnets("ipv4", [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
]);
const unusableV6 = subnets("ipv6", ["ff00::/8", "::/96"]);
const privateV6 = subnets("ipv6", ["fc00::/7", "fe80::/10", "2001:db8::/32"]);
