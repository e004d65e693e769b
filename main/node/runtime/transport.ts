/**
 * What the runtime asks of whoever carries its messages: sockets to peers, other runtimes of the same process in tests, or
 * nobody. A transport knows no pool and judges nothing; it gives each identifier to a peer once unless it is told again.
 */
import type { PeerId } from "../../consensus/events.ts";
import type { FetchedWindow } from "../../consensus/material.ts";
import type { Message } from "../../consensus/objects.ts";
import type { Verdict } from "../../consensus/verdict.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import type { Peer, PeerNetwork } from "../../network/ports.ts";
import type { FastSyncReply } from "../sync/server.ts";
import type { RangeAsked, RangePage } from "../state/requests.ts";

/** The runtime, as a transport sees it. */
export interface PeerHandler {
  onMessage(from: PeerId, message: Message): void;
  onConnected(peer: PeerId): void;
  onDisconnected(peer: PeerId): void;
  /** What peers may fetch by identifier; unknown ones are left out. */
  findObjects(hashes: readonly Hash32[]): Promise<readonly Message[]>;
  /** A page of the objects of decided windows (chapter 07 §3.18). */
  findRange(asked: RangeAsked): Promise<RangePage>;
  /** The answer to a FastSyncRequest (0x40); undefined, or without this, one that serves no snapshots. */
  answerFastSync?(from: Pick<Peer, "peerId" | "nodeId">, payload: Uint8Array): Promise<FastSyncReply | undefined>;
  /** Where the node stands at this moment. */
  readonly position: { readonly window: bigint; readonly round: number };
}

export interface Transport {
  /** Whether there can be anybody else at all: a network of one node has nobody who could contradict it. */
  readonly isAlone: boolean;
  /** Connected at this moment. */
  readonly peers: readonly PeerId[];
  /** The peers themselves while it is started, for who takes a snapshot from them; undefined where there are no such. */
  readonly joining?: Pick<PeerNetwork, "peers" | "penalise"> | undefined;
  /** Begins to connect and to listen; resolves when both work. */
  start(handler: PeerHandler): Promise<void>;
  broadcast(message: Message, except?: PeerId): void;
  send(to: PeerId, messages: readonly Message[]): void;
  /** What became of a message of this peer. */
  judge(from: PeerId, message: Message, verdict: Verdict): void;
  /** The peer served a decided window that is none. */
  blame(peer: PeerId, failure: string): void;
  /** Asks a peer, another one each time; what it has comes as messages. */
  fetchObjects(hashes: readonly Hash32[]): void;
  /** Asks a peer, another one each time. Undefined where nobody answers. */
  fetchWindows(first: bigint, count: bigint): Promise<FetchedAnswer | undefined>;
  stop(): Promise<void>;
}

export interface FetchedAnswer {
  readonly from: PeerId;
  readonly windows: readonly FetchedWindow[];
}

/** The transport of a network of one node. */
export const nobody: Transport = {
  isAlone: true,
  peers: [],
  start: () => Promise.resolve(),
  broadcast: () => undefined,
  send: () => undefined,
  judge: () => undefined,
  blame: () => undefined,
  fetchObjects: () => undefined,
  fetchWindows: () => Promise.resolve(undefined),
  stop: () => Promise.resolve(),
};
