import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

import { count, record } from "../cities/shape.ts";
import { readSealed, removeSealed, setAside, writeSealed } from "./sealedFile.ts";

const directory = mkdtempSync(join(tmpdir(), "sealed-"));
afterAll(() => rmSync(directory, { recursive: true }));
const read = record({ count });

test("what was written is read back, by the owner alone", () => {
  const path = join(directory, "new", "a");
  writeSealed(path, { count: 7 });
  expect(readSealed(path, 1000, read)).toEqual({ kind: "value", value: { count: 7 } });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a changed byte, a cut end, a foreign shape and too large a file are corrupt, a missing file is absent", () => {
  const path = join(directory, "b");
  writeSealed(path, { count: 7 });
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace("7", "8"));
  expect(readSealed(path, 1000, read).kind).toBe("corrupt");
  for (let length = 0; length < text.length; length += 5) {
    writeFileSync(path, text.slice(0, length));
    expect(readSealed(path, 1000, read).kind).toBe("corrupt");
  }
  writeSealed(path, { other: 7 });
  expect(readSealed(path, 1000, read).kind).toBe("corrupt");
  writeSealed(path, { count: 7 });
  expect(readSealed(path, 10, read).kind).toBe("corrupt");
  removeSealed(path);
  expect(readSealed(path, 1000, read).kind).toBe("absent");
});

test("a corrupt file that is set aside is kept under another name", () => {
  const path = join(directory, "c");
  writeFileSync(path, "rubbish");
  const aside = setAside(path);
  expect(readFileSync(aside, "utf8")).toBe("rubbish");
  expect(readSealed(path, 1000, read).kind).toBe("absent");
});

test("a folder that cannot be written is named, and the old file stands", () => {
  const path = join(directory, "d");
  writeSealed(path, { count: 1 });
  expect(() => writeSealed(join(path, "below"), {})).toThrow(expect.objectContaining({ code: "file-unwritable" }));
  expect(readSealed(path, 1000, read).kind).toBe("value");
});
