import { expect, test } from "vitest";

import { sized, type Hash32, type NodeId } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { lotteryWeight, weightedTicket } from "../lottery/ticket.ts";
import type { BundledConfirmation, VdfReveal } from "../objects/consensus.ts";
import type { NodeRecord } from "../state/records.ts";
import { checkBundleStanding } from "./bundle.ts";
import { checkRevealStanding } from "./reveal.ts";

const rules = rulesOf({ ...MONTANA_PARAMS, tau2Windows: 10n }, "spec");
const node = {
  startWindow: 0n,
  chainLength: 40n,
  chainLengthCheckpoints: [10n, 10n, 10n, 10n, 10n, 10n],
  lastConfirmationWindow: 80n,
} as unknown as NodeRecord;
const endpoint = hash(0x42);
const ticket = weightedTicket(endpoint, lotteryWeight(40n, 30n));
const standing = { node, rules, target: U128_MAX, isRepeated: false };

test("a first reveal of an active node below the target stands", () => {
  expect(checkRevealStanding(revealOf(100n), standing)).toBeUndefined();
});

test("activity ends two epochs after the last confirmation", () => {
  expect(checkRevealStanding(revealOf(101n), { ...standing, target: 0n, isRepeated: true })).toBe("inactive-node");
});

test("a ticket must be below the target, and equal is not below", () => {
  expect(checkRevealStanding(revealOf(100n), { ...standing, target: ticket + 1n })).toBeUndefined();
  expect(checkRevealStanding(revealOf(100n), { ...standing, target: ticket, isRepeated: true })).toBe(
    "not-a-candidate",
  );
});

test("a node that weighs nothing is no candidate under the highest target", () => {
  const weightless = { ...node, chainLength: 10n };
  expect(checkRevealStanding(revealOf(100n), { ...standing, node: weightless })).toBe("not-a-candidate");
});

test("a second reveal of a node and window is a duplicate", () => {
  expect(checkRevealStanding(revealOf(100n), { ...standing, isRepeated: true })).toBe("duplicate");
});

test.each([
  [97n, "wrong-window"],
  [98n, "wrong-window"],
  [99n, undefined],
  [100n, undefined],
  [101n, "wrong-window"],
])("at window 100 a bundle of window %i has the standing %s", (windowIndex, failure) => {
  expect(checkBundleStanding(bundleOf(windowIndex), 100n, hash(1), undefined)).toBe(failure);
});

test("another bundle of the same node and window is equivocation, the same one is not", () => {
  expect(checkBundleStanding(bundleOf(100n), 100n, hash(1), hash(2))).toBe("equivocation");
  expect(checkBundleStanding(bundleOf(100n), 100n, hash(1), hash(1))).toBeUndefined();
});

function revealOf(windowIndex: bigint): VdfReveal {
  return { nodeId: hash(7) as NodeId, windowIndex, endpoint, signature: sized(new Uint8Array(3309), 3309) };
}

function bundleOf(windowIndex: bigint): BundledConfirmation {
  return { ...revealOf(windowIndex), opHashes: [], revealHashes: [] };
}

function hash(byte: number): Hash32 {
  return sized(new Uint8Array(32).fill(byte), 32);
}
