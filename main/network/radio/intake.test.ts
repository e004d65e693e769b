/** Chapter 07 §6 item 8. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decodeFragmentFrame, encodeFragmentFrame, isBroadcast, type FragmentFrame } from "./fragmentFrame.ts";
import { MeshIntake, SENDERS_MAX } from "./intake.ts";

const hashOf = (number: number): Hash32 => {
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, number);
  return hash as Hash32;
};

const frameOf = (index: number, total: number, payload: Uint8Array, recipient = 0): FragmentFrame => ({
  ...{ flags: 0, fragmentIndex: index, totalFragments: total, recipientHint: hashOf(recipient), payload },
});

const event = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      sender: fc.nat(1),
      recipient: fc.nat(1),
      nonce: fc.nat(60),
      index: fc.nat(2),
      payload: fc.uint8Array({ maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant("reset" as const) },
);

describe("the intake of radio frames", () => {
  test("refuses every replay, counts eight frames of a sender, and completes what was stored last at each place", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const intake = new MeshIntake();
        const used = new Set<string>();
        const counted = [0, 0];
        const stored = new Map<string, (Uint8Array | undefined)[]>();
        for (const it of events) {
          if (it === "reset") {
            intake.resetRates();
            counted.fill(0);
            continue;
          }
          const { sender, recipient, nonce, index, payload } = it;
          const outcome = intake.take(frameOf(index, 3, payload, recipient), hashOf(sender), hashOf(nonce));
          const key = `${sender} ${nonce}`;
          if (used.has(key)) {
            expect(outcome).toEqual({ fault: "nonce-replay" });
            continue;
          }
          counted[sender]!++;
          if (counted[sender]! > 8) {
            expect(outcome).toEqual({ fault: "rate-limit" });
            continue;
          }
          used.add(key);
          const slot = `${sender} ${recipient}`;
          const parts = stored.get(slot) ?? [undefined, undefined, undefined];
          parts[index] = payload;
          stored.set(slot, parts);
          const whole = parts.filter((part) => part !== undefined);
          if (whole.length === 3) stored.delete(slot);
          expect(outcome).toEqual({ message: whole.length === 3 ? concatBytes(...whole) : undefined });
        }
      }),
    );
  });

  test("knows a bounded number of senders, and others after it was told to forget", () => {
    const intake = new MeshIntake();
    const take = (sender: number) => intake.take(frameOf(0, 1, new Uint8Array(1)), hashOf(sender), hashOf(7));
    for (let sender = 0; sender < SENDERS_MAX; sender++) expect(take(sender).fault).toBeUndefined();
    expect(take(SENDERS_MAX)).toEqual({ fault: "low-memory" });
    intake.forget(hashOf(0));
    expect(take(SENDERS_MAX).fault).toBeUndefined();
  });

  test("drops what is half put together without forgetting nonces", () => {
    const intake = new MeshIntake();
    const take = (index: number, nonce: number) =>
      intake.take(frameOf(index, 2, new Uint8Array([index])), hashOf(1), hashOf(nonce));
    take(0, 1);
    intake.dropAssemblies(hashOf(1));
    expect(take(1, 1)).toEqual({ fault: "nonce-replay" });
    expect(take(1, 2)).toEqual({ message: undefined });
    expect(take(0, 3)).toEqual({ message: new Uint8Array([0, 1]) });
  });
});

test("a fragment frame reads back", () => {
  const fields = fc.record({
    flags: fc.nat(1),
    total: fc.integer({ min: 1, max: 255 }),
    index: fc.nat(254),
    payload: fc.uint8Array({ maxLength: 50 }),
  });
  fc.assert(
    fc.property(fields, ({ flags, total, index, payload }) => {
      const frame = { ...frameOf(index % total, total, payload), flags };
      expect(decodeFragmentFrame(encodeFragmentFrame(frame))).toEqual(frame);
    }),
  );
  expect(isBroadcast({ recipientHint: new Uint8Array(32).fill(0xff) as Hash32 })).toBe(true);
  expect(isBroadcast({ recipientHint: hashOf(1) })).toBe(false);
});
