/**
 * What the layers of this room promise each other and the node above them. A connection carries requests, each with one reply,
 * on named protocols (chapter 06 §3.5, chapter 07 §4.1); the peer network keeps connections to the peers worth having; what
 * requests mean is the business of who serves them.
 */
import type { NodeId } from "../protocol/bytes.ts";
import type { PublicKey, Signature } from "../protocol/crypto.ts";

/** Base58 text, `Qm…` (chapter 06 §3.6). */
export type PeerIdText = string;

/** The node key, as the handshake uses it. */
export interface TransportIdentity {
  readonly publicKey: PublicKey;
  /** Signs a 32-byte digest with an empty context. */
  sign(digest: Uint8Array): Signature;
}

/** The names of substream protocols (chapter 07 §2.1). */
export const PROTOCOLS = {
  messages: "/montana/1.0.0",
  consensus: "/montana/consensus/1.0.0",
  objects: "/montana/objects/1.0.0",
  stem: "/montana/stem/1.0.0",
} as const;

export type ProtocolName = (typeof PROTOCOLS)[keyof typeof PROTOCOLS];

/** Why a request got no reply. */
export type RequestFailure =
  /** The peer answered `na`. */
  | "protocol-not-served"
  | "stream-reset"
  | "request-timeout"
  | "reply-too-large"
  | "reply-malformed"
  | "connection-closed"
  /** Too many requests of this side are under way; nothing was sent. */
  | "too-many-requests";

export interface RequestOptions {
  /** From the negotiated substream to the end of the reply; 10 s unless given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One authenticated and multiplexed connection. */
export interface Connection {
  readonly peerId: PeerIdText;
  readonly publicKey: PublicKey;
  /** Whether this side dialed. */
  readonly isDialer: boolean;
  /** Of the other end, without `/p2p`. */
  readonly remote: string;
  /**
   * Opens a substream, writes `request`, half-closes and gives the whole reply. Throws `ProtocolError<RequestFailure>`; the
   * connection lives on unless that says otherwise.
   */
  request(protocol: ProtocolName, request: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  /** Ends it at once; what is under way fails with `connection-closed`. */
  close(cause: string): void;
  /** Resolves, never rejects, with the cause in words once the connection has ended. */
  readonly closed: Promise<string>;
}

/** One protocol that this side serves to whoever is connected. */
export interface Served<From = Connection> {
  readonly protocol: ProtocolName;
  /** `envelope`: a request ends where its header says; `to-end`: where the opener half-closes. */
  readonly framing: "envelope" | "to-end";
  /** Longest request in bytes, checked before anything is allocated. */
  readonly requestBytesMax: number;
  /** Undefined resets the substream. A rejected promise does, too, and is logged as a defect. */
  serve(from: From, request: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A peer, however many connections it has. */
export interface Peer {
  readonly peerId: PeerIdText;
  readonly nodeId: NodeId;
  /** Whether this side dialed the connection that is in use. */
  readonly isOutbound: boolean;
  /** Whether it answers as the rc.1 node does, with Pong to everything; undefined until it has been asked. */
  readonly isLikeRc1?: boolean | undefined;
  /** For how long nothing was heard of it, where it owes an answer to a Ping; undefined while it answers. */
  readonly silentMs?: number | undefined;
  /** Over the connection in use at that moment. */
  request(protocol: ProtocolName, request: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
}

export interface PeerListener {
  connected(peer: Peer): void;
  disconnected(peer: Peer): void;
}

/** What a peer did that counts for it (chapter 07 §4.9). */
export type Usefulness = "valid-object" | "valid-proposal";

/** The peers of a node: dials, accepts, keeps, refuses. */
export interface PeerNetwork {
  readonly peers: readonly Peer[];
  /** Begins to listen and to dial; resolves once it listens. */
  start(listener: PeerListener, served: readonly Served<Peer>[]): Promise<void>;
  /** Counts against a peer; 100 points within τ₁ end the connection and ban it (chapter 07 §5.3). */
  penalise(peer: PeerIdText, points: number, reason: string): void;
  /** Counts for a peer: it is kept when room is needed. */
  praise(peer: PeerIdText, what: Usefulness): void;
  /** Says Bye and closes everything within 5 s. */
  stop(): Promise<void>;
}
