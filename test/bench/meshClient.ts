/**
 * Those who ask the public server, in a process of their own, so that they share neither a thread nor a core with each other by
 * force: `node meshClient.ts load|flood|polite PORT SECONDS`. Each tells its parent what it saw, and ends.
 */
import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

import autocannon from "autocannon";

export interface Loaded {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly answered: number;
  readonly refused: number;
  readonly others: number;
}

/** Milliseconds from the moment when each request was due. */
export type Waited = readonly number[];

const [kind = "", port = "", seconds = ""] = process.argv.slice(2);

/** As many connections as a server is measured with. */
const CONNECTIONS = 20;
/** As many as one address may hold, each with as many requests as may wait on it. */
const FLOOD = { connections: 64, pipelining: 16 };

async function load(how: { connections: number; pipelining?: number }): Promise<Loaded> {
  const url = `http://127.0.0.1:${port}/vpn/sub`;
  const { requests, latency, non2xx, ...by } = await autocannon({ url, duration: Number(seconds), ...how });
  const [answered, refused] = [by["2xx"], by["4xx"]];
  return { perSecond: requests.average, p99Ms: latency.p99, answered, refused, others: non2xx - refused };
}

const POLITE_EVERY_MS = 20;
/** Each asks no oftener than it may. */
const POLITE_ADDRESSES = 50;

/** People with an address each, one after the other, whether the one before has its answer or not. */
async function askPolitely(): Promise<Waited> {
  const asked: Promise<number>[] = [];
  const start = performance.now();
  for (let i = 0; i * POLITE_EVERY_MS < Number(seconds) * 1000; i++) {
    const dueAt = start + i * POLITE_EVERY_MS;
    await wait(Math.max(0, dueAt - performance.now()));
    // What is late on this side of the wire is not the server's.
    asked.push(askOnce(`127.0.0.${10 + (i % POLITE_ADDRESSES)}`, Math.max(dueAt, performance.now())));
  }
  return Promise.all(asked);
}

function askOnce(localAddress: string, since: number): Promise<number> {
  const options = { host: "127.0.0.1", port: Number(port), path: "/vpn/sub", localAddress, agent: false as const };
  return new Promise((resolve, reject) => {
    const request = get(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`a polite request was answered with ${response.statusCode!}`));
      response.resume().on("end", () => resolve(performance.now() - since));
    });
    request.on("error", reject);
  });
}

const saw =
  kind === "polite" ? await askPolitely() : await load(kind === "flood" ? FLOOD : { connections: CONNECTIONS });
process.send!(saw, () => process.disconnect());
