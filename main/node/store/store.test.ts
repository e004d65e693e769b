import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { byteKey, equalBytes } from "../../protocol/bytes.ts";
import { recomputeRoots } from "../../protocol/state/recomputeRoots.ts";
import { historyPlan } from "../../protocol/transition/history.fixture.ts";
import { createStore, StoreBuilder } from "./builder.ts";
import { MIGRATIONS } from "./database.ts";
import { finish, Store } from "./store.ts";
import type { StateSnapshot } from "./snapshot.ts";
import {
  busyWindow,
  codeOf,
  commit,
  crypto,
  hashOf,
  headerOf,
  NETWORK,
  recordsOf,
  StoredHistory,
  testFolder,
} from "./store.fixture.ts";

function storedHistory(options: ConstructorParameters<typeof StoredHistory>[1] = {}): StoredHistory {
  const history = new StoredHistory(join(testFolder(), "store"), options);
  onTestFinished(() => {
    history.store.close();
  });
  return history;
}

describe("a store", () => {
  test("holds after every window of any history, and after restarts in it, what the model in memory holds", () => {
    fc.assert(
      fc.property(historyPlan, fc.array(fc.nat(50), { maxLength: 4 }), fc.boolean(), (plans, restarts, withFiles) => {
        const history = storedHistory({ treeFileLeavesMin: withFiles ? 1 : 1000, undoWindows: 12 });
        for (const [i, plan] of plans.entries()) {
          history.step(plan);
          if (i % 5 === 0) for (const table of history.store.dueTreeFiles()) finish(history.store.writeTreeFile(table));
          if (restarts.includes(i)) history.reopen();
          expectSame(history);
        }
        history.reopen();
        expectSame(history);
        // A table that has become small keeps the file of before, which grows too old.
        for (const note of history.store.treeNotes) expect(note).toMatch(/: outdated-tree$/);
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });

  test("gives the node table of each of the last windows as it was", () => {
    const history = storedHistory({ undoWindows: 6 });
    const before: string[][] = [];
    for (let window = 0; window < 12; window++) {
      before.push(nodeKeys(history));
      history.step(busyWindow);
    }
    for (let window = 6; window < 12; window++) {
      const rows = history.store
        .nodesBefore(BigInt(window))
        .map((row) => byteKey(row.nodeId) + String(row.chainLength));
      expect(rows.sort()).toEqual(before[window]!.sort());
    }
    expect(codeOf(() => history.store.nodesBefore(5n))).toBe("snapshot-unavailable");
  });

  test("lists the history of an account by pages, newest first", () => {
    const history = storedHistory();
    for (let window = 0; window < 8; window++) history.step(busyWindow);
    const account = history.model.personId(0);
    const all = history.store.archive.history(account, 1000);
    expect(all.map(({ kind }) => kind)).toContain("reward");
    expect(all.map(({ kind }) => kind)).toContain("sent");
    expect(all.map(({ cursor }) => cursor)).toEqual(all.map(({ cursor }) => cursor).sort((a, b) => b - a));
    const pages = [history.store.archive.history(account, 3)];
    while (pages.at(-1)!.length === 3) pages.push(history.store.archive.history(account, 3, pages.at(-1)![2]!.cursor));
    expect(pages.flat()).toEqual(all);
  });

  test("accounts for every balance in the history of its account", () => {
    const history = storedHistory();
    for (let window = 0; window < 20; window++) history.step(busyWindow);
    for (const { accountId, balance } of history.store.state.accounts.rows()) {
      let sum = 0n;
      for (const { kind, amount } of history.store.archive.history(accountId, 10_000)) {
        sum += kind === "sent" || kind === "created" ? -amount : amount;
      }
      expect(sum).toBe(balance);
    }
  });

  test("serves headers, times and objects of decided windows", () => {
    const history = storedHistory();
    for (let window = 0; window < 5; window++) history.step(busyWindow);
    const { archive } = history.store;
    const header = archive.header(3n)!;
    expect(archive.headerByHash(hashOf(header))).toEqual(header);
    expect(archive.headerBytes(0n, 100)).toHaveLength(5);
    expect(archive.times(1n, 3n).map(({ window }) => window)).toEqual([1n, 2n, 3n]);
    expect(archive.times(3n, 3n)[0]!.timechainValue).toEqual(header.timechainValue);
    const objects = archive.objects(3n, 0, 100);
    expect(objects).toHaveLength(5);
    expect(archive.object(objects[0]!.id!)).toEqual(objects[0]);
    expect(archive.header(5n)).toBeUndefined();
  });

  test("keeps the epoch data", () => {
    const history = storedHistory();
    for (let window = 0; window < 5; window++) history.step({ ...busyWindow, participation: 850, reveals: 7 });
    const { epoch } = history.store.settled;
    history.reopen();
    expect(history.store.settled.epoch).toEqual(epoch);
    expect(epoch).toEqual(history.model.settled.epoch);
  });
});

describe("a commit", () => {
  test("of another window than the next is refused, so that none is applied twice", () => {
    const history = storedHistory();
    const inputs = history.model.inputs(busyWindow);
    commit(history.store, history.model.rules, inputs, history.evaluate(inputs));
    const again = history.evaluate(inputs);
    const header = headerOf(0n, history.store.proposalHash, again.roots);
    const window = { header, result: again, objects: [], history: [] };
    expect(codeOf(() => history.store.commit(window))).toBe("wrong-window");
    expect(history.store.height).toBe(1n);
  });

  test("on another parent is refused", () => {
    const history = storedHistory();
    history.step(busyWindow);
    const result = history.evaluate(history.model.inputs(busyWindow));
    const header = headerOf(1n, crypto.sha256(new Uint8Array(1)), result.roots);
    expect(codeOf(() => history.store.commit({ header, result, objects: [], history: [] }))).toBe("wrong-parent");
  });

  test("whose header has other roots is refused and changes nothing", () => {
    const history = storedHistory();
    history.step(busyWindow);
    const before = recordsOf(history.store.state);
    const result = history.evaluate(history.model.inputs(busyWindow));
    const header = headerOf(1n, history.store.proposalHash, { ...result.roots, nodeRoot: NETWORK });
    expect(codeOf(() => history.store.commit({ header, result, objects: [], history: [] }))).toBe("roots-mismatch");
    history.reopen();
    expect(recordsOf(history.store.state)).toEqual(before);
    history.step(busyWindow);
    expectSame(history);
  });

  test("is refused by name before anything is written where the disk is too full", () => {
    const history = storedHistory();
    history.step(busyWindow);
    const options = { ...history.options, diskReserveBytes: Number.MAX_SAFE_INTEGER };
    history.store.close();
    const full = finish(Store.open(options));
    onTestFinished(() => {
      full.close();
    });
    const inputs = history.model.inputs(busyWindow);
    history.store = full;
    const refused = history.evaluate(inputs);
    expect(codeOf(() => commit(full, history.model.rules, inputs, refused))).toBe("disk-full");
    expect(full.height).toBe(1n);
    history.reopen();
    history.step(busyWindow);
    expectSame(history);
  });
});

describe("a start", () => {
  test("refuses the store of another network, one in use, and none at all", () => {
    const history = storedHistory();
    const { options } = history;
    expect(codeOf(() => finish(Store.open(options)))).toBe("store-in-use");
    history.store.close();
    const other = crypto.sha256(new Uint8Array(9));
    expect(codeOf(() => finish(Store.open({ ...options, networkId: other })))).toBe("wrong-network");
    expect(codeOf(() => finish(Store.open({ ...options, directory: `${options.directory}-none` })))).toBe(
      "store-missing",
    );
    history.store = finish(Store.open(options));
  });

  test("does not take over a store that was never finished", () => {
    const history = storedHistory();
    const { directory } = history.options;
    history.store.close();
    cpSync(directory, `${directory}.new`, { recursive: true });
    rmSync(directory, { recursive: true });
    expect(codeOf(() => finish(Store.open(history.options)))).toBe("store-missing");
    const { accounts, nodes } = history.model.state;
    const genesis = { accounts: [...accounts.rows()], nodes: [...nodes.rows()] };
    createStore(history.options, genesis, history.model.settled.epoch);
    history.store = finish(Store.open(history.options));
    expect(existsSync(`${directory}.new`)).toBe(false);
    expectSame(history);
  });

  test("puts a store back whose replacement was interrupted", () => {
    const history = storedHistory();
    history.step(busyWindow);
    const { directory } = history.options;
    history.store.close();
    cpSync(directory, `${directory}.old`, { recursive: true });
    rmSync(directory, { recursive: true });
    history.store = finish(Store.open(history.options));
    expectSame(history);
    expect(readdirSync(join(directory, ".."))).toEqual(["store"]);
  });

  test("migrates an older file in one step, keeps it where that fails, and refuses a newer one", () => {
    const history = storedHistory();
    for (let window = 0; window < 3; window++) history.step(busyWindow);
    history.store.close();
    const { options } = history;
    const failing = { ...options, migrations: [...MIGRATIONS, "CREATE TABLE extra(a); CREATE TABLE extra(b);"] };
    expect(codeOf(() => finish(Store.open(failing)))).toBeDefined();
    const next = { ...options, migrations: [...MIGRATIONS, "CREATE TABLE extra(a); INSERT INTO extra VALUES(7);"] };
    const migrated = finish(Store.open(next));
    expect(migrated.internals.db.get("SELECT a FROM extra")).toEqual([7]);
    expect(migrated.height).toBe(3n);
    migrated.close();
    expect(codeOf(() => finish(Store.open(options)))).toBe("schema-unsupported");
    history.store = finish(Store.open(next));
  });

  test("folds the tree again where its file is damaged, and says so", () => {
    const history = storedHistory({ treeFileLeavesMin: 1 });
    for (let window = 0; window < 3; window++) history.step(busyWindow);
    finish(history.store.writeTreeFile("accounts"));
    const path = join(history.options.directory, "tree-accounts.bin");
    history.store.close();
    flip(path, 200);
    history.store = finish(Store.open(history.options));
    expect(history.store.treeNotes).toEqual(["accounts: corrupted-tree"]);
    expectSame(history);
  });
});

describe("a task that is ended early", () => {
  test("leaves neither a lock on the store nor a half-made one", () => {
    const history = storedHistory({ treeFileLeavesMin: 1 });
    for (let window = 0; window < 3; window++) history.step(busyWindow);
    history.store.close();
    const opening = Store.open(history.options);
    opening.next();
    opening.return(history.store);
    history.store = finish(Store.open(history.options));
    const writing = history.store.writeTreeFile("accounts");
    writing.next();
    writing.return(undefined);
    const held = history.store.snapshot(2n);
    held.return(undefined as never);
    history.step(busyWindow);
    const directory = `${history.options.directory}-other`;
    const builder = new StoreBuilder({ ...history.options, directory });
    builder.addRows({ accounts: [...history.model.state.accounts.rows()] });
    const making = builder.finish(0n, history.model.settled.epoch);
    making.next();
    making.return(undefined);
    expect(readdirSync(join(directory, ".."))).toEqual(["store"]);
    expect(readdirSync(history.options.directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    history.reopen();
    expectSame(history);
  });
});

describe("a snapshot", () => {
  test("serves the state of its window while later ones are decided, also after a restart", () => {
    const history = storedHistory({ undoWindows: 40 });
    for (let window = 0; window < 10; window++) history.step(busyWindow);
    const then = recordsOf(history.model.state);
    const snapshot = finish(history.store.snapshot(9n));
    for (let window = 10; window < 25; window++) history.step({ ...busyWindow, present: 1 });
    expect(sorted(snapshotRecords(snapshot))).toEqual(sorted(then));
    history.store.releaseSnapshot(snapshot);
    history.reopen();
    const again = finish(history.store.snapshot(9n));
    expect(sorted(snapshotRecords(again))).toEqual(sorted(then));
    expect([...again.records(4, 0, 100)]).toHaveLength(10);
    expect(codeOf(() => finish(history.store.snapshot(25n)))).toBe("snapshot-unavailable");
  });
});

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset]! ^= 1;
  writeFileSync(path, bytes);
}

function nodeKeys({ model }: StoredHistory): string[] {
  return Array.from(model.state.nodes.rows(), (row) => byteKey(row.nodeId) + String(row.chainLength));
}

function snapshotRecords(snapshot: StateSnapshot) {
  return ([1, 2, 3] as const).map((table) => [...snapshot.records(table, 0, snapshot.recordCounts[table])]);
}

function sorted(tables: readonly Uint8Array[][]): string[][] {
  return tables.map((records) => records.map(byteKey).sort());
}

function expectSame({ store, model }: StoredHistory): void {
  expect(store.height).toBe(model.window);
  expect(recordsOf(store.state)).toEqual(recordsOf(model.state));
  expect(equalBytes(store.roots.stateRoot, recomputeRoots(crypto, model.state).stateRoot)).toBe(true);
  expect(store.state.accounts.totalBalance).toBe(model.state.accounts.totalBalance);
  expect([...store.state.accounts.staleSnapshots()].map(byteKey).sort()).toEqual(
    [...model.state.accounts.staleSnapshots()].map(byteKey).sort(),
  );
  for (const window of [0n, model.window / 2n, model.window]) {
    expect([...store.state.accounts.emptySince(window)].map(byteKey).sort()).toEqual(
      [...model.state.accounts.emptySince(window)].map(byteKey).sort(),
    );
  }
}
