import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { MemoryState } from "../state/memory.ts";
import { anyAccount, anyCandidate, anyNode, headerOf } from "../state/records.fixture.ts";
import {
  ACCOUNTS_FILE,
  archiveProposal,
  CANDIDATES_FILE,
  checkConsistency,
  LAST_CEMENTED_FILE,
  loadLastCemented,
  loadProposal,
  loadTables,
  NODES_FILE,
  openStore,
  proposalFile,
  pruneProposals,
  saveLastCemented,
  saveTables,
  type DataDirectory,
} from "./storeFiles.ts";

const rowsOf = (state: MemoryState) =>
  [state.accounts, state.nodes, state.candidates].map((table) => [...table.rows()]);

describe("the table files", () => {
  it("read back what was saved", () => {
    fc.assert(
      fc.property(fc.array(anyAccount), fc.array(anyNode), fc.array(anyCandidate), (accounts, nodes, candidates) => {
        const state = new MemoryState().load({ accounts, nodes, candidates });
        const directory: DataDirectory = new Map();
        saveTables(directory, state);
        expect(rowsOf(loadTables(directory))).toEqual(rowsOf(state));
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    [ACCOUNTS_FILE, 2059],
    [NODES_FILE, 2098],
    [CANDIDATES_FILE, 2082],
  ])("are refused when %s ends inside a record", (name, size) => {
    for (let length = 1; length < size; length++) {
      const directory: DataDirectory = new Map([[name, new Uint8Array(size + length)]]);
      expect(() => loadTables(directory)).toThrow("corrupted-length");
    }
  });

  it("are refused when a flag is neither 0 nor 1", () => {
    const directory: DataDirectory = new Map([[ACCOUNTS_FILE, new Uint8Array(2059).fill(2)]]);
    expect(() => loadTables(directory)).toThrow("non-canonical-flag");
  });
});

describe("the archive", () => {
  it("has one file a window, named so that names sort like windows", () => {
    const windows = [0n, 9n, 10n, 20_160n, 2n ** 64n - 1n];
    expect(windows.map(proposalFile).toSorted()).toEqual(windows.map(proposalFile));
  });

  it("gives a header back, and nothing for a window without one", () => {
    const directory: DataDirectory = new Map();
    archiveProposal(directory, headerOf(42n));
    expect(loadProposal(directory, 42n)).toEqual(headerOf(42n));
    expect(loadProposal(directory, 43n)).toBeUndefined();
  });

  it("refuses a header of any other length", () => {
    for (const length of [0, 1, 3721, 3723]) {
      expect(() => loadProposal(new Map([[proposalFile(1n), new Uint8Array(length)]]), 1n)).toThrow("corrupted-length");
    }
  });

  it("loses exactly the headers below the threshold", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt(0n, 50n)), fc.bigInt(0n, 50n), (windows, threshold) => {
        const directory: DataDirectory = new Map([["accounts.bin", new Uint8Array(0)]]);
        for (const window of windows) archiveProposal(directory, headerOf(window));
        const ascending = windows.toSorted((a, b) => Number(a - b));
        expect(pruneProposals(directory, threshold)).toEqual(ascending.filter((window) => window < threshold));
        expect(directory.size).toBe(1 + ascending.filter((window) => window >= threshold).length);
      }),
    );
  });
});

describe("the pointer to the last proposal", () => {
  it("is refused at every length but 8", () => {
    for (let length = 0; length < 20; length++) {
      if (length === 8) continue;
      expect(() => loadLastCemented(new Map([[LAST_CEMENTED_FILE, new Uint8Array(length)]]))).toThrow(
        "corrupted-length",
      );
    }
  });

  it("must point to an archived header", () => {
    const directory: DataDirectory = new Map();
    expect(checkConsistency(directory)).toBe(0n);
    saveLastCemented(directory, 5n);
    expect(() => checkConsistency(directory)).toThrow("not-found");
    archiveProposal(directory, headerOf(5n));
    expect(checkConsistency(directory)).toBe(5n);
  });
});

it("opening removes what a crash left half-written, but not under meta", () => {
  const kept = ["meta/x.tmp", "nodes.bin", "a.tmp/b", "x.tmpx", "proposals/deep/x.tmp"];
  const directory: DataDirectory = new Map(
    ["accounts.bin.tmp", "x.tmp", "proposals/1.bin.tmp", ...kept].map((name) => [name, new Uint8Array(0)]),
  );
  openStore(directory);
  expect([...directory.keys()]).toEqual(kept);
});
