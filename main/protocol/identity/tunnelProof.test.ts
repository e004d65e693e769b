import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { sized, type Hash32, type NodeId } from "../bytes.ts";
import { U64_MAX } from "../codec/codec.ts";
import { meshProofMessage, onlineProofMessage } from "./tunnelProof.ts";

const node = sized(new Uint8Array(32).fill(1), 32) as NodeId;
const nonce: Hash32 = sized(new Uint8Array(32).fill(2), 32);

describe("the message of a tunnel proof", () => {
  test("has a length of its own in both forms", () => {
    expect(onlineProofMessage(node, U64_MAX, nonce)).toHaveLength(88);
    expect(meshProofMessage(node, U64_MAX, nonce)).toHaveLength(86);
  });

  test("is the same for both windows of a slot and another one in the next slot", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (slot) => {
        const [even, odd, next] = [2n * slot, 2n * slot + 1n, 2n * slot + 2n];
        for (const message of [onlineProofMessage, meshProofMessage]) {
          expect(message(node, odd, nonce)).toEqual(message(node, even, nonce));
          expect(message(node, next, nonce)).not.toEqual(message(node, even, nonce));
        }
      }),
    );
  });
});
