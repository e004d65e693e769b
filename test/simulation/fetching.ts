/** Object fetch of a simulated node (chapter 07 §3.18): asks in the bytes of the wire, answers, and lies if it is a liar. */
import { byteKey, type Hash32 } from "../../main/protocol/bytes.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";
import type { Message } from "../../main/consensus/objects.ts";
import { describe, isGossiped } from "../../main/network/gossip/object.ts";
import {
  decodeFetchReply,
  decodeFetchRequest,
  encodeFetchReply,
  encodeFetchRequest,
  FETCH_BYTES_MAX,
  FETCH_WINDOWS_MAX,
  type FetchedObject,
  type FetchRequest,
} from "../../main/network/messages/objectFetch.ts";
import { fromGossip } from "../../main/node/gossip/objects.ts";
import { WindowAssembler } from "../../main/node/gossip/windowAssembler.ts";
import type { SimulatedNode } from "./node.ts";
import type { World } from "./world.ts";

const ATTEMPTS_MAX = 3;
const TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAX = 16 * 2 ** 20;
const LIE_POINTS = 25;
const ARCHIVE_LOOKUP_WINDOWS = 3;

export class Fetching {
  readonly #node: SimulatedNode;
  #turn = 0;
  #isFetching = false;

  constructor(node: SimulatedNode) {
    this.#node = node;
  }

  objects(hashes: readonly Hash32[]): void {
    this.#askForObjects(new Map(hashes.map((hash) => [byteKey(hash), hash])), ATTEMPTS_MAX);
  }

  windows(first: bigint, count: bigint): void {
    // As the engine of a node has it: the answer that is under way comes first.
    if (this.#isFetching) return;
    this.#isFetching = true;
    const span = count < BigInt(FETCH_WINDOWS_MAX) ? count : BigInt(FETCH_WINDOWS_MAX);
    this.#askForWindows(first, first + span - 1n, ATTEMPTS_MAX);
  }

  #askForObjects(missing: Map<string, Hash32>, attempts: number): void {
    const node = this.#node;
    const { world } = node;
    if (missing.size === 0 || attempts === 0) return;
    this.#ask({ kind: 1, ids: [...missing.values()] }, (peer, objects) => {
      for (const { msgType, bytes } of objects ?? []) {
        const message = fromGossip(msgType, world.canonical(bytes));
        const key = message && keyOf(world, msgType, message);
        if (message === undefined || key === undefined || !missing.has(key)) {
          node.penalise(peer, LIE_POINTS, "fetched-unasked");
          break;
        }
        if (message.type !== "header") missing.delete(key);
        node.hand(String(peer), message);
      }
      this.#askForObjects(missing, attempts - 1);
    });
  }

  #askForWindows(first: bigint, last: bigint, attempts: number): void {
    const node = this.#node;
    const { world } = node;
    if (attempts === 0 || node.peers.length === 0) {
      this.#isFetching = false;
      return;
    }
    const assembler = new WindowAssembler(world.crypto, first, last);
    /** Gives what came whole, whatever ended the answer; asks another peer where nothing did. */
    const end = (peer: number): void => {
      if (assembler.complete.length === 0) {
        this.#askForWindows(first, last, attempts - 1);
        return;
      }
      this.#isFetching = false;
      for (const fetched of assembler.complete) node.step({ kind: "window-fetched", from: String(peer), fetched });
    };
    const page = (from: number | undefined, cursor: number): void => {
      this.#ask(
        { kind: 2, first, last, cursor },
        (peer, objects, more, nextCursor) => {
          if (objects === undefined) {
            end(peer);
            return;
          }
          try {
            for (const { msgType, bytes } of objects) {
              const message = fromGossip(msgType, world.canonical(bytes));
              if (message === undefined) throw new ProtocolError("fetched-malformed");
              assembler.add(message);
            }
            if (!more) assembler.finish();
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            world.show("bad ranges refused");
            node.penalise(peer, LIE_POINTS, String(error.code));
            end(peer);
            return;
          }
          if (!more || assembler.bytes > ANSWER_BYTES_MAX || nextCursor <= cursor) end(peer);
          else page(peer, nextCursor);
        },
        from,
      );
    };
    page(undefined, 0);
  }

  /** Asks the next peer in turn, or `peer`; `undefined` objects where no answer came. */
  #ask(
    request: FetchRequest,
    answered: (peer: number, objects: readonly FetchedObject[] | undefined, more: boolean, nextCursor: number) => void,
    peer = this.#nextPeer(),
  ): void {
    const node = this.#node;
    const { world } = node;
    if (peer === undefined) return;
    let isAnswered = false;
    const bytes = encodeFetchRequest(request);
    node.later(TIMEOUT_MS, () => {
      if (!isAnswered) answered(peer, undefined, false, 0);
      isAnswered = true;
    });
    world.request(node.index, peer, () => {
      const reply = serve(world.nodes[peer]!, node.index, bytes);
      if (reply === undefined) return;
      world.request(peer, node.index, () => {
        if (isAnswered) return;
        isAnswered = true;
        try {
          const { objects, more, nextCursor } = decodeFetchReply(reply);
          answered(peer, objects, more, nextCursor);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          node.penalise(peer, LIE_POINTS, "fetched-malformed");
          answered(peer, undefined, false, 0);
        }
      });
    });
  }

  #nextPeer(): number | undefined {
    const { peers } = this.#node;
    return peers[this.#turn++ % Math.max(1, peers.length)];
  }
}

function keyOf({ crypto }: World, type: number, { type: name, payload }: Message): string | undefined {
  if (name === "body") return byteKey(payload.subarray(0, 32));
  return isGossiped(type) ? describe(crypto, { type, payload })?.id : undefined;
}

/** Undefined where nothing is answered. */
function serve(node: SimulatedNode, to: number, bytes: Uint8Array): Uint8Array | undefined {
  const { world } = node;
  const request = decodeFetchRequest(bytes);
  const found =
    request.kind === 1
      ? { messages: request.ids.flatMap((hash) => find(node, hash)), more: false, nextCursor: 0 }
      : range(node, request.first, request.last, request.cursor);
  const messages = world.liarAt(node.index)?.answer(to, request, found.messages) ?? found.messages;
  if (messages === "nothing") return undefined;
  const objects = [];
  let size = 0;
  for (const message of messages) {
    const { type: msgType, payload } = world.wire.objectOf(message);
    size += payload.length;
    if (size > FETCH_BYTES_MAX) break;
    objects.push({ msgType, bytes: payload });
  }
  return encodeFetchReply({ more: found.more, nextCursor: found.nextCursor, objects });
}

function find(node: SimulatedNode, hash: Hash32): readonly Message[] {
  const found = node.machine?.find(hash) ?? [];
  if (found.length > 0) return found;
  const key = byteKey(hash);
  for (const decided of node.disk.archive.slice(-ARCHIVE_LOOKUP_WINDOWS)) {
    const archived = node.world.archived(decided).byHash.get(key);
    if (archived !== undefined) return archived;
  }
  return [];
}

function range(node: SimulatedNode, first: bigint, last: bigint, cursor: number) {
  const messages: Message[] = [];
  let at = 0;
  let size = 0;
  for (const decided of node.disk.archive.slice(Number(first), Number(last) + 1)) {
    const whole = node.world.archived(decided).messages;
    if (at + whole.length <= cursor) {
      at += whole.length;
      continue;
    }
    for (const message of whole.slice(Math.max(0, cursor - at))) {
      size += message.payload.length;
      if (size > FETCH_BYTES_MAX) return { messages, more: true, nextCursor: cursor + messages.length };
      messages.push(message);
    }
    at += whole.length;
  }
  return { messages, more: false, nextCursor: 0 };
}
