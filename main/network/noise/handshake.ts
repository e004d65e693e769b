/**
 * Noise_PQ XX (chapter 06 §3.2, §4.3): three messages that give both sides the other's identity key and two stream keys.
 * Everything random is passed in; the methods are called in the order in which they stand.
 */
import { ascii, concatBytes, sized, type Bytes, type Hash32 } from "../../protocol/bytes.ts";
import {
  MLDSA_PUBLIC_KEY_SIZE,
  MLDSA_SIGNATURE_SIZE,
  MLKEM_CIPHERTEXT_SIZE,
  MLKEM_PUBLIC_KEY_SIZE,
  type Crypto,
  type PublicKey,
} from "../../protocol/crypto.ts";
import { invariant, ProtocolError } from "../../protocol/errors.ts";
import { rawHash } from "../../protocol/hash.ts";
import { wipe } from "../../native/wipe.ts";
import type { TransportIdentity } from "../ports.ts";

export const MESSAGE1_SIZE = 1184;
export const MESSAGE2_SIZE = 7533;
export const MESSAGE3_SIZE = 6349;

/** What the handshake draws once for each connection; the handshake wipes it. */
export interface HandshakeRandomness {
  /** 64 bytes, d ‖ z of the one-use ML-KEM key. */
  readonly ephemeralSeed: Uint8Array;
  /** 32 bytes, m of the one encapsulation. */
  readonly encapsulation: Uint8Array;
}

export interface Session {
  readonly remotePublicKey: PublicKey;
  readonly initiatorToResponder: Hash32;
  readonly responderToInitiator: Hash32;
  /** Binds upper layers to this connection. */
  readonly transcriptHash: Hash32;
}

export type HandshakeErrorCode =
  "bad-message-size" | "bad-responder-signature" | "bad-initiator-signature" | "invalid-encapsulation-key";

/** A step of one side, as errors name it in `at`. */
type Step =
  | "responder-receive-msg1"
  | "responder-send-msg2"
  | "initiator-receive-msg2"
  | "initiator-send-msg3"
  | "responder-receive-msg3";

/** The dialer's side. Methods throw `ProtocolError<HandshakeErrorCode>` with the step in `at`. */
export class Initiator {
  readonly message1: Uint8Array;
  readonly #crypto: Crypto;
  readonly #identity: TransportIdentity;
  readonly #encapsulation: Uint8Array;
  readonly #secretKey: Uint8Array;
  #received: { readonly message2: Uint8Array; readonly parts: Message2; readonly secret: Uint8Array } | undefined;

  constructor(crypto: Crypto, identity: TransportIdentity, { ephemeralSeed, encapsulation }: HandshakeRandomness) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#encapsulation = encapsulation;
    const { publicKey, secretKey } = crypto.mlkem768.generate(ephemeralSeed);
    wipe(ephemeralSeed);
    this.message1 = publicKey;
    this.#secretKey = secretKey;
  }

  /** Gives the responder's identity key, proven. Nothing of this side is revealed before {@link sendMessage3}. */
  receiveMessage2(message: Uint8Array): PublicKey {
    invariant(this.#received === undefined, "message 2 is received once");
    const message2 = checkSize(message, MESSAGE2_SIZE, "initiator-receive-msg2");
    const parts = splitMessage2(message2);
    const digest = responderDigest(this.#crypto, this.message1, parts.head);
    if (!this.#crypto.mldsa65.verify(parts.identityKey, digest, parts.signature)) {
      throw failure("bad-responder-signature", "initiator-receive-msg2");
    }
    const secret = this.#crypto.mlkem768.decapsulate(this.#secretKey, parts.ciphertext);
    this.#received = { message2, parts, secret };
    return parts.identityKey;
  }

  sendMessage3(): { readonly message: Uint8Array; readonly session: Session } {
    invariant(this.#received !== undefined, "message 3 answers message 2");
    const { message2, parts, secret: secretI } = this.#received;
    const { ciphertext, sharedSecret: secretR } = encapsulate(
      this.#crypto,
      parts.ephemeralKey,
      this.#encapsulation,
      "initiator-send-msg3",
    );
    const head = concatBytes(ciphertext, this.#identity.publicKey);
    const digest = initiatorDigest(this.#crypto, this.message1, message2, head);
    const message = concatBytes(head, this.#identity.sign(digest));
    const transcript = concatBytes(this.message1, message2, message);
    const session = deriveSession(this.#crypto, parts.identityKey, secretI, secretR, transcript);
    wipe(secretR);
    this.wipe();
    return { message, session };
  }

  /** Overwrites what is secret, when the handshake ends early. */
  wipe(): void {
    wipe(this.#secretKey, this.#encapsulation);
    if (this.#received !== undefined) wipe(this.#received.secret);
  }
}

/** The listener's side. Methods throw `ProtocolError<HandshakeErrorCode>` with the step in `at`. */
export class Responder {
  readonly #crypto: Crypto;
  readonly #identity: TransportIdentity;
  readonly #randomness: HandshakeRandomness;
  #message1: Uint8Array | undefined;
  #sent: { readonly message2: Uint8Array; readonly secretKey: Uint8Array; readonly secret: Uint8Array } | undefined;

  constructor(crypto: Crypto, identity: TransportIdentity, randomness: HandshakeRandomness) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#randomness = randomness;
  }

  receiveMessage1(message: Uint8Array): void {
    invariant(this.#message1 === undefined, "message 1 is received once");
    this.#message1 = checkSize(message, MESSAGE1_SIZE, "responder-receive-msg1");
  }

  sendMessage2(): Uint8Array {
    invariant(this.#message1 !== undefined && this.#sent === undefined, "message 2 answers message 1 once");
    const { ephemeralSeed, encapsulation } = this.#randomness;
    // The key from outside first: one that is invalid costs no key generation.
    const { ciphertext, sharedSecret: secret } = encapsulate(
      this.#crypto,
      this.#message1,
      encapsulation,
      "responder-send-msg2",
    );
    const { publicKey, secretKey } = this.#crypto.mlkem768.generate(ephemeralSeed);
    wipe(ephemeralSeed, encapsulation);
    const head = concatBytes(publicKey, ciphertext, this.#identity.publicKey);
    const digest = responderDigest(this.#crypto, this.#message1, head);
    const message2 = concatBytes(head, this.#identity.sign(digest));
    this.#sent = { message2, secretKey, secret };
    return message2;
  }

  receiveMessage3(message: Uint8Array): Session {
    invariant(this.#message1 !== undefined && this.#sent !== undefined, "message 3 follows message 2");
    const { message2, secretKey, secret: secretI } = this.#sent;
    const message3 = checkSize(message, MESSAGE3_SIZE, "responder-receive-msg3");
    const parts = splitMessage3(message3);
    const digest = initiatorDigest(this.#crypto, this.#message1, message2, parts.head);
    if (!this.#crypto.mldsa65.verify(parts.identityKey, digest, parts.signature)) {
      throw failure("bad-initiator-signature", "responder-receive-msg3");
    }
    const secretR = this.#crypto.mlkem768.decapsulate(secretKey, parts.ciphertext);
    const transcript = concatBytes(this.#message1, message2, message3);
    const session = deriveSession(this.#crypto, parts.identityKey, secretI, secretR, transcript);
    wipe(secretR);
    this.wipe();
    return session;
  }

  /** Overwrites what is secret, when the handshake ends early. */
  wipe(): void {
    wipe(this.#randomness.ephemeralSeed, this.#randomness.encapsulation);
    if (this.#sent !== undefined) wipe(this.#sent.secretKey, this.#sent.secret);
  }
}

export interface Message2 {
  readonly ephemeralKey: Bytes<1184>;
  /** Encapsulated to the initiator. */
  readonly ciphertext: Bytes<1088>;
  readonly identityKey: PublicKey;
  readonly signature: Bytes<3309>;
  /** All before the signature. */
  readonly head: Uint8Array;
}

export interface Message3 {
  /** Encapsulated to the responder. */
  readonly ciphertext: Bytes<1088>;
  readonly identityKey: PublicKey;
  readonly signature: Bytes<3309>;
  /** All before the signature. */
  readonly head: Uint8Array;
}

export function splitMessage2(message: Uint8Array): Message2 {
  const [ephemeralKey, ciphertext, identityKey, signature] = split(message, [
    MLKEM_PUBLIC_KEY_SIZE,
    MLKEM_CIPHERTEXT_SIZE,
    MLDSA_PUBLIC_KEY_SIZE,
    MLDSA_SIGNATURE_SIZE,
  ]);
  return {
    ephemeralKey: sized(ephemeralKey!, MLKEM_PUBLIC_KEY_SIZE),
    ciphertext: sized(ciphertext!, MLKEM_CIPHERTEXT_SIZE),
    identityKey: sized(identityKey!, MLDSA_PUBLIC_KEY_SIZE),
    signature: sized(signature!, MLDSA_SIGNATURE_SIZE),
    head: message.subarray(0, MESSAGE2_SIZE - MLDSA_SIGNATURE_SIZE),
  };
}

export function splitMessage3(message: Uint8Array): Message3 {
  const [ciphertext, identityKey, signature] = split(message, [
    MLKEM_CIPHERTEXT_SIZE,
    MLDSA_PUBLIC_KEY_SIZE,
    MLDSA_SIGNATURE_SIZE,
  ]);
  return {
    ciphertext: sized(ciphertext!, MLKEM_CIPHERTEXT_SIZE),
    identityKey: sized(identityKey!, MLDSA_PUBLIC_KEY_SIZE),
    signature: sized(signature!, MLDSA_SIGNATURE_SIZE),
    head: message.subarray(0, MESSAGE3_SIZE - MLDSA_SIGNATURE_SIZE),
  };
}

/** What the responder signs; `head` is message 2 up to its signature. */
export function responderDigest(crypto: Crypto, message1: Uint8Array, head: Uint8Array): Hash32 {
  return rawHash(crypto, "mt-noise-pq-xx-v1-sig-r", message1, head);
}

/** What the initiator signs; `head` is message 3 up to its signature. */
export function initiatorDigest(crypto: Crypto, message1: Uint8Array, message2: Uint8Array, head: Uint8Array): Hash32 {
  return rawHash(crypto, "mt-noise-pq-xx-v1-sig-i", message1, message2, head);
}

/** `transcript` is all three messages, `secretI` and `secretR` the shared secrets of both encapsulations. */
export function deriveMaster(crypto: Crypto, secretI: Uint8Array, secretR: Uint8Array, transcript: Uint8Array): Hash32 {
  const preimage = concatBytes(ascii("mt-noise-pq-xx-v1-master"), secretI, secretR, transcript);
  const master = crypto.sha256(preimage);
  wipe(preimage);
  return master;
}

function deriveSession(
  crypto: Crypto,
  remotePublicKey: PublicKey,
  secretI: Uint8Array,
  secretR: Uint8Array,
  transcript: Uint8Array,
): Session {
  const master = deriveMaster(crypto, secretI, secretR, transcript);
  const session = {
    remotePublicKey: sized(remotePublicKey.slice(), MLDSA_PUBLIC_KEY_SIZE),
    initiatorToResponder: rawHash(crypto, "mt-noise-pq-xx-v1-i2r", master),
    responderToInitiator: rawHash(crypto, "mt-noise-pq-xx-v1-r2i", master),
    transcriptHash: rawHash(crypto, "mt-noise-pq-xx-v1-transcript", transcript),
  };
  wipe(master);
  return session;
}

/** Own bytes: the caller's may be a view of a buffer that is written again. */
function checkSize(message: Uint8Array, size: number, at: Step): Uint8Array {
  if (message.length !== size) throw failure("bad-message-size", at);
  return message.slice();
}

function encapsulate(crypto: Crypto, publicKey: Uint8Array, randomness: Uint8Array, at: Step) {
  try {
    return crypto.mlkem768.encapsulate(publicKey, randomness);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "invalid-encapsulation-key") {
      throw failure("invalid-encapsulation-key", at);
    }
    throw error;
  }
}

function failure(code: HandshakeErrorCode, at: Step): ProtocolError<HandshakeErrorCode> {
  return new ProtocolError(code, { at });
}

function split(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let offset = 0;
  return sizes.map((size) => bytes.subarray(offset, (offset += size)));
}
