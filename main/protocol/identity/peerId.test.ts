import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { concatBytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { formatPeerId, legacyPeerIdOf, parseMultihash, parsePeerId, peerIdOf } from "./peerId.ts";

const { crypto } = loadCrypto();

const text = (...bytes: number[]): string => formatPeerId(new Uint8Array(bytes));
const digest = (length: number): number[] => new Array<number>(length).fill(5);

function reasonOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "invalid-peer-id") return error.params["reason"];
    throw error;
  }
}

describe("a PeerId", () => {
  test("has 46 characters from Qm on and gives back its bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (key) => {
        const id = peerIdOf(crypto, key);
        expect(formatPeerId(id)).toMatch(/^Qm.{44}$/);
        expect(parsePeerId(formatPeerId(id))).toEqual(id);
      }),
    );
  });

  test("is neither a legacy name nor a digest of another length, though both are names of the library", () => {
    const legacy = formatPeerId(legacyPeerIdOf(new Uint8Array(32).fill(1)));
    expect(legacy).toMatch(/^12D3Koo/);
    expect(parseMultihash(legacy).kind).toBe("identity");
    expect(reasonOf(() => parsePeerId(legacy))).toBe("unsupported-multihash-code");
    expect(parseMultihash(text(0x12, 31, ...digest(31))).kind).toBe("sha2-256");
    expect(reasonOf(() => parsePeerId(text(0x12, 31, ...digest(31))))).toBe("unsupported-multihash-code");
  });
});

test.each<[string, string, string]>([
  ["a character outside the alphabet", "Qm0", "base58"],
  ["nothing", "", "invalid-multihash"],
  ["a length without its digest", text(0x12, 32, ...digest(31)), "invalid-multihash"],
  ["a byte behind the digest", text(0x12, 32, ...digest(33)), "invalid-multihash"],
  ["a digest of more than 64 bytes", text(0x12, 65, ...digest(65)), "invalid-multihash"],
  ["a number not in its shortest form", text(0x92, 0x00, 32, ...digest(32)), "invalid-multihash"],
  ["a number that never ends", text(...new Array<number>(12).fill(0xff)), "invalid-multihash"],
  ["another hash", text(0x11, 20, ...digest(20)), "unsupported-multihash-code"],
  ["another hash with a long code", text(0xa0, 0xe4, 0x02, 32, ...digest(32)), "unsupported-multihash-code"],
  ["an inline key of more than 42 bytes", text(0x00, 43, ...digest(43)), "unsupported-multihash-code"],
  ["a text too long for any name", "Q".repeat(200), "invalid-multihash"],
])("%s is no name at all", (_, name, reason) => {
  expect(reasonOf(() => parseMultihash(name))).toBe(reason);
});

test("no bytes make the reader of names fail otherwise than by its own error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const name = formatPeerId(concatBytes(bytes));
      const reason = reasonOf(() => {
        expect(parseMultihash(name).bytes).toEqual(bytes);
      });
      expect([undefined, "invalid-multihash", "unsupported-multihash-code"]).toContain(reason);
    }),
  );
});
