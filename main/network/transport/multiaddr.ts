/** Addresses as text: `/ip4/ADDRESS/tcp/PORT` and `/ip6/…`, nothing else (chapter 06 §3.7). */
import { isIPv4, isIPv6 } from "node:net";
import { ProtocolError } from "../../protocol/errors.ts";

export interface SocketAddress {
  /** An IPv4 or IPv6 address; names are not resolved. */
  readonly host: string;
  readonly port: number;
}

const MULTIADDR = /^\/(ip4|ip6)\/([^/]+)\/tcp\/(0|[1-9][0-9]{0,4})$/;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const PORT_MAX = 65_535;

/** Throws `ProtocolError("invalid-multiaddr")`. */
export function parseMultiaddr(text: string): SocketAddress {
  const [, family, host, port] = MULTIADDR.exec(text) ?? [];
  const isAddress = family === "ip4" ? isIPv4 : isIPv6;
  if (host === undefined || !isAddress(host) || host.includes("%") || Number(port) > PORT_MAX) {
    throw new ProtocolError("invalid-multiaddr", { text });
  }
  return { host, port: Number(port) };
}

/** An IPv4 address that a socket of both families shows mapped is shown as what it is. */
export function formatMultiaddr({ host, port }: SocketAddress): string {
  const plain = plainHost(host);
  return `/${isIPv4(plain) ? "ip4" : "ip6"}/${plain}/tcp/${port}`;
}

export function plainHost(host: string): string {
  return MAPPED_IPV4.exec(host)?.[1] ?? host;
}
