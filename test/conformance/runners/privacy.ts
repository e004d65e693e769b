/** Suites of chapters 06 §9 and 07 §10 about Dandelion++, uniform frames and the labels of queues. */
import { concatBytes, sized, type Bytes } from "../../../main/protocol/bytes.ts";
import { MLDSA_PUBLIC_KEY_SIZE } from "../../../main/protocol/crypto.ts";
import { Dandelion } from "../../../main/network/privacy/dandelion.ts";
import {
  labelAppId,
  queueLabel,
  receiveLabel,
  sendDirection,
  sendLabel,
  type Conversation,
  type Direction,
} from "../../../main/network/privacy/queueLabel.ts";
import {
  assembleFrames,
  decodeFrame,
  encodeFrames,
  FRAME_CAPACITY,
  FRAME_SIZE,
  hasEnoughPadding,
} from "../../../main/network/privacy/uniformFrame.ts";
import type { Input, Runner } from "../harness.ts";
import { publicKeyOf } from "./descriptors.ts";
import { big, bytesOf, hex, hex32 } from "./inputs.ts";
import { sequence } from "./steps.ts";

const dandelion = (input: Input) => {
  const state = new Dandelion<string>(big(input.initial_epoch));
  return (step: Input): unknown => {
    switch (step.op) {
      case "rotate": {
        const outbound = step.outbound as string[];
        const window = big(step.current_window);
        return {
          successor: state.rotate(window, big(step.tau1_windows), outbound, Number(step.rng_byte)) ?? null,
        };
      }
      case "decide":
        return state.decide(hex32(step.operation_id), Number(step.rng_byte));
      case "forget":
        state.forget(hex32(step.operation_id));
        return null;
      default:
        throw new Error(`no such step: ${String(step.op)}`);
    }
  };
};

// Uniform frames

const uniformEncode: Runner = (input, { crypto }) => {
  const message =
    input.message_repeat === undefined
      ? hex(input.message)
      : bytesOf({ repeat: input.message_repeat.byte, len: input.message_repeat.count });
  let paddingCalls = 0;
  const frames = encodeFrames(message, () => {
    const byte = hex(input.padding_byte_first_call)[0]! + paddingCalls++;
    return new Uint8Array(FRAME_CAPACITY).fill(byte) as Bytes<1021>;
  });
  const wire = concatBytes(...frames);
  return {
    frames: frames.length,
    headers: frames.map((frame) => frame.subarray(0, 3)),
    wire,
    wire_sha256: crypto.sha256(wire),
    padding_calls: paddingCalls,
  };
};

const SHOWN_DATA = 8;

const uniformDecode: Runner = (input) => {
  const header = hex(input.header);
  const frame = new Uint8Array(Number(input.total_len)).fill(hex(input.fill)[0]!);
  frame.set(header.subarray(0, frame.length));
  const { data } = decodeFrame(frame);
  return { flags: frame[0], length: data.length, data: data.subarray(0, SHOWN_DATA), data_len: data.length };
};

const uniformAssemble: Runner = (input, { crypto }) => {
  const frames = (input.frames as [number, number, string][]).map(([flags, length, fill]) => {
    const frame = new Uint8Array(FRAME_SIZE).fill(hex(fill)[0]!);
    frame.set([flags, length & 0xff, length >> 8]);
    return frame;
  });
  const message = assembleFrames(frames);
  return { message_len: message.length, message_sha256: crypto.sha256(message) };
};

const paddingRatio: Runner = (input) => ({
  meets_ratio: hasEnoughPadding(big(input.data_frames), big(input.padding_frames)),
});

// Labels of queues

/** A rule is "1952 zero bytes", or "01 then 1951 zero bytes". */
function keyByRule(rule: unknown) {
  const found = /^(?:([0-9a-f]{2}) then )?(\d+) zero bytes$/.exec(String(rule));
  if (found === null) throw new Error(`no such rule: ${String(rule)}`);
  return sized(concatBytes(hex(found[1] ?? ""), new Uint8Array(Number(found[2]))), MLDSA_PUBLIC_KEY_SIZE);
}

const queueLabels: Runner = (input, { crypto }) => {
  const window = big(input.window);
  const initialRootKey = hex32(input.initial_root_key);
  if (input.direction !== undefined) {
    const conversation: Conversation = {
      initialRootKey,
      own: keyByRule(input.lower_pubkey_rule),
      contact: keyByRule(input.higher_pubkey_rule),
    };
    const label = queueLabel(crypto, conversation, Number(input.direction) as Direction, window);
    return { label, app_id: labelAppId(crypto, label) };
  }
  const conversation: Conversation = {
    initialRootKey,
    own: publicKeyOf(crypto, input.self_seed),
    contact: publicKeyOf(crypto, input.contact_seed),
  };
  const [send, receive] = [sendLabel(crypto, conversation, window), receiveLabel(crypto, conversation, window)];
  return {
    send_direction: sendDirection(conversation),
    send_label: send,
    receive_label: receive,
    send_app_id: labelAppId(crypto, send),
    receive_app_id: labelAppId(crypto, receive),
  };
};

export const privacyRunners: Readonly<Record<string, Runner>> = {
  "06-transport/uniform-frame-encode": uniformEncode,
  "06-transport/uniform-frame-decode": uniformDecode,
  "06-transport/uniform-frame-assemble": uniformAssemble,
  "06-transport/uniform-frame-padding-ratio": paddingRatio,
  "07-network/dandelion": sequence(dandelion),
  "07-network/spec-queue-label": queueLabels,
};
