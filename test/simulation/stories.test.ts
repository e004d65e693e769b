/** What chapter 03 tells about small networks, on the real machine and the real transition. */
import { describe, expect, test } from "vitest";

import { byteKey, equalBytes, toHex } from "../../main/protocol/bytes.ts";
import { accountIdOf } from "../../main/protocol/identity/ids.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION } from "../../main/protocol/objects/nodeRegistration.ts";
import { operation as operationClass, TYPE_TRANSFER, type Operation } from "../../main/protocol/objects/operations.ts";
import { verifyCertificate } from "../../main/consensus/certificate.ts";
import { operationMessage, registrationMessage } from "../../main/consensus/objects.ts";
import { weightsAt } from "../../main/protocol/quorum/weights.ts";
import { WindowFacts, type WindowView } from "../../main/consensus/facts.ts";
import { memberOf } from "./genesis.ts";
import type { SimulatedNode } from "./node.ts";
import { World, WINDOW_MS, type WorldOptions } from "./world.ts";

const EMISSION = 13_000_000_000n;

function started(options: Omit<WorldOptions, "seed">): World {
  const world = new World({ seed: 1, ...options });
  world.start();
  return world;
}

function runTo(world: World, window: bigint, windowsAllowed = Number(window - world.lowestWindow) * 2 + 4): boolean {
  return world.runUntil(() => world.lowestWindow >= window, windowsAllowed * WINDOW_MS);
}

const decidedOf = (node: SimulatedNode, window: number) => node.disk.archive[window]!;
const balanceOf = (node: SimulatedNode, owner: SimulatedNode) =>
  node.disk.state.accounts.get(owner.member.accountId)?.balance;

describe("three genesis nodes of equal weight", () => {
  test("start as the worked table of chapter 03 §6.8 says", () => {
    const world = started({ nodes: 3 });
    const [a] = world.nodes;
    const chainLengths: bigint[][] = [];
    const sums: bigint[] = [];
    for (let window = 0; window < 5; window++) {
      expect(runTo(world, BigInt(window + 1))).toBe(true);
      chainLengths.push([...a!.disk.state.nodes.rows()].map(({ chainLength }) => chainLength));
      sums.push(a!.disk.state.accounts.totalBalance);
    }
    expect(chainLengths).toEqual([1n, 2n, 3n, 4n, 5n].map((length) => [length, length, length]));
    expect(sums).toEqual([0n, 1n, 2n, 3n, 4n].map((count) => count * EMISSION));
    const rows = [0, 1, 2, 3, 4].map((window) => decidedOf(a!, window));
    expect(rows.map(({ body }) => body.bundles.length)).toEqual([0, 3, 3, 3, 3]);
    expect(rows.map(({ body }) => body.reveals.length)).toEqual([0, 3, 3, 3, 3]);
    expect(rows.map(({ header }) => header.fallbackDepth)).toEqual([1, 1, 1, 1, 1]);
    const bootstrap = toHex(a!.member.nodeId);
    const proposers = rows.map(({ header }) => toHex(header.proposerNodeId));
    const winners = rows.map(({ header }) => toHex(header.winnerId));
    expect(proposers.slice(0, 2)).toEqual([bootstrap, bootstrap]);
    // The header of W names the winner of W − 1, who proposes W + 1.
    expect(proposers.slice(2)).toEqual(winners.slice(1, 4));
    expect(winners[0]).toBe(bootstrap);
    expect(rows[0]!.header.winnerEndpoint).toEqual(new Uint8Array(32));
  });

  test("stop deciding while one is down and go on by themselves when it is back", () => {
    const world = started({ nodes: 3 });
    expect(runTo(world, 3n)).toBe(true);
    const [, , absent] = world.nodes;
    absent!.crash();
    world.runFor(6 * WINDOW_MS);
    const halted = world.nodes.reduce((highest, { window }) => (window > highest ? window : highest), 0n);
    expect(halted).toBeLessThanOrEqual(5n);
    absent!.start();
    expect(runTo(world, halted + 5n)).toBe(true);
  });
});

test("a node alone decides window after window, with certificates that a stranger's verifier accepts", () => {
  const world = started({ nodes: 1 });
  const { view } = world.nodes[0]!.disk;
  expect(runTo(world, 6n)).toBe(true);
  const [node] = world.nodes;
  const { crypto, rules } = world;
  const nodes = new WindowFacts(crypto, rules, view);
  for (const [i, { hash, certificate }] of node!.disk.archive.entries()) {
    const window = BigInt(i);
    const weights = weightsAt(view.nodes, window, rules);
    expect(verifyCertificate(crypto, { window, nodes, weights }, hash, certificate)).toBeUndefined();
  }
  expect(balanceOf(node!, node!)).toBe(5n * EMISSION);
});

test("four equal nodes go on while one is down, and it catches up", () => {
  const world = started({ nodes: 4 });
  expect(runTo(world, 3n)).toBe(true);
  const absent = world.nodes[3]!;
  absent.crash();
  const others = world.nodes.slice(0, 3);
  expect(world.runUntil(() => others.every(({ window }) => window >= 12n), 40 * WINDOW_MS)).toBe(true);
  expect(absent.window).toBeLessThan(5n);
  absent.start();
  expect(runTo(world, 15n)).toBe(true);
});

test("a bootstrap node with a long chain decides alone; newcomers are there and weigh little", () => {
  const world = started({ nodes: 3, chainLengths: [1000n, 1n, 1n] });
  expect(runTo(world, 3n)).toBe(true);
  for (const node of world.nodes.slice(1)) node.crash();
  expect(world.runUntil(() => world.nodes[0]!.window >= 8n, 12 * WINDOW_MS)).toBe(true);
});

describe("across an epoch boundary", () => {
  test("checkpoints rotate, D and the target adapt alike everywhere, and the VDF goes on", () => {
    const world = started({ nodes: 4, tau2Windows: 6n });
    expect(runTo(world, 15n)).toBe(true);
    const [node] = world.nodes;
    const views: WindowView[] = world.nodes.map(({ disk }) => disk.view);
    // Everybody was there: 3 % more at each of the two boundaries, cut to whole iterations.
    expect(views.map(({ epoch }) => epoch.d)).toEqual([66n, 66n, 66n, 66n]);
    const [row] = node!.disk.state.nodes.rows();
    expect(row!.chainLengthCheckpoints.slice(4)).toEqual([7n, 13n]);
  });

  test("an idle node leaves the quorum after two epochs and comes back with a bundle", () => {
    const world = started({ nodes: 4, tau2Windows: 3n });
    expect(runTo(world, 3n)).toBe(true);
    const absent = world.nodes[3]!;
    absent.crash();
    const others = world.nodes.slice(0, 3);
    expect(world.runUntil(() => others.every(({ window }) => window >= 14n), 40 * WINDOW_MS)).toBe(true);
    const weightOfAbsent = () => {
      const { view } = others[0]!.disk;
      return weightsAt(view.nodes, view.window, world.rules).of(absent.member.nodeId);
    };
    expect(weightOfAbsent()).toBe(0n);
    absent.start();
    expect(runTo(world, 20n)).toBe(true);
    expect(weightOfAbsent()).toBeGreaterThan(0n);
  });
});

test("a candidate registers, is admitted in the next window, receives 13 Ɉ and takes part", () => {
  const world = started({ nodes: 4, tau2Windows: 6n });
  expect(runTo(world, 8n)).toBe(true);
  const { crypto } = world;
  const candidate = memberOf(crypto, 77);
  const operatorAccountId = accountIdOf(crypto, 1, candidate.node.publicKey);
  const registration = nodeRegistration.sign(crypto, candidate.node.secretKey, {
    type: TYPE_NODE_REGISTRATION,
    suiteId: 1,
    nodePubkey: candidate.node.publicKey,
    operatorAccountId,
    proofEndpoint: crypto.sha256(candidate.nodeId),
    wStart: 1n,
    vdfChainLength: 6n,
  });
  world.nodes[2]!.submit(registrationMessage(registration));
  expect(runTo(world, 13n)).toBe(true);
  for (const { disk } of world.nodes) {
    const admitted = disk.state.nodes.get(candidate.nodeId);
    expect(admitted).toBeDefined();
    const registered = disk.archive.findIndex(({ body }) => body.controlHashes.length > 0);
    expect(admitted!.startWindow).toBe(BigInt(registered) + 1n);
    expect(disk.state.accounts.get(operatorAccountId)?.balance).toBe(EMISSION);
    expect(disk.state.accounts.totalBalance).toBe(EMISSION * (disk.view.window - 1n));
  }
  // It starts from nothing but the genesis, catches up, and its bundles are included.
  const newcomer = world.add(candidate);
  newcomer.start();
  expect(runTo(world, 20n, 40)).toBe(true);
  const record = world.nodes[0]!.disk.state.nodes.get(candidate.nodeId)!;
  expect(record.lastConfirmationWindow).toBeGreaterThan(13n);
});

test("of two operations behind one frontier at most one ever settles, the same one everywhere", () => {
  const world = started({ nodes: 4 });
  const rich = () =>
    world.nodes.find(({ member }) => (world.nodes[0]!.disk.state.accounts.get(member.accountId)?.balance ?? 0n) > 0n);
  expect(world.runUntil(() => rich() !== undefined, 10 * WINDOW_MS)).toBe(true);
  const payer = rich()!;
  const [first, second] = world.nodes.filter((node) => node !== payer);
  const account = payer.disk.state.accounts.get(payer.member.accountId)!;
  const pay = (to: SimulatedNode): Operation =>
    operationClass.sign(world.crypto, payer.member.account.secretKey, {
      type: TYPE_TRANSFER,
      prevHash: account.frontierHash,
      sender: account.accountId,
      link: to.member.accountId,
      amount: 1n,
    } as never);
  const rivals = [pay(first!), pay(second!)];
  world.nodes[0]!.submit(operationMessage(rivals[0]!));
  world.nodes[1]!.submit(operationMessage(rivals[0]!));
  world.nodes[2]!.submit(operationMessage(rivals[1]!));
  world.nodes[3]!.submit(operationMessage(rivals[0]!));
  expect(runTo(world, world.lowestWindow + 4n)).toBe(true);
  const frontiers = world.nodes.map(({ disk }) => disk.state.accounts.get(account.accountId)!.frontierHash);
  const hashes = rivals.map((rival) => operationClass.identify(world.crypto, rival));
  expect(new Set(frontiers.map(byteKey)).size).toBe(1);
  expect(equalBytes(frontiers[0]!, hashes[0]!)).toBe(true);
});
