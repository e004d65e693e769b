import { Buffer } from "node:buffer";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { compareBytes, concatBytes, toHex } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import {
  byItself,
  bytes,
  decode,
  encode,
  flag,
  list,
  reserved,
  struct,
  tuple,
  typeByte,
  U128_MAX,
  u128,
  u16,
  u32,
  U64_MAX,
  u64,
  u8,
  type Codec,
} from "./codec.ts";

/** The code of the error that `run` ends with; anything but a ProtocolError is the test's own failure. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return String(error.code);
    throw error;
  }
}

const sizedBytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyU8 = fc.nat(0xff);
const anyU16 = fc.nat(0xffff);
const anyU64 = fc.bigInt({ min: 0n, max: U64_MAX });
const anyU128 = fc.bigInt({ min: 0n, max: U128_MAX });

const pair = struct({ id: bytes(4), amount: u128 });
const anyPair = fc.record({ id: sizedBytes(4), amount: anyU128 });
const everything = struct({
  type: typeByte(0x0a),
  isSet: flag,
  small: u8,
  count: u16,
  wide: u32,
  long: u64,
  huge: u128,
  raw: bytes(5),
  zeros: reserved(3),
  fixedPairs: tuple(pair, 2),
  shorts: list(u16, { count: u8 }),
  pairs: list(pair, { key: (value) => value.id }),
  hashes: list(bytes(2), { key: byItself }),
});

const ascending = <T>(element: fc.Arbitrary<T>, key: (value: T) => Uint8Array) =>
  fc
    .uniqueArray(element, { maxLength: 5, selector: (value) => toHex(key(value)) })
    .map((values) => values.toSorted((a, b) => compareBytes(key(a), key(b))));

/** One combinator each, and all of them nested; the generator gives values in range. */
const combinators: Readonly<Record<string, { codec: Codec<unknown>; value: fc.Arbitrary<unknown> }>> = {
  u8: { codec: u8, value: anyU8 },
  u16: { codec: u16, value: anyU16 },
  u32: { codec: u32, value: fc.nat(0xffff_ffff) },
  u64: { codec: u64, value: anyU64 },
  u128: { codec: u128, value: anyU128 },
  flag: { codec: flag, value: fc.boolean() },
  bytes: { codec: bytes(7), value: sizedBytes(7) },
  reserved: { codec: reserved(6), value: fc.constant(new Uint8Array(6)) },
  typeByte: { codec: typeByte(4), value: fc.constant(4) },
  tuple: { codec: tuple(u16, 3), value: fc.tuple(anyU16, anyU16, anyU16) },
  list: { codec: list(u32), value: fc.array(fc.nat(0xffff_ffff), { maxLength: 6 }) },
  "ordered list": {
    codec: list(pair, { key: (value) => value.id }),
    value: ascending(anyPair, (value) => value.id),
  },
  struct: {
    codec: struct({ a: u8, b: list(flag), c: u64 }),
    value: fc.record({ a: anyU8, b: fc.array(fc.boolean(), { maxLength: 5 }), c: anyU64 }),
  },
  everything: {
    codec: everything,
    value: fc.record({
      type: fc.constant(0x0a),
      isSet: fc.boolean(),
      small: anyU8,
      count: anyU16,
      wide: fc.nat(0xffff_ffff),
      long: anyU64,
      huge: anyU128,
      raw: sizedBytes(5),
      zeros: fc.constant(new Uint8Array(3)),
      fixedPairs: fc.tuple(anyPair, anyPair),
      shorts: fc.array(anyU16, { maxLength: 5 }),
      pairs: ascending(anyPair, (value) => value.id),
      hashes: ascending(sizedBytes(2), byItself),
    }),
  },
};

describe.each(Object.entries(combinators))("%s", (_, { codec, value }) => {
  test("reads back every value that it wrote", () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decode(codec, encode(codec, original))).toEqual(original);
      }),
    );
  });

  test("writes back every altered encoding that it still accepts", () => {
    fc.assert(
      fc.property(value, fc.nat(), anyU8, (original, position, byte) => {
        const encoded = encode(codec, original);
        const altered = encoded.with(position % encoded.length, byte);
        let accepted: unknown;
        if (codeOf(() => (accepted = decode(codec, altered))) !== undefined) return;
        expect(encode(codec, accepted)).toEqual(altered);
      }),
      { numRuns: 500 },
    );
  });

  test("takes at least its minimum size, and exactly that where the size is fixed", () => {
    fc.assert(
      fc.property(value, (original) => {
        const { length } = encode(codec, original);
        expect(length).toBeGreaterThanOrEqual(codec.minSize);
        if ("size" in codec) expect(length).toBe(codec.size);
      }),
    );
  });

  test("refuses its encoding cut anywhere and its encoding with a byte more", () => {
    fc.assert(
      fc.property(value, fc.nat(), anyU8, (original, cut, extra) => {
        const encoded = encode(codec, original);
        expect(codeOf(() => decode(codec, encoded.slice(0, cut % encoded.length)))).toBe("truncated");
        expect(codeOf(() => decode(codec, concatBytes(encoded, new Uint8Array([extra]))))).toBe("trailing-bytes");
      }),
    );
  });
});

describe("integers", () => {
  const limits = [0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, U64_MAX];

  test.each(limits)("u64 keeps %s", (value) => {
    expect(decode(u64, encode(u64, value))).toBe(value);
  });

  test.each([...limits, U64_MAX + 1n, 2n ** 127n, U128_MAX])("u128 keeps %s", (value) => {
    expect(decode(u128, encode(u128, value))).toBe(value);
  });

  test("are little-endian", () => {
    expect(toHex(encode(u16, 0x1234))).toBe("3412");
    expect(toHex(encode(u32, 0x12345678))).toBe("78563412");
    expect(toHex(encode(u64, 0x0102030405060708n))).toBe("0807060504030201");
    expect(toHex(encode(u128, 13_000_000_000n))).toBe("0042dc06030000000000000000000000");
  });

  test.each<[Codec<unknown>, unknown]>([
    [u8, 256],
    [u8, -1],
    [u8, 0.5],
    [u8, Number.NaN],
    [u16, 2 ** 16],
    [u32, 2 ** 32],
    [u32, Infinity],
    [u64, U64_MAX + 1n],
    [u64, -1n],
    [u128, U128_MAX + 1n],
    [u128, -1n],
  ] as [Codec<unknown>, unknown][])("out of their range are refused, not wrapped (%#)", (codec, value) => {
    expect(codeOf(() => encode(codec, value))).toBe("value-out-of-range");
  });
});

describe("what is not canonical", () => {
  test("a flag byte other than 0 and 1 is refused", () => {
    for (let byte = 2; byte < 256; byte++) {
      expect(codeOf(() => decode(flag, new Uint8Array([byte])))).toBe("non-canonical-flag");
    }
  });

  test("another type byte is refused on both ways", () => {
    expect(codeOf(() => decode(typeByte(2), new Uint8Array([3])))).toBe("unknown-type");
    expect(codeOf(() => encode(typeByte(2) as Codec<number>, 3))).toBe("value-out-of-range");
  });

  test("reserved bytes other than zero are refused on both ways", () => {
    const dirty = new Uint8Array([0, 0, 1]);
    expect(codeOf(() => decode(reserved(3), dirty))).toBe("reserved-not-zero");
    expect(codeOf(() => encode(reserved(3) as Codec<Uint8Array>, dirty))).toBe("reserved-not-zero");
  });

  test("an ordered list is refused on both ways when two elements are equal or swapped", () => {
    const ordered = list(bytes(2), { key: byItself }) as Codec<readonly Uint8Array[]>;
    const plain = list(bytes(2)) as Codec<readonly Uint8Array[]>;
    fc.assert(
      fc.property(ascending(sizedBytes(2), byItself), fc.nat(), (values, position) => {
        fc.pre(values.length > 1);
        const at = 1 + (position % (values.length - 1));
        const swapped = values.with(at, values[at - 1]!).with(at - 1, values[at]!);
        const doubled = values.with(at, values[at - 1]!);
        for (const wrong of [swapped, doubled]) {
          expect(codeOf(() => encode(ordered, wrong))).toBe("non-canonical-order");
          expect(codeOf(() => decode(ordered, encode(plain, wrong)))).toBe("non-canonical-order");
        }
      }),
    );
  });

  test("the first fault in the order of the fields is the one reported", () => {
    const layout = struct({ first: flag, zeros: reserved(1), last: u8 });
    expect(codeOf(() => decode(layout, new Uint8Array([2, 1, 0, 9])))).toBe("non-canonical-flag");
    expect(codeOf(() => decode(layout, new Uint8Array([1, 1, 0, 9])))).toBe("reserved-not-zero");
    expect(codeOf(() => decode(layout, new Uint8Array([1, 0, 0, 9])))).toBe("trailing-bytes");
  });
});

describe("lengths", () => {
  test("a count that the rest cannot hold is refused before an element is read", () => {
    let elementsRead = 0;
    const counted: Codec<number> = {
      minSize: u32.minSize,
      write: (writer, value) => {
        u32.write(writer, value);
      },
      read: (reader) => {
        elementsRead++;
        return u32.read(reader);
      },
    };
    const claim = concatBytes(new Uint8Array([0xff, 0xff]), new Uint8Array(4 * 65_534));
    expect(codeOf(() => decode(list(counted), claim))).toBe("truncated");
    expect(elementsRead).toBe(0);
    expect(codeOf(() => decode(list(counted, { count: u32 }), new Uint8Array(4).fill(0xff)))).toBe("truncated");
    expect(elementsRead).toBe(0);
  });

  test("a list that its count cannot hold is refused, not cut", () => {
    const tooMany = new Array<number>(65_536).fill(0);
    expect(codeOf(() => encode(list(u8), tooMany))).toBe("value-out-of-range");
    expect(codeOf(() => encode(list(u8, { count: u8 }), tooMany.slice(0, 256)))).toBe("value-out-of-range");
    expect(encode(list(u8), tooMany.slice(0, 65_535))).toHaveLength(65_537);
  });

  test("bytes and tuples of another length are refused", () => {
    expect(codeOf(() => encode(bytes(3) as Codec<Uint8Array>, new Uint8Array(2)))).toBe("value-out-of-range");
    expect(codeOf(() => encode(tuple(u8, 3), [1, 2]))).toBe("value-out-of-range");
  });
});

test("what is decoded keeps its bytes when the message that held it changes, a Buffer's too", () => {
  const message = Buffer.from([1, 2, 3]);
  const decoded = decode(bytes(3), message);
  message.fill(9);
  expect(decoded).toEqual(new Uint8Array([1, 2, 3]));
});

test("a message inside a larger buffer is read from its own start", () => {
  const inside = new Uint8Array([9, 9, 0x34, 0x12, 9]).subarray(2, 4);
  expect(decode(u16, inside)).toBe(0x1234);
});
