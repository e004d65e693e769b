import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCrypto } from "../../native/index.ts";
import { sized, type Hash32 } from "../bytes.ts";
import { decode, encode, type FixedCodec } from "../codec/codec.ts";
import { emptySubtree } from "../merkle/hashing.ts";
import { MemoryState } from "./memory.ts";
import { accountRecord, candidateRecord, nodeRecord } from "./records.ts";
import { recomputeRoots } from "./recomputeRoots.ts";
import { emptyTrees, releaseTrees, rootsOf, stateRoot, updateTrees } from "./roots.ts";
import type { StateChanges } from "./table.ts";

const { crypto } = loadCrypto();

/** A record whose bytes all come from `seed`, but for the flag of an account. */
function recordOf<Row>(codec: FixedCodec<Row>, seed: number): Row {
  const bytes = new Uint8Array(codec.size);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (seed * 31 + i) & 0xff;
  if ((codec as unknown) === accountRecord) bytes[FLAG_OFFSET] = seed & 1;
  return decode(codec, bytes);
}

const FLAG_OFFSET = 50;
const accountOf = (seed: number) => recordOf(accountRecord, seed);
const nodeOf = (seed: number) => recordOf(nodeRecord, seed);
const candidateOf = (seed: number) => recordOf(candidateRecord, seed);

function changesOf(accounts: number[], nodes: number[], candidates: number[], isRemoval = false): StateChanges {
  const rowOr = <Row>(row: Row): Row | undefined => (isRemoval ? undefined : row);
  return {
    accounts: accounts.map(accountOf).map((row) => ({ id: row.accountId, row: rowOr(row) })),
    nodes: nodes.map(nodeOf).map((row) => ({ id: row.nodeId, row: rowOr(row) })),
    candidates: candidates.map(candidateOf).map((row) => ({ id: row.nodeId, row: rowOr(row) })),
  };
}

const seeds = fc.uniqueArray(fc.nat(200), { maxLength: 6 });

describe("the roots of a state", () => {
  it("are those of empty trees where there are no records", () => {
    const empty = emptySubtree(crypto, 256);
    expect(rootsOf(crypto, emptyTrees(crypto))).toEqual({
      accountRoot: empty,
      nodeRoot: empty,
      candidateRoot: empty,
      stateRoot: stateRoot(crypto, empty, empty, empty),
    });
  });

  it("follow changes window by window as if the tables were hashed anew", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(seeds, seeds, seeds, fc.boolean()), { maxLength: 5 }), (windows) => {
        const state = new MemoryState();
        let trees = emptyTrees(crypto);
        for (const [accounts, nodes, candidates, isRemoval] of windows) {
          const changes = changesOf(accounts, nodes, candidates, isRemoval);
          state.apply(changes);
          const next = updateTrees(crypto, trees, changes);
          releaseTrees(trees);
          trees = next;
          expect(rootsOf(crypto, trees)).toEqual(recomputeRoots(crypto, state));
        }
      }),
    );
  });

  it("stay those of the older version when a newer one is made and thrown away", () => {
    const trees = updateTrees(crypto, emptyTrees(crypto), changesOf([1, 2], [3], [4]));
    const before = rootsOf(crypto, trees);
    releaseTrees(updateTrees(crypto, trees, changesOf([2, 5], [3], [4, 6], true)));
    expect(rootsOf(crypto, trees)).toEqual(before);
    expect(rootsOf(crypto, updateTrees(crypto, trees, changesOf([], [], [])))).toEqual(before);
  });

  it("change with every single byte of any record", () => {
    const base = updateTrees(crypto, emptyTrees(crypto), changesOf([1, 2], [3], [4]));
    const before = rootsOf(crypto, base).stateRoot;
    const change = (at: number): StateChanges => {
      const flipped = <Row>(codec: FixedCodec<Row>, row: Row): Row => {
        const bytes = encode(codec, row);
        const offset = 32 + (at % (codec.size - 32));
        bytes[offset]! ^= offset === FLAG_OFFSET ? 1 : 1 + (at % 255);
        return decode(codec, bytes);
      };
      const none: StateChanges = { accounts: [], nodes: [], candidates: [] };
      switch (at % 3) {
        case 0:
          return { ...none, accounts: [{ id: accountOf(2).accountId, row: flipped(accountRecord, accountOf(2)) }] };
        case 1:
          return { ...none, nodes: [{ id: nodeOf(3).nodeId, row: flipped(nodeRecord, nodeOf(3)) }] };
        default:
          return {
            ...none,
            candidates: [{ id: candidateOf(4).nodeId, row: flipped(candidateRecord, candidateOf(4)) }],
          };
      }
    };
    fc.assert(
      fc.property(fc.nat(), (at) => {
        const changed = updateTrees(crypto, base, change(at));
        expect(rootsOf(crypto, changed).stateRoot).not.toEqual(before);
        releaseTrees(changed);
      }),
      { numRuns: 500 },
    );
  });

  it("bind the order node, candidate, account", () => {
    const [a, b, c] = [1, 2, 3].map((fill) => sized(new Uint8Array(32).fill(fill), 32)) as [Hash32, Hash32, Hash32];
    expect(stateRoot(crypto, a, b, c)).not.toEqual(stateRoot(crypto, b, a, c));
    expect(stateRoot(crypto, a, b, c)).not.toEqual(stateRoot(crypto, c, b, a));
  });
});
