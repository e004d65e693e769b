/** Every kind of damage to the files of a store is found, at the start or by the check, and has its name. */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { checkStore } from "./check.ts";
import { KEY_FILE, KEY_SLOT_SIZE } from "./keyFile.ts";
import { busyWindow, codeOf, recordsOf, StoredHistory, testFolder } from "./store.fixture.ts";
import { DATABASE_FILE, finish, HEIGHT_FILE, Store, type StoreOptions } from "./store.ts";

const WINDOWS = 12;

interface Scene {
  readonly options: StoreOptions;
  readonly files: readonly string[];
}

/** A closed store, whose log has been taken into the database. */
function closedStore(): Scene {
  const history = new StoredHistory(join(testFolder(), "store"));
  for (let window = 0; window < WINDOWS; window++) history.step(busyWindow);
  history.store.close();
  return { options: history.options, files: readdirSync(history.options.directory) };
}

/** A store as a crash leaves it: the last windows are in the log alone. */
function crashedStore(): Scene {
  const history = new StoredHistory(join(testFolder(), "store"));
  for (let window = 0; window < WINDOWS; window++) history.step(busyWindow);
  const directory = join(testFolder(), "store");
  cpSync(history.options.directory, directory, { recursive: true });
  history.store.close();
  return { options: { ...history.options, directory }, files: readdirSync(directory) };
}

/** What opening and checking say: the codes, none where all is well. */
function findings(options: StoreOptions): string[] {
  let store: Store | undefined;
  const failure = codeOf(() => (store = finish(Store.open(options))));
  if (store === undefined) return [failure!];
  try {
    return finish(checkStore(store)).problems.map(({ code }) => code);
  } finally {
    store.close();
  }
}

describe("damage", () => {
  test("is found nowhere in a store that has none", () => {
    expect(findings(closedStore().options)).toEqual([]);
    expect(findings(crashedStore().options)).toEqual([]);
  });

  test("of a missing file has the name of that file", () => {
    const expected: Record<string, string> = {
      [DATABASE_FILE]: "store-missing",
      [`${DATABASE_FILE}-wal`]: "windows-lost",
      [KEY_FILE]: "key-file-missing",
      [HEIGHT_FILE]: "height-file-missing",
    };
    const { options, files } = crashedStore();
    expect([...files].sort()).toEqual(Object.keys(expected).sort());
    for (const file of files) {
      const copy = copyOf(options);
      rmSync(join(copy.directory, file));
      const found = findings(copy);
      // Without its log the database may not even have its first page.
      expect(
        file.endsWith("-wal") ? ["windows-lost", "database-corrupted", "record-corrupted"] : [expected[file]],
      ).toContain(found[0]);
    }
  });

  test("of a cut file is found, unless nothing is lost with it", () => {
    let damaged = 0;
    for (const { options, files } of [closedStore(), crashedStore()]) {
      const whole = contentOf(copyOf(options));
      for (const file of files) {
        const path = join(options.directory, file);
        const { length } = readFileSync(path);
        for (const cut of [length - 1, Math.floor(length / 2), 1, 0]) {
          const copy = copyOf(options);
          truncateSync(join(copy.directory, file), cut);
          const found = findings(copy);
          // What the log holds is not missed in the database.
          if (found.length === 0) expect(contentOf(copy), `${file} cut to ${cut}`).toEqual(whole);
          else damaged++;
        }
      }
    }
    expect(damaged).toBeGreaterThan(20);
  });

  test("of a flipped bit in a row, a header, an object, a line of history or a value is found", () => {
    const { options } = closedStore();
    const { directory } = options;
    const whole = contentOf(copyOf(options));
    const database = readFileSync(join(directory, DATABASE_FILE));
    // Much of a file of pages is free space: a flip that is not found must have left all records as they were.
    let found = 0;
    let tried = 0;
    for (let offset = 137; offset < database.length; offset += 9973) {
      const copy = copyOf(options);
      flip(join(copy.directory, DATABASE_FILE), offset);
      tried++;
      if (findings(copy).length > 0) found++;
      else expect(contentOf(copy)).toEqual(whole);
    }
    expect(tried).toBeGreaterThan(10);
    expect(found).toBeGreaterThan(tried / 3);
  });

  test("of a flipped bit in a committed part of the log is found", () => {
    const { options } = crashedStore();
    const whole = contentOf(copyOf(options));
    const log = `${DATABASE_FILE}-wal`;
    const { length } = readFileSync(join(options.directory, log));
    let found = 0;
    let tried = 0;
    for (let offset = 50; offset < length; offset += 30_011) {
      const copy = copyOf(options);
      flip(join(copy.directory, log), offset);
      tried++;
      if (findings(copy).length > 0) found++;
      else expect(contentOf(copy)).toEqual(whole);
    }
    expect(found).toBeGreaterThan(tried / 2);
  });

  test("of a flipped bit in any key is found, by the check or when the key is read", () => {
    const { options } = closedStore();
    const path = join(options.directory, KEY_FILE);
    const slots = (readFileSync(path).length - 64) / KEY_SLOT_SIZE;
    for (let slot = 0; slot < slots; slot++) {
      const copy = copyOf(options);
      flip(join(copy.directory, KEY_FILE), 64 + slot * KEY_SLOT_SIZE + 11 * slot);
      const codes = findings(copy);
      // Keys that were replaced since lie there unread.
      if (codes.length > 0) expect(codes[0]).toBe("key-slot-corrupted");
    }
    const copy = copyOf(options);
    flip(join(copy.directory, KEY_FILE), 9);
    expect(findings(copy)).toEqual(["key-file-corrupted"]);
  });

  test("of both slots of the height file, or of a height from the future, is named", () => {
    const { options } = closedStore();
    const copy = copyOf(options);
    flip(join(copy.directory, HEIGHT_FILE), 20);
    flip(join(copy.directory, HEIGHT_FILE), 4096 + 20);
    expect(findings(copy)).toEqual(["height-file-corrupted"]);
  });

  test("of a database put back from an earlier time is named", () => {
    const history = new StoredHistory(join(testFolder(), "store"));
    const { directory } = history.options;
    for (let window = 0; window < 3; window++) history.step(busyWindow);
    history.store.close();
    const earlier = readFileSync(join(directory, DATABASE_FILE));
    history.store = finish(Store.open(history.options));
    history.step(busyWindow);
    history.store.close();
    writeFileSync(join(directory, DATABASE_FILE), earlier);
    expect(findings(history.options)).toEqual(["windows-lost"]);
  });
});

let copies = 0;
function copyOf(options: StoreOptions): StoreOptions {
  const directory = `${options.directory}-${++copies}`;
  cpSync(options.directory, directory, { recursive: true });
  return { ...options, directory };
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset]! ^= 1 << (offset & 7);
  writeFileSync(path, bytes);
}

/** All that can be asked of a store. */
function contentOf(options: StoreOptions): unknown {
  const store = finish(Store.open(options));
  try {
    const { archive, state, height } = store;
    return {
      height,
      records: recordsOf(state),
      headers: archive.headerBytes(0n, 1000),
      times: archive.times(0n, 1000n),
      objects: Array.from({ length: Number(height) }, (_, i) => archive.objects(BigInt(i), 0, 1000)),
      history: Array.from(state.accounts.rows(), ({ accountId }) => archive.history(accountId, 1000)),
    };
  } finally {
    store.close();
  }
}
