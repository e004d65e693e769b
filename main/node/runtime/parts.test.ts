/** The small parts of the runtime, each by itself. */
import { expect, test } from "vitest";

import type { LoggedObject } from "../../consensus/material.ts";
import { NO_MATERIAL } from "../../consensus/material.ts";
import { ZERO_HASH, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { Signature } from "../../protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import type { NodeRecord } from "../../protocol/state/records.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { Confirmations } from "./confirmations.ts";
import { decodeLogged, encodeLogged } from "./loggedObjects.ts";
import { NoticeBoard, type Notice } from "./notices.ts";
import { WindowPace } from "./pace.ts";
import { QUIET_WINDOWS, QuietPeriod } from "./quiet.ts";

const idOf = (byte: number): Hash32 => new Uint8Array(32).fill(byte) as Hash32;
const SIGNATURE = new Uint8Array(3309).fill(7) as Signature;

const BUNDLE = {
  nodeId: idOf(1) as NodeId,
  endpoint: idOf(2),
  windowIndex: 5n,
  opHashes: [idOf(3), idOf(4)],
  revealHashes: [],
  signature: SIGNATURE,
};
const VOTE = {
  ...{ nodeId: idOf(1) as NodeId, windowIndex: 5n, round: 2, phase: 1, proposalHash: idOf(9), signature: SIGNATURE },
};
const BODY = {
  ...{ proposalHash: idOf(9), windowIndex: 5n, evidence: [], reveals: [], controlHashes: [] },
  bundles: [{ nodeId: idOf(1) as NodeId, hash: idOf(8) }],
};

test.each<[string, LoggedObject]>([
  ["alone", { signed: { type: "bundle", object: BUNDLE }, keep: NO_MATERIAL }],
  [
    "with what it rests on",
    { signed: { type: "vote", object: VOTE }, keep: { ...NO_MATERIAL, body: BODY, bundles: [BUNDLE] } },
  ],
])("a signed object comes back from the log as it was, %s", (_, logged) => {
  expect(decodeLogged(encodeLogged(logged))).toEqual(logged);
});

test("votes of different rounds and phases have places of their own in the log, equal ones the same", () => {
  const keyOf = (change: Partial<typeof VOTE>) =>
    encodeLogged({ signed: { type: "vote", object: { ...VOTE, ...change } }, keep: NO_MATERIAL }).key;
  expect(keyOf({ proposalHash: ZERO_HASH })).toEqual(keyOf({}));
  expect(keyOf({ round: 3 })).not.toEqual(keyOf({}));
  expect(keyOf({ phase: 2 })).not.toEqual(keyOf({}));
});

test("a quiet period takes an old signature for an echo and a new one for somebody else", () => {
  const quiet = new QuietPeriod("restored-or-copied");
  expect(quiet.seen(100n)).toBe(false);
  expect(quiet.closed(100n, false)).toBe(false);
  expect(quiet.closed(101n, true)).toBe(false);
  expect(quiet.seen(103n)).toBe(false);
  for (let i = 1n; i < QUIET_WINDOWS; i++) expect(quiet.closed(101n + i, true)).toBe(false);
  expect(quiet.closed(101n + QUIET_WINDOWS, true)).toBe(true);
  expect(quiet.seen(104n)).toBe(true);
  expect(quiet.closed(500n, true)).toBe(false);
});

test("a quiet period is not over by windows that were caught up: nobody's signatures of them were looked at", () => {
  const quiet = new QuietPeriod("restored-or-copied");
  let window = 100n;
  quiet.closed(window, true);
  for (let i = 1n; i < QUIET_WINDOWS; i++) {
    expect(quiet.closed(++window, false)).toBe(false);
    expect(quiet.closed(++window, true)).toBe(false);
  }
  expect(quiet.closed(++window, true)).toBe(true);
});

test("the mean of windows does not count what was caught up", () => {
  const pace = new WindowPace();
  pace.closed(1n, false, 0);
  pace.closed(2n, false, 10);
  expect(pace.meanSeconds).toBeUndefined();
  for (const [window, ms] of [
    [3n, 1000],
    [4n, 3000],
    [5n, 5000],
  ] as const) {
    pace.closed(window, true, ms);
  }
  expect(pace.meanSeconds).toBe(2);
});

test("what holds is told once and shown until it is cleared", () => {
  const told: Notice[] = [];
  const board = new NoticeBoard((notice) => told.push(notice));
  board.post("deadline", "deadline-tight", { window: 7n });
  board.post("deadline", "deadline-tight", { window: 8n });
  expect(told).toEqual([{ code: "deadline-tight", params: { window: "7" } }]);
  expect(board.standing).toEqual([{ code: "deadline-tight", params: { window: "8" } }]);
  board.clear("deadline");
  expect(board.standing).toEqual([]);
});

test("an operation is confirmed once a quorum's bundles of the open window list it, whenever they came", () => {
  const rules = rulesOf(MONTANA_PARAMS, "spec");
  const nodes = [1, 2, 3].map((byte) => ({
    ...{ nodeId: idOf(byte) as NodeId, chainLength: 1n, startWindow: 0n, lastConfirmationWindow: 0n },
  })) as unknown as NodeRecord[];
  const confirmations = new Confirmations(rules);
  const from = (byte: number, windowIndex: bigint) => ({ ...BUNDLE, nodeId: idOf(byte) as NodeId, windowIndex });
  const view = (window: bigint) => ({ window, nodes, epoch: genesisEpoch(rules), aggregate: ZERO_HASH });
  confirmations.open(view(4n));
  expect(confirmations.add(from(1, 5n))).toEqual([]);
  expect(confirmations.open(view(5n))).toEqual([]);
  expect(confirmations.add(from(1, 5n))).toEqual([]);
  expect(confirmations.add(from(2, 4n))).toEqual([]);
  expect([...confirmations.add(from(2, 5n)), ...confirmations.add(from(3, 5n))]).toEqual(BUNDLE.opHashes);
});
