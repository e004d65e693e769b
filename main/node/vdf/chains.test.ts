/** Chains in real threads, with a small D. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { toHex, type Hash32 } from "../../protocol/bytes.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import { CandidateChain, type CandidateChainOptions } from "./candidateChain.ts";
import { SLOT_SIZE } from "./slotFile.ts";
import { TimeChain, type TimeChainOptions } from "./timeChain.ts";
import { crypto, Events, hashOf, NODE_ID, temporaryFolder } from "./vdf.fixture.ts";

const folder = temporaryFolder();
let files = 0;
const newPath = (): string => join(folder, `progress-${String(files++)}`);

const INIT = hashOf("init");
const D = 20_000n;
const T_0 = genesisTimechainValue(crypto);

const valueAt = (segments: bigint, d = D): Hash32 => vdfStep(crypto, INIT, d * segments);

function candidate(events: Events, options: Partial<CandidateChainOptions> = {}): Promise<CandidateChain> {
  return CandidateChain.start(crypto, {
    ...{ nodeId: NODE_ID, wStart: 7n, init: INIT, d: D, done: 0n, value: INIT, target: 5n },
    progressPath: newPath(),
    listener: events.listener,
    ...options,
  });
}

function timeChain(events: Events, options: Partial<TimeChainOptions> = {}): Promise<TimeChain> {
  return TimeChain.start(crypto, {
    ...{ genesisStateHash: hashOf("network"), window: 0n, value: T_0, d: D, through: 4n },
    progressPath: newPath(),
    listener: events.listener,
    ...options,
  });
}

test("a candidate chain reports every segment in order and ends at its target with the protocol's value", async () => {
  const events = new Events();
  const chain = await candidate(events);
  expect(toHex(await events.end(5n))).toBe(toHex(valueAt(5n)));
  await events.find((e) => e.kind === "progress" && e.progress.activity === "waiting-for-d");
  expect(events.segments).toEqual([1n, 2n, 3n, 4n, 5n]);
  await chain.stop();
});

test("a longer target continues the same chain, a shorter one changes nothing", async () => {
  const events = new Events();
  const chain = await candidate(events, { target: 2n });
  await events.end(2n);
  await chain.extend(1n);
  await chain.extend(4n);
  expect(await events.end(4n)).toEqual(valueAt(4n));
  await chain.stop();
});

test("both chains at once, each on a thread of its own, end at the values that each has alone", async () => {
  const [ofTime, ofCandidate] = [new Events(), new Events()];
  const [time, own] = await Promise.all([
    timeChain(ofTime, { through: 3n, d: 300_000n }),
    candidate(ofCandidate, { target: 3n, d: 200_000n, settings: { priority: "low" } }),
  ]);
  expect(await ofTime.end(3n)).toEqual(vdfStep(crypto, T_0, 900_000n));
  expect(await ofCandidate.end(3n)).toEqual(valueAt(3n, 200_000n));
  await Promise.all([time.stop(), own.stop()]);
});

test("the TimeChain never goes past a window whose D is unknown, and takes the new D from there", async () => {
  const events = new Events();
  const chain = await timeChain(events, { through: 2n });
  await events.find((e) => e.kind === "progress" && e.progress.activity === "waiting-for-d");
  expect(events.segments).toEqual([1n, 2n]);
  await chain.allow(3n, 777n);
  expect(await events.end(3n)).toEqual(vdfStep(crypto, T_0, 2n * D + 777n));
  await chain.stop();
});

test("a segment of no iterations gives the value back", async () => {
  const events = new Events();
  const chain = await timeChain(events, { d: 0n });
  expect(await events.end(4n)).toEqual(T_0);
  await chain.stop();
});

test("more segments than may be unseen at once all arrive in order", async () => {
  const events = new Events();
  const chain = await candidate(events, { d: 3n, target: 300n });
  await events.end(300n);
  expect(events.segments).toEqual(Array.from({ length: 300 }, (_, i) => BigInt(i + 1)));
  await chain.stop();
});

test("adopting a value abandons the own step and goes on from it", async () => {
  const events = new Events();
  const chain = await timeChain(events, { d: 2n ** 45n, through: 1000n });
  const adopted = hashOf("adopted");
  expect(await chain.adopt(1n, adopted)).toEqual({ outcome: "adopted", own: undefined });
  expect(await chain.adopt(9n, adopted)).toMatchObject({ outcome: "adopted" });
  expect(await chain.adopt(9n, adopted)).toEqual({ outcome: "already-computed", own: adopted });
  expect(await chain.adopt(9n, hashOf("another"))).toEqual({ outcome: "disagrees", own: adopted });
  expect(await chain.adopt(2n, adopted)).toMatchObject({ outcome: "too-old" });
  const next = await events.next((e) => e.kind === "progress");
  expect(next).toMatchObject({ progress: { segment: 9n } });
  await chain.stop();
});

test("an adopted value is computed from, and an own value is not given up for another", async () => {
  const events = new Events();
  const chain = await timeChain(events, { through: 2n });
  const own = await events.end(2n);
  expect(await chain.adopt(2n, hashOf("another"))).toEqual({ outcome: "disagrees", own });
  expect(await chain.adopt(3n, hashOf("adopted"))).toMatchObject({ outcome: "adopted" });
  await events.find((e) => e.kind === "progress" && e.progress.segment === 3n);
  await chain.allow(4n, 5n);
  expect(await events.end(4n)).toEqual(vdfStep(crypto, hashOf("adopted"), 5n));
  await chain.stop();
});

test("a paused chain computes nothing until it is resumed, and begins paused where it is told to", async () => {
  const events = new Events();
  const chain = await candidate(events, { settings: { isPaused: true } });
  await events.find((e) => e.kind === "progress" && e.progress.activity === "paused");
  expect(events.segments).toEqual([]);
  await chain.configure({ isPaused: false });
  await events.end(5n);
  await chain.stop();
});

test("pausing in the midst of a segment keeps what is done", async () => {
  const events = new Events();
  const path = newPath();
  const chain = await candidate(events, { d: 2n ** 40n, progressPath: path });
  await events.find((e) => e.kind === "progress" && e.progress.iterations > 0n);
  const saved = events.next((e) => e.kind === "saved");
  await chain.configure({ isPaused: true });
  const event = await saved;
  if (event.kind !== "saved") throw new Error("unreachable");
  expect(event.position.iterations).toBeGreaterThan(0n);
  expect(event.position.value).toEqual(vdfStep(crypto, INIT, event.position.iterations));
  await chain.stop();
});

test("share, priority and pause can be changed at any time without changing the values", async () => {
  const events = new Events();
  const chain = await candidate(events, { target: 40n });
  const priorities = ["low", "background", "normal"] as const;
  for (let i = 0; i < 12; i++) {
    await chain.configure({ cpuShare: i % 2 === 0 ? 0.25 : 1, priority: priorities[i % 3]! });
    await chain.configure({ isPaused: i % 4 === 0 });
  }
  await chain.configure({ isPaused: false, cpuShare: 1 });
  expect(await events.end(40n)).toEqual(valueAt(40n));
  expect(events.segments).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i + 1)));
  expect(chain.settings).toEqual({ isPaused: false, cpuShare: 1, priority: "normal" });
  await chain.stop();
});

test("where the system lets nobody raise a priority, a fresh thread goes on from where the old one was", async () => {
  // The JavaScript back end can set no priority at all.
  const events = new Events();
  const options = {
    addonPath: join(folder, "none"),
    target: 60n,
    settings: { priority: "low", cpuShare: 0.5 },
  } as const;
  const chain = await candidate(events, options);
  await events.end(2n);
  await chain.configure({ priority: "normal" });
  await chain.configure({ cpuShare: 1 });
  expect(await events.end(60n)).toEqual(valueAt(60n));
  expect(events.segments).toEqual(Array.from({ length: 60 }, (_, i) => BigInt(i + 1)));
  await chain.stop();
});

test("refuses a share of nothing or of more than a core", async () => {
  const events = new Events();
  await expect(candidate(events, { settings: { cpuShare: 0 } })).rejects.toThrow(RangeError);
  const chain = await candidate(events);
  await expect(chain.configure({ cpuShare: 1.5 })).rejects.toThrow(RangeError);
  await expect(chain.configure({ cpuShare: NaN })).rejects.toThrow(RangeError);
  await chain.stop();
  await expect(chain.configure({ isPaused: true })).rejects.toMatchObject({ code: "chain-stopped" });
});

test("a stopped chain goes on where it was, tells what its owner does not know, and recomputes its last stretch", async () => {
  const path = newPath();
  const first = new Events();
  const stopped = await candidate(first, { progressPath: path, target: 3n });
  await first.end(3n);
  await stopped.stop();
  const second = new Events();
  const chain = await candidate(second, { progressPath: path, done: 1n, value: valueAt(1n) });
  expect(second.segments.slice(0, 2)).toEqual([2n, 3n]);
  expect(await second.end(5n)).toEqual(valueAt(5n));
  expect(await chain.verified).toBe("right");
  expect(second.notices).toEqual([]);
  await chain.stop();
});

/** A candidate that was stopped in its fourth segment, and the path of its file. */
async function stoppedCandidate(): Promise<string> {
  const path = newPath();
  const events = new Events();
  const chain = await candidate(events, { progressPath: path, target: 3n });
  await events.end(3n);
  await chain.stop();
  return path;
}

async function damaged(path: string, change: (file: Buffer) => void, options: Partial<CandidateChainOptions> = {}) {
  const file = readFileSync(path);
  change(file);
  writeFileSync(path, file);
  const events = new Events();
  const chain = await candidate(events, { progressPath: path, ...options });
  const resumedFrom = events.segments.at(-1);
  expect(await events.end(5n)).toEqual(valueAt(5n));
  await chain.stop();
  return { events, resumedFrom };
}

test.each([0, 1])("damage of slot %i is named, and the chain goes on from the other", async (slot) => {
  const path = await stoppedCandidate();
  const { events, resumedFrom } = await damaged(path, (file) => (file[slot * SLOT_SIZE + 60]! ^= 4));
  expect(events.notices).toEqual(["progress-slot-damaged"]);
  expect([2n, 3n]).toContain(resumedFrom);
});

test("damage of both slots is named, and the chain goes on from the segment end that its owner knows", async () => {
  const path = await stoppedCandidate();
  const { events } = await damaged(path, (file) => file.fill(7), { done: 2n, value: valueAt(2n) });
  expect(events.notices).toEqual(["progress-corrupt"]);
  expect(events.segments).toEqual([3n, 4n, 5n]);
});

test("a file that is gone, of another chain, or in contradiction to its owner is named", async () => {
  const path = await stoppedCandidate();
  rmSync(path);
  const gone = new Events();
  await (await candidate(gone, { progressPath: path, done: 2n, value: valueAt(2n) })).stop();
  expect(gone.notices).toEqual(["progress-missing"]);

  const other = new Events();
  await (await candidate(other, { progressPath: await stoppedCandidate(), wStart: 8n })).stop();
  expect(other.notices).toEqual(["progress-of-another-chain"]);

  const contradicted = new Events();
  const options = { progressPath: await stoppedCandidate(), done: 2n, value: hashOf("else") };
  await (await candidate(contradicted, options)).stop();
  expect(contradicted.notices).toEqual(["progress-contradicts-owner"]);
});

test("the TimeChain goes on inside a window, and starts over from a store that is ahead", async () => {
  const path = newPath();
  const d = 2n ** 40n;
  const first = new Events();
  const stopped = await timeChain(first, { progressPath: path, d });
  await first.find((e) => e.kind === "progress" && e.progress.iterations > 0n);
  await stopped.stop();

  const second = new Events();
  const chain = await timeChain(second, { progressPath: path, d });
  const resumed = await second.find((e) => e.kind === "progress");
  expect(resumed).toMatchObject({ progress: { segment: 0n } });
  expect(resumed.kind === "progress" && resumed.progress.iterations > 0n).toBe(true);
  expect(await chain.verified).toBe("right");
  await chain.stop();

  const ahead = new Events();
  const fresh = await timeChain(ahead, { progressPath: path, d, window: 3n, value: hashOf("T") });
  expect(await ahead.find((e) => e.kind === "progress")).toMatchObject({ progress: { segment: 3n } });
  expect(ahead.notices).toEqual([]);
  await fresh.stop();
});

test("a thread that cannot start says why", async () => {
  const events = new Events();
  const start = candidate(events, { progressPath: join(folder, "no", "such", "folder", "file") });
  const chain = await start;
  await events.find((e) => e.kind === "not-saved" && e.code === "ENOENT");
  expect(await events.end(5n)).toEqual(valueAt(5n));
  await chain.stop();
  await expect(candidate(events, { progressPath: folder })).rejects.toMatchObject({ code: "EISDIR" });
});
