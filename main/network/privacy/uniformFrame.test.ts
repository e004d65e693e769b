/** Chapter 06 §6 items 9 and 12. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Bytes } from "../../protocol/bytes.ts";
import {
  assembleFrames,
  decodeFrame,
  encodeFrames,
  FRAME_CAPACITY,
  FRAME_SIZE,
  FrameReceiver,
  hasEnoughPadding,
  MESSAGE_FRAMES_MAX,
  MESSAGE_SIZE_MAX,
  paddingFrame,
} from "./uniformFrame.ts";

const filled = (byte: number) => () => new Uint8Array(FRAME_CAPACITY).fill(byte) as Bytes<1021>;
const message = fc.uint8Array({ minLength: 1, maxLength: 3 * FRAME_CAPACITY + 5 });

describe("a message", () => {
  test("fills as few frames of 1,024 bytes as possible and comes out of them whole, whatever the padding", () => {
    fc.assert(
      fc.property(message, fc.nat(255), (it, byte) => {
        const frames = encodeFrames(it, filled(byte));
        expect(frames).toHaveLength(Math.ceil(it.length / FRAME_CAPACITY));
        for (const frame of frames) expect(frame).toHaveLength(FRAME_SIZE);
        expect(assembleFrames(frames)).toEqual(it);
      }),
    );
    expect(encodeFrames(new Uint8Array(0), filled(0))).toEqual([]);
  });

  test("comes out of any stream of frames in which padding stands anywhere", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 10 }), (messages, places) => {
        const stream = messages.flatMap((it) => encodeFrames(it, filled(7)));
        for (const place of places) stream.splice(place % (stream.length + 1), 0, paddingFrame(filled(9)));
        const receiver = new FrameReceiver();
        const shared = new Uint8Array(FRAME_SIZE);
        const received = stream.flatMap((frame) => {
          shared.set(frame);
          return receiver.take(shared) ?? [];
        });
        expect(received).toEqual(messages);
      }),
    );
  });

  test("is given up when it has too many bytes or frames", () => {
    const longest = encodeFrames(new Uint8Array(MESSAGE_SIZE_MAX), filled(0));
    expect(longest).toHaveLength(MESSAGE_FRAMES_MAX);
    const take = (frames: readonly Uint8Array[]) => {
      const receiver = new FrameReceiver();
      return frames.map((frame) => receiver.take(frame)).at(-1);
    };
    expect(take(longest)).toHaveLength(MESSAGE_SIZE_MAX);
    expect(() => take(encodeFrames(new Uint8Array(MESSAGE_SIZE_MAX + 1), filled(0)))).toThrow("payload-too-large");
    const empty = paddingFrame(filled(0)).with(0, 0x05);
    expect(() => take(new Array<Uint8Array>(MESSAGE_FRAMES_MAX + 1).fill(empty))).toThrow("payload-too-large");
  });
});

test("a frame is what its flags say, and nothing where they contradict each other", () => {
  const frame = (flags: number, length: number) => paddingFrame(filled(1)).with(0, flags).with(1, length);
  const isAccepted = (flags: number, length: number) => {
    try {
      decodeFrame(frame(flags, length));
      return true;
    } catch {
      return false;
    }
  };
  const flags = Array.from({ length: 256 }, (_, i) => i);
  expect(flags.filter((it) => isAccepted(it, 0))).toEqual([1, 2, 5]);
  expect(flags.filter((it) => isAccepted(it, 9))).toEqual([1, 5]);
});

test("a fifth of the frames is enough padding", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 1000n), fc.bigInt(0n, 1000n), (data, padding) => {
      expect(hasEnoughPadding(data, padding)).toBe(4n * padding >= data);
    }),
  );
});
