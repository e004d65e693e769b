/**
 * Messages as they travel: in the envelopes of `main/network/messages`, read as a node reads them. Simulated nodes share what
 * was encoded and decoded once; a payload is one array wherever it goes, so that what follows from it is shared as well.
 */
import type { Message } from "../../main/consensus/objects.ts";
import type { GossipObject } from "../../main/network/gossip/object.ts";
import { isGossiped } from "../../main/network/gossip/object.ts";
import { encodeEnvelope } from "../../main/network/messages/envelope.ts";
import { receive } from "../../main/network/messages/reception.ts";
import { MESSAGE, type EnvelopeProtocol } from "../../main/network/messages/registry.ts";
import { fromGossip, toGossip } from "../../main/node/gossip/objects.ts";

export interface Envelope {
  readonly protocol: EnvelopeProtocol;
  readonly bytes: Uint8Array;
}

/** What a node makes of an envelope, before gossip looks at it. */
export interface Received {
  readonly object: GossipObject | undefined;
  readonly message: Message | undefined;
  /** Points against whoever sent it. */
  readonly penalty: number;
}

const MALFORMED: Received = { object: undefined, message: undefined, penalty: 1 };

export class Wire {
  /** By payload. */
  readonly #envelopes = new WeakMap<Uint8Array, Envelope>();
  readonly #received = new WeakMap<Envelope, Received>();
  readonly #objects = new WeakMap<Message, GossipObject>();

  /** One object of gossip for one message, so that it need not be made for each peer. */
  objectOf(message: Message): GossipObject {
    let object = this.#objects.get(message);
    if (object === undefined) this.#objects.set(message, (object = toGossip(message)));
    return object;
  }

  seal({ type, payload }: GossipObject): Envelope {
    const known = this.#envelopes.get(payload);
    if (known !== undefined) return known;
    const isOfConsensus = type === MESSAGE.proposalBody || type === MESSAGE.proposalVote;
    const bytes = encodeEnvelope({ msgType: type, requestId: 0n, payload });
    const envelope: Envelope = { protocol: isOfConsensus ? "consensus" : "messages", bytes };
    this.#envelopes.set(payload, envelope);
    return envelope;
  }

  open(envelope: Envelope): Received {
    let received = this.#received.get(envelope);
    if (received === undefined) this.#received.set(envelope, (received = this.#read(envelope)));
    return received;
  }

  #read(envelope: Envelope): Received {
    const reception = receive(envelope.bytes, "spec", envelope.protocol);
    if (reception.verdict !== "hand-on")
      return { ...MALFORMED, penalty: "penalty" in reception ? reception.penalty : 1 };
    const { msgType: type, payload } = reception.message;
    const message = isGossiped(type) ? fromGossip(type, payload) : undefined;
    if (message === undefined || !isGossiped(type)) return MALFORMED;
    this.#envelopes.set(payload, envelope);
    const object = { type, payload };
    this.#objects.set(message, object);
    return { object, message, penalty: 0 };
  }
}
