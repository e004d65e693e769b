import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decode, encode, type FixedCodec } from "../codec/codec.ts";
import { accountBytes, candidateBytes, nodeBytes } from "./records.fixture.ts";
import { accountRecord, candidateRecord, nodeRecord } from "./records.ts";

const kinds: readonly { name: string; codec: FixedCodec<unknown>; bytes: fc.Arbitrary<Uint8Array>; size: number }[] = [
  { name: "account", codec: accountRecord, bytes: accountBytes, size: 2059 },
  { name: "node", codec: nodeRecord, bytes: nodeBytes, size: 2098 },
  { name: "candidate", codec: candidateRecord, bytes: candidateBytes, size: 2082 },
];

describe.each(kinds)("the $name record", ({ codec, bytes, size }) => {
  it("has one encoding for each value and one value for each encoding", () => {
    expect(codec.size).toBe(size);
    fc.assert(
      fc.property(bytes, (encoded) => {
        const value = decode(codec, encoded);
        const again = encode(codec, value);
        expect(again).toEqual(encoded);
        expect(decode(codec, again)).toEqual(value);
      }),
    );
  });

  it("is refused when a byte is missing or too many", () => {
    const encoded = new Uint8Array(size);
    for (const length of [0, 1, 31, 32, 1000, size - 1]) {
      expect(() => decode(codec, encoded.subarray(0, length))).toThrow("truncated");
    }
    expect(() => decode(codec, new Uint8Array(size + 1))).toThrow("trailing-bytes");
  });
});

it("an account's flag is 0 or 1", () => {
  const encoded = new Uint8Array(accountRecord.size);
  for (let byte = 2; byte < 256; byte++) {
    encoded[50] = byte;
    expect(() => decode(accountRecord, encoded)).toThrow("non-canonical-flag");
  }
});
