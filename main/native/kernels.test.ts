/** Every SHA-256 kernel of this machine against the JavaScript back end, each by its name. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadAddon } from "./addon.ts";
import { ADDON_PATH, loadFallback } from "./index.ts";

const javascript = loadFallback();
const addon = existsSync(ADDON_PATH) ? loadAddon(ADDON_PATH) : undefined;
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 5)) & 255);

describe.runIf(addon).each(addon?.kernels().usable ?? [])("the %s kernel", (kernel) => {
  const rust = addon!;

  it("computes chains", () => {
    for (const iterations of [0, 1, 2, 100, 1001]) {
      const end = new Uint8Array(32);
      rust.sha256Chain(pattern(32), iterations, end, kernel);
      expect(end).toEqual(javascript.sha256Chain(pattern(32), iterations));
    }
  });

  it("hashes batches of any count", () => {
    for (const [count, length] of [
      [1, 79],
      [16, 55],
      [33, 200],
    ] as const) {
      const messages = pattern(count * length);
      const digests = new Uint8Array(32 * count);
      rust.sha256Batch(messages, length, digests, kernel);
      const expected = new Uint8Array(32 * count);
      javascript.sha256Batch(messages, length, expected);
      expect(digests).toEqual(expected);
    }
  });

  it("folds leaves that start and end at different levels", () => {
    const count = 45;
    const from = Uint16Array.from({ length: count }, (_, i) => (i * 5) % 60);
    const to = Uint16Array.from({ length: count }, (_, i) => 50 + ((i * 37) % 207));
    const keys = pattern(32 * count);
    const hashes = pattern(32 * count).reverse();
    const expected = Uint8Array.from(hashes);
    rust.foldLoneLeaves(keys, hashes, from, to, kernel);
    javascript.foldLoneLeaves(keys, expected, from, to);
    expect(hashes).toEqual(expected);
  });

  it("computes any number of chains side by side", async () => {
    for (const count of [1, 2, 3, 9, 16, 35]) {
      const starts = pattern(32 * count);
      const iterations = Float64Array.from({ length: count }, (_, i) => 10 + i);
      const ends = new Uint8Array(32 * count);
      for (let i = 0; i < count; i++) {
        ends.set(javascript.sha256Chain(starts.subarray(32 * i, 32 * i + 32), 10 + i), 32 * i);
      }
      const valid = await new rust.SegmentRun().verify(starts, iterations, ends, 1, kernel);
      expect(valid).toEqual(new Uint8Array(count).fill(1));
    }
  });
});

it.runIf(addon)("a kernel that does not exist is an error, and so is a buffer of the wrong length", () => {
  const rust = addon!;
  expect(() => {
    rust.sha256Chain(pattern(32), 1, new Uint8Array(32), "abacus");
  }).toThrow("kernel name");
  expect(() => {
    rust.sha256Chain(pattern(31), 1, new Uint8Array(32));
  }).toThrow("length of a buffer");
});
