import fc from "fast-check";
import { expect, test } from "vitest";

import { U64_MAX } from "../codec/codec.ts";
import { registrationBarrier, requiredVdfLength } from "./barrier.ts";
import { PER_WINDOW, SELECTION } from "./entry.fixture.ts";

const TAU2 = 20_160n;

test.each([
  [10n, 1000n, 20_160n],
  [20n, 1000n, 40_320n],
  [100n, 1000n, 201_600n],
  [1n, 1n, 2_016_000n],
  [4n, 364n, 20_160n],
  [4n, 363n, 22_176n],
  [1000n, 0n, 20_160n],
])("with %d pending and %d active nodes a chain needs %d windows", (pending, active, required) => {
  expect(requiredVdfLength(pending, active, TAU2)).toBe(required);
});

test.each([
  [1n, 1n, 2_016_000n, 20_160n],
  [335n, 1n, 675_360_000n, 20_160n],
  [336n, 1n, 677_376_000n, 677_376_000n],
  [336n, 1000n, 677_376n, 677_376n],
  [336n, 33_600n, 20_160n, 20_160n],
])(
  "with %d pending and %d active nodes `selection` demands %d and `per-window` %d",
  (pending, active, drawn, queued) => {
    expect(registrationBarrier(SELECTION, pending, active)).toBe(drawn);
    expect(registrationBarrier(PER_WINDOW, pending, active)).toBe(queued);
  },
);

test("more pending candidates never make it easier, more active nodes never harder", () => {
  const u64 = fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, U64_MAX));
  fc.assert(
    fc.property(u64, u64, u64, u64, (pending, morePending, active, moreActive) => {
      const nodes = active + 1n;
      const required = requiredVdfLength(pending, nodes, TAU2);
      expect(requiredVdfLength(pending + morePending, nodes, TAU2)).toBeGreaterThanOrEqual(required);
      expect(requiredVdfLength(pending, nodes + moreActive, TAU2)).toBeLessThanOrEqual(required);
      expect(required).toBeGreaterThanOrEqual(TAU2);
      expect(required).toBeLessThanOrEqual(U64_MAX);
    }),
  );
});

test("both products saturate", () => {
  expect(requiredVdfLength(U64_MAX, 1n, 20_160n)).toBe(U64_MAX / 10n);
});
