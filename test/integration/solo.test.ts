/** `montana` as a person uses it: real processes, real files, a network of one node. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { afterAll, beforeAll, expect, test } from "vitest";

import { call } from "../../main/api/client.ts";
import { reach } from "../../main/app/attach.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { Playground, type Started } from "../../main/app/cli.fixture.ts";
import { decodeLogged } from "../../main/node/runtime/loggedObjects.ts";
import { SignedLog } from "../../main/node/store/signedLog.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { genesisOf } from "../../main/node/network/genesis.ts";
import { parseNetworkFile } from "../../main/node/network/networkFile.ts";

const EMISSION = 13_000_000_000n;
const STOP_MS_MAX = 5000;

interface Status {
  readonly pid: number;
  readonly network: string;
  readonly phase: string;
  readonly window: number | null;
  readonly stateRoot: string;
  readonly balance: string;
  readonly supply: string;
}

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.make();
  await playground.init();
});
afterAll(() => playground.remove());

async function ask<T>(...words: string[]): Promise<T> {
  const ended = await playground.run([...words, "--json"]);
  if (ended.code !== 0) throw new Error(ended.out + ended.err);
  return ended.json() as T;
}

/** The same without a process for each question. */
async function status(): Promise<Status> {
  const host = await reach(locateData(playground.data));
  return call(host!.client.status.query()) as Promise<Status>;
}

/** The status of the first window from `window` on. */
async function statusFrom(window: number): Promise<Status> {
  for (;;) {
    const current = await status();
    if ((current.window ?? -1) >= window) return current;
    await wait(50);
  }
}

/** After proposal W the genesis operator holds 13·W Ɉ, and there are 13·(W + 1). */
function expectSupplyRule({ window, balance, supply }: Status): void {
  expect([balance, supply]).toEqual([EMISSION * BigInt(window!), EMISSION * BigInt(window! + 1)].map(String));
}

async function stopInTime({ ended }: Started): Promise<void> {
  const startedMs = performance.now();
  await ask("stop");
  expect((await ended).code).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(STOP_MS_MAX + 1000);
}

const networkFolder = (): string => join(playground.data, "networks", "solo");

/** What the stopped node has signed, by what may be signed once. */
async function signedObjects(): Promise<Map<string, string>> {
  const { crypto } = loadCrypto();
  const file = join(networkFolder(), "network.json");
  const { stateHash } = genesisOf(crypto, parseNetworkFile(file, await readFile(file, "utf8")));
  const log = await SignedLog.open(networkFolder(), stateHash);
  const signed = log.entries().map((entry): [string, string] => {
    const { kind, window, round, phase } = entry.key;
    const { signature } = decodeLogged(entry).signed.object;
    return [`${kind} ${window} ${round} ${phase}`, Buffer.from(signature).toString("hex")];
  });
  await log.close();
  return new Map(signed);
}

test("a node alone decides windows, keeps the supply rule in each, and goes on after kill -9 without contradicting itself", async () => {
  let host = await playground.start();
  const first = await statusFrom(0);
  expect(first).toMatchObject({ pid: host.pid, network: "solo", phase: "Active" });
  for (let window = first.window! + 1; window < first.window! + 5; window++) {
    expectSupplyRule(await statusFrom(window));
  }
  expectSupplyRule(await ask<Status>("status"));
  const time = await ask<{ window: number; d: number; timechainValue: string }>("time");
  expect(time.timechainValue).toMatch(/^[0-9a-f]{64}$/);
  const money = await ask<{ total: string; window: number }>("balance");
  expect(money.total).toBe((EMISSION * BigInt(money.window)).toString());

  const second = await playground.run(["start", "--network", "solo", "--json"]);
  expect(second.json()).toMatchObject({ error: { code: "host-running", params: { pid: host.pid } } });

  for (let i = 0; i < 2; i++) {
    const before = await statusFrom(0);
    host.process.kill("SIGKILL");
    await host.ended;
    const signed = await signedObjects();
    expect(signed.size).toBeGreaterThan(0);
    host = await playground.start();
    const after = await statusFrom(before.window! + 2);
    expectSupplyRule(after);
    await stopInTime(host);
    const later = await signedObjects();
    for (const [key, signature] of later) expect(signed.get(key) ?? signature, key).toBe(signature);
    host = await playground.start();
  }
  await statusFrom(time.window + 6);
  await stopInTime(host);
});
