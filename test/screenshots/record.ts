/**
 * Records what a host says on a person's way through the practice network, as the page would hear it: real nodes, real exits,
 * the answers of the contract's queries at each of {@link MOMENTS}. What names this machine is left out.
 */
import { writeFile } from "node:fs/promises";
import { get } from "node:http";
import { setTimeout } from "node:timers/promises";

import { follow, type Client } from "../../main/api/client.ts";
import { contract, type Contract, type HostEvent, type Status } from "../../main/api/contract.ts";
import { PASSPHRASE, Playground } from "../../main/app/cli.fixture.ts";
import { clientOf } from "../e2e/smallNetwork.ts";
import { RECORDING, type Answers, type Moment, type Recording } from "./recording.ts";

const CANDIDATE_WINDOWS = 20;
const WAIT_MS_MAX = 600_000;
/** So that the tunnel has rates to show: pages that are fetched through it, in bursts. */
const BURSTS = 25;
const BURST_PAUSE_MS = 700;
const REQUESTED = "1250000000";
/** All but the last have settled in the end. */
const PAYMENTS = ["1250000000", "500000001", "2000000000"];

type QueryName = { [N in keyof Contract]: Contract[N]["kind"] extends "query" ? N : never }[keyof Contract];
/** What the page asks for, with what it asks. */
const ASKED: Partial<Record<QueryName, object>> = {
  ...{ vpnCities: {}, vpnHistory: {}, vpnSettings: {}, vpnSubscriptions: {}, vpnKeys: {} },
  ...{ identity: {}, networks: {}, settings: {}, time: {}, balance: {}, bonusOffer: {} },
  ...{ history: { limit: 30 }, networkView: { limit: 10 }, recentWindows: { count: 60 }, activity: { count: 30 } },
};

export async function record(): Promise<void> {
  const playground = await Playground.make();
  const run = async <T>(...words: string[]): Promise<T> => {
    const ended = await playground.run([...words, "--json"]);
    if (ended.code !== 0) throw new Error(`montana ${words.join(" ")}: ${ended.out}${ended.err}`);
    return ended.json() as T;
  };
  const moments: Partial<Record<Moment, Answers>> = {};
  try {
    await run("local", "start", "--candidate-windows", String(CANDIDATE_WINDOWS));
    await run("open", "--print", "--network", "local");
    const client = await clientOf(playground);
    const keep = async (moment: Moment, more: object = {}): Promise<void> => {
      moments[moment] = { ...(await answersOf(client)), ...more };
      console.log(`recorded: ${moment}`);
    };
    await keep("newcomer", { speedTest: await client.speedTest.mutate({}) });
    await client.vpnConnect.mutate({ city: "FRA", mode: "local" });
    const watched = follow(
      client,
      () => undefined,
      () => undefined,
      { figures: true },
    );
    await client.vpnTest.mutate({});
    const { siteUrl } = await run<{ siteUrl: string }>("local", "status");
    const { proxy } = await client.vpnStatus.query();
    for (let burst = 0; burst < BURSTS; burst++) {
      await Promise.all(Array.from({ length: (burst * 7) % 20 }, () => fetchThrough(proxy!, siteUrl)));
      await setTimeout(BURST_PAUSE_MS);
    }
    await keep("connected");

    const { words } = await client.newWords.mutate();
    await client.makeIdentity.mutate({ words, passphrase: PASSPHRASE });
    await client.startNode.mutate({ network: "local" });
    await client.join.mutate({ startsAnyway: true });
    const isAt = (phase: Status["phase"], more: (status: Status) => boolean = () => true): Promise<void> =>
      until(client, (status) => status.phase === phase && more(status));
    await isAt("CandidateVdf", ({ candidate }) => candidate !== null && candidate.done > 5 * candidate.d);
    const createRequest = await client.createRequest.mutate({ amount: REQUESTED, note: "for the concert" });
    const openRequest = await client.openRequest.query({ request: createRequest.request });
    await keep("candidate", { createRequest, openRequest });
    await isAt("Registered", ({ queue }) => queue !== null);
    await keep("registered");
    await isAt("Active", ({ balance }) => balance !== null && balance !== "0");
    await until(client, async () => (await client.activity.query({ count: 30 })).activity !== null);
    await keep("admitted");
    await client.unlock.mutate({ passphrase: PASSPHRASE, seconds: 3_600 });
    await client.moveBonus.mutate({ way: "money" });
    await until(client, async () => (await client.balance.query()).accounts.every(({ exists }) => exists));
    const { accounts } = await client.balance.query();
    const to = accounts.find(({ role }) => role === "node")!.address;
    let send;
    for (const amount of PAYMENTS) {
      await until(client, async () => (await client.balance.query()).available !== "0");
      send = await client.send.mutate({ to, amount, from: "account" });
    }
    await keep("active", { send });
    watched.stop();
    const note = `Recorded by \`npm run screenshots -- --record\` from the practice network of ${new Date().toISOString().slice(0, 10)}: main/local, ${process.platform}, candidate chains of ${CANDIDATE_WINDOWS} windows.`;
    const recording: Recording = { note, moments: moments as Recording["moments"] };
    await writeFile(RECORDING, `${textOf(recording).replaceAll(playground.folder, "/home/anna")}\n`);
  } finally {
    await playground.run(["stop"]);
    await playground.run(["local", "stop"]);
    await playground.remove();
  }
}

/** A line for each answer. */
function textOf({ note, moments }: Recording): string {
  const lines = (answers: Answers): string =>
    Object.entries(answers)
      .map(([name, answer]) => `   ${JSON.stringify(name)}: ${JSON.stringify(answer)}`)
      .join(",\n");
  const told = Object.entries(moments).map(
    ([moment, answers]) => `  ${JSON.stringify(moment)}: {\n${lines(answers)}\n  }`,
  );
  return `{\n "note": ${JSON.stringify(note)},\n "moments": {\n${told.join(",\n")}\n }\n}`;
}

/** Whatever comes of it: what counts is that something went through the tunnel. */
function fetchThrough({ host, port }: { readonly host: string; readonly port: number }, url: string): Promise<void> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: url, headers: { host: new URL(url).host }, agent: false }, (response) => {
      response.resume().once("close", resolve);
    });
    request.once("error", () => resolve());
  });
}

/** Of all that answer: without a node some do not. */
async function answersOf(client: Client): Promise<Answers> {
  const atMs = Date.now();
  const answers: Answers = { atMs, snapshot: await snapshotOf(client) };
  for (const [name, input] of Object.entries(ASKED)) {
    const query = (client as unknown as Record<string, { query(input: unknown): Promise<unknown> }>)[name]!;
    const isBare = !contract[name as QueryName].input.safeParse({}).success;
    try {
      answers[name] = await query.query(isBare ? undefined : input);
    } catch {
      // "service-unavailable": shown as that.
    }
  }
  return answers;
}

function snapshotOf(client: Client): Promise<Extract<HostEvent, { kind: "snapshot" }>["payload"]> {
  return new Promise((resolve, reject) => {
    const following = follow(
      client,
      (event) => {
        if (event.kind !== "snapshot") return;
        following.stop();
        resolve(event.payload);
      },
      (reason) => reject(new Error(reason?.code ?? "the host ended")),
    );
  });
}

async function until(client: Client, holds: (status: Status) => boolean | Promise<boolean>): Promise<void> {
  const untilMs = Date.now() + WAIT_MS_MAX;
  while (!(await holds(await client.status.query()))) {
    if (Date.now() > untilMs) throw new Error("the practice network took too long");
    await setTimeout(100);
  }
}
