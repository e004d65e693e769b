/** Nodes as a person has them: real machines, stores, logs and chains, joined by a transport of one process. */
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";

import { afterEach, expect, test } from "vitest";

import { operationMessage } from "../../consensus/objects.ts";
import { equalBytes, ZERO_HASH } from "../../protocol/bytes.ts";
import type { Draft } from "../../protocol/objects/signed.ts";
import { operation, TYPE_ANCHOR, type Operation } from "../../protocol/objects/operations.ts";
import { SignedLog } from "../store/signedLog.ts";
import { crypto, Member, Testnet } from "./testnet.fixture.ts";

const EMISSION = 13_000_000_000n;
/** Fewer than a wallet waits, and than a pool keeps what nobody confirms. */
const WINDOWS_TO_SETTLE_MAX = 6;
const nets: Testnet[] = [];
afterEach(async () => {
  for (const net of nets.splice(0)) await net.end();
});

function testnet(options: ConstructorParameters<typeof Testnet>[0]): Testnet {
  const net = new Testnet(options);
  nets.push(net);
  return net;
}

test("two founders decide the same windows and money comes into being by the rule", async () => {
  const [one, two] = [new Member("one"), new Member("two")];
  const net = testnet({ founders: [one, two], tau2Windows: 100n, d: 200_000n });
  const [a, b] = await Promise.all([net.start(one), net.start(two)]);
  await Promise.all([a.untilWindow(5), b.untilWindow(5)]);
  const first = await a.node.status();
  expect(first.supply).toBe((EMISSION * BigInt(first.window! + 1)).toString());
  const summary = await a.node.state.ask("summary", undefined);
  expect(summary.totalBalance).toBe(EMISSION * (summary.height - 1n));
  const [ours, theirs] = await Promise.all(
    [a, b].map((each) => each.node.state.ask("headers", { first: 0n, count: 5 })),
  );
  expect(ours).toEqual(theirs);
}, 30_000);

test("an operation that is handed in again reaches a peer that was away the first time, and settles", async () => {
  const [one, two] = [new Member("one"), new Member("two")];
  const net = testnet({ founders: [one, two], tau2Windows: 100n, d: 200_000n });
  const [a, away] = await Promise.all([net.start(one), net.start(two)]);
  await a.untilWindow(2);
  await away.stop();
  const link = { sender: one.accountId, prevHash: (await a.node.state.ask("account", one.accountId))!.frontierHash };
  const draft = { type: TYPE_ANCHOR, ...link, appId: ZERO_HASH, dataHash: ZERO_HASH } as Draft<Operation>;
  const message = operationMessage(operation.sign(crypto, one.account.secretKey, draft));
  // The peer cannot list in its bundles what it has never got.
  expect(await a.node.submit(message)).toEqual({ verdict: "accept" });
  const { window } = await a.node.status();
  await net.start(two);
  // As a wallet does with each window.
  for (let next = window! + 1; ; next++) {
    await a.untilWindow(next);
    const { frontierHash } = (await a.node.state.ask("account", one.accountId))!;
    if (!equalBytes(frontierHash, link.prevHash)) break;
    expect(next, "windows until it settled").toBeLessThan(window! + WINDOWS_TO_SETTLE_MAX);
    expect(await a.node.submit(message)).toEqual({ verdict: "ignore", code: "duplicate" });
  }
}, 30_000);

test("a state worker that ends by itself is named, and the node goes on from the disk with the same chain", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const node = await net.start(one);
  await node.untilWindow(3);
  const before = await node.node.state.ask("headers", { first: 0n, count: 3 });
  await node.node.state.terminate();
  const notice = await node.untilNotice("node-restarts");
  expect(notice.params["reason"]).toBe("state-worker-failed");
  const { window } = await node.node.status();
  await node.untilWindow(window! + 3);
  expect(await node.node.state.ask("headers", { first: 0n, count: 3 })).toEqual(before);
  expect((await node.node.status()).notices).toEqual([]);
}, 60_000);

test("asked between two runs it is not ready yet, and stopped only when it was stopped", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const node = await net.start(one);
  await node.untilWindow(1);
  const before = node.node.state;
  const codeNow = (): string | undefined => {
    try {
      return node.node.state === before ? "the old one" : undefined;
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  };
  await before.terminate();
  const seen = new Set<string>();
  for (let code = codeNow(); code !== undefined; code = codeNow()) {
    seen.add(code);
    await setImmediate();
  }
  seen.delete("the old one");
  expect([...seen]).toEqual(["node-not-ready"]);
  await node.stop();
  expect(codeNow()).toBe("node-stopped");
}, 60_000);

test("what the machine signed before a restart is never signed otherwise", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const signed = new Map<string, string>();
  let contradictions = 0;
  const watch = async (): Promise<void> => {
    const log = await SignedLog.open(net.directoryOf(one), net.networkId);
    for (const { key, object } of log.entries()) {
      const name = `${key.kind} ${key.window} ${key.round} ${key.phase}`;
      const text = Buffer.from(object).toString("hex");
      if ((signed.get(name) ?? text) !== text) contradictions++;
      signed.set(name, text);
    }
    await log.close();
  };
  for (let life = 0; life < 4; life++) {
    const node = await net.start(one);
    await node.untilWindow(2 * life + 2);
    await node.stop();
    await watch();
  }
  expect(signed.size).toBeGreaterThan(20);
  expect(contradictions).toBe(0);
}, 60_000);

test("a restored identity signs nothing until it has watched for ten windows", async () => {
  const [one, two] = [new Member("one"), new Member("two")];
  // Weight is presence: the first founder alone is a quorum of its own network.
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const a = await net.start(one);
  await a.untilWindow(2);
  const b = await net.start(two, { isRestored: true });
  expect((await b.node.status()).notices).toMatchObject([
    { code: "quiet-period", params: { reason: "restored-or-copied" } },
  ]);
  await b.untilNotice("quiet-period-over");
  const { window } = await b.node.status();
  await b.untilWindow(window! + 2);
  expect((await b.node.status()).notices).toEqual([]);
}, 60_000);

test("a node that sees its own signature from elsewhere falls silent, says why and stays so after a restart", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 400_000n });
  const original = await net.start(one);
  await original.untilWindow(3);
  const copy = await net.start(one, { isRestored: true, name: "copy" });
  const notice = await copy.untilNotice("own-signature-elsewhere");
  expect(notice.params["window"]).toBeDefined();
  await copy.stop();
  const log = await SignedLog.open(net.directoryOf(copy), net.networkId);
  expect(log.entries()).toEqual([]);
  await log.close();
  const again = await net.start(one, { name: "copy" });
  expect((await again.node.status()).notices).toMatchObject([
    { code: "quiet-period", params: { reason: "seen-elsewhere" } },
  ]);
  const { window } = await original.node.status();
  await original.untilWindow(window! + 2);
}, 60_000);

test("a TimeChain thread that ends by itself is named, and the node goes on with the same values", async () => {
  const threads: Worker[] = [];
  const note = (thread: Worker): void => void threads.push(thread);
  process.on("worker", note);
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const node = await net.start(one);
  process.off("worker", note);
  await node.untilWindow(3);
  await threads.find(({ threadName }) => threadName === "vdf-timechain")!.terminate();
  const notice = await node.untilNotice("node-restarts");
  expect(notice.params["reason"]).toBe("timechain-failed");
  const { window } = await node.node.status();
  await node.untilWindow(window! + 3);
  const [first, ...others] = await node.node.state.ask("times", { first: 0n, last: BigInt(window!) });
  let { timechainValue } = first!;
  for (const time of others) {
    timechainValue = crypto.sha256Chain(timechainValue, 200_000);
    expect(time.timechainValue).toEqual(timechainValue);
  }
}, 60_000);

test("what a person chose about candidates holds over restarts, and says what auto comes to", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const { node } = await net.start(one, { candidateVdfCheck: "full", followsTimeAsCandidate: true });
  const usual = { candidateVdfCheck: "auto", followsTime: "auto" };
  expect(await node.settings()).toEqual({ ...usual, inForce: { candidateVdfCheck: "full", followsTime: true } });
  await node.setSettings({ candidateVdfCheck: "none" });
  const chosen = { candidateVdfCheck: "none", followsTime: "no" };
  const inForce = { candidateVdfCheck: "none", followsTime: false };
  expect(await node.setSettings({ followsTime: "no" })).toEqual({ ...chosen, inForce });
  await node.stop();
  const again = await net.start(one);
  expect(await again.node.settings()).toEqual({ ...chosen, inForce });
}, 30_000);

test("a node stops in time with everything on disk, also while it starts over", async () => {
  const one = new Member("one");
  const net = testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  const node = await net.start(one);
  await node.untilWindow(2);
  await node.node.state.terminate();
  await node.untilNotice("node-restarts");
  const startedMs = performance.now();
  await node.stop();
  expect(performance.now() - startedMs).toBeLessThan(5000);
  const again = await net.start(one);
  await again.untilWindow(4);
}, 60_000);
