import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { ProgressFile, vdfProgress } from "./progressFile.ts";
import { codeOf, crypto, testFolder } from "./store.fixture.ts";

const at = (iterations: number) => ({
  window: 3n,
  iterations: BigInt(iterations),
  state: crypto.sha256(Uint8Array.of(iterations)),
});
const openIn = (folder: string): ProgressFile<ReturnType<typeof at>> =>
  new ProgressFile(folder, "timechain", vdfProgress);

test("progress is what was saved last, also after the file was opened anew", () => {
  const folder = testFolder();
  const file = openIn(folder);
  expect(file.load()).toBeUndefined();
  for (let i = 0; i < 5; i++) file.save(at(i));
  file.close();
  expect(openIn(folder).load()).toEqual(at(4));
});

test("a write that was torn anywhere leaves the progress before it", () => {
  const folder = testFolder();
  const file = openIn(folder);
  for (let i = 0; i < 3; i++) file.save(at(i));
  const path = join(folder, "progress-timechain.bin");
  const before = readFileSync(path);
  file.save(at(3));
  file.close();
  const after = readFileSync(path);
  fc.assert(
    fc.property(fc.nat(after.length), (torn) => {
      writeFileSync(path, Buffer.concat([after.subarray(0, torn), before.subarray(torn)]));
      const reopened = openIn(folder);
      expect([at(2), at(3)]).toContainEqual(reopened.load());
      reopened.close();
    }),
  );
});

test("a file without an intact slot, of another length or another chain is damage, until it is discarded", () => {
  const folder = testFolder();
  const file = openIn(folder);
  file.save(at(1));
  file.close();
  const path = join(folder, "progress-timechain.bin");
  const intact = readFileSync(path);
  const other = join(folder, "progress-candidate.bin");
  writeFileSync(other, intact);
  expect(codeOf(() => new ProgressFile(folder, "candidate", vdfProgress).load())).toBe("progress-corrupted");
  for (const damaged of [
    intact.subarray(0, 100),
    new Uint8Array(0),
    new Uint8Array(intact.length),
    intact.map((b, i) => (i === 20 ? b ^ 1 : b)),
  ]) {
    writeFileSync(path, damaged);
    expect(codeOf(() => openIn(folder).load())).toBe("progress-corrupted");
  }
  const again = openIn(folder);
  again.discard();
  expect(again.load()).toBeUndefined();
  again.save(at(9));
  again.close();
  expect(openIn(folder).load()).toEqual(at(9));
});
