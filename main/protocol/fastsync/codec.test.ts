import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { U64_MAX } from "../codec/codec.ts";
import { accountsAddress, chunkAddress, manifestAddress, readAddress } from "./addressing.ts";
import {
  decodeChunk,
  decodeError,
  decodeRequest,
  encodeChunk,
  encodeError,
  encodeRequest,
  RECORD_SIZES,
  type TableId,
} from "./codec.ts";

const u64 = fc.bigInt(0n, U64_MAX);
const U32_MAX = 2 ** 32 - 1;

describe("a request", () => {
  it("reads back and has 16 bytes", () => {
    fc.assert(
      fc.property(u64, u64, (anchorWindow, resumeOffset) => {
        const payload = encodeRequest({ anchorWindow, resumeOffset });
        expect(payload.length).toBe(16);
        expect(decodeRequest(payload)).toEqual({ anchorWindow, resumeOffset });
      }),
    );
  });

  it("is refused at every other length", () => {
    for (let length = 0; length < 40; length++) {
      if (length !== 16) expect(() => decodeRequest(new Uint8Array(length))).toThrow("payload-length-mismatch");
    }
  });
});

describe("a chunk", () => {
  const chunks = fc
    .record({
      place: fc.tuple(fc.integer({ min: 0, max: U32_MAX }), fc.integer({ min: 0, max: U32_MAX })),
      tableId: fc.constantFrom<TableId>(1, 2, 3, 4),
      recordCount: fc.integer({ min: 0, max: U32_MAX }),
      records: fc.uint8Array({ maxLength: 100 }),
    })
    .filter(({ place: [a, b] }) => a !== b)
    .map(({ place: [a, b], ...rest }) => ({ chunkIndex: Math.min(a, b), totalChunks: Math.max(a, b), ...rest }));

  it("reads back whatever its records are", () => {
    fc.assert(
      fc.property(chunks, (chunk) => {
        expect(decodeChunk(encodeChunk(chunk))).toEqual(chunk);
      }),
    );
  });

  it("is refused when its header is cut short", () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 0, max: 12 }), (chunk, length) => {
        expect(() => decodeChunk(encodeChunk(chunk).subarray(0, length))).toThrow("truncated-payload");
      }),
    );
  });

  it("is refused when its place or table does not exist", () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 5, max: 255 }), (chunk, tableId) => {
        const broken = [
          { ...chunk, totalChunks: chunk.chunkIndex },
          { ...chunk, tableId: tableId as TableId },
        ];
        for (const it of broken) expect(() => decodeChunk(encodeChunk(it))).toThrow("invalid-payload-field");
      }),
    );
  });

  it("knows the size of a record of each table", () => {
    expect(RECORD_SIZES).toEqual({ 1: 2059, 2: 2098, 3: 2082, 4: 3722 });
  });
});

describe("an error", () => {
  it("reads back, its message cut to 255 bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }), (code, message) => {
        expect(decodeError(encodeError({ code, message }))).toEqual({ code, message: message.slice(0, 255) });
      }),
    );
  });

  it("is refused at any other length", () => {
    const payload = encodeError({ code: 1, message: new Uint8Array(5) });
    for (const length of [0, 1]) expect(() => decodeError(payload.subarray(0, length))).toThrow("truncated-payload");
    for (const length of [2, 3, 6]) {
      expect(() => decodeError(payload.subarray(0, length))).toThrow("payload-length-mismatch");
    }
    expect(() => decodeError(new Uint8Array([...payload, 0]))).toThrow("payload-length-mismatch");
  });
});

it("an error keeps its message when the memory of a Buffer payload is used again", () => {
  const payload = Buffer.from(encodeError({ code: 1, message: new Uint8Array([7, 8]) }));
  const { message } = decodeError(payload);
  payload.fill(0);
  expect(message).toEqual(new Uint8Array([7, 8]));
});

describe("an address", () => {
  it("is one of four kinds, told by the two top bits", () => {
    expect(readAddress(5n)).toEqual({ kind: "chunk", index: 5n });
    expect(readAddress(0x8000_0000_0000_0005n)).toEqual({ kind: "manifest", index: 5n });
    expect(readAddress(0x4000_0000_0000_0102n)).toEqual({ kind: "accounts", prefix: 1n, part: 2 });
    expect(readAddress(0xc000_0000_0000_0000n)).toEqual({ kind: "reserved" });
  });

  it("reads back", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 62n - 1n), (index) => {
        expect(readAddress(chunkAddress(index))).toEqual({ kind: "chunk", index });
        expect(readAddress(manifestAddress(index))).toEqual({ kind: "manifest", index });
        const [prefix, part] = [index >> 8n, Number(index & 255n)];
        expect(readAddress(accountsAddress(prefix, part))).toEqual({ kind: "accounts", prefix, part });
      }),
    );
  });
});
