/** The way of a newcomer through a scaled network of real nodes (chapter 05): τ₂ = 100 windows. */
import { join } from "node:path";
import type { Worker } from "node:worker_threads";

import { afterAll, beforeAll, expect, test } from "vitest";

import { registrationMessage } from "../../consensus/objects.ts";
import { toHex, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION } from "../../protocol/objects/nodeRegistration.ts";
import { extendCandidateChain } from "../../protocol/timechain/candidateChain.ts";
import { CANDIDATE_FILE } from "../lifecycle/lifecycle.ts";
import { findCandidate } from "../vdf/progressFile.ts";
import { crypto, Member, Testnet, type TestNode } from "./testnet.fixture.ts";

const EMISSION = 13_000_000_000n;
const TAU2 = 100n;

let net: Testnet;
beforeAll(() => {
  net = new Testnet({ founders: [new Member("one")], tau2Windows: TAU2, d: 400_000n });
});
afterAll(() => net.end());

/** Somebody whose chain is done, in front of all others of its window: nobody recomputes chains here. */
function registrationOf(name: string, wStart: bigint, place: number, vdfChainLength = TAU2) {
  const { node, nodeAccountId } = new Member(name);
  const proofEndpoint = ZERO_HASH.slice() as Hash32;
  proofEndpoint[31] = place;
  return registrationMessage(
    nodeRegistration.sign(crypto, node.secretKey, {
      type: TYPE_NODE_REGISTRATION,
      ...{ suiteId: SUITE_MLDSA65, nodePubkey: node.publicKey, operatorAccountId: nodeAccountId },
      ...{ proofEndpoint, wStart, vdfChainLength },
    }),
  );
}

test("a candidate computes its chain, waits behind four others and is admitted when expected, whenever it is restarted", async () => {
  const founder = await net.start(new Member("one"), { candidateVdfCheck: "none" });
  const member = new Member("newcomer");
  let newcomer = await net.start(member);
  const restart = async (): Promise<void> => {
    await newcomer.stop();
    newcomer = await net.start(member);
  };
  const statusOf = ({ node }: TestNode) => node.status();

  await newcomer.untilWindow(4);
  expect((await statusOf(newcomer)).phase).toBe("Bootstrap");
  await restart();
  await newcomer.untilWindow(5);
  await newcomer.node.join({ startsAnyway: true });
  await newcomer.untilPhase("CandidateVdf");
  const { startWindow, total } = (await statusOf(newcomer)).candidate!;
  expect(total).toBe(Number(TAU2) * 400_000);
  await newcomer.untilWindow(startWindow + 10);
  await restart();
  expect((await statusOf(newcomer)).candidate).toMatchObject({ startWindow, total });

  await newcomer.untilWindow(startWindow + Number(TAU2) - 6);
  await newcomer.until(async () => {
    const { candidate } = await statusOf(newcomer);
    return candidate?.done === candidate?.total;
  });
  await newcomer.untilWindow(startWindow + Number(TAU2) - 3);
  for (const [i, name] of ["a", "b", "c", "d"].entries()) {
    const message = registrationOf(name, BigInt(startWindow) - 3n, i);
    await founder.node.submit(message);
  }
  await newcomer.untilPhase("Registered");
  const { queue } = await statusOf(newcomer);
  expect(queue!.position).toBeGreaterThanOrEqual(2);
  // Who lets chains pass unchecked says whose.
  expect((await statusOf(founder)).unverifiedCandidates).toContain(toHex(member.nodeId));
  await restart();
  await newcomer.until(async () => (await statusOf(newcomer)).phase !== "Registered");
  const status = await statusOf(newcomer);
  expect(status.phase).toBe("Active");
  const history = await newcomer.node.state.ask("history", { subject: member.nodeAccountId });
  expect(history.at(-1)).toMatchObject({
    ...{ kind: "welcome-bonus", amount: EMISSION, window: BigInt(queue!.expectedWindow) },
  });
  expect(history.filter(({ kind }) => kind === "welcome-bonus")).toHaveLength(1);
  await restart();
  expect((await statusOf(newcomer)).phase).toBe("Active");

  expect((await statusOf(founder)).unverifiedCandidates).not.toContain(toHex(member.nodeId));
  await newcomer.untilWindow(queue!.expectedWindow + 8);
  const summary = await newcomer.node.state.ask("summary", undefined);
  expect(summary.totalBalance).toBe(EMISSION * (summary.height - 1n));
  expect(summary.nodes).toBe(6);
  const lines = await newcomer.node.state.ask("history", { subject: member.nodeAccountId });
  const income = lines.reduce((sum, { amount }) => sum + amount, 0n);
  expect(await newcomer.balance(member.nodeAccountId)).toBe(income);
}, 180_000);

test("a candidate thread that ends by itself is named, and its chain goes on without losing a finished segment", async () => {
  const d = 5_000_000;
  const short = new Testnet({ founders: [new Member("one")], tau2Windows: 16n, d: BigInt(d) });
  const threads: Worker[] = [];
  const note = (thread: Worker): void => {
    if (thread.threadName === "vdf-candidate") threads.push(thread);
  };
  process.on("worker", note);
  try {
    await short.start(new Member("one"));
    const member = new Member("unlucky");
    const unlucky = await short.start(member);
    const candidate = async () => (await unlucky.node.status()).candidate;
    const onDisk = () => findCandidate(crypto, join(short.directoryOf(member), CANDIDATE_FILE))!;
    await unlucky.untilWindow(2);
    await unlucky.node.join({ startsAnyway: true });
    await unlucky.until(async () => ((await candidate())?.done ?? 0) > 3 * d);
    const { done, startWindow } = (await candidate())!;
    await threads[0]!.terminate();
    expect(Number(onDisk().segment)).toBeGreaterThanOrEqual(Math.floor(done / d));
    await unlucky.untilNotice("candidate-chain-failed");
    await unlucky.untilNotice("candidate-chain-finished");
    expect(threads).toHaveLength(2);
    const { identity, segment, value } = onDisk();
    expect([Number(identity.startWindow), segment]).toEqual([startWindow, 16n]);
    expect(value).toEqual(extendCandidateChain(crypto, identity.start, BigInt(d), segment));
  } finally {
    process.off("worker", note);
    await short.end();
  }
}, 120_000);

test("a candidate too slow for its deadline is refused, warned when it starts anyway, and starts over with the reason shown", async () => {
  const short = new Testnet({ founders: [new Member("one")], tau2Windows: 16n, d: 2_000_000n });
  try {
    await short.start(new Member("one"));
    const slow = await short.start(new Member("slow"));
    await slow.untilWindow(2);
    await expect(slow.node.join({ cpuShare: 0.01 })).rejects.toMatchObject({ code: "computer-too-slow" });
    expect((await slow.node.status()).phase).toBe("Bootstrap");
    await slow.node.join({ cpuShare: 0.01, startsAnyway: true });
    await slow.untilPhase("CandidateVdf");
    const { startWindow } = (await slow.node.status()).candidate!;
    const warning = await slow.untilNotice("deadline-out-of-reach");
    expect(warning.params["window"]).toBe(String(startWindow + 32));
    expect((await slow.node.status()).window).toBeLessThanOrEqual(startWindow + 32);

    const restart = await slow.untilNotice("candidate-chain-restarted");
    expect(restart.params).toEqual({ cause: "too-slow", window: String(startWindow + 33) });
    const status = await slow.node.status();
    expect(status.candidate!.startWindow).toBe(startWindow + 33);
    expect(status.notices).toContainEqual(restart);
    await slow.node.leave();
    expect(await slow.node.status()).toMatchObject({ phase: "Bootstrap", candidate: null, notices: [] });
  } finally {
    await short.end();
  }
}, 120_000);

test("a confirmer recomputes candidate chains: an honest one is admitted, an invented one refused", async () => {
  const short = new Testnet({ founders: [new Member("one")], tau2Windows: 12n, d: 200_000n });
  try {
    const founder = await short.start(new Member("one"), { candidateVdfCheck: "full" });
    const honest = await short.start(new Member("honest"), { followsTimeAsCandidate: true });
    await honest.untilWindow(3);
    await honest.node.join({ startsAnyway: true });
    await honest.untilPhase("CandidateVdf");
    const { startWindow } = (await honest.node.status()).candidate!;
    await honest.untilWindow(startWindow + 12);
    const verdict = await founder.node.submit(registrationOf("liar", BigInt(startWindow), 7, 12n));
    expect(verdict).toEqual({ verdict: "ignore", code: "vdf-mismatch" });
    await honest.untilPhase("Active");
    expect((await founder.node.state.ask("summary", undefined)).nodes).toBe(2);
  } finally {
    await short.end();
  }
}, 120_000);
