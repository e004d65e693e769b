/**
 * Which autonomous system an address belongs to, from a file of the operator's: text, one network a line, `CIDR ASN`, as in
 * `192.0.2.0/24 64496` or `2001:db8::/32 64497`; `#` begins a comment. The longest prefix that holds an address wins.
 */
import { isIPv4, isIPv6 } from "node:net";

import { ProtocolError } from "../../protocol/errors.ts";
import { parseMultiaddr, type Address } from "./address.ts";

export const ASN_FILE_SIZE_MAX = 64 * 1024 * 1024;
export const ASN_NETWORKS_MAX = 2_000_000;
const ASN_MAX = 2 ** 32 - 1;

export type AsnMapErrorCode = "asn-map-too-large" | "asn-map-invalid";

export interface AsnMap {
  readonly size: number;
  asnOf(address: Address): number | undefined;
}

export const noAsnMap: AsnMap = { size: 0, asnOf: () => undefined };

/** Throws `ProtocolError<AsnMapErrorCode>`; `asn-map-invalid` names the line. */
export function parseAsnMap(text: string): AsnMap {
  if (text.length > ASN_FILE_SIZE_MAX) throw refusal("asn-map-too-large", 0);
  /** Version and prefix length → network → ASN: an exact look-up for each length that occurs. */
  const tables = new Map<number, Map<bigint, number>>();
  let size = 0;
  let lineNumber = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    lineNumber++;
    const content = text.slice(start, end).split("#")[0]!.trim();
    start = end + 1;
    if (content === "") continue;
    if (++size > ASN_NETWORKS_MAX) throw refusal("asn-map-too-large", lineNumber);
    addNetwork(tables, content, lineNumber);
  }
  return { size, asnOf: (address) => longestMatch(tables, address) };
}

function addNetwork(tables: Map<number, Map<bigint, number>>, content: string, line: number): void {
  const [, host = "", lengthText, asnText] =
    /^([0-9a-fA-F:.]{2,45})\/([0-9]{1,3})\s+([0-9]{1,10})$/.exec(content) ?? [];
  const version = isIPv4(host) ? 4 : isIPv6(host) && !host.includes(".") ? 6 : undefined;
  const [length, asn] = [Number(lengthText), Number(asnText)];
  if (version === undefined || length > bitsOf(version) || asn > ASN_MAX) throw refusal("asn-map-invalid", line);
  const { ip } = parseMultiaddr(`/ip${version}/${host}/tcp/1`);
  const key = tableKey(version, length);
  let table = tables.get(key);
  if (table === undefined) tables.set(key, (table = new Map<bigint, number>()));
  table.set(networkOf(valueOf(version, ip), version, length), asn);
}

function longestMatch(tables: ReadonlyMap<number, ReadonlyMap<bigint, number>>, address: Address): number | undefined {
  const { ipVersion, ip } = address;
  const value = valueOf(ipVersion, ip);
  for (let length = bitsOf(ipVersion); length >= 0; length--) {
    const asn = tables.get(tableKey(ipVersion, length))?.get(networkOf(value, ipVersion, length));
    if (asn !== undefined) return asn;
  }
  return undefined;
}

const bitsOf = (version: 4 | 6): number => (version === 4 ? 32 : 128);
const tableKey = (version: 4 | 6, length: number): number => version * 256 + length;
const networkOf = (value: bigint, version: 4 | 6, length: number): bigint => value >> BigInt(bitsOf(version) - length);

function valueOf(version: 4 | 6, ip: Uint8Array): bigint {
  let value = 0n;
  for (const byte of version === 4 ? ip.subarray(12) : ip) value = (value << 8n) | BigInt(byte);
  return value;
}

function refusal(code: AsnMapErrorCode, line: number): ProtocolError<AsnMapErrorCode> {
  return new ProtocolError<AsnMapErrorCode>(code, { line });
}
