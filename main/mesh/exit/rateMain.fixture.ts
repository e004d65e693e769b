/** Run in a network namespace: caps `lo`, measures, undoes, and meets somebody else's shaper. Prints what it saw. */
import { execFileSync } from "node:child_process";
import { connect, createServer, type AddressInfo } from "node:net";

import type { ProtocolError } from "../../protocol/errors.ts";
import { capRate, uncapRate } from "./rateCap.ts";

const BYTES = 3_000_000;
const cap = { device: "lo", mbit: 8 };
const shapers = (): string => execFileSync("tc", ["qdisc", "show", "dev", "lo"], { encoding: "utf8" });

async function start() {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(Buffer.alloc(BYTES));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Milliseconds until all has come. */
function fetchAll(port: number): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("data", () => undefined);
    socket.once("error", reject);
    socket.once("end", () => resolve(performance.now() - began));
  });
}

const [city, other] = [await start(), await start()];
const [cityPort, otherPort] = [city, other].map((server) => (server.address() as AddressInfo).port) as [number, number];
const before = shapers();
await capRate(cap, [cityPort]);
// Again, as after a crash.
await capRate(cap, [cityPort]);
const capped = shapers();
const [slow, free] = [await fetchAll(cityPort), await fetchAll(otherPort)];
await uncapRate(cap);
await uncapRate(cap);
const after = shapers();
execFileSync("tc", ["qdisc", "add", "dev", "lo", "root", "tbf", "rate", "5mbit", "burst", "32k", "latency", "100ms"]);
const foreign = await capRate(cap, [cityPort]).then(
  () => "no error",
  (error: unknown) => {
    const { code, params } = error as ProtocolError;
    return { code, kind: params["kind"] };
  },
);
process.stdout.write(JSON.stringify({ before, capped, after, foreign, slow, free }));
city.close();
other.close();
