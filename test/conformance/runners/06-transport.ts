/** Chapter 06 §9, suites about the connection: handshake, encrypted stream, PeerId, negotiation, Yamux, exchanges. */
import { concatBytes } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { formatPeerId, parseMultihash, peerIdOf } from "../../../main/protocol/identity/peerId.ts";
import type { Native } from "../../../main/native/interface.ts";
import { encodeEnvelope } from "../../../main/network/messages/envelope.ts";
import { receive } from "../../../main/network/messages/reception.ts";
import { FrameOpener, FrameSealer } from "../../../main/network/noise/aeadStream.ts";
import {
  deriveMaster,
  Initiator,
  initiatorDigest,
  MESSAGE1_SIZE,
  MESSAGE2_SIZE,
  MESSAGE3_SIZE,
  Responder,
  responderDigest,
  splitMessage2,
  splitMessage3,
  type Session,
} from "../../../main/network/noise/handshake.ts";
import { PROTOCOLS } from "../../../main/network/ports.ts";
import { ByteQueue } from "../../../main/network/transport/byteQueue.ts";
import { Exchanges } from "../../../main/network/transport/exchanges.ts";
import { DialerNegotiation, ListenerNegotiation } from "../../../main/network/transport/multistream.ts";
import { MUXER_PROTOCOL, SECURITY_PROTOCOL } from "../../../main/network/transport/upgrade.ts";
import { decodeHeader, HEADER_SIZE, TYPE } from "../../../main/network/transport/yamux/frame.ts";
import { YamuxSession } from "../../../main/network/transport/yamux/session.ts";
import { REMARK, type Input, type Runner } from "../harness.ts";
import { keyPairOf } from "./descriptors.ts";
import { big, hex } from "./inputs.ts";

// Handshake

function identityOf(crypto: Crypto, seed: string) {
  const { publicKey, secretKey } = keyPairOf(crypto, seed);
  return { publicKey, sign: (digest: Uint8Array) => crypto.mldsa65.sign(secretKey, digest) };
}

function initiatorOf(crypto: Crypto, seeds: Input): Initiator {
  const randomness = {
    ephemeralSeed: hex(seeds.initiator_ephemeral_seed),
    encapsulation: hex(seeds.encaps_m_to_responder),
  };
  return new Initiator(crypto, identityOf(crypto, seeds.initiator_identity_seed), randomness);
}

function responderOf(crypto: Crypto, seeds: Input): Responder {
  const randomness = {
    ephemeralSeed: hex(seeds.responder_ephemeral_seed),
    encapsulation: hex(seeds.encaps_m_to_initiator),
  };
  return new Responder(crypto, identityOf(crypto, seeds.responder_identity_seed), randomness);
}

interface Handshake {
  readonly messages: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly initiator: Session;
  readonly responder: Session;
}

/** The whole handshake; `mutate` may change a message on its way. */
function shakeHands(
  crypto: Crypto,
  seeds: Input,
  mutate: (message: Uint8Array, number: 1 | 2 | 3, earlier: readonly Uint8Array[]) => Uint8Array = (message) => message,
): Handshake {
  const initiator = initiatorOf(crypto, seeds);
  const responder = responderOf(crypto, seeds);
  const message1 = initiator.message1;
  const received1 = mutate(message1, 1, []);
  responder.receiveMessage1(received1);
  const message2 = responder.sendMessage2();
  initiator.receiveMessage2(mutate(message2, 2, [received1]));
  const { message: message3, session } = initiator.sendMessage3();
  const responderSession = responder.receiveMessage3(mutate(message3, 3, []));
  return { messages: [message1, message2, message3], initiator: session, responder: responderSession };
}

const peerIdText = (crypto: Crypto, publicKey: Uint8Array): string => formatPeerId(peerIdOf(crypto, publicKey));

const describeKeys = (session: Session) => ({
  sk_i_to_r: session.initiatorToResponder,
  sk_r_to_i: session.responderToInitiator,
  transcript_hash: session.transcriptHash,
});

const noiseXx: Runner = (seeds, { crypto }) => {
  const { messages, initiator, responder } = shakeHands(crypto, seeds);
  const [message1, message2, message3] = messages;
  const parts2 = splitMessage2(message2);
  const parts3 = splitMessage3(message3);
  const openedBy = (seed: unknown, ciphertext: Uint8Array) =>
    crypto.mlkem768.decapsulate(crypto.mlkem768.generate(hex(seed)).secretKey, ciphertext);
  const secretI = openedBy(seeds.initiator_ephemeral_seed, parts2.ciphertext);
  const secretR = openedBy(seeds.responder_ephemeral_seed, parts3.ciphertext);
  return {
    msg1: message1,
    msg2: message2,
    msg3: message3,
    msg1_len: message1.length,
    msg2_len: message2.length,
    msg3_len: message3.length,
    msg1_sha256: crypto.sha256(message1),
    msg2_sha256: crypto.sha256(message2),
    msg3_sha256: crypto.sha256(message3),
    ct_i: parts2.ciphertext,
    ct_r: parts3.ciphertext,
    ct_i_sha256: crypto.sha256(parts2.ciphertext),
    ct_r_sha256: crypto.sha256(parts3.ciphertext),
    ss_i: secretI,
    ss_r: secretR,
    sig_r_message: responderDigest(crypto, message1, parts2.head),
    sig_i_message: initiatorDigest(crypto, message1, message2, parts3.head),
    sig_r_sha256: crypto.sha256(parts2.signature),
    sig_i_sha256: crypto.sha256(parts3.signature),
    master: deriveMaster(crypto, secretI, secretR, concatBytes(...messages)),
    ...describeKeys(initiator),
    initiator_peer_id: peerIdText(crypto, responder.remotePublicKey),
    responder_peer_id: peerIdText(crypto, initiator.remotePublicKey),
  };
};

const noiseXxReject: Runner = ({ seeds, message: number, mutation }, { crypto }) => {
  const { initiator, responder } = shakeHands(crypto, seeds, (message, at, earlier) =>
    at === number ? mutateMessage(crypto, seeds, mutation, message, at, earlier) : message,
  );
  return { at: "completed", initiator: describeKeys(initiator), responder: describeKeys(responder) };
};

function mutateMessage(
  crypto: Crypto,
  seeds: Input,
  mutation: Input,
  message: Uint8Array,
  number: 1 | 2 | 3,
  earlier: readonly Uint8Array[],
): Uint8Array {
  const mutated = message.slice();
  switch (mutation.op) {
    case "truncate":
      return mutated.slice(0, mutation.to);
    case "append":
      return concatBytes(mutated, hex(mutation.bytes));
    case "xor":
      mutated[mutation.offset]! ^= mutation.value;
      return mutated;
    case "fill":
      return mutated.fill(mutation.value);
    case "set-coefficient-0":
      mutated[0] = mutation.value & 0xff;
      mutated[1] = (mutated[1]! & 0xf0) | (mutation.value >> 8);
      return mutated;
    case "replace-with-message-of":
      return shakeHands(crypto, mutation.seeds).messages[number - 1]!;
    case "xor-and-resign":
      mutated[mutation.offset]! ^= mutation.value;
      return resign(crypto, seeds, mutated, earlier[0]!);
    case "fill-range-and-resign":
      return resign(crypto, seeds, mutated.fill(mutation.value, mutation.from, mutation.to), earlier[0]!);
    default:
      throw new Error(`unknown mutation: ${String(mutation.op)}`);
  }
}

/** Message 2 with the responder's signature of what it says now. */
function resign(crypto: Crypto, seeds: Input, message2: Uint8Array, message1: Uint8Array): Uint8Array {
  const { head } = splitMessage2(message2);
  const { sign } = identityOf(crypto, seeds.responder_identity_seed);
  return concatBytes(head, sign(responderDigest(crypto, message1, head)));
}

// Encrypted stream. The harness passes the whole back end; only these suites need more of it than `Crypto`.

const aeadOf = (crypto: Crypto) => (crypto as Native).aead;

const aeadWrite: Runner = ({ key, writes }, { crypto }) => {
  const sealer = new FrameSealer(aeadOf(crypto), hex(key));
  const frames = writesOf(writes).flatMap((write) => sealer.seal(write));
  const wire = concatBytes(...frames);
  const last = frames.at(-1);
  return {
    frames: frames.length,
    wire,
    wire_len: wire.length,
    wire_sha256: crypto.sha256(wire),
    last_frame: last,
    last_frame_len: last?.length,
  };
};

function writesOf(writes: Input): Uint8Array[] {
  if (!Array.isArray(writes)) return Array.from({ length: writes.times }, () => hex(writes.repeat_write));
  return writes.map((write: Input) =>
    typeof write === "string" ? hex(write) : new Uint8Array(write.count).fill(hex(write.repeat)[0]!),
  );
}

const aeadRead: Runner = ({ key, chunks }, { crypto }) => {
  const opener = new FrameOpener(aeadOf(crypto), hex(key));
  const received = new ByteQueue();
  const plaintext: Uint8Array[] = [];
  try {
    for (const chunk of chunks) {
      received.push(hex(chunk));
      plaintext.push(...openAll(opener, received));
    }
    opener.end(received);
    return { plaintext: concatBytes(...plaintext), end: "eof" };
  } catch (error) {
    return { plaintext: concatBytes(...plaintext), error: codeOf(error) };
  }
};

function* openAll(opener: FrameOpener, received: ByteQueue): Generator<Uint8Array> {
  for (let opened = opener.open(received); opened !== undefined; opened = opener.open(received)) yield opened;
}

function codeOf(error: unknown): string {
  if (error instanceof ProtocolError) return error.code;
  throw error;
}

// PeerId

const peerId: Runner = ({ identity_seed }, { crypto }) => {
  const { publicKey } = keyPairOf(crypto, identity_seed);
  const multihash = peerIdOf(crypto, publicKey);
  return { public_key_sha256: crypto.sha256(publicKey), multihash, text: formatPeerId(multihash) };
};

const peerIdTextSuite: Runner = ({ text }) => {
  try {
    const { bytes } = parseMultihash(text);
    return { multihash: bytes, text: formatPeerId(bytes) };
  } catch (error) {
    if (error instanceof ProtocolError) return { error: error.params["reason"] };
    throw error;
  }
};

// Negotiation of the upgrade

const upgradeNegotiation: Runner = ({ layer, writes }) => {
  const negotiation = new ListenerNegotiation([layer === "security" ? SECURITY_PROTOCOL : MUXER_PROTOCOL]);
  const received = new ByteQueue();
  const answers: Uint8Array[] = [];
  let agreed: string | undefined;
  try {
    for (const write of writes) {
      received.push(hex(write));
      agreed ??= negotiation.advance(received, (answer) => answers.push(answer));
    }
  } catch (error) {
    return { response: concatBytes(...answers), closed: true, error: codeOf(error) };
  }
  const outcome = { response: concatBytes(...answers), closed: false };
  return agreed === undefined && negotiation.refused ? { ...outcome, error: "protocol-not-available" } : outcome;
};

// A recorded connection

const session: Runner = (input, { crypto }) => {
  const isDialer = input.known_side === "dialer";
  const bytesOf = (isOfKnownSide: boolean): ByteQueue => {
    const queue = new ByteQueue();
    for (const [side, bytes] of input.tcp) if ((side === input.known_side) === isOfKnownSide) queue.push(hex(bytes));
    return queue;
  };
  const known = bytesOf(true);
  const other = bytesOf(false);
  const [fromDialer, fromListener] = isDialer ? [known, other] : [other, known];
  negotiate(fromDialer, fromListener, SECURITY_PROTOCOL);

  const identity = identityOf(crypto, input.known_identity_seed);
  const randomness = { ephemeralSeed: hex(input.known_ephemeral_seed), encapsulation: hex(input.known_encaps_m) };
  const keys = isDialer
    ? replayInitiator(new Initiator(crypto, identity, randomness), known, other)
    : replayResponder(new Responder(crypto, identity, randomness), known, other);

  const decrypt = (received: ByteQueue, isFromDialer: boolean): ByteQueue => {
    const key = (isFromDialer ? keys.initiatorToResponder : keys.responderToInitiator).slice();
    const plaintext = new ByteQueue();
    for (const piece of openAll(new FrameOpener(aeadOf(crypto), key), received)) plaintext.push(piece);
    return plaintext;
  };
  const fromKnown = decrypt(known, isDialer);
  const fromOther = decrypt(other, !isDialer);
  const plaintexts = [copyOf(fromKnown), copyOf(fromOther)];
  if (isDialer) negotiate(fromKnown, fromOther, MUXER_PROTOCOL);
  else negotiate(fromOther, fromKnown, MUXER_PROTOCOL);
  const ownId = peerIdText(crypto, identity.publicKey);
  const otherId = peerIdText(crypto, keys.remotePublicKey);
  return {
    dialer_peer_id: isDialer ? ownId : otherId,
    listener_peer_id: isDialer ? otherId : ownId,
    ...describeKeys(keys),
    plaintext_from_known_side: plaintexts[0],
    plaintext_from_other_side: plaintexts[1],
    yamux_from_known_side: describeFrames(crypto, copyOf(fromKnown)),
    yamux_from_other_side: describeFrames(crypto, copyOf(fromOther)),
    rule: REMARK,
  };
};

const copyOf = (queue: ByteQueue): Uint8Array => {
  const copy = queue.takeAll().slice();
  queue.push(copy);
  return copy;
};

/** Takes a negotiation off both directions. */
function negotiate(fromDialer: ByteQueue, fromListener: ByteQueue, protocol: string): void {
  if (new ListenerNegotiation([protocol]).advance(fromDialer, () => undefined) === undefined) throw unfinished();
  if (!new DialerNegotiation(protocol).advance(fromListener)) throw unfinished();
}

function replayInitiator(initiator: Initiator, known: ByteQueue, other: ByteQueue): Session {
  known.take(MESSAGE1_SIZE + MESSAGE3_SIZE);
  initiator.receiveMessage2(other.take(MESSAGE2_SIZE));
  return initiator.sendMessage3().session;
}

function replayResponder(responder: Responder, known: ByteQueue, other: ByteQueue): Session {
  known.take(MESSAGE2_SIZE);
  responder.receiveMessage1(other.take(MESSAGE1_SIZE));
  responder.sendMessage2();
  return responder.receiveMessage3(other.take(MESSAGE3_SIZE));
}

const unfinished = (): Error => new Error("the recording ends within a negotiation");

/** Bodies may be quoted whole or by their hash. */
function describeFrames(crypto: Crypto, bytes: Uint8Array) {
  const frames = [];
  for (let offset = 0; offset < bytes.length;) {
    const header = decodeHeader(bytes.subarray(offset, offset + HEADER_SIZE));
    offset += HEADER_SIZE;
    if (header.type !== TYPE.data) {
      frames.push({ ...header });
      continue;
    }
    const body = bytes.slice(offset, offset + header.length);
    offset += header.length;
    frames.push({ ...header, body: Object.assign(body, { sha256: crypto.sha256(body) }) });
  }
  return frames;
}

// Above encryption: this side as the reference serves

interface ReferenceListener {
  readonly exchanges: Exchanges;
  readonly forwarded: { msg_type: number; request_id: bigint; payload: Uint8Array }[];
  /** Names of failures, in the chapter's words. */
  readonly errors: string[];
}

/** Answers as the reference's application does: profile `rc1` of main/network/messages. */
function referenceListener(): ReferenceListener {
  const forwarded: ReferenceListener["forwarded"] = [];
  const errors: string[] = [];
  const service = {
    protocol: PROTOCOLS.messages,
    framing: "envelope" as const,
    requestBytesMax: 14 + 1_048_576,
    serve(request: Uint8Array): Promise<Uint8Array | undefined> {
      const reception = receive(request, "rc1");
      if (reception.verdict === "reset") {
        errors.push(reception.fault === "unknown-msg-type" ? "invalid-msg-type" : reception.fault);
        return Promise.resolve(undefined);
      }
      if (reception.verdict === "hand-on") {
        const { msgType, requestId, payload } = reception.message;
        forwarded.push({ msg_type: msgType, request_id: requestId, payload });
      }
      return Promise.resolve(reception.reply);
    },
  };
  const exchanges = new Exchanges(false, [service], {
    wake: () => undefined,
    violated: () => undefined,
    failed: (code) => errors.push(code),
    defect: (error) => {
      throw error;
    },
  });
  return { exchanges, forwarded, errors };
}

/** What is served arrives some turns of the microtask queue later. */
async function served(): Promise<void> {
  for (let turn = 0; turn < 16; turn++) await Promise.resolve();
}

const OUTPUT_MAX = 1 << 24;

const yamuxListener: Runner = async (input, { crypto }) => {
  if ("negotiation_then_envelope" in input) return sendLargeRequest(input);
  const { exchanges } = referenceListener();
  const output: Uint8Array[] = [];
  const end: { connection: string; error?: string } = { connection: "open" };
  try {
    for (const frame of input.frames) {
      exchanges.receive(typeof frame === "string" ? hex(frame) : withBody(frame));
      await served();
      output.push(exchanges.takeOutput(OUTPUT_MAX));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    Object.assign(end, { connection: "closed", error: "closed" });
  } finally {
    exchanges.end();
  }
  return { frames: describeFrames(crypto, concatBytes(...output)), ...end };
};

const withBody = ({ header, body_repeat }: Input): Uint8Array =>
  concatBytes(hex(header), new Uint8Array(body_repeat.count).fill(hex(body_repeat.byte)[0]!));

/** A dialer's end of one substream, and what it saw. */
interface Opener {
  readonly session: YamuxSession;
  readonly response: Uint8Array[];
  fin: boolean;
  reset: boolean;
}

function openSubstream(): Opener & { readonly substream: ReturnType<YamuxSession["open"]> } {
  const never = (): never => {
    throw new Error("a listener opened a substream or was wronged");
  };
  const session = new YamuxSession(true, { accept: never, wake: () => undefined, violated: never });
  const opener: Opener = { session, response: [], fin: false, reset: false };
  const substream = session.open(() => ({
    data: (bytes) => opener.response.push(bytes.slice()),
    end: () => (opener.fin = true),
    gone: () => (opener.reset = !opener.fin),
  }));
  return Object.assign(opener, { substream });
}

/** Carries bytes both ways until both sides are silent; gives the frames of the listener. */
async function carry(session: YamuxSession, exchanges: Exchanges): Promise<Uint8Array> {
  const answered: Uint8Array[] = [];
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    for (let frame = session.nextFrame(); frame !== undefined; frame = session.nextFrame()) {
      exchanges.receive(concatBytes(...frame));
      isBusy = true;
    }
    await served();
    const output = exchanges.takeOutput(OUTPUT_MAX);
    answered.push(output);
    session.receive(output);
    isBusy ||= output.length > 0;
  }
  return concatBytes(...answered);
}

async function sendLargeRequest({
  negotiation_then_envelope: { msg_type, request_id, payload_repeat },
  ...input
}: Input) {
  const { exchanges, forwarded } = referenceListener();
  const opener = openSubstream();
  const payload = new Uint8Array(payload_repeat.count).fill(hex(payload_repeat.byte)[0]!);
  const request = encodeEnvelope({ msgType: msg_type, requestId: big(request_id), payload });
  const { opening } = new DialerNegotiation(PROTOCOLS.messages);
  opener.substream.write(concatBytes(opening, request));
  opener.substream.end();
  const answered = await carry(opener.session, exchanges);
  exchanges.end();
  let granted = 0;
  for (let offset = 0; offset < answered.length;) {
    const { type, length } = decodeHeader(answered.subarray(offset, offset + HEADER_SIZE));
    if (type === TYPE.windowUpdate) granted += length;
    offset += HEADER_SIZE + (type === TYPE.data ? length : 0);
  }
  return {
    response: concatBytes(...opener.response),
    fin: opener.fin,
    forwarded_payload_len: forwarded[0]?.payload.length,
    // A listener may be generous: what counts is that the request fitted.
    credit_granted_at_least: Math.min(granted, opening.length + request.length - input.initial_credit),
    some_window_update_received: granted > 0,
  };
}

const requestResponse: Runner = async ({ writes, fin }) => {
  const { exchanges, forwarded, errors } = referenceListener();
  const opener = openSubstream();
  for (const write of writes) {
    opener.substream.write(hex(write));
    await carry(opener.session, exchanges);
  }
  if (fin) opener.substream.end();
  await carry(opener.session, exchanges);
  exchanges.end();
  const [error] = errors;
  return {
    response: concatBytes(...opener.response),
    fin: opener.fin,
    reset: opener.reset,
    forwarded: forwarded[0] ?? null,
    ...(error !== undefined && { error }),
  };
};

export const transportRunners: Readonly<Record<string, Runner>> = {
  "06-transport/noise-xx": noiseXx,
  "06-transport/noise-xx-reject": noiseXxReject,
  "06-transport/aead-write": aeadWrite,
  "06-transport/aead-read": aeadRead,
  "06-transport/peer-id": peerId,
  "06-transport/peer-id-text": peerIdTextSuite,
  "06-transport/upgrade-negotiation": upgradeNegotiation,
  "06-transport/session": session,
  "06-transport/yamux-listener": yamuxListener,
  "06-transport/request-response": requestResponse,
};
