import { Buffer } from "node:buffer";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  ascii,
  byteKey,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  isAllZero,
  sized,
  toHex,
  ZERO_HASH,
} from "./bytes.ts";

const someBytes = fc.uint8Array({ maxLength: 40 });
const pairOfEqualLength = fc
  .nat(40)
  .chain((length) =>
    fc.tuple(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.uint8Array({ minLength: length, maxLength: length }),
    ),
  );

describe("the order of bytes", () => {
  test("is that of unsigned bytes, first byte first, a prefix before what it begins", () => {
    fc.assert(
      fc.property(someBytes, someBytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });

  test("agrees with equality", () => {
    fc.assert(
      fc.property(someBytes, someBytes, (a, b) => {
        expect(equalBytes(a, b)).toBe(compareBytes(a, b) === 0);
        expect(equalBytes(a, a.slice())).toBe(true);
      }),
    );
  });

  test("is that of the keys of equally long bytes, which are equal only for equal bytes", () => {
    fc.assert(
      fc.property(pairOfEqualLength, ([a, b]) => {
        const [keyA, keyB] = [byteKey(a), byteKey(b)];
        expect(keyA < keyB ? -1 : Number(keyA > keyB)).toBe(Math.sign(compareBytes(a, b)));
      }),
    );
  });
});

describe("hex", () => {
  test("gives back the bytes it was made of, in either case", () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
  });

  test.each(["0", "abc", "0g", "0x00", " 00", "00\n", "٠٠"])("does not read %j", (text) => {
    expect(fromHex(text)).toBeUndefined();
  });
});

test("joining keeps every byte in its place", () => {
  fc.assert(
    fc.property(fc.array(someBytes, { maxLength: 5 }), (parts) => {
      expect(toHex(concatBytes(...parts))).toBe(parts.map(toHex).join(""));
    }),
  );
});

test("bytes get a length only when they have it", () => {
  expect(sized(new Uint8Array(32), 32)).toHaveLength(32);
  expect(() => sized(new Uint8Array(31), 32)).toThrow(RangeError);
});

test("all zero is told from almost all zero", () => {
  expect(isAllZero(ZERO_HASH)).toBe(true);
  expect(isAllZero(ZERO_HASH.with(31, 1))).toBe(false);
});

test("text becomes ASCII or nothing", () => {
  expect(toHex(ascii("mt-seed"))).toBe("6d742d73656564");
  expect(() => ascii("é")).toThrow(RangeError);
});
