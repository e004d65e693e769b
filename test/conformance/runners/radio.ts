/** Suites of chapter 07 §10 about radio frames, envelopes kept for later, and reachability. */
import { MLDSA_SIGNATURE_SIZE, type Crypto, type Signature } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { nodeIdOf as nodeIdOfKey } from "../../../main/protocol/identity/ids.ts";
import {
  decodeFragmentFrame,
  encodeFragmentFrame,
  isBroadcast,
  type FragmentFrame,
} from "../../../main/network/radio/fragmentFrame.ts";
import { MeshIntake, type IntakeOutcome } from "../../../main/network/radio/intake.ts";
import { encodeMeshAck, encodeUnsignedMeshAck, signMeshAck } from "../../../main/network/radio/meshAck.ts";
import { encodeMeshFrame, meshSession } from "../../../main/network/radio/meshFrame.ts";
import {
  afterNatEvent,
  isRenewalDue,
  NEW_NAT_STATE,
  type NatEvent,
  type NatState,
} from "../../../main/network/radio/natState.ts";
import { RelayBuffer, type RelayOutcome } from "../../../main/network/radio/relayBuffer.ts";
import {
  decodeSealedEnvelope,
  encodeSealedEnvelope,
  encodeUnsignedEnvelope,
  isAcceptable,
  sealEnvelope,
  type SealedEnvelope,
  type UnsignedEnvelope,
} from "../../../main/network/radio/sealedEnvelope.ts";
import type { Input, Runner } from "../harness.ts";
import { keyPairOf } from "./descriptors.ts";
import { big, bytesOf, hex, hex32 } from "./inputs.ts";
import { byOperation, describeBytes, numbered, sequence } from "./steps.ts";

export function fragmentFrom(frame: Input, payload = bytesOf(frame.payload)): FragmentFrame {
  return {
    flags: Number(frame.flags),
    fragmentIndex: Number(frame.fragment_index),
    totalFragments: Number(frame.total_fragments),
    recipientHint: hex32(frame.recipient_hint),
    payload,
  };
}

function describeFragment(frame: FragmentFrame) {
  return {
    flags: frame.flags,
    fragment_index: frame.fragmentIndex,
    total_fragments: frame.totalFragments,
    recipient_hint: frame.recipientHint,
    payload: frame.payload,
    broadcast: isBroadcast(frame),
  };
}

const meshFrame = byOperation({
  encode: (input) => {
    const frame = fragmentFrom(input);
    return { bytes: encodeFragmentFrame(frame), broadcast: isBroadcast(frame) };
  },
  decode: (input) => describeFragment(decodeFragmentFrame(hex(input.bytes))),
});

const BROADCAST_HINT = "ff".repeat(32);

function describeIntake(outcome: IntakeOutcome): unknown {
  if (outcome.fault !== undefined) return { rejected: outcome.fault };
  return outcome.message === undefined ? "accepted" : { complete: outcome.message };
}

const meshApply = (input: Input) => {
  const intake = new MeshIntake({
    framesPerSender: Number(input.max_intake_per_window),
    noncesPerSender: Number(input.max_used_nonces_per_sender),
  });
  return (step: Input): unknown => {
    switch (step.op) {
      case "apply":
        return describeIntake(intake.take(fragmentFrom(step.frame), hex32(step.sender), hex32(step.nonce)));
      case "repeat": {
        let last: unknown = null;
        for (let i = 0n; i < big(step.count); i++) {
          const counter = big(step.nonce_from) + i;
          const fields = { flags: 0, fragment_index: 0, total_fragments: 1, recipient_hint: BROADCAST_HINT };
          const frame = fragmentFrom(fields, new Uint8Array([Number(counter & 255n)]));
          last = describeIntake(intake.take(frame, hex32(step.sender), numbered(counter)));
          if (step.reset_rate_after_each) intake.resetRates();
        }
        return { last };
      }
      case "reset_rate":
        intake.resetRates();
        return null;
      case "nonce_count":
        return { count: intake.nonceCount(hex32(step.sender)) };
      default:
        throw new Error(`no such step: ${String(step.op)}`);
    }
  };
};

const MAC_SIZE = 16;

const meshFrameV1: Runner = (input, { crypto }) => {
  const nonces = { initiator: hex32(input.nonce_initiator), responder: hex32(input.nonce_responder) };
  const session = meshSession(crypto, hex32(input.shared_secret), nonces);
  const bytes = encodeMeshFrame(crypto, session.macKey, {
    frameType: Number(input.frame_type),
    ttl: Number(input.ttl),
    hopCount: Number(input.hop_count),
    senderRef: session.id,
    recipientHint: hex32(input.recipient_hint),
    payload: bytesOf(input.payload),
  });
  return { mesh_session_id: session.id, mac_key: session.macKey, mac: bytes.subarray(-MAC_SIZE), bytes };
};

const meshAck: Runner = (input, { crypto }) => {
  const { publicKey, secretKey } = keyPairOf(crypto, input.relay_seed);
  const unsigned = {
    ackedFrameHash: hex32(input.acked_frame_hash),
    relayNodeId: nodeIdOfKey(crypto, publicKey),
    status: Number(input.status),
    ackSeq: big(input.ack_seq),
  };
  const ack = signMeshAck(crypto, secretKey, unsigned);
  return {
    ...describeBytes(crypto, encodeMeshAck(ack)),
    relay_node_id: ack.relayNodeId,
    unsigned: encodeUnsignedMeshAck(unsigned),
    signature_sha256: crypto.sha256(ack.signature),
  };
};

// Store and forward

const ZERO_HINT = "00".repeat(32);

function envelopeFrom(envelope: Input): UnsignedEnvelope {
  return {
    recipientHint: hex32(envelope.recipient_hint ?? ZERO_HINT),
    ttlWindow: Number(envelope.ttl_window ?? 1),
    fragmentIndex: Number(envelope.fragment_index ?? 0),
    totalFragments: Number(envelope.total_fragments ?? 1),
    ciphertext: bytesOf(envelope.ciphertext ?? { repeat: "00", len: envelope.ciphertext_len ?? 0 }),
  };
}

function withZeroSignature(envelope: Input): SealedEnvelope {
  const size = Number(envelope.signature_len ?? MLDSA_SIGNATURE_SIZE);
  return { ...envelopeFrom(envelope), senderSignature: new Uint8Array(size) as Signature };
}

export function seal(crypto: Crypto, seed: string, input: Input) {
  const envelope = sealEnvelope(crypto, keyPairOf(crypto, seed).secretKey, envelopeFrom(input));
  return {
    signed_message: encodeUnsignedEnvelope(envelope),
    signature_sha256: crypto.sha256(envelope.senderSignature),
    ...describeBytes(crypto, encodeSealedEnvelope(envelope)),
  };
}

const sealedEnvelope = byOperation({
  seal: (input, { crypto }) => seal(crypto, input.signer_seed, input),
  encode: (input, { crypto }) => describeBytes(crypto, encodeSealedEnvelope(withZeroSignature(input))),
  decode: (input, { crypto }) => {
    const envelope = decodeSealedEnvelope(bytesOf(input.bytes));
    return {
      recipient_hint: envelope.recipientHint,
      ttl_window: envelope.ttlWindow,
      fragment_index: envelope.fragmentIndex,
      total_fragments: envelope.totalFragments,
      ciphertext: envelope.ciphertext,
      signature_sha256: crypto.sha256(envelope.senderSignature),
    };
  },
  validate: (input) => {
    const isGood = isAcceptable(withZeroSignature(input), big(input.current_window), big(input.tau1));
    if (!isGood) throw new ProtocolError("invalid-payload-field");
    return { ok: true };
  },
});

function describeRelay(outcome: RelayOutcome): unknown {
  switch (outcome.verdict) {
    case "delivered":
      return { delivered: outcome.plaintext };
    case "buffered":
      return "buffered";
    case "rejected":
      return { rejected: outcome.fault };
  }
}

const relayApply = (input: Input) => {
  const buffer = new RelayBuffer(big(input.tau1), Number(input.initial_total_bytes));
  const apply = (step: Input) =>
    describeRelay(
      buffer.apply(withZeroSignature(step.envelope), {
        sender: hex32(step.sender),
        isSignatureValid: step.signature_valid ?? true,
        isForThisNode: step.is_local ?? false,
        plaintext: typeof step.plaintext === "string" ? hex(step.plaintext) : undefined,
        currentWindow: big(step.current_window),
      }),
    );
  return (step: Input): unknown => {
    switch (step.op) {
      case "apply":
        return apply(step);
      case "repeat": {
        let last: unknown = null;
        for (let i = 0; i < Number(step.count); i++) last = apply(step);
        return { last };
      }
      case "reset_quota":
        buffer.resetQuotas();
        return null;
      case "revoke":
        buffer.revoke(hex32(step.recipient_hint), big(step.until_window));
        return null;
      case "add_vip":
        buffer.favour(hex32(step.sender));
        return null;
      case "state":
        return {
          total_bytes: buffer.totalBytes,
          queues: buffer.queues.map(({ recipientHint, envelopes }) => ({
            recipient_hint: recipientHint,
            count: envelopes.length,
          })),
        };
      default:
        throw new Error(`no such step: ${String(step.op)}`);
    }
  };
};

// NAT

const natEvents: Readonly<Record<string, (step: Input) => NatEvent>> = {
  upnp: (step) => ({
    kind: "port-mapped",
    externalPort: Number(step.external_port),
    nowSeconds: big(step.current_window),
  }),
  release: () => ({ kind: "mapping-released" }),
  holepunch: () => ({ kind: "hole-punched" }),
  relay: () => ({ kind: "relay-found" }),
  public: () => ({ kind: "found-public" }),
  unreachable: () => ({ kind: "found-unreachable" }),
};

function describeNat({ reachability, lastMethod }: NatState) {
  const hint = typeof reachability === "object" ? { "nat-port-mapped": reachability.mappedPort } : reachability;
  return { hint: hint === "hole-punched" ? "nat-hole-punched" : hint, last_method: lastMethod ?? null };
}

const natState = () => {
  let state = NEW_NAT_STATE;
  return (step: Input): unknown => {
    if (step.op === "renew_due") {
      return { ...describeNat(state), renew_due: isRenewalDue(state, big(step.current_window)) };
    }
    const event = natEvents[step.op];
    if (event === undefined) throw new Error(`no such step: ${String(step.op)}`);
    state = afterNatEvent(state, event(step));
    return describeNat(state);
  };
};

export const radioRunners: Readonly<Record<string, Runner>> = {
  "07-network/mesh-frame": meshFrame,
  "07-network/mesh-apply": sequence(meshApply),
  "07-network/spec-mesh-frame-v1": meshFrameV1,
  "07-network/spec-mesh-ack": meshAck,
  "07-network/sf-envelope": sealedEnvelope,
  "07-network/sf-apply": sequence(relayApply),
  "07-network/nat-state": sequence(natState),
};
