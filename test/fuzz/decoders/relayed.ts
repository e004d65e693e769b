/** What comes through the tunnel and over the radio: greetings, uniform frames, radio frames, envelopes kept for later. */
import type { Bytes } from "../../../main/protocol/bytes.ts";
import type { AccessLevel } from "../../../main/network/privacy/admission.ts";
import {
  decodeGreeting,
  decodeGreetingReply,
  encodeGreeting,
  encodeGreetingReply,
  type Greeting,
  type GreetingReply,
} from "../../../main/network/privacy/greeting.ts";
import {
  assembleFrames,
  decodeFrame,
  encodeFrames,
  FRAME_SIZE,
  paddingFrame,
} from "../../../main/network/privacy/uniformFrame.ts";
import {
  decodeFragmentFrame,
  encodeFragmentFrame,
  type FragmentFrame,
} from "../../../main/network/radio/fragmentFrame.ts";
import { decodeMeshAck, encodeMeshAck, type MeshAck } from "../../../main/network/radio/meshAck.ts";
import { decodeMeshFrame, encodeMeshFrame, type MeshFrame } from "../../../main/network/radio/meshFrame.ts";
import {
  decodeSealedEnvelope,
  encodeSealedEnvelope,
  type SealedEnvelope,
} from "../../../main/network/radio/sealedEnvelope.ts";
import type { CountedCrypto } from "../countedCrypto.ts";
import type { AnyDecoder, Decoder } from "../decoder.ts";
import * as values from "../values.ts";

const COPY = { base: 64, perByte: 2 };

const greeting: Decoder<Greeting> = {
  name: "tunnel-greeting",
  of: [decodeGreeting],
  errors: ["payload-length-mismatch", "unsupported-version"],
  allocation: COPY,
  notations: "one",
  decode: decodeGreeting,
  encode: encodeGreeting,
  generate: (random) => ({
    publicKey: values.publicKey(random),
    nonce: values.hash32(random),
    proof: values.signature(random),
    workNonce: values.u64(random),
  }),
};

const LEVELS: readonly AccessLevel[] = ["node", "candidate", "account", "guest"];

const greetingReply: Decoder<GreetingReply> = {
  name: "tunnel-greeting-reply",
  of: [decodeGreetingReply],
  errors: ["truncated-payload", "payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: decodeGreetingReply,
  encode: encodeGreetingReply,
  generate: (random) => (random.once(2) ? { level: random.pick(LEVELS) } : { currentWindow: values.u64(random) }),
};

/** The tail of a frame carries nothing: a frame is encoded with zeros there. */
const noPadding = (): Bytes<1021> => new Uint8Array(1021) as Bytes<1021>;

/** A frame by what it says; it has as many notations as there are tails. */
const uniformFrame: Decoder<{ readonly isContinued: boolean; readonly data: Uint8Array | undefined }> = {
  name: "uniform-frame",
  of: [decodeFrame],
  errors: ["payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "several",
  keepsInput: true,
  decode(input) {
    const { kind, isContinued, data } = decodeFrame(input);
    return { isContinued, data: kind === "data" ? data : undefined };
  },
  encode({ isContinued, data }) {
    if (data === undefined) return paddingFrame(noPadding);
    const frame = encodeFrames(data, noPadding)[0] ?? paddingFrame(noPadding).fill(1, 0, 1);
    return isContinued ? frame.with(0, 0x05) : frame;
  },
  generate(random) {
    if (random.once(4)) return { isContinued: false, data: undefined };
    return { isContinued: random.once(3), data: random.bytes(random.small(1022)) };
  },
};

/** All frames of a message, one after the other. */
const uniformMessage: Decoder<Uint8Array> = {
  name: "uniform-message",
  of: [assembleFrames],
  errors: ["truncated-payload", "payload-length-mismatch", "invalid-payload-field"],
  allocation: { base: 256, perByte: 3 },
  notations: "several",
  decode(input) {
    const count = Math.ceil(input.length / FRAME_SIZE);
    return assembleFrames(
      Array.from({ length: count }, (_, i) => input.subarray(i * FRAME_SIZE, (i + 1) * FRAME_SIZE)),
    );
  },
  encode: (message) =>
    message.length === 0
      ? paddingFrame(noPadding).fill(1, 0, 1)
      : Uint8Array.from(encodeFrames(message, noPadding).flatMap((frame) => [...frame])),
  generate: (random) => random.bytes(random.small(5000)),
};

const fragmentFrame: Decoder<FragmentFrame> = {
  name: "mesh-fragment-frame",
  of: [decodeFragmentFrame],
  errors: ["truncated-header", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: decodeFragmentFrame,
  encode: encodeFragmentFrame,
  generate(random) {
    const totalFragments = 1 + random.below(255);
    return {
      flags: random.below(2),
      fragmentIndex: random.below(totalFragments),
      totalFragments,
      recipientHint: values.hash32(random),
      payload: random.bytes(random.small(600)),
    };
  },
};

const MAC_SIZE = 16;

function meshFrame(crypto: CountedCrypto): Decoder<MeshFrame> {
  const macKey = new Uint8Array(32).fill(7) as Bytes<32>;
  const macOf = (bytes: Uint8Array) => crypto.hmacSha256(macKey, bytes).subarray(0, MAC_SIZE);
  return {
    name: "mesh-frame",
    of: [decodeMeshFrame],
    errors: [
      "truncated-header",
      "unsupported-version",
      "invalid-payload-field",
      "truncated-payload",
      "payload-length-mismatch",
      "bad-mac",
    ],
    allocation: { base: 256, perByte: 4 },
    hashing: { base: 512, perByte: 4 },
    notations: "one",
    decode: (input) => decodeMeshFrame(crypto, macKey, input),
    encode: (frame) => encodeMeshFrame(crypto, macKey, frame),
    generate(random) {
      const ttl = random.below(17);
      return {
        frameType: random.below(4),
        ttl,
        hopCount: random.below(17 - ttl),
        senderRef: values.hash32(random),
        recipientHint: values.hash32(random),
        payload: random.bytes(random.small(257)),
      };
    },
    repair(input) {
      if (input.length < MAC_SIZE) return input;
      const repaired = new Uint8Array(input);
      repaired.set(macOf(repaired.subarray(0, -MAC_SIZE)), input.length - MAC_SIZE);
      return repaired;
    },
  };
}

const meshAck: Decoder<MeshAck> = {
  name: "mesh-ack",
  of: [decodeMeshAck],
  errors: ["payload-length-mismatch", "invalid-payload-field"],
  allocation: COPY,
  notations: "one",
  decode: decodeMeshAck,
  encode: encodeMeshAck,
  generate: (random) => ({
    ackedFrameHash: values.hash32(random),
    relayNodeId: values.nodeId(random),
    status: random.below(5),
    ackSeq: values.u64(random),
    signature: values.signature(random),
  }),
};

const sealedEnvelope: Decoder<SealedEnvelope> = {
  name: "sealed-envelope",
  of: [decodeSealedEnvelope],
  errors: ["truncated-payload"],
  allocation: COPY,
  notations: "one",
  decode: decodeSealedEnvelope,
  encode: encodeSealedEnvelope,
  generate: (random) => ({
    recipientHint: values.hash32(random),
    ttlWindow: values.u32(random),
    fragmentIndex: values.u8(random),
    totalFragments: values.u8(random),
    ciphertext: random.bytes(random.small(600)),
    senderSignature: values.signature(random),
  }),
};

export function relayedDecoders(crypto: CountedCrypto): readonly AnyDecoder[] {
  return [
    greeting,
    greetingReply,
    uniformFrame,
    uniformMessage,
    fragmentFrame,
    meshFrame(crypto),
    meshAck,
    sealedEnvelope,
  ];
}
