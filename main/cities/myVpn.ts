/** `my-vpn.json`: what one exit says of itself, and what an aggregator accepts of it (chapter 08 §3.2, §3.4, §4.4). */
import { ProtocolError } from "../protocol/errors.ts";
import { isForbiddenHost, isLoopbackHost } from "./addresses.ts";
import { isObject, parseJson } from "./json.ts";
import { MY_VPN_MAX } from "./limits.ts";
import { FLOW_VISION, parseShareLink, type ShareLink, type ShareLinkFault } from "./shareLink.ts";

export interface MyVpn {
  readonly node: string;
  /** This entry goes first in the subscription. */
  readonly primary: boolean;
  /** Published byte for byte. */
  readonly vless: string;
}

export type MyVpnFault =
  | "too-large"
  | "not-json"
  | "not-object"
  | "bad-node"
  | "node-mismatch"
  | "bad-primary"
  | "bad-vless"
  | "not-publishable"
  | "forbidden-host";

/** `keys.json`: the parts of the canonical exit's link that older programs read. */
export interface Keys {
  readonly node: string;
  readonly uuid: string;
  readonly pbk: string;
  readonly sid: string;
  readonly sni: string;
  readonly updated_unix: number;
}

export const NODE_LABEL = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Reads a fetched file. `expectedNode` is the peer that was asked: no node may speak for another. `allowLoopback` is for the
 * practice network. Throws `ProtocolError` with a {@link MyVpnFault}, and for `bad-vless` the reason of §4.3 as `reason`.
 */
export function decodeMyVpn(body: string, expectedNode: string, allowLoopback = false): MyVpn {
  const document = parseJson(body, MY_VPN_MAX);
  if (!isObject(document)) throw fault("not-object");
  const { node, primary, vless } = document;
  if (typeof node !== "string" || !NODE_LABEL.test(node)) throw fault("bad-node");
  if (node !== expectedNode) throw fault("node-mismatch");
  if (typeof primary !== "boolean") throw fault("bad-primary");
  if (typeof vless !== "string" || !/^[\x20-\x7e]*$/.test(vless)) throw fault("bad-vless");
  const link = linkOf(vless);
  if (link.flow !== FLOW_VISION || link.sid === "") throw fault("not-publishable");
  if (isForbiddenHost(link.host) && !(allowLoopback && isLoopbackHost(link.host))) throw fault("forbidden-host");
  return { node, primary, vless };
}

export function encodeMyVpn(myVpn: MyVpn): string {
  return `${JSON.stringify(myVpn, ["node", "primary", "vless"], 2)}\n`;
}

/** Of a file that {@link decodeMyVpn} accepted. */
export function keysOf({ node, vless }: MyVpn, nowUnix: number): Keys {
  const { uuid, pbk, sid, sni } = parseShareLink(vless);
  return { node, uuid, pbk, sid, sni, updated_unix: nowUnix };
}

const fault = (code: MyVpnFault): ProtocolError<MyVpnFault> => new ProtocolError(code);

function linkOf(vless: string): ShareLink {
  try {
    return parseShareLink(vless);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError("bad-vless", { reason: error.code as ShareLinkFault });
  }
}
