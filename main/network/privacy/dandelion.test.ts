/** Chapter 07 §6 item 7. */
import fc from "fast-check";
import { expect, test } from "vitest";

import type { Hash32 } from "../../protocol/bytes.ts";
import { Dandelion, SEEN_MAX } from "./dandelion.ts";

const idOf = (number: number): Hash32 => {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, number);
  return id as Hash32;
};

const byte = fc.nat(255);
const peers = fc.uniqueArray(fc.nat(9), { maxLength: 4 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("rotate" as const), window: fc.bigInt(0n, 6n), peers, chance: byte }),
  fc.record({ kind: fc.constant("decide" as const), id: fc.nat(3), chance: byte }),
  fc.record({ kind: fc.constant("forget" as const), id: fc.nat(3) }),
);

test("an object goes along the stem to the current successor only, and once an epoch unless forgotten", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 6n), fc.array(step, { maxLength: 80 }), (epoch, steps) => {
      const dandelion = new Dandelion<number>(epoch);
      const sent = new Set<number>();
      let seenEpoch = epoch;
      for (const it of steps) {
        if (it.kind === "forget") {
          dandelion.forget(idOf(it.id));
          sent.delete(it.id);
        } else if (it.kind === "rotate") {
          const before = dandelion.successor;
          const successor = dandelion.rotate(it.window, 1n, it.peers, it.chance);
          if (it.peers.length === 0) {
            expect(successor).toBeUndefined();
            continue;
          }
          if (before === undefined || it.window !== seenEpoch) {
            sent.clear();
            seenEpoch = it.window;
          } else {
            expect(successor).toBe(before);
          }
        } else {
          const decision = dandelion.decide(idOf(it.id), it.chance);
          if (decision === "fluff") continue;
          expect(decision.stem).toBe(dandelion.successor);
          expect(it.chance).toBeGreaterThanOrEqual(26);
          expect(sent.has(it.id)).toBe(false);
          sent.add(it.id);
        }
      }
    }),
  );
});

test("without a successor everything fluffs", () => {
  fc.assert(
    fc.property(fc.nat(3), byte, (id, chance) => {
      expect(new Dandelion<string>(0n).decide(idOf(id), chance)).toBe("fluff");
    }),
  );
});

test("what an epoch cannot remember any more fluffs", () => {
  const dandelion = new Dandelion<string>(0n);
  dandelion.rotate(1n, 1n, ["peer"], 0);
  for (let i = 0; i < SEEN_MAX; i++) dandelion.decide(idOf(i), 255);
  expect(dandelion.decide(idOf(SEEN_MAX), 255)).toBe("fluff");
  dandelion.rotate(2n, 1n, ["peer"], 0);
  expect(dandelion.decide(idOf(SEEN_MAX), 255)).toEqual({ stem: "peer" });
});
