import fc from "fast-check";
import { expect, test } from "vitest";

import { sized } from "../bytes.ts";
import { U128_MAX, U64_MAX } from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";
import { calibrateTarget, INITIAL_TARGET, mayReveal } from "./target.ts";
import { liveSnapshot, lotteryWeight, weightedTicket } from "./ticket.ts";

const count = fc.bigInt(0n, 2n ** 40n);
const endpoint = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32));

test("seniority at most doubles a weight", () => {
  fc.assert(
    fc.property(count, count, (chainLength, snapshot) => {
      const weight = lotteryWeight(chainLength, snapshot);
      expect(weight >= snapshot && weight <= 2n * snapshot).toBe(true);
    }),
  );
});

test("more weight never makes a ticket worse", () => {
  fc.assert(
    fc.property(endpoint, fc.bigInt(0n, U64_MAX), fc.bigInt(0n, U64_MAX), (e, a, b) => {
      const [light, heavy] = a < b ? [a, b] : [b, a];
      expect(weightedTicket(e, light) >= weightedTicket(e, heavy)).toBe(true);
    }),
  );
});

test("a node without weight may not reveal under any target", () => {
  fc.assert(
    fc.property(endpoint, fc.bigInt(0n, INITIAL_TARGET), (e, target) => {
      expect(mayReveal(weightedTicket(e, 0n), target)).toBe(false);
    }),
  );
});

test("a newcomer weighs something before its first boundary", () => {
  expect(liveSnapshot({ chainLength: 1n, chainLengthCheckpoints: [0n, 0n, 0n, 0n, 0n, 0n] })).toBe(1n);
});

test("a checkpoint above the chain length halts", () => {
  expect(() => liveSnapshot({ chainLength: 3n, chainLengthCheckpoints: [4n, 0n, 0n, 0n, 0n, 0n] })).toThrow(
    new ProtocolError("checkpoint-above-chain-length"),
  );
});

test("with up to thirteen nodes that always reveal the target stays at its maximum", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 13n), fc.bigInt(1n, 20_160n), (nodes, tau2Windows) => {
      expect(calibrateTarget(INITIAL_TARGET, nodes * tau2Windows, tau2Windows)).toBe(INITIAL_TARGET);
    }),
  );
});

test("the target is a u128 that falls with the number of reveals and stays where there were none", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, U128_MAX), count, count, fc.bigInt(1n, 20_160n), (target, a, b, tau2Windows) => {
      const [few, many] = a < b ? [a + 1n, b + 1n] : [b + 1n, a + 1n];
      const fewer = calibrateTarget(target, few, tau2Windows);
      expect(fewer <= U128_MAX && fewer >= calibrateTarget(target, many, tau2Windows)).toBe(true);
      expect(calibrateTarget(target, 0n, tau2Windows)).toBe(target);
    }),
  );
});
