import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { archiveProposal, saveLastCemented, saveTables, type DataDirectory } from "../../protocol/rc1/storeFiles.ts";
import { encodeTimechain, TIMECHAIN_FILE } from "../../protocol/rc1/nodeFiles.ts";
import { backUp, STORE_FOLDER } from "./backup.ts";
import { checkStore } from "./check.ts";
import { importRc1 } from "./importRc1.ts";
import { SignedLog } from "./signedLog.ts";
import { busyWindow, codeOf, headerOf, NETWORK, recordsOf, StoredHistory, testFolder } from "./store.fixture.ts";
import { finish, Store } from "./store.ts";

const drive = <T>(task: Generator<unknown, T>): Promise<T> => Promise.resolve(finish(task));
const ignore = (): void => undefined;

function runningNode(): { readonly history: StoredHistory; readonly directory: string } {
  const directory = testFolder();
  const history = new StoredHistory(join(directory, STORE_FOLDER));
  onTestFinished(() => {
    history.store.close();
  });
  for (let window = 0; window < 6; window++) history.step(busyWindow);
  return { history, directory };
}

describe("a backup", () => {
  test("is a whole node at a window that was decided when it was made, with its log and progress", async () => {
    const { history, directory } = runningNode();
    const log = await SignedLog.open(directory, NETWORK);
    await log.append({ kind: "bundle", window: 6n, round: 0, phase: 0 }, new Uint8Array(5));
    writeFileSync(join(directory, "progress.bin"), "far");
    const target = join(testFolder(), "backup");
    const copying = backUp({ store: history.store, directory, target, onProgress: ignore, drive });
    for (let window = 0; window < 3; window++) history.step(busyWindow);
    await copying;
    await log.append({ kind: "bundle", window: 7n, round: 0, phase: 0 }, new Uint8Array(5));
    await log.close();

    const copy = finish(Store.open({ ...history.options, directory: join(target, STORE_FOLDER) }));
    expect(copy.height).toBeGreaterThanOrEqual(6n);
    expect(finish(checkStore(copy)).problems).toEqual([]);
    if (copy.height === history.store.height) expect(recordsOf(copy.state)).toEqual(recordsOf(history.store.state));
    copy.close();
    const copiedLog = await SignedLog.open(target, NETWORK);
    expect(copiedLog.entries()).toHaveLength(1);
    await copiedLog.close();
    expect(readFileSync(join(target, "progress.bin"), "utf8")).toBe("far");
  });

  test("leaves nothing behind when it is cancelled, and never overwrites", async () => {
    const { history, directory } = runningNode();
    const folder = testFolder();
    const options = { store: history.store, directory, target: join(folder, "backup"), onProgress: ignore, drive };
    await expect(backUp({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect(readdirSync(folder)).toEqual([]);
    await backUp(options);
    await expect(backUp(options)).rejects.toMatchObject({ code: "store-exists" });
  });
});

describe("an import of the reference's files", () => {
  function referenceNode(): {
    readonly source: string;
    readonly history: StoredHistory;
    readonly files: DataDirectory;
  } {
    const { history } = runningNode();
    const files: DataDirectory = new Map();
    saveTables(files, history.model.state);
    for (let window = 0n; window < 6n; window++) archiveProposal(files, history.store.archive.header(window)!);
    saveLastCemented(files, 5n);
    files.set(TIMECHAIN_FILE, encodeTimechain({ timechainValue: NETWORK, currentD: 77n, lastWindow: 5n }));
    return { source: testFolder(), history, files };
  }

  function write(source: string, files: DataDirectory): void {
    mkdirSync(join(source, "proposals"), { recursive: true });
    mkdirSync(join(source, "meta"), { recursive: true });
    for (const [name, bytes] of files) writeFileSync(join(source, name), bytes);
  }

  test("gives the same state at the same height, with its headers and D", () => {
    const { source, history, files } = referenceNode();
    write(source, files);
    const options = { ...history.options, directory: join(testFolder(), "imported") };
    const imported = finish(importRc1(source, options));
    expect(imported).toMatchObject({ height: 6n, lifecycle: undefined });
    const store = finish(Store.open(options));
    expect(recordsOf(store.state)).toEqual(recordsOf(history.model.state));
    expect(store.archive.headerBytes(0n, 10)).toHaveLength(6);
    expect(store.settled.epoch).toEqual({ ...genesisEpoch(options.rules), d: 77n, target: 0n });
    expect(finish(checkStore(store)).problems).toEqual([]);
    store.close();
  });

  test("takes tables that a crash left one window behind the archive", () => {
    const { source, history, files } = referenceNode();
    archiveProposal(files, headerOf(6n, NETWORK, { ...history.store.roots, stateRoot: NETWORK }));
    saveLastCemented(files, 6n);
    write(source, files);
    const options = { ...history.options, directory: join(testFolder(), "imported") };
    expect(finish(importRc1(source, options)).height).toBe(6n);
  });

  test("is refused by name where files are cut, missing or of no archived window, and leaves nothing", () => {
    const { source, history, files } = referenceNode();
    const directory = join(testFolder(), "imported");
    const options = { ...history.options, directory };
    const cases: [string, (changed: DataDirectory) => void, string][] = [
      ["a cut table", (changed) => changed.set("nodes.bin", new Uint8Array(5)), "corrupted-length"],
      ["a cut meta file", (changed) => changed.set(TIMECHAIN_FILE, new Uint8Array(5)), "corrupted-size"],
      ["a missing header", (changed) => changed.delete("proposals/00000000000000000003.bin"), "header-missing"],
      ["an empty table", (changed) => changed.set("nodes.bin", new Uint8Array(0)), "roots-mismatch"],
    ];
    for (const [name, change, code] of cases) {
      const changed = new Map(files);
      change(changed);
      const folder = join(source, name);
      mkdirSync(folder);
      write(folder, changed);
      expect(
        codeOf(() => finish(importRc1(folder, options))),
        name,
      ).toBe(code);
    }
    const empty = testFolder();
    expect(codeOf(() => finish(importRc1(empty, options)))).toBe("store-missing");
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(`${directory}.new`)).toBe(false);
  });
});
