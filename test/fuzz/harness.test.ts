import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ProtocolError } from "../../main/protocol/errors.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { countHashing } from "./countedCrypto.ts";
import { textDecoder, type AnyDecoder, type Decoder } from "./decoder.ts";
import { Meter } from "./meter.ts";
import { Random } from "./random.ts";
import { fuzzDecoder, type Failure } from "./run.ts";
import { bytesOf, textOf } from "./text.ts";

const crypto = countHashing(loadCrypto().crypto);
const SEED = 7;
const CASES = 2000;

/** A count, that many bytes, nothing else: what the planted faults are planted into. */
const sound: Decoder<Uint8Array> = {
  name: "counted-bytes",
  of: [],
  errors: ["bad-length"],
  allocation: { base: 0, perByte: 1 },
  notations: "one",
  decode(input) {
    if (input.length === 0 || input.length !== 1 + input[0]!) throw new ProtocolError("bad-length");
    return new Uint8Array(input.subarray(1));
  },
  encode: (value) => Uint8Array.from([value.length, ...value]),
  generate: (random) => random.bytes(random.below(256)),
};

let meter: Meter;
beforeAll(() => {
  meter = Meter.install();
});
afterAll(() => {
  meter.uninstall();
});

const run = (decoder: AnyDecoder, first = 0, cases = CASES) =>
  fuzzDecoder(decoder, { meter, hashed: crypto.hashed }, { seed: SEED, first, cases });

function failureOf(planted: Partial<Decoder<Uint8Array>>): Failure {
  const { failure } = run({ ...sound, ...planted });
  if (failure === undefined) throw new Error("the fault was not found");
  return failure;
}

describe("the fuzzer", () => {
  test("finds nothing wrong with a sound decoder", () => {
    expect(run(sound).failure).toBeUndefined();
  });

  test("catches an error of another class, with the shortest input that has it and where it comes from", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      const value = sound.decode(input);
      if (value[2] === 0x80) return (undefined as unknown as { field: Uint8Array }).field;
      return value;
    };
    const failure = failureOf({ decode });
    expect(failure).toMatchObject({ kind: "foreign-error", detail: expect.stringContaining("TypeError") as string });
    expect(failure.input![3]).toBe(0x80);
    expect(failure.stack).toContain("harness.test.ts");
  });

  test("cuts the input of a failure down", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      if (input.includes(0x77)) throw new RangeError("planted");
      return sound.decode(input);
    };
    const generate = (random: Random): Uint8Array => new Uint8Array(random.below(0x77));
    expect(failureOf({ decode, generate }).input).toEqual(Uint8Array.of(0x77));
  });

  test("catches a stack that overflows", () => {
    const nest = (depth: number): number => (depth === 0 ? 0 : 1 + nest(depth - 1));
    const decode = (input: Uint8Array): Uint8Array => {
      if (input[0] === 0xff) nest(10_000_000);
      return sound.decode(input);
    };
    expect(failureOf({ decode })).toMatchObject({ kind: "foreign-error" });
  });

  test("catches an error that was not declared", () => {
    expect(failureOf({ errors: [] })).toMatchObject({ kind: "undeclared-error", detail: "bad-length" });
  });

  test("catches memory for a count that the input does not hold", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      const claimed = new Uint8Array(input[0] ?? 0);
      claimed.set(sound.decode(input));
      return claimed;
    };
    expect(failureOf({ decode })).toMatchObject({ kind: "allocation" });
  });

  test("catches an array for a count that the input does not hold", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      const claimed = new Array<number>((input[0] ?? 0) >> 3);
      return claimed.length > 1000 ? input : sound.decode(input);
    };
    expect(failureOf({ decode })).toMatchObject({ kind: "allocation" });
  });

  test("catches objects that no constructor tells of", () => {
    const kept: object[] = [];
    const decode = (input: Uint8Array): Uint8Array => {
      for (let i = 0; i < 100_000; i++) kept[i] = { i };
      return sound.decode(input);
    };
    expect(failureOf({ decode })).toMatchObject({ kind: "heap" });
  });

  test("catches more hashing than declared", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      crypto.sha256(input);
      return sound.decode(input);
    };
    expect(failureOf({ decode, allocation: { base: 64, perByte: 2 } })).toMatchObject({ kind: "hashing" });
  });

  test("catches a second notation where there must be one", () => {
    const decode = (input: Uint8Array): Uint8Array =>
      input.length === 2 && input[0] === 0 ? new Uint8Array(0) : sound.decode(input);
    const failure = failureOf({ decode });
    expect(failure.kind).toBe("not-identity");
    expect(failure.input).toEqual(Uint8Array.of(0, 0));
  });

  test("catches a canonical notation that is none", () => {
    const encode = (value: Uint8Array): Uint8Array => sound.encode(value.length > 9 ? value.subarray(1) : value);
    const generate = (random: Random): Uint8Array => random.bytes(random.below(10));
    const corpus = [sound.encode(new Uint8Array(20))];
    expect(failureOf({ encode, generate, corpus, notations: "several" })).toMatchObject({ kind: "not-identity" });
  });

  test("catches a value that cannot be encoded again", () => {
    const encode = (value: Uint8Array): Uint8Array => {
      if (value[0] === 0xff) throw new ProtocolError("value-out-of-range");
      return sound.encode(value);
    };
    const generate = (random: Random): Uint8Array => new Uint8Array(random.below(256));
    expect(failureOf({ encode, generate })).toMatchObject({ kind: "not-encodable" });
  });

  test("catches a value that changes on its way", () => {
    const decode = (input: Uint8Array): Uint8Array => Object.assign(sound.decode(input), { extra: 1 });
    expect(failureOf({ decode })).toMatchObject({ kind: "value-changed" });
  });

  test("catches a value that is refused on its way", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      if (input[0] === 33) throw new ProtocolError("bad-length");
      return sound.decode(input);
    };
    const generate = (random: Random): Uint8Array => random.bytes(random.below(34));
    expect(failureOf({ decode, generate })).toMatchObject({ kind: "value-refused" });
  });

  test("catches a view of the input where a copy is due, and a decoder that writes into its input", () => {
    const keep = (input: Uint8Array): Uint8Array => {
      sound.decode(input);
      return input.slice(1);
    };
    expect(failureOf({ decode: keep })).toMatchObject({ kind: "input-kept" });
    const write = (input: Uint8Array): Uint8Array => {
      const value = sound.decode(input);
      input.fill(0);
      return value;
    };
    expect(failureOf({ decode: write })).toMatchObject({ kind: "input-changed" });
  });

  test("finds the same failure again in that case alone", () => {
    const decode = (input: Uint8Array): Uint8Array => {
      if (input.length > 40 && input[17] === 9) throw new TypeError("planted");
      return sound.decode(input);
    };
    const planted: AnyDecoder = { ...sound, decode };
    const { failure } = run(planted);
    expect(failure!.case).toBeGreaterThan(0);
    const again = run(planted, failure!.case, 1).failure;
    expect({ ...again, stack: "" }).toEqual({ ...failure, stack: "" });
  });

  test("gives a decoder of text every kind of text", () => {
    const seen = new Set<string>();
    const decoder = textDecoder<string>({
      name: "text",
      of: [],
      errors: [],
      allocation: { base: 0, perByte: 0 },
      notations: "one",
      decode(text) {
        for (const character of text) seen.add(character);
        return text;
      },
      encode: (text) => text,
      generate: (random) => String.fromCharCode(random.below(0x80)),
    });
    expect(run(decoder).failure).toBeUndefined();
    for (const character of ["a", "\u0000", "\u0085", "\u3000", "\ud800", "😀"]) expect(seen).toContain(character);
  });
});

describe("the meter", () => {
  const allocated = (work: () => void): number => meter.measure(work, false).allocated;

  test("counts buffers once, views never, and what is copied from them", () => {
    expect(allocated(() => new Uint8Array(10))).toBe(10);
    expect(allocated(() => new Uint32Array([1, 2, 3]))).toBe(12);
    const bytes = new Uint8Array(100);
    expect(allocated(() => new Uint8Array(bytes.buffer, 5, 10))).toBe(0);
    expect(allocated(() => bytes.subarray(5))).toBe(0);
    expect(allocated(() => bytes.slice(5, 25))).toBe(20);
    expect(allocated(() => new DataView(new ArrayBuffer(7)))).toBe(7);
    expect(allocated(() => Uint8Array.from([1, 2]))).toBe(2);
  });

  test("counts elements of arrays", () => {
    expect(allocated(() => new Array<number>(10))).toBe(80);
    expect(allocated(() => Array.from({ length: 3 }, () => 0))).toBe(24);
    const list: number[] = [];
    expect(allocated(() => list.push(1, 2))).toBe(16);
    expect(allocated(() => "a b c".split(" "))).toBe(24);
  });

  test("leaves everything as it was", () => {
    const globals = (): unknown[] => [Uint8Array, Array, ArrayBuffer, Array.from, Reflect.get(Array.prototype, "push")];
    meter.uninstall();
    const before = globals();
    meter = Meter.install();
    const during = globals();
    expect(new Uint8Array(2)).toBeInstanceOf(Uint8Array);
    expect(before[0]).not.toBe(during[0]);
    meter.uninstall();
    const after = globals();
    meter = Meter.install();
    for (const [i, value] of before.entries()) {
      expect(during[i]).not.toBe(value);
      expect(after[i]).toBe(value);
    }
  });
});

describe("texts as bytes", () => {
  test("come back whatever they hold", () => {
    const unit = fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x100));
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        const text = String.fromCharCode(...units);
        expect(textOf(bytesOf(text))).toBe(text);
      }),
    );
  });

  test("are what UTF-8 says where it says something", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(bytesOf(text)).toEqual(new Uint8Array(Buffer.from(text, "utf8")));
      }),
    );
  });

  test("are made of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = textOf(bytes);
        expect(textOf(bytesOf(text))).toBe(text);
      }),
    );
  });
});

test("chance comes from the seed and the labels alone", () => {
  const first = (...labels: (string | number)[]): string => new Random(1, ...labels).bytes(16).toString();
  expect(first("a", 1)).toBe(first("a", 1));
  expect(new Set([first("a", 1), first("a", 2), first("b", 1), first("a", 1 + 2 ** 32)]).size).toBe(4);
});
