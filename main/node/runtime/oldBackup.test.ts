/** A store from an old backup beside the newer log of what was signed: caught up where others hold the rest, named where nobody does. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";

import { afterEach, expect, test } from "vitest";

import { SignedLog } from "../store/signedLog.ts";
import { nobody } from "./transport.ts";
import { Member, Testnet, type TestNode } from "./testnet.fixture.ts";

const nets: Testnet[] = [];
afterEach(async () => {
  for (const net of nets.splice(0)) await net.end();
});

const task = { signal: new AbortController().signal, report: () => undefined };

/** What the log of a node that does not run holds, by key. */
async function signedBy(net: Testnet, member: Member): Promise<Map<string, string>> {
  const log = await SignedLog.open(net.directoryOf(member), net.networkId);
  const signed = log
    .entries()
    .map(({ key, object }): [string, string] => [
      `${key.kind} ${key.window} ${key.round} ${key.phase}`,
      Buffer.from(object).toString("hex"),
    ]);
  await log.close();
  return new Map(signed);
}

async function backUp(net: Testnet, { name, node }: TestNode): Promise<string> {
  const target = join(net.folder, `backup of ${name}`);
  await node.backup(target, task);
  return target;
}

function restoreStore(net: Testnet, member: Member, backup: string): void {
  const store = join(net.directoryOf(member), "store");
  rmSync(store, { recursive: true });
  cpSync(join(backup, "store"), store, { recursive: true });
}

/** Leaves nothing in the log but what a log keeps that was rewritten now. */
async function compact(net: Testnet, member: Member): Promise<void> {
  const log = await SignedLog.open(net.directoryOf(member), net.networkId);
  await log.decided(log.entries().reduce((last, { key }) => (key.window > last ? key.window : last), 0n));
  await log.compact();
  await log.close();
}

test.each(["long", "rewritten"])(
  "a node without which there is no quorum catches up from who holds its windows, and signs again (%s log)",
  async (kind) => {
    const [one, two] = [new Member("one"), new Member("two")];
    // The first founder alone is the quorum; the other one follows.
    const net = new Testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
    nets.push(net);
    const follower = await net.start(two);
    const before = await net.start(one);
    await before.untilWindow(3);
    const backup = await backUp(net, before);
    await before.untilWindow(25);
    await before.stop();
    const { window: lost } = await follower.node.status();
    if (kind === "rewritten") await compact(net, one);
    const signed = await signedBy(net, one);
    restoreStore(net, one, backup);

    const after = await net.start(one);
    expect((await after.node.status()).notices).toMatchObject([{ code: "store-catches-up" }]);
    await after.untilWindow(lost! + 5);
    expect((await after.node.status()).notices).toEqual([]);
    const [ours, theirs] = await Promise.all(
      [after, follower].map((each) => each.node.state.ask("headers", { first: 0n, count: lost! + 1 })),
    );
    expect(ours).toEqual(theirs);
    await after.stop();
    const again = await signedBy(net, one);
    for (const [key, object] of again) expect(signed.get(key) ?? object).toBe(object);
  },
  60_000,
);

test("a node alone decides from its log what its old store lacks, the same as before", async () => {
  const one = new Member("one");
  const net = new Testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  nets.push(net);
  const before = await net.start(one, { transport: nobody });
  await before.untilWindow(3);
  const backup = await backUp(net, before);
  await before.untilWindow(25);
  const headers = await before.node.state.ask("headers", { first: 0n, count: 26 });
  await before.stop();
  const signed = await signedBy(net, one);
  restoreStore(net, one, backup);

  const after = await net.start(one, { transport: nobody });
  expect((await after.node.status()).notices).toMatchObject([{ code: "store-catches-up" }]);
  await after.untilWindow(30);
  expect((await after.node.status()).notices).toEqual([]);
  expect(await after.node.state.ask("headers", { first: 0n, count: 26 })).toEqual(headers);
  await after.stop();
  const again = await signedBy(net, one);
  for (const [key, object] of again) expect(signed.get(key) ?? object).toBe(object);
}, 60_000);

test("a node alone whose log has forgotten the windows that its old store lacks does not start, and signs nothing", async () => {
  const one = new Member("one");
  const net = new Testnet({ founders: [one], tau2Windows: 100n, d: 200_000n });
  nets.push(net);
  const before = await net.start(one, { transport: nobody });
  await before.untilWindow(3);
  const backup = await backUp(net, before);
  await before.untilWindow(25);
  await before.stop();
  await compact(net, one);
  const signed = await signedBy(net, one);
  restoreStore(net, one, backup);

  await expect(net.start(one, { transport: nobody })).rejects.toMatchObject({ code: "store-behind-signed-log" });
  expect(await signedBy(net, one)).toEqual(signed);
  // What the error advises: nobody else has those windows, so they may come into being otherwise.
  for (const file of ["signed.log", "signed.mark"]) rmSync(join(net.directoryOf(one), file));
  const after = await net.start(one, { transport: nobody });
  await after.untilWindow(8);
}, 60_000);
