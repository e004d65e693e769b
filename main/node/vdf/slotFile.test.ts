import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import { SLOT_PAYLOAD_MAX, SLOT_SIZE, SlotFile } from "./slotFile.ts";

const { crypto } = loadCrypto();
const folder = mkdtempSync(join(tmpdir(), "montana-slots-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files = 0;
const newPath = (): string => join(folder, `file-${String(files++)}`);
const open = (path: string): SlotFile => new SlotFile(crypto, path, "lifecycle");
const payload = (n: number): Uint8Array => new Uint8Array([n, n, n]);

/** What the error about a corrupt file says; undefined where there is none. */
function corruption(read: () => unknown): ErrorParams | undefined {
  try {
    read();
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "slot-file-corrupt") return error.params;
    throw error;
  }
  return undefined;
}

/** A file after `writes` writes of payload(1), payload(2)… */
function written(writes: number): string {
  const path = newPath();
  const file = open(path);
  for (let n = 1; n <= writes; n++) file.write(payload(n));
  file.close();
  return path;
}

test("a file that does not exist is fresh and is not made by reading it", () => {
  const path = newPath();
  expect(open(path)).toMatchObject({ payload: undefined, fault: undefined });
  expect(existsSync(path)).toBe(false);
});

test("gives back the newest of any number of writes, over any number of openings", () => {
  const records = fc.array(fc.uint8Array({ maxLength: SLOT_PAYLOAD_MAX }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(records, (values) => {
      const path = newPath();
      for (const value of values) {
        const file = open(path);
        file.write(value);
        file.close();
        expect(open(path)).toMatchObject({ payload: value, fault: undefined });
      }
    }),
    { numRuns: 20 },
  );
});

test("refuses what does not fit", () => {
  expect(() => open(newPath()).write(new Uint8Array(SLOT_PAYLOAD_MAX + 1))).toThrow(RangeError);
});

test("any flipped bit is found: the other slot is used and the damage is named", () => {
  const path = written(5);
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.nat(2 * SLOT_SIZE * 8 - 1), (bit) => {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, damaged);
      // The fifth write lies in the first slot.
      const isNewest = bit < SLOT_SIZE * 8;
      expect(open(path)).toMatchObject({ payload: payload(isNewest ? 4 : 5), fault: "checksum-mismatch" });
    }),
    { numRuns: 300 },
  );
});

test("a write that is torn anywhere leaves the one before", () => {
  const path = written(4);
  const before = readFileSync(path);
  const file = open(path);
  file.write(payload(5));
  file.close();
  const after = readFileSync(path);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: SLOT_SIZE - 1 }), (upTo) => {
      const torn = Buffer.concat([after.subarray(0, upTo), before.subarray(upTo)]);
      writeFileSync(path, torn);
      const opened = open(path);
      const newest = torn.equals(after) ? 5 : 4;
      expect(opened.payload).toEqual(payload(newest));
      if (!torn.equals(after) && !torn.equals(before)) expect(opened.fault).toBe("checksum-mismatch");
    }),
  );
});

test.each([
  ["nothing", 0],
  ["a part of a slot", 100],
  ["a page less a byte", SLOT_SIZE - 1],
])("a file cut down to %s is corrupt, not empty", (_, size) => {
  const path = written(3);
  truncateSync(path, size);
  expect(corruption(() => open(path))).toMatchObject({ first: "truncated", second: "truncated" });
});

test("a file cut down to its first slot gives that one and names the loss of the other", () => {
  const path = written(3);
  truncateSync(path, SLOT_SIZE + 10);
  expect(open(path)).toMatchObject({ payload: payload(3), fault: "truncated" });
});

test("zeros where a record was are damage; a second slot that was never written is none", () => {
  expect(open(written(1)).fault).toBeUndefined();
  const path = written(2);
  const file = readFileSync(path);
  writeFileSync(path, Buffer.concat([file.subarray(0, SLOT_SIZE), Buffer.alloc(SLOT_SIZE)]));
  // The first slot is whole and the first ever, so nothing tells that there was a second.
  expect(open(path).payload).toEqual(payload(1));
  const later = written(3);
  const third = readFileSync(later);
  writeFileSync(later, Buffer.concat([third.subarray(0, SLOT_SIZE), Buffer.alloc(SLOT_SIZE)]));
  expect(open(later)).toMatchObject({ payload: payload(3), fault: "empty" });
});

test("a write that the disk forgot is named", () => {
  const path = written(3);
  const early = readFileSync(path);
  const file = open(path);
  file.write(payload(4));
  file.write(payload(5));
  file.close();
  const late = readFileSync(path);
  writeFileSync(path, Buffer.concat([late.subarray(0, SLOT_SIZE), early.subarray(SLOT_SIZE)]));
  expect(open(path)).toMatchObject({ payload: payload(5), fault: "stale" });
});

test("a file of another kind is not taken for one's own", () => {
  const path = written(2);
  const faults = corruption(() => new SlotFile(crypto, path, "awakeLog"));
  expect(faults).toMatchObject({ first: "wrong-kind", second: "wrong-kind" });
});

test("after damage the next write mends the file and never touches the whole slot", () => {
  const path = written(5);
  const file = readFileSync(path);
  file[SLOT_SIZE + 20]! ^= 1;
  writeFileSync(path, file);
  const opened = open(path);
  opened.write(payload(6));
  opened.close();
  expect(open(path)).toMatchObject({ payload: payload(6), fault: undefined });
  expect(readFileSync(path).subarray(0, SLOT_SIZE)).toEqual(file.subarray(0, SLOT_SIZE));
});

test("a corrupt file is kept aside when a new one takes its place", () => {
  const path = written(2);
  truncateSync(path, 7);
  const file = SlotFile.replace(crypto, path, "lifecycle");
  file.write(payload(9));
  file.close();
  expect(open(path).payload).toEqual(payload(9));
  expect(readFileSync(`${path}.corrupt`)).toHaveLength(7);
});
