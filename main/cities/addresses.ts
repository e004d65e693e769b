/** Host names and addresses as text, and which of them no public entry may name (chapter 08 §3.1, §4.3, §4.4). */

export type Ipv4 = readonly [number, number, number, number];
/** Eight groups of 16 bits. */
export type Ipv6 = readonly number[];

const IPV6_TEXT_MAX = 45;
const NAME_MAX = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Four decimal numbers without leading zeros. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1);
  const isValid = parts.every((part) => Number(part) <= 255 && (part === "0" || !part.startsWith("0")));
  return isValid ? (parts.map(Number) as unknown as Ipv4) : undefined;
}

/** Any textual form without a zone; the last 32 bits may be written as IPv4. */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (text.length > IPV6_TEXT_MAX) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  // An IPv4 form ends an address, so it cannot stand before "::".
  if (halves[0]!.includes(".")) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const ipv4 = i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4[0] * 256 + ipv4[1], ipv4[2] * 256 + ipv4[3]);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** RFC 5952: the longest run of zero groups shortened, the first of equals; an IPv4-mapped address ends in IPv4 form. */
export function formatIpv6(groups: Ipv6): string {
  if (isIpv4Mapped(groups)) {
    const [high, low] = [groups[6]!, groups[7]!];
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  let [start, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** A name in lower case: 1 to 253 characters, labels of 1 to 63, no dot at the end, the last label no number. */
export function isDnsName(text: string): boolean {
  if (text.length > NAME_MAX) return false;
  const labels = text.split(".");
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1)!);
}

export const isAddress = (host: string): boolean => parseIpv4(host) !== undefined || host.includes(":");

/** An address of this machine, or `localhost`. */
export function isLoopbackHost(host: string): boolean {
  if (host === "localhost") return true;
  const ipv4 = parseIpv4(host);
  return ipv4 === undefined ? host === "::1" : ipv4[0] === 127;
}

/** Whether a canonical host may not be published: it leads into somebody's own machine or network (§4.4). */
export function isForbiddenHost(host: string): boolean {
  const ipv4 = parseIpv4(host);
  if (ipv4 !== undefined) return isForbiddenIpv4(ipv4);
  const ipv6 = parseIpv6(host);
  if (ipv6 !== undefined) return isForbiddenIpv6(ipv6);
  const labels = host.split(".");
  const last = labels.at(-1)!;
  // Some resolvers read a last label such as 0x1 as part of an IPv4 address.
  return labels.length === 1 || ["localhost", "local", "internal"].includes(last) || /^0x[0-9a-f]*$/.test(last);
}

function isForbiddenIpv4([a, b]: Ipv4): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  if (a === 100) return b >= 64 && b < 128;
  if (a === 172) return b >= 16 && b < 32;
  return (a === 169 && b === 254) || (a === 192 && b === 168);
}

function isForbiddenIpv6(groups: Ipv6): boolean {
  const first = groups[0]!;
  const isUnspecifiedOrLoopback = groups.slice(0, 7).every((group) => group === 0) && groups[7]! <= 1;
  const isUniqueLocal = (first & 0xfe00) === 0xfc00;
  const isLinkLocal = (first & 0xffc0) === 0xfe80;
  const isMulticast = first >= 0xff00;
  return isUnspecifiedOrLoopback || isUniqueLocal || isLinkLocal || isMulticast || isIpv4Mapped(groups);
}

const isIpv4Mapped = (groups: Ipv6): boolean =>
  groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
