import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../native/index.ts";
import { toHex } from "../protocol/bytes.ts";
import { U128_MAX } from "../protocol/codec/codec.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { accountIdOf } from "../protocol/identity/ids.ts";
import {
  accountRequestOf,
  decodeRequest,
  encodeRequest,
  readRequestLink,
  requestLink,
  type AccountRequest,
} from "./accountRequest.ts";
import { PictureCollector, requestPictures } from "./pictures.ts";

const { crypto } = loadCrypto();
const keys = [1, 2].map((seed) => crypto.mldsa65.generate(new Uint8Array(32).fill(seed)).publicKey);
const plain = accountRequestOf(crypto, keys[0]!);
const full = accountRequestOf(crypto, keys[0]!, { amount: 13_000_000_000n, note: "Für die Miete, Juni 🏠" });

const anyRequest = fc
  .record({
    key: fc.constantFrom(...keys),
    amount: fc.option(fc.bigInt(1n, U128_MAX), { nil: undefined }),
    note: fc.option(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), { nil: undefined }),
  })
  .filter(({ note }) => note === undefined || isAccepted(note))
  .map(({ key, amount, note }) =>
    accountRequestOf(crypto, key, { ...(amount !== undefined && { amount }), ...(note !== undefined && { note }) }),
  );

function isAccepted(note: string): boolean {
  return codeOf(() => accountRequestOf(crypto, keys[0]!, { note })) === undefined;
}

function errorOf(run: () => unknown): ProtocolError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error as ProtocolError;
    throw error;
  }
}

const codeOf = (run: () => unknown): string | undefined => errorOf(run)?.code;

/** The bytes of a request with other fields, sealed as the program would. */
function resealed(bytes: Uint8Array, change: (content: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy.subarray(0, -8));
  copy.set(crypto.sha256(copy.subarray(0, -8)).subarray(0, 8), copy.length - 8);
  return copy;
}

describe("a request", () => {
  test("comes back from link, file and pictures as it was", () => {
    fc.assert(
      fc.property(anyRequest, fc.array(fc.nat(), { minLength: 16, maxLength: 16 }), (request, ranks) => {
        expect(readRequestLink(crypto, requestLink(crypto, request))).toEqual(request);
        expect(readRequestLink(crypto, `\uFEFF ${requestLink(crypto, request)}\r\n`)).toEqual(request);
        const collector = new PictureCollector(crypto);
        const pictures = requestPictures(crypto, request);
        const shuffled = pictures.map((text, i) => ({ text, rank: ranks[i]! })).sort((a, b) => a.rank - b.rank);
        for (const { text } of [...shuffled, ...shuffled.slice(0, 3)]) collector.add(text);
        expect(collector.missing).toEqual([]);
        expect(collector.request()).toEqual(request);
      }),
      { numRuns: 50 },
    );
  });

  test("names the account of its key and fits what the interface takes", () => {
    expect(plain.accountId).toEqual(accountIdOf(crypto, 1, keys[0]!));
    const longest = accountRequestOf(crypto, keys[0]!, { amount: U128_MAX, note: "x".repeat(280) });
    expect(requestLink(crypto, longest).length).toBeLessThan(8192);
  });

  test("has no note of nothing, of too much, or of what does not show itself", () => {
    const notes = ["", "x".repeat(281), "🏠".repeat(71), "two\nlines", "\u202Ereversed", "\ud800", "bell\u0007"];
    for (const note of notes) expect(codeOf(() => accountRequestOf(crypto, keys[0]!, { note }))).toBe("request-note");
    expect(codeOf(() => accountRequestOf(crypto, keys[0]!, { amount: 0n }))).toBe("zero-amount");
  });
});

describe("a damaged request", () => {
  const bytes = encodeRequest(crypto, full);

  test("is never read as another one, whichever bit flips", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        expect(codeOf(() => decodeRequest(crypto, bytes.with(at, bytes[at]! ^ mask)))).toMatch(/^request-/);
      }),
    );
  });

  test("is named by what is wrong with it", () => {
    const key = 4 + 1 + 2;
    const id = key + 1952;
    const amountFlag = id + 32;
    const cases: [Uint8Array, string][] = [
      [bytes.subarray(0, -1), "request-checksum"],
      [new Uint8Array(10), "request-malformed"],
      [new Uint8Array(5000), "request-malformed"],
      [bytes.with(0, 0), "request-malformed"],
      [bytes.with(4, 2), "request-newer"],
      [bytes.with(100, bytes[100]! ^ 1), "request-checksum"],
      [resealed(bytes, (c) => (c[5] = 2)), "request-suite"],
      [resealed(bytes, (c) => (c[key] = c[key]! ^ 1)), "request-binding"],
      [resealed(bytes, (c) => (c[id] = c[id]! ^ 1)), "request-binding"],
      [resealed(bytes, (c) => (c[amountFlag] = 0)), "request-malformed"],
      [resealed(bytes, (c) => (c[amountFlag] = 2)), "request-malformed"],
      [resealed(bytes, (c) => (c[4] = 0)), "request-malformed"],
      [resealed(bytes, (c) => (c[c.length - 1] = 0xff)), "request-note"],
      [resealed(bytes, (c) => (c[c.length - 1] = 0x0a)), "request-note"],
    ];
    for (const [damaged, code] of cases) expect(codeOf(() => decodeRequest(crypto, damaged))).toBe(code);
  });

  test("is refused as text, too", () => {
    const link = requestLink(crypto, plain);
    const cases: [string, string][] = [
      ["", "prefix"],
      [link.replace("request", "address"), "prefix"],
      [`${link}=`, "text"],
      [`${link.slice(0, 100)} ${link.slice(100)}`, "text"],
      [link + "A".repeat(5000), "size"],
    ];
    for (const [text, reason] of cases) {
      const caught = errorOf(() => readRequestLink(crypto, text))!;
      expect([caught.code, caught.params["reason"]]).toEqual(["request-malformed", reason]);
    }
  });
});

describe("a series of pictures", () => {
  const pictures = requestPictures(crypto, full);
  const others = requestPictures(crypto, accountRequestOf(crypto, keys[1]!, { note: "other" }));

  test("is short, in the characters of dense QR codes, and says what is missing", () => {
    expect(pictures.length).toBeLessThanOrEqual(10);
    for (const text of pictures) {
      expect(text).toMatch(/^[0-9A-Z/]+$/);
      expect(text.length).toBeLessThan(512);
    }
    const collector = new PictureCollector(crypto);
    expect(codeOf(() => collector.request())).toBe("pictures-missing");
    collector.add(pictures[0]!);
    collector.add(pictures[2]!);
    expect(collector.missing).toEqual(pictures.map((_, i) => i + 1).filter((n) => n !== 1 && n !== 3));
    expect(codeOf(() => collector.request())).toBe("pictures-missing");
  });

  test("takes no picture of another one, and none that is damaged, and goes on after them", () => {
    const collector = new PictureCollector(crypto);
    collector.add(pictures[0]!);
    expect(codeOf(() => collector.add(others[1]!))).toBe("picture-of-another-series");
    const text = pictures[1]!;
    for (let at = 0; at < text.length; at += 7) {
      const wrong = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      expect(codeOf(() => collector.add(wrong))).toMatch(/^picture-(malformed|checksum)$/);
    }
    for (const nonsense of ["", "https://example.org", "MT1/2/1/00000000/00000000/AA", "A".repeat(10_000)]) {
      expect(codeOf(() => collector.add(nonsense))).toBe("picture-malformed");
    }
    for (const each of pictures) collector.add(each);
    expect(collector.request()).toEqual(full);
  });

  test("finds parts that were put together by somebody else", () => {
    const head = pictures[1]!.split("/").slice(0, 4).join("/");
    const part = others[1]!.split("/")[5]!;
    const sum = toHex(crypto.sha256(new TextEncoder().encode(`${head}/${part}`)).subarray(0, 4)).toUpperCase();
    const collector = new PictureCollector(crypto);
    for (const [i, each] of pictures.entries()) collector.add(i === 1 ? `${head}/${sum}/${part}` : each);
    expect(codeOf(() => collector.request())).toBe("picture-checksum");
  });
});

test("no error tells what the note says", () => {
  const request: AccountRequest = { ...full, note: "a private matter" };
  const bytes = encodeRequest(crypto, request);
  for (const at of [0, 4, 50, 2000, bytes.length - 1]) {
    try {
      decodeRequest(crypto, bytes.with(at, bytes[at]! ^ 0xff));
    } catch (error) {
      expect(JSON.stringify((error as ProtocolError).params)).not.toContain("private");
    }
  }
});
