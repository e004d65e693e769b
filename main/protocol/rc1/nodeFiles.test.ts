import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, type Hash32 } from "../bytes.ts";
import { U64_MAX } from "../codec/codec.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import {
  decodeCurrentWindow,
  decodeNodeLifecycle,
  decodeTimechain,
  encodeCurrentWindow,
  encodeNodeLifecycle,
  encodeTimechain,
  freshNodeLifecycle,
  type NodeLifecycle,
  type Phase,
} from "./nodeFiles.ts";

const { crypto } = loadCrypto();
const u64 = fc.bigInt(0n, U64_MAX);
const hash: fc.Arbitrary<Hash32> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32));
const lifecycle: fc.Arbitrary<NodeLifecycle> = fc.record({
  phase: fc.integer({ min: 0, max: 3 }).map((phase) => phase as Phase),
  candidateSeed: hash,
  candidateEndpoint: hash,
  candidateProgress: u64,
  targetChainLength: u64,
  wStart: u64,
  registrationWindow: u64,
  noderegHash: hash,
});

const files: readonly { name: string; bytes: Uint8Array; read: (bytes: Uint8Array) => unknown; legacySize?: number }[] =
  [
    { name: "current_window.bin", bytes: encodeCurrentWindow(7n), read: decodeCurrentWindow, legacySize: 8 },
    {
      name: "timechain.bin",
      bytes: encodeTimechain({ timechainValue: sized(new Uint8Array(32), 32), currentD: 1n, lastWindow: 2n }),
      read: (bytes) => decodeTimechain(crypto, MONTANA_PARAMS, bytes),
    },
    {
      name: "node_state.bin",
      bytes: encodeNodeLifecycle(freshNodeLifecycle(new Uint8Array(1952), new Uint8Array(1952))),
      read: decodeNodeLifecycle,
    },
  ];

describe.each(files)("$name", ({ bytes, read, legacySize }) => {
  it("is refused at every other size", () => {
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    for (let size = 0; size <= longer.length; size++) {
      if (size === bytes.length || size === legacySize) continue;
      expect(() => read(longer.subarray(0, size))).toThrow("corrupted-size");
    }
  });

  it("is checked for its magic first and its version next", () => {
    for (let offset = 0; offset < 5; offset++) {
      const changed = bytes.slice();
      changed[offset]! ^= 0x20;
      expect(() => read(changed)).toThrow(offset < 4 ? "invalid-magic" : "unsupported-version");
    }
  });
});

it("the next window reads back, with and without a header", () => {
  fc.assert(
    fc.property(u64, (window) => {
      const file = encodeCurrentWindow(window);
      expect(decodeCurrentWindow(file)).toBe(window);
      expect(decodeCurrentWindow(file.subarray(8))).toBe(window);
    }),
  );
});

it("the position of the TimeChain reads back", () => {
  fc.assert(
    fc.property(hash, u64, u64, (timechainValue, currentD, lastWindow) => {
      const position = { timechainValue, currentD, lastWindow };
      expect(decodeTimechain(crypto, MONTANA_PARAMS, encodeTimechain(position))).toEqual(position);
    }),
  );
});

it("the lifecycle reads back, and a fifth phase is refused", () => {
  fc.assert(
    fc.property(lifecycle, fc.integer({ min: 4, max: 255 }), (value, phase) => {
      const file = encodeNodeLifecycle(value);
      expect(file.length).toBe(136);
      expect(decodeNodeLifecycle(file)).toEqual(value);
      file[5] = phase;
      expect(() => decodeNodeLifecycle(file)).toThrow("unknown-phase");
    }),
  );
});
