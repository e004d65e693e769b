/** Answers FastSyncRequest (0x40) on the host's thread: who may ask how much; the state worker has the parts (chapter 07 §4.5). */
import { ascii, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { readAddress } from "../../protocol/fastsync/addressing.ts";
import { decodeRequest, encodeError } from "../../protocol/fastsync/codec.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import type { StateClient } from "../state/client.ts";

/** Codes of FastSyncError. */
export const FAST_SYNC_ERROR = { unavailable: 1, tooLarge: 2, unsupported: 3, exhausted: 4, denied: 5 } as const;

const REQUEST_SIZE = 16;
/** Of one peer in one window (chapter 07 §5.3). */
const REQUESTS_PER_WINDOW = 600;
/** As many as a client has outstanding, and of all peers together so many that a window's own work does not wait long. */
const PEER_REQUESTS_MAX = 4;
const REQUESTS_MAX = 12;
/** Peers whose requests are counted; a window has fewer. */
const PEERS_COUNTED_MAX = 1024;

export interface FastSyncServerOptions {
  readonly state: Pick<StateClient, "ask">;
  /** Whether a peer's level may send 0x40 (chapter 07 §5.4); every one where no tunnel gate runs. */
  readonly mayAsk?: (nodeId: NodeId) => boolean;
}

export interface FastSyncReply {
  readonly msgType: typeof MESSAGE.fastSyncResponse | typeof MESSAGE.fastSyncError;
  readonly payload: Uint8Array;
}

interface Count {
  asked: number;
  underWay: number;
}

export class FastSyncServer {
  readonly #options: FastSyncServerOptions;
  readonly #counts = new Map<string, Count>();
  #underWay = 0;

  constructor(options: FastSyncServerOptions) {
    this.#options = options;
  }

  /** A window has closed: everybody may ask as much again. */
  windowClosed(): void {
    for (const [peer, count] of this.#counts) {
      if (count.underWay === 0) this.#counts.delete(peer);
      else count.asked = 0;
    }
  }

  /** The reply to one request; undefined for one that is malformed. */
  async answer(
    peer: { readonly peerId: string; readonly nodeId: NodeId },
    payload: Uint8Array,
  ): Promise<FastSyncReply | undefined> {
    if (payload.length !== REQUEST_SIZE) return undefined;
    const { anchorWindow: anchor, resumeOffset } = decodeRequest(payload);
    if (this.#options.mayAsk?.(peer.nodeId) === false) return refusal(FAST_SYNC_ERROR.denied);
    if (readAddress(resumeOffset).kind === "reserved") return refusal(FAST_SYNC_ERROR.unsupported);
    const count = this.#countOf(peer.peerId);
    if (count === undefined || count.asked >= REQUESTS_PER_WINDOW) return refusal(FAST_SYNC_ERROR.exhausted);
    count.asked++;
    if (count.underWay >= PEER_REQUESTS_MAX || this.#underWay >= REQUESTS_MAX)
      return refusal(FAST_SYNC_ERROR.exhausted);
    count.underWay++;
    this.#underWay++;
    try {
      const part = await this.#options.state.ask("snapshotPart", { anchor, resumeOffset });
      if (part === undefined) return refusal(FAST_SYNC_ERROR.unavailable);
      return { msgType: MESSAGE.fastSyncResponse, payload: part };
    } catch (error) {
      // A store that closes or fails has other witnesses; the peer asks somebody else.
      if (error instanceof ProtocolError) return refusal(FAST_SYNC_ERROR.exhausted);
      throw error;
    } finally {
      count.underWay--;
      this.#underWay--;
    }
  }

  #countOf(peer: string): Count | undefined {
    let count = this.#counts.get(peer);
    if (count === undefined && this.#counts.size < PEERS_COUNTED_MAX) {
      count = { asked: 0, underWay: 0 };
      this.#counts.set(peer, count);
    }
    return count;
  }
}

const WORDS: Readonly<Record<number, string>> = {
  1: "snapshot unavailable",
  3: "unsupported version",
  4: "resources exhausted",
  5: "access denied",
};

function refusal(code: number): FastSyncReply {
  return { msgType: MESSAGE.fastSyncError, payload: encodeError({ code, message: ascii(WORDS[code] ?? "") }) };
}
