/** The lines that external monitors read, in the reference's words (chapter 06 §3.8). */
import type { PeerIdText } from "../ports.ts";

/** Of a peer that the manifest does not name. */
export const UNKNOWN_LABEL = "unknown";

export const journal = {
  networkStart: (self: PeerIdText, listen: string, peersToDial: number) =>
    `[network] local_peer_id=${self} listen=${listen} peers_to_dial=${peersToDial}`,
  dialing: (label: string, multiaddr: string, peer: PeerIdText) =>
    `[network] dialing ${label} (${multiaddr}/p2p/${peer})`,
  listening: (multiaddr: string, self: PeerIdText) => `[network] listening on ${multiaddr}/p2p/${self}`,
  established: (peer: PeerIdText, label: string, remote: string, isDialer: boolean) =>
    `[network] CONNECTION ESTABLISHED peer=${peer} label=${label} remote=${isDialer ? `${remote}/p2p/${peer}` : remote}`,
  heartbeat: (peer: PeerIdText, requestId: bigint) =>
    `[network] heartbeat OK peer=${peer} request_id=${requestId.toString()}`,
  closed: (peer: PeerIdText, label: string, cause: string) =>
    `[network] connection closed peer=${peer} label=${label} cause=${oneLine(cause)}`,
  dialFailed: (peer: PeerIdText | undefined, error: string) =>
    `[network] outgoing connection ERROR peer=${peer === undefined ? "None" : `Some(PeerId("${peer}"))`} error=${oneLine(error)}`,
  /** `typeName` as the reference spells it, `Proposal`. The letter before the count is Cyrillic. */
  broadcast: (typeName: string, requestId: bigint, peers: number) =>
    `[network] broadcast ${typeName} request_id=${requestId.toString()} к ${peers} peer(s)`,
} as const;

const LINE_MAX = 512;
const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, " ").slice(0, LINE_MAX);
