import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { compareBytes, ZERO_HASH, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { encode, u32 } from "../../protocol/codec/codec.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import type { ProposalBody } from "../../protocol/objects/consensus.ts";
import { weightsAt } from "../../protocol/quorum/weights.ts";
import { isActive } from "../../protocol/state/lifecycle.ts";
import type { NodeRecord } from "../../protocol/state/records.ts";
import { nextD, participationPermille } from "../../protocol/timechain/difficulty.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { anchorInterval, servedAnchors, usableAnchors } from "./anchors.ts";
import { readJoined, noteVerified, writeJoined } from "./joined.ts";
import { firstBodyOf, rebuildEpoch } from "./nodeHistory.ts";
import { Staging } from "./staging.ts";
import { findTimeHistory } from "./timeHistory.ts";
import { findTip } from "./tip.ts";

const { crypto } = loadCrypto();
const hashOf = (number: number): Hash32 => crypto.sha256(encode(u32, number));

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "montana-sync-parts-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("anchors", () => {
  test("are the two latest multiples of 336 on montana, of less where a network is scaled", () => {
    expect(anchorInterval(MONTANA_PARAMS)).toBe(336n);
    expect(servedAnchors(MONTANA_PARAMS, 1000n)).toEqual([672n, 336n]);
    expect(servedAnchors(MONTANA_PARAMS, 1009n)).toEqual([1008n, 672n]);
    expect(servedAnchors(MONTANA_PARAMS, 1n)).toEqual([0n]);
    expect(servedAnchors(MONTANA_PARAMS, 0n)).toEqual([]);
    expect(anchorInterval({ selectionInterval: 20n, tau2Windows: 400n })).toBe(20n);
    expect(anchorInterval({ selectionInterval: 20n, tau2Windows: 20n })).toBe(5n);
    expect(anchorInterval({ selectionInterval: 2n, tau2Windows: 2n })).toBe(1n);
  });

  test("cannot be begun with right after a boundary, nor without the window after them", () => {
    expect(usableAnchors(MONTANA_PARAMS, 20_300n)).toEqual([19_824n]);
    expect(usableAnchors(MONTANA_PARAMS, 1008n)).toEqual([672n]);
  });
});

describe("the tip of a peer", () => {
  test("is found wherever it is, whatever the peer has forgotten, and in few questions", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(5_000_000),
        fc.integer({ min: 100, max: 60_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: -3, max: 3 })),
        async (tip, kept, share, hintOff) => {
          const tau2Windows = BigInt(Math.ceil(kept / 2));
          const height = BigInt(Math.floor(share * (tip + 1)));
          let questions = 0;
          // Servers keep two epochs and more.
          const serves = (window: bigint): Promise<boolean> => {
            questions++;
            return Promise.resolve(window <= BigInt(tip) && window > BigInt(tip - kept - 700));
          };
          const hint = hintOff === null ? undefined : BigInt(tip + 1 + hintOff);
          const found = await findTip({ height, hint, tau2Windows }, serves);
          if (BigInt(tip) - height < 90n * tau2Windows) expect(found).toBe(BigInt(tip));
          else if (found !== undefined) expect(found).toBe(BigInt(tip));
          expect(questions).toBeLessThan(200);
        },
      ),
    );
  });

  test("is unknown where nothing is served from the own height on", async () => {
    expect(
      await findTip({ height: 5n, hint: undefined, tau2Windows: 10n }, () => Promise.resolve(false)),
    ).toBeUndefined();
  });
});

describe("the staging file", () => {
  const ID = hashOf(1);

  test("gives after any cut what was whole before it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5), fc.uint8Array({ maxLength: 300 })), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        (records, cut) => {
          const folder = testFolder();
          const staging = new Staging(folder, ID);
          const file = join(folder, "sync", "staged.bin");
          const ends = records.map(([index, content]) => {
            staging.append("body", 7n, index, content);
            return statSync(file).size;
          });
          staging.close();
          const size = 40 + (cut % (ends.at(-1)! - 39));
          truncateSync(file, size);
          const again = new Staging(folder, ID);
          const whole = new Map(records.filter((_, i) => ends[i]! <= size));
          expect(again.indexes("body")).toEqual([...whole.keys()].sort((a, b) => a - b));
          for (const [index, content] of whole) expect(Array.from(again.read("body", index)!)).toEqual([...content]);
          again.append("body", 8n, 99, new Uint8Array([1]));
          again.close();
          const third = new Staging(folder, ID);
          expect(third.has("body", 99, 8n)).toBe(true);
          third.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  test("of another network, or of no network at all, is begun anew", () => {
    const folder = testFolder();
    const staging = new Staging(folder, ID);
    staging.append("body", 7n, 1, new Uint8Array(5));
    staging.close();
    const other = new Staging(folder, hashOf(2));
    expect(other.indexes("body")).toEqual([]);
    other.close();
    writeFileSync(join(folder, "sync", "staged.bin"), "not ours");
    const third = new Staging(folder, ID);
    expect(third.indexes("body")).toEqual([]);
    third.close();
  });

  test("keeps accounts under a later anchor that did not change them", () => {
    const folder = testFolder();
    const staging = new Staging(folder, ID);
    staging.append("accounts", 7n, 3, new Uint8Array([1, 2]));
    staging.append("accounts", 7n, 4, new Uint8Array([3]));
    staging.append("kept", 14n, 3, new Uint8Array());
    staging.close();
    const again = new Staging(folder, ID);
    expect(again.indexes("accounts", 14n)).toEqual([3]);
    expect(again.read("accounts", 3)).toEqual(new Uint8Array([1, 2]));
    again.close();
  });
});

describe("D of every epoch", () => {
  const params = { ...MONTANA_PARAMS, d0: 100n, tau2Windows: 5n };
  const rules = rulesOf(params, "spec");

  test("follows from the values alone, and a value that no D explains is found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(0, 900, 1000), { maxLength: 5 }), fc.nat(), async (medians, off) => {
        const ds = [100n];
        for (const median of medians) ds.push(nextD(params, ds.at(-1)!, median));
        const values = [genesisTimechainValue(crypto)];
        const through = ds.length * 5 - (off % 3);
        for (let window = 1; window <= through; window++) {
          values.push(vdfStep(crypto, values.at(-1)!, ds[Math.floor((window - 1) / 5)]!));
        }
        const { signal } = new AbortController();
        const valueOf = (window: bigint): Hash32 => values[Number(window)]!;
        const found = await findTimeHistory(crypto, rules, BigInt(through), valueOf, signal);
        expect(found?.values).toEqual(ds);
        expect(found?.dOfStepTo(BigInt(through))).toBe(ds.at(-1));
        if (ds.length < 2) return;
        const invented = values.map((value, window) => (window > 5 ? hashOf(window) : value));
        const valueThere = (window: bigint): Hash32 => invented[Number(window)]!;
        expect(await findTimeHistory(crypto, rules, BigInt(through), valueThere, signal)).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

describe("the Node Tables before an anchor", () => {
  const TAU2 = 8;
  const rules = rulesOf({ ...MONTANA_PARAMS, tau2Windows: BigInt(TAU2) }, "spec");

  /** A node comes in one window, is seen now and then but once an epoch, and may leave for good. */
  interface Life {
    readonly comes: number;
    readonly leaves: number;
    readonly seed: number;
  }

  function isThere({ comes, leaves, seed }: Life, window: number): boolean {
    if (window <= comes || window >= leaves) return false;
    return window % TAU2 === 1 || window === comes + 1 || hashOf(seed * 1000 + window)[0]! < 170;
  }

  test("and the samples of its epoch are those that the windows themselves left", () => {
    const life = fc.record({
      comes: fc.integer({ min: 1, max: 40 }),
      leaves: fc.integer({ min: 1, max: 80 }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(life, { maxLength: 6 }), fc.integer({ min: 3, max: 60 }), (lives, last) => {
        const anchor = last - (last % TAU2 < 3 ? (last % TAU2) + 2 : 0);
        if (anchor < 3) return;
        const founder = { comes: -1, leaves: 1000, seed: 0 };
        const all = [founder, ...lives.map((each, i) => ({ ...each, seed: 10 * each.seed + i + 1 }))];
        const idOf = ({ seed }: Life): NodeId => hashOf(seed) as NodeId;
        let table: NodeRecord[] = [nodeOf(idOf(founder), 0n)];
        const tables = [table];
        const bodies: ProposalBody[] = [];
        const samples: number[] = [];
        for (let window = 0; window <= anchor; window++) {
          const present = all.filter((each) => isThere(each, window));
          const signers =
            window === 0
              ? []
              : present.map(idOf).filter((id) => table.some((node) => compareBytes(node.nodeId, id) === 0));
          if (window > 0) {
            const before = tables[window - 1]!;
            const weights = weightsAt(before, BigInt(window - 1), rules);
            samples.push(participationPermille(weights.sumOf(signers), weights.total));
          } else samples.push(1000);
          table = table.map((node) =>
            signers.some((id) => compareBytes(id, node.nodeId) === 0)
              ? { ...node, chainLength: node.chainLength + 1n, lastConfirmationWindow: BigInt(window) }
              : node,
          );
          for (const each of all) if (each.comes === window) table = [...table, nodeOf(idOf(each), BigInt(window))];
          table.sort((a, b) => compareBytes(a.nodeId, b.nodeId));
          if (window > 0 && window % TAU2 === 0) table = table.map(rotated);
          tables.push(table);
          bodies.push({
            ...{ proposalHash: ZERO_HASH, windowIndex: BigInt(window), evidence: [], controlHashes: [] },
            bundles: signers.sort(compareBytes).map((nodeId) => ({ nodeId, hash: ZERO_HASH })),
            reveals: [],
          });
        }
        const start = anchor - (anchor % TAU2);
        const { epoch, past } = rebuildEpoch({
          ...{ rules, anchor: BigInt(anchor), nodes: tables[anchor + 1]!, d: 5n, target: 9n },
          bodies: bodies.slice(Number(firstBodyOf(BigInt(anchor), BigInt(TAU2)))),
        });
        const expected = new Uint32Array(1001);
        for (let window = start; window <= anchor; window++) expected[samples[window]!]! += 1;
        expect(epoch.participation).toEqual(expected);
        expect(past.map(({ window }) => Number(window))).toEqual([anchor - 2, anchor - 1, anchor]);
        for (const { window, nodes, epoch: earlier } of past) {
          // When a node was last there before the bodies begin only activity depends on.
          const known = (node: NodeRecord) => ({
            ...node,
            lastConfirmationWindow: isActive(node, window, rules),
          });
          expect(nodes.map(known)).toEqual(tables[Number(window)]!.map(known));
          for (let later = Number(window); later <= anchor; later++) earlier.participation[samples[later]!]! += 1;
          expect(earlier.participation).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  function nodeOf(nodeId: NodeId, startWindow: bigint): NodeRecord {
    return {
      ...{ nodeId, nodePubkey: new Uint8Array(1952) as never, suiteId: 1, operatorAccountId: ZERO_HASH as never },
      ...{ startWindow, chainLength: 1n, chainLengthSnapshot: 0n, lastConfirmationWindow: 0n },
      chainLengthCheckpoints: new Array<bigint>(6).fill(0n),
    };
  }

  const rotated = (node: NodeRecord): NodeRecord => ({
    ...node,
    chainLengthCheckpoints: [...node.chainLengthCheckpoints.slice(1), node.chainLength],
  });
});

test("what of a joined history is verified is remembered for the same chain only", () => {
  const folder = testFolder();
  expect(readJoined(folder)).toBeUndefined();
  writeJoined(folder, { through: 100n, hash: hashOf(100) }, () => undefined);
  const joined = readJoined(folder)!;
  expect(joined).toEqual({ through: 100n, hash: hashOf(100), verifiedThrough: 0n });
  noteVerified(folder, joined, 60n);
  writeJoined(folder, { through: 200n, hash: hashOf(200) }, (window) => hashOf(Number(window)));
  expect(readJoined(folder)?.verifiedThrough).toBe(60n);
  writeJoined(folder, { through: 300n, hash: hashOf(301) }, () => hashOf(5));
  expect(readJoined(folder)?.verifiedThrough).toBe(0n);
  writeFileSync(join(folder, "joined.json"), "{");
  expect(readJoined(folder)).toBeUndefined();
});
