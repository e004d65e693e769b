/** What a subscription's server, or somebody between, may try. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, expect, test } from "vitest";

import { parseShareLink } from "../../cities/shareLink.ts";
import { fetchSubscription } from "./fetchSubscription.ts";
import { linkFor, startSubscriptionServer } from "./subscriptions.fixture.ts";
import { Subscriptions, type SubscriptionsOptions } from "./subscriptions.ts";
import { directTransport, tunnelTransport, type Answer, type Transport } from "./transport.ts";

const root = mkdtempSync(join(tmpdir(), "attacks-"));
const server = await startSubscriptionServer();
const raw = createServer();
await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
afterAll(() => {
  server.close();
  raw.close();
  rmSync(root, { recursive: true });
});

let directory: string;
let folders = 0;
beforeEach(() => {
  directory = join(root, String(folders++));
});

const open = (options: Partial<SubscriptionsOptions> = {}): Subscriptions =>
  new Subscriptions({ directory, tunnel: () => undefined, onChange: () => undefined, random: () => 0, ...options });
const network = { codes: ["fra", "fin"], cities: [] };
const serve = (...links: readonly string[]): void => {
  server.reply = () => ({ status: 200, body: links.join("\n") });
};
const fails = (url: string, code: string, transport: Transport = directTransport): Promise<void> =>
  expect(fetchSubscription(url, null, transport)).rejects.toThrow(expect.objectContaining({ code }));

/** What `raw` says to whoever connects, and whether it hangs up then. */
function sayRaw(listener: Server, text: string, isOver: boolean): string {
  listener.removeAllListeners("connection");
  listener.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (isOver ? socket.end(text) : socket.write(text)));
  });
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
}

test("a list of ten thousand entries is taken, and one entry more is not, with a sentence that says so", async () => {
  const subscriptions = open();
  const lines = Array.from({ length: 10_000 }, (_, i) => linkFor(undefined, 1, `h${i}.example`));
  serve(...lines);
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  expect(subscriptions.usableRoutes().length).toBe(10_000);
  serve(...lines, linkFor("fra", 2));
  await subscriptions.refresh(id);
  expect(subscriptions.list[0]!.fault).toEqual({ code: "subscription-too-many-entries", params: { limit: 10_000 } });
  expect(subscriptions.usableRoutes().length).toBe(10_000);
});

test("a flood of entries does not make the key of a city forgotten", { timeout: 120_000 }, async () => {
  const subscriptions = open();
  subscriptions.setNetwork(network);
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  for (let round = 0; round < 3; round++) {
    serve(...Array.from({ length: 10_000 }, (_, i) => linkFor(undefined, 3, `r${round}x${i}.example`)));
    await subscriptions.refresh(id);
  }
  for (const from of [subscriptions, open()]) {
    from.setNetwork(network);
    serve(linkFor("fra", 9));
    await from.refresh(id);
    expect(from.cities().flatMap(({ routes }) => routes.map(({ key }) => key))).toEqual(["unexplained"]);
    expect(from.usableRoutes()).toEqual([]);
  }
});

test("another subscription can neither replace a city's exit nor rename it away", async () => {
  const subscriptions = open();
  subscriptions.setNetwork(network);
  const [evil, good] = ["/evil", "/good"].map((path) => `http://127.0.0.1:${server.port}${path}`) as [string, string];
  const replies: Record<string, string[]> = { "/evil": [linkFor(undefined, 5)], "/good": [linkFor("fra", 1)] };
  server.reply = (path) => ({ status: 200, body: replies[path]!.join("\n") });
  for (const url of [evil, good]) await subscriptions.refresh(subscriptions.add(url));
  // An exit of its own in the city's name, and the city's own exit by another city's name.
  replies["/evil"] = [linkFor("fra", 9), linkFor("fra", 1).replace("FRA", "FIN")];
  await subscriptions.refreshAll();
  const { pbk } = parseShareLink(linkFor("fra", 1));
  expect(
    subscriptions
      .usableRoutes()
      .filter(({ city }) => city === "fra")
      .map(({ link }) => link.pbk),
  ).toEqual([pbk]);
});

test("a redirection leads neither to this machine nor into its network, nor to what is no address", async () => {
  const to =
    (location: string): Transport =>
    () =>
      Promise.resolve({
        status: 302,
        headers: new Map([["location", location]]),
        body: [] as never,
        close: () => undefined,
      } satisfies Answer);
  for (const location of [
    ...[
      "http://127.0.0.1:8080/reboot",
      "http://[::1]/",
      "http://192.168.1.1/",
      "http://localhost/",
      "http://router.local/",
    ],
    ...[
      "http://2130706433/",
      "http://[::ffff:10.0.0.1]/",
      "http://user:word@other.example/",
      "ftp://other.example/",
      "file:///etc/passwd",
    ],
  ]) {
    await fails("http://sub.example/list", "subscription-redirected", to(location));
  }
});

test("an answer that is none ends the fetch: another protocol, silence, half a body, rubbish", async () => {
  await fails(
    sayRaw(raw, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false),
    "subscription-unreachable",
  );
  await fails(sayRaw(raw, "", true), "subscription-unreachable");
  await fails(sayRaw(raw, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nvless", true), "subscription-unreachable");
  await fails(sayRaw(raw, "\x16\x03\x01\x02\x00", true), "subscription-unreachable");
  await fails(sayRaw(raw, `HTTP/1.1 200 OK\r\nX: ${"a".repeat(20_000)}\r\n\r\n`, true), "subscription-unreachable");
});

test("a tunnel that hangs up or refuses ends the fetch through it", async () => {
  for (const answer of ["", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"]) {
    const { port } = new URL(sayRaw(raw, answer, true));
    const tunnel = tunnelTransport({ host: "127.0.0.1", port: Number(port) });
    await fails("https://sub.example/list", "subscription-unreachable", tunnel);
  }
});

test("nothing that is shown turns the direction of writing or is no address", async () => {
  const subscriptions = open();
  const title = `base64:${Buffer.from("Home\u202egnp.exe").toString("base64")}`;
  server.reply = () => ({
    status: 200,
    headers: {
      "profile-title": title,
      "support-url": 'https://a"onclick=x',
      "profile-web-page-url": "https://example.org/x",
    },
    body: linkFor(undefined, 1),
  });
  await subscriptions.refresh(subscriptions.add(server.url));
  expect(subscriptions.list[0]!.profile).toMatchObject({
    ...{ title: "Homegnp.exe", supportUrl: null, webPageUrl: "https://example.org/x" },
  });
});

test("a list that cannot be written is used and not fetched again through the tunnel", async () => {
  let fetches = 0;
  server.reply = () => {
    fetches++;
    return { status: 200, body: linkFor("fra", 1) };
  };
  const subscriptions = open({ tunnel: () => ({ host: "127.0.0.1", port: server.port }) });
  const id = subscriptions.add(server.url);
  // No folder can be made where a file is.
  writeFileSync(join(directory, "bodies"), "");
  await subscriptions.refresh(id);
  expect(fetches).toBe(1);
  expect(subscriptions.list[0]).toMatchObject({ servers: 1, fault: { code: "file-unwritable" } });
});

test("what was kept of a subscription that is gone is cleared away at the next start", async () => {
  const subscriptions = open();
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  // As a crash leaves it between the list and the body.
  const bodies = join(directory, "bodies");
  for (const name of ["0123456789abcdef", `${id}.new`]) writeFileSync(join(bodies, name), linkFor("fin", 2));
  open();
  expect(readdirSync(bodies)).toEqual([id]);
});

test("a kept tag is sent after a start, and an unchanged answer confirms what is on the disk", async () => {
  server.reply = () => ({ status: 200, headers: { etag: 'W/"v1"' }, body: linkFor("fra", 1) });
  const id = open().add(server.url);
  await open().refresh(id);
  server.reply = (_, headers) => (headers["if-none-match"] === 'W/"v1"' ? { status: 304 } : { status: 500 });
  const again = open();
  await again.refresh(id);
  expect(again.list[0]).toMatchObject({ servers: 1, fault: null });
});

test(
  "the last good list survives a program that is killed at any moment of a refresh",
  { timeout: 120_000 },
  async () => {
    const lists = [1, 2].map((n) => Array.from({ length: 500 }, (_, i) => linkFor(undefined, n, `h${i}.example`)));
    let turn = 0;
    server.reply = () => ({ status: 200, body: lists[turn++ % 2]!.join("\n") });
    const id = open().add(server.url);
    await open().refresh(id);
    const main = fileURLToPath(new URL("refreshMain.fixture.ts", import.meta.url));
    for (let i = 0; i < 12; i++) {
      const child = spawn(process.execPath, [main, directory], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(child, "exit");
      await once(child.stdout, "data");
      await sleep(Math.random() * 60);
      child.kill("SIGKILL");
      await ended;
      const after = open();
      expect(after.faults).toEqual([]);
      expect(after.list[0]!.servers).toBe(500);
      expect(new Set(after.usableRoutes().map(({ link }) => link.pbk)).size).toBeLessThanOrEqual(1);
    }
    expect(existsSync(join(directory, "bodies", `${id}.corrupt`))).toBe(false);
  },
);
