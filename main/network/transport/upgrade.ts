/**
 * From a TCP connection to a multiplexed one (chapter 06 §4.1): negotiation, handshake, encryption, negotiation of the
 * muxer. Knows no socket: bytes go in by `receive`, bytes to write come out by `send`.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import type { Native } from "../../native/interface.ts";
import { FrameOpener, FrameSealer } from "../noise/aeadStream.ts";
import {
  Initiator,
  MESSAGE1_SIZE,
  MESSAGE2_SIZE,
  MESSAGE3_SIZE,
  Responder,
  type HandshakeRandomness,
} from "../noise/handshake.ts";
import type { TransportIdentity } from "../ports.ts";
import { ByteQueue } from "./byteQueue.ts";
import { DialerNegotiation, ListenerNegotiation } from "./multistream.ts";

export const SECURITY_PROTOCOL = "/montana/noise-pq-xx/1.0.0";
export const MUXER_PROTOCOL = "/yamux/1.0.0";

export interface UpgradeOptions {
  readonly crypto: Native;
  readonly identity: TransportIdentity;
  /** Fresh from the operating system. */
  readonly randomness: HandshakeRandomness;
  /** Looks at the other side's proven key, for a dialer before it reveals its own; throws to refuse it. */
  readonly check: (publicKey: PublicKey) => void;
  readonly send: (bytes: Uint8Array) => void;
}

export interface Upgraded {
  readonly publicKey: PublicKey;
  readonly sealer: FrameSealer;
  readonly opener: FrameOpener;
  /** Decrypted already, and meant for Yamux. */
  readonly early: Uint8Array;
}

/** What a step needs more bytes for, to name the failure when they do not come. */
type Waiting = "negotiation" | "handshake" | "muxer";
type Steps<T> = Generator<Waiting, T, undefined>;

export class Upgrade {
  readonly #received = new ByteQueue();
  readonly #steps: Steps<Upgraded>;
  #waiting: Waiting = "negotiation";

  constructor(isDialer: boolean, options: UpgradeOptions) {
    this.#steps = isDialer ? dialSteps(this.#received, options) : listenSteps(this.#received, options);
  }

  /** Received bytes, still encrypted, that follow what the upgrade took. */
  get rest(): ByteQueue {
    return this.#received;
  }

  /**
   * Gives the result once the last step is done; called first without bytes. Throws `ProtocolError`: of negotiation, of the
   * handshake, of the encrypted stream, or what `check` threw.
   */
  receive(bytes: Uint8Array): Upgraded | undefined {
    this.#received.push(bytes);
    const step = this.#steps.next();
    if (step.done) return step.value;
    this.#waiting = step.value;
    return undefined;
  }

  /** What an end of the connection is at this step. */
  end(): ProtocolError {
    return new ProtocolError(this.#waiting === "handshake" ? "bad-message-size" : "unexpected-eof", {
      at: this.#waiting,
    });
  }

  /** Gives up: lets the handshake wipe its secrets. */
  abort(): void {
    this.#steps.return(undefined as never);
  }
}

function* dialSteps(
  received: ByteQueue,
  { crypto, identity, randomness, check, send }: UpgradeOptions,
): Steps<Upgraded> {
  const initiator = new Initiator(crypto, identity, randomness);
  try {
    const security = new DialerNegotiation(SECURITY_PROTOCOL);
    send(security.opening);
    // Nothing waits for the confirmation (chapter 06 §4.1 step 1).
    send(initiator.message1);
    while (!security.advance(received)) yield "negotiation";
    check(initiator.receiveMessage2(yield* take(received, MESSAGE2_SIZE)));
    const { message, session } = initiator.sendMessage3();
    send(message);
    const sealer = new FrameSealer(crypto.aead, session.initiatorToResponder);
    const opener = new FrameOpener(crypto.aead, session.responderToInitiator);
    const muxer = new DialerNegotiation(MUXER_PROTOCOL);
    for (const frame of sealer.seal(muxer.opening)) send(frame);
    const plaintext = new ByteQueue();
    while (!muxer.advance(plaintext)) yield* decrypt(received, opener, plaintext);
    return { publicKey: session.remotePublicKey, sealer, opener, early: plaintext.takeAll() };
  } finally {
    initiator.wipe();
  }
}

function* listenSteps(
  received: ByteQueue,
  { crypto, identity, randomness, check, send }: UpgradeOptions,
): Steps<Upgraded> {
  const responder = new Responder(crypto, identity, randomness);
  try {
    const security = new ListenerNegotiation([SECURITY_PROTOCOL]);
    while (security.advance(received, send) === undefined) yield "negotiation";
    responder.receiveMessage1(yield* take(received, MESSAGE1_SIZE));
    send(responder.sendMessage2());
    const session = responder.receiveMessage3(yield* take(received, MESSAGE3_SIZE));
    check(session.remotePublicKey);
    const sealer = new FrameSealer(crypto.aead, session.responderToInitiator);
    const opener = new FrameOpener(crypto.aead, session.initiatorToResponder);
    const muxer = new ListenerNegotiation([MUXER_PROTOCOL]);
    const plaintext = new ByteQueue();
    const answer = (bytes: Uint8Array): void => {
      for (const frame of sealer.seal(bytes)) send(frame);
    };
    while (muxer.advance(plaintext, answer) === undefined) yield* decrypt(received, opener, plaintext);
    return { publicKey: session.remotePublicKey, sealer, opener, early: plaintext.takeAll() };
  } finally {
    responder.wipe();
  }
}

function* take(received: ByteQueue, count: number): Steps<Uint8Array> {
  while (received.length < count) yield "handshake";
  return received.take(count);
}

/** Adds at least one more frame to `plaintext`. */
function* decrypt(received: ByteQueue, opener: FrameOpener, plaintext: ByteQueue): Steps<void> {
  for (;;) {
    const opened = opener.open(received);
    if (opened !== undefined) {
      plaintext.push(opened);
      return;
    }
    yield "muxer";
  }
}
