import fc from "fast-check";
import { expect, test } from "vitest";

import { fromHex, sized, type Hash32 } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";
import { lnQ64, log2Q64 } from "./integerLog.ts";

const MAX = 2n ** 256n - 1n;
/** Endpoints of every magnitude. */
const endpoint = fc.tuple(fc.bigInt(0n, MAX), fc.nat(255)).map(([value, shift]) => value >> BigInt(shift));

test("the logarithm never grows with the endpoint", () => {
  fc.assert(
    fc.property(endpoint, endpoint, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(log2Q64(bytesOf(low)) >= log2Q64(bytesOf(high))).toBe(true);
      expect(lnQ64(bytesOf(low)) >= lnQ64(bytesOf(high))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("neighbouring endpoints keep their order, but for what three roundings take", () => {
  fc.assert(
    fc.property(endpoint, (value) => {
      if (value < MAX) expect(log2Q64(bytesOf(value + 1n)) - log2Q64(bytesOf(value))).toBeLessThanOrEqual(4n);
    }),
    // One where the order is the other way round.
    { examples: [[0x3_3827_f69a_f64f_566fn]], numRuns: 1000 },
  );
});

test("the natural logarithm is below the binary one, and only zero has none", () => {
  fc.assert(
    fc.property(endpoint, (value) => {
      const [ln, log2] = [lnQ64(bytesOf(value)), log2Q64(bytesOf(value))];
      expect(ln <= log2).toBe(true);
      expect(ln === U128_MAX).toBe(value === 0n);
    }),
  );
});

test("it is −ln(e / 2^256) to three digits", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, MAX), fc.nat(250), (value, shift) => {
      const e = (value >> BigInt(shift)) | 1n;
      const exact = 256 * Math.LN2 - Math.log(Number(e));
      expect(Math.abs(Number(lnQ64(bytesOf(e))) / 2 ** 64 - exact)).toBeLessThan(1e-3);
    }),
  );
});

test("its ends are those of the specification", () => {
  expect(lnQ64(bytesOf(1n))).toBe(0xb1_71fb_06bb_5b60_c961n);
  const threshold = BigInt(`0xffe3c45c636cbe8f${"00".repeat(24)}`);
  expect(log2Q64(bytesOf(threshold))).toBe(0n);
  expect(log2Q64(bytesOf(threshold - 1n))).toBeGreaterThan(0n);
  expect(log2Q64(bytesOf(MAX))).toBe(0n);
});

function bytesOf(value: bigint): Hash32 {
  return sized(fromHex(value.toString(16).padStart(64, "0"))!, 32);
}
