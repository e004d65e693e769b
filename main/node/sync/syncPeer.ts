/** One peer as a joiner asks it: parts of a snapshot, decided windows, bodies. Counts bytes; judges nothing but form. */
import { tryDecode } from "../../consensus/objects.ts";
import { equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { decodeError, encodeRequest } from "../../protocol/fastsync/codec.ts";
import { proposalHeader, proposalVote, PRECOMMIT, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { decode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { decodeEnvelope, encodeEnvelope } from "../../network/messages/envelope.ts";
import {
  decodeFetchReply,
  encodeFetchRequest,
  FETCH_IDS_MAX,
  type FetchedObject,
  type FetchReply,
  type FetchRequest,
} from "../../network/messages/objectFetch.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import { PROTOCOLS, type Peer, type PeerIdText } from "../../network/ports.ts";
import { FAST_SYNC_ERROR } from "./server.ts";

/** Why a request gave nothing. Only `malformed` is a violation. */
export type PeerFailure =
  /** Error 1: not this anchor, or not this part. */
  | "unavailable"
  /** Error 4, or too many requests under way: later again. */
  | "busy"
  /** A Pong, `na`, or an error that says no: not for two weeks (chapter 07 §4.5). */
  | "not-served"
  /** No answer. */
  | "failed"
  /** An answer that is none. */
  | "malformed";

/** An answer takes up to 1 MiB over a slow line; who is slower than that is asked less. */
const REQUEST_MS_MAX = 30_000;
/** Pages of one answer to a range: a window has at most 32,662 objects of up to some KiB. */
const PAGES_MAX = 512;

/** What a peer shows of an anchor: its header, the next one, and the certificate of the latter. */
export interface AnchorView {
  readonly hash: Hash32;
  readonly header: Uint8Array;
  readonly next: Uint8Array;
  readonly certificate: readonly Uint8Array[];
}

export class SyncPeer {
  readonly #crypto: Crypto;
  /** In use at this moment: a peer that comes again is the same one. */
  connection: Peer;
  #requestId = 0n;
  /** Bytes of all replies. */
  bytesReceived = 0;
  /** Chunks of the snapshot that it serves, once it has said so. */
  totalChunks: number | undefined;

  constructor(crypto: Crypto, peer: Peer) {
    this.#crypto = crypto;
    this.connection = peer;
  }

  get peerId(): PeerIdText {
    return this.connection.peerId;
  }

  /** The payload of the chunk that `resumeOffset` names. Throws `ProtocolError<PeerFailure>`. */
  async part(anchor: bigint, resumeOffset: bigint, signal: AbortSignal): Promise<Uint8Array> {
    const requestId = this.#requestId++;
    const payload = encodeRequest({ anchorWindow: anchor, resumeOffset });
    const request = encodeEnvelope({ msgType: MESSAGE.fastSyncRequest, requestId, payload });
    const reply = await this.#request(PROTOCOLS.messages, request, signal);
    const envelope = read(() => decodeEnvelope(reply));
    if (envelope.msgType === MESSAGE.pong) throw peerFailure("not-served");
    if (envelope.msgType === MESSAGE.fastSyncError) {
      const { code } = read(() => decodeError(envelope.payload));
      if (code === FAST_SYNC_ERROR.unavailable) throw peerFailure("unavailable");
      throw peerFailure(code === FAST_SYNC_ERROR.exhausted ? "busy" : "not-served");
    }
    const isAnswer = envelope.msgType === MESSAGE.fastSyncResponse && envelope.requestId === requestId;
    if (!isAnswer) throw peerFailure("malformed");
    // Its own memory: a view would be sent to the state worker with all that it is a view of.
    return new Uint8Array(envelope.payload);
  }

  /** Whether this peer has decided `window` and serves it. */
  async serves(window: bigint, signal: AbortSignal): Promise<boolean> {
    const { objects } = await this.#fetch({ kind: 2, first: window, last: window, cursor: 0 }, signal);
    return this.#headerIn(objects, window) !== undefined;
  }

  /** Undefined where it does not serve both windows. Nothing of it is verified but that it hangs together. */
  async anchorView(anchor: bigint, signal: AbortSignal): Promise<AnchorView | undefined> {
    const certificate: Uint8Array[] = [];
    let header: ProposalHeader | undefined;
    let next: ProposalHeader | undefined;
    for (const window of [anchor, anchor + 1n]) {
      let cursor = 0;
      for (let page = 0; page < PAGES_MAX; page++) {
        const reply = await this.#fetch({ kind: 2, first: window, last: window, cursor }, signal);
        if (cursor === 0) {
          const found = this.#headerIn(reply.objects, window);
          if (found === undefined) return undefined;
          if (window === anchor) header = found;
          else next = found;
        }
        const votes = reply.objects.filter(({ msgType }) => msgType === MESSAGE.proposalVote);
        if (window > anchor) certificate.push(...votes.map(({ bytes }) => new Uint8Array(bytes)));
        // The header comes first, and the votes right after the body.
        const isPastVotes = reply.objects.some(
          ({ msgType }) =>
            msgType !== MESSAGE.proposal && msgType !== MESSAGE.proposalBody && msgType !== MESSAGE.proposalVote,
        );
        if (window === anchor || isPastVotes || !reply.more || reply.nextCursor <= cursor) break;
        cursor = reply.nextCursor;
      }
    }
    if (header === undefined || next === undefined) return undefined;
    const hash = proposalHeader.identify(this.#crypto, header);
    if (!equalBytes(next.prevProposalHash, hash)) throw peerFailure("malformed");
    const commits = certificate.filter(
      (bytes) => tryDecode((each) => decode(proposalVote, each), bytes)?.phase === PRECOMMIT,
    );
    return { hash, header: proposalHeader.encode(header), next: proposalHeader.encode(next), certificate: commits };
  }

  /** Bodies of the proposals of these hashes, as far as they come with one answer; at least the first, or none. */
  async bodies(hashes: readonly Hash32[], signal: AbortSignal): Promise<Uint8Array[]> {
    const ids = hashes.slice(0, FETCH_IDS_MAX);
    const { objects } = await this.#fetch({ kind: 1, ids }, signal);
    return objects.filter(({ msgType }) => msgType === MESSAGE.proposalBody).map(({ bytes }) => new Uint8Array(bytes));
  }

  #headerIn(objects: readonly FetchedObject[], window: bigint): ProposalHeader | undefined {
    for (const { msgType, bytes } of objects) {
      const header = msgType === MESSAGE.proposal ? tryDecode((each) => proposalHeader.decode(each), bytes) : undefined;
      if (header?.windowIndex === window) return header;
    }
    return undefined;
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchReply> {
    const reply = await this.#request(PROTOCOLS.objects, encodeFetchRequest(request), signal);
    return read(() => decodeFetchReply(reply));
  }

  async #request(
    protocol: Parameters<Peer["request"]>[0],
    request: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    try {
      const reply = await this.connection.request(protocol, request, { timeoutMs: REQUEST_MS_MAX, signal });
      this.bytesReceived += reply.length;
      return reply;
    } catch (error) {
      if (signal.aborted) throw new ProtocolError("cancelled");
      if (!(error instanceof ProtocolError)) throw error;
      switch ((error as ProtocolError).code) {
        case "protocol-not-served":
          throw peerFailure("not-served");
        case "too-many-requests":
          throw peerFailure("busy");
        case "reply-too-large":
        case "reply-malformed":
          throw peerFailure("malformed");
        default:
          throw peerFailure("failed");
      }
    }
  }
}

export const peerFailure = (code: PeerFailure): ProtocolError<PeerFailure> => new ProtocolError(code);

function read<T>(decodeReply: () => T): T {
  try {
    return decodeReply();
  } catch (error) {
    if (error instanceof ProtocolError) throw peerFailure("malformed");
    throw error;
  }
}
