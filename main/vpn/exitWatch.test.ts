import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";

import { makeCertificate } from "../xray/certificate.ts";
import { ExitWatch, type Door } from "./exitWatch.ts";

const NAME = "www.decoy.example";
const [PERIOD_MS, WAIT_MS_MAX] = [100, 20_000];

interface TestDoor extends Door {
  /** It takes connections and says nothing, as a stopped process does. */
  isMute: boolean;
}

let doors: TestDoor[];
let servers: Server[];
let sockets: Set<Socket>;
let watch: ExitWatch;
let told: string[];

beforeEach(async () => {
  [servers, sockets, told] = [[], new Set(), []];
  doors = [await openDoor("fra"), await openDoor("hel")];
  watch = new ExitWatch({
    ...{ doors: () => doors, period: PERIOD_MS },
    onSilent: (city) => told.push(`${city} silent`),
    onHeard: (city) => told.push(`${city} heard`),
  });
});
afterEach(async () => {
  watch.stop();
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

async function openDoor(city: string): Promise<TestDoor> {
  const { certificate, key } = makeCertificate(NAME, Date.now() + 3_600_000);
  const tls = createTlsServer({ cert: certificate, key }).on("tlsClientError", () => undefined);
  const door = { city, host: "127.0.0.1", port: 0, sni: NAME, isMute: false };
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    if (!door.isMute) tls.emit("connection", socket);
  });
  await new Promise<void>((resolve) => server.listen(0, door.host, resolve));
  servers.push(server);
  const { port } = server.address() as { readonly port: number };
  return Object.assign(door, { port });
}

const silent = () => expect.poll(() => [...watch.silent.keys()].sort(), { timeout: WAIT_MS_MAX });

test("a city whose door says nothing is silent since it was last heard, and is heard again", async () => {
  watch.start();
  await silent().toEqual([]);
  doors[0]!.isMute = true;
  const mutedAtMs = Date.now();
  await silent().toEqual(["fra"]);
  expect(watch.silent.get("fra")).toBeLessThanOrEqual(mutedAtMs + PERIOD_MS);
  doors[0]!.isMute = false;
  await silent().toEqual([]);
  expect(told).toEqual(["fra silent", "fra heard"]);
});

test("a city with two doors is there while one of them answers", async () => {
  doors.push(await openDoor("fra"));
  doors[0]!.isMute = true;
  doors[1]!.isMute = true;
  watch.start();
  await silent().toEqual(["hel"]);
  doors[2]!.isMute = true;
  await silent().toEqual(["fra", "hel"]);
});

test("nobody is there where nothing listens, and nothing is asked or known after the end", async () => {
  await new Promise((resolve) => servers[0]!.close(resolve));
  watch.start();
  await silent().toEqual(["fra"]);
  watch.stop();
  expect([...watch.silent]).toEqual([]);
  const before = sockets.size;
  await new Promise((resolve) => setTimeout(resolve, 5 * PERIOD_MS));
  expect(sockets.size - before).toBeLessThanOrEqual(1);
});
