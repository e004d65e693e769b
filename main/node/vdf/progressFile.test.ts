import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Hash32 } from "../../protocol/bytes.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { CandidateChain } from "./candidateChain.ts";
import { findCandidate, ProgressFile, RECENT_ENDS_MAX, type ChainIdentity, type Checkpoint } from "./progressFile.ts";
import { crypto, Events, hashOf, NODE_ID, temporaryFolder } from "./vdf.fixture.ts";

const folder = temporaryFolder();
let files = 0;
const newPath = (): string => join(folder, `progress-${String(files++)}`);

const D = 1000n;
const INIT = hashOf("init");
const IDENTITY: ChainIdentity = { start: INIT, startWindow: 7n, context: NODE_ID, d: D };
const dOf = (): bigint => D;
const at = (iterations: bigint): Hash32 => vdfStep(crypto, INIT, iterations);

/** The checkpoint after so many iterations, from the one `span` before. */
function checkpoint(total: bigint, span = 0n): Checkpoint {
  const position = (iterations: bigint): Checkpoint["position"] => ({
    ...{ segment: iterations / D, iterations: iterations % D, value: at(iterations) },
  });
  const segments = Number(total / D) + 1;
  const recentEnds = Array.from({ length: segments }, (_, i) => at(BigInt(i) * D)).slice(-RECENT_ENDS_MAX);
  return { segmentD: D, position: position(total), previous: position(total - span), spanIterations: span, recentEnds };
}

function saved(...checkpoints: readonly Checkpoint[]): string {
  const path = newPath();
  const file = new ProgressFile(crypto, path, "candidate", IDENTITY);
  for (const one of checkpoints) file.save(one);
  file.close();
  return path;
}

test("the newest checkpoint is read back, whatever segment end the owner knows", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 40_000n), fc.bigInt(0n, 500n), fc.bigInt(0n, 40n), (total, span, known) => {
      const one = checkpoint(total, span < total ? span : total);
      fc.pre(known <= total / D);
      const file = new ProgressFile(crypto, saved(checkpoint(0n), one), "candidate", IDENTITY);
      const resumed = file.resume({ segment: known, value: at(known * D) }, dOf);
      expect(resumed).toEqual({ checkpoint: one, notices: [] });
    }),
    { numRuns: 30 },
  );
});

test("a file behind its owner is old, not wrong", () => {
  const file = new ProgressFile(crypto, saved(checkpoint(1500n)), "candidate", IDENTITY);
  expect(file.resume({ segment: 2n, value: at(2000n) }, dOf)).toEqual({ checkpoint: undefined, notices: [] });
});

test("a TimeChain that is too far ahead of its store starts at the store", () => {
  const identity = { ...IDENTITY, startWindow: 0n, d: 0n };
  const path = newPath();
  const file = new ProgressFile(crypto, path, "timechain", identity);
  file.save(checkpoint(30_500n));
  file.close();
  const resumed = new ProgressFile(crypto, path, "timechain", identity).resume({ segment: 3n, value: at(3000n) }, dOf);
  expect(resumed.checkpoint).toBeUndefined();
  expect(resumed.notices).toEqual([{ code: "progress-too-far-ahead", segment: 30n }]);
});

test("another D inside a segment is another chain", () => {
  const file = new ProgressFile(crypto, saved(checkpoint(1500n)), "candidate", IDENTITY);
  const resumed = file.resume({ segment: 0n, value: INIT }, () => D + 1n);
  expect(resumed.notices).toEqual([{ code: "progress-of-another-chain" }]);
});

test("a candidate is found again from its file alone, at its last whole segment", () => {
  const found = findCandidate(crypto, saved(checkpoint(2500n)));
  expect(found).toEqual({ identity: IDENTITY, segment: 2n, value: at(2000n) });
  expect(findCandidate(crypto, newPath())).toBeUndefined();
});

/** A file whose last stretch was computed wrong, as by a fault of memory, though every checksum is right. */
function wronglyComputed(): string {
  const wrong = checkpoint(2500n, 700n);
  return saved(checkpoint(1800n), { ...wrong, position: { ...wrong.position, value: hashOf("bit flip") } });
}

test("a last stretch that does not recompute is found, and costs only that stretch", async () => {
  const events = new Events();
  const chain = await CandidateChain.start(crypto, {
    ...{ nodeId: NODE_ID, wStart: 7n, init: INIT, d: D, done: 0n, value: INIT, target: 30n },
    ...{ progressPath: wronglyComputed(), listener: events.listener },
  });
  expect(await chain.verified).toBe("wrong");
  const back = await events.find(({ kind }) => kind === "went-back");
  expect(back).toMatchObject({ end: { segment: 1n, value: at(1000n) } });
  // What the wrong value led to may have been told before; after going back every segment is told again.
  await events.find(
    (event) =>
      event.kind === "segment" && event.end.segment === 30n && events.all.indexOf(event) > events.all.indexOf(back),
  );
  const after = events.all.slice(events.all.indexOf(back));
  const ends = after.flatMap((event) => (event.kind === "segment" ? [event.end] : []));
  expect(ends.map(({ segment }) => segment)).toEqual(Array.from({ length: 29 }, (_, i) => BigInt(i + 2)));
  for (const { segment, value } of ends) expect(value).toEqual(at(segment * D));
  await chain.stop();
});
