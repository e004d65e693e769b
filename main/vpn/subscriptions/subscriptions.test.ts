import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";

import type { City } from "../../cities/cities.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import { encodeSubscription } from "../../cities/subscription.ts";
import { refreshDelay } from "./schedule.ts";
import { linkFor, startSubscriptionServer, type Reply } from "./subscriptions.fixture.ts";
import { Subscriptions, type SubscriptionsOptions } from "./subscriptions.ts";

const root = mkdtempSync(join(tmpdir(), "subscriptions-"));
const server = await startSubscriptionServer();
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

let directory: string;
let folders = 0;
beforeEach(() => {
  directory = join(root, String(folders++));
});

let now = 1_790_000_000;
const open = (options: Partial<SubscriptionsOptions> = {}): Subscriptions =>
  new Subscriptions({
    directory,
    tunnel: () => undefined,
    onChange: () => undefined,
    nowUnix: () => now,
    random: () => 0,
    ...options,
  });

const cityOf = (code: string, exit = code, frontedBy: string[] = []): City => ({
  ...{ code, node: code, name: { en: `City ${code}`, ru: code }, country: "DE", region: "eu", lat: 1, lon: 1 },
  timechain: { phase: "Active", emits: false },
  vpn: {
    enabled: true,
    primary: false,
    exit,
    fronts: exit === code ? [] : [exit],
    fronted_by: frontedBy,
    endpoint: null,
  },
});
const network = { codes: ["fra", "fin"], cities: [cityOf("fra", "fra", ["fin"]), cityOf("fin", "fra")] };

const serve = (...links: string[]): void => {
  server.reply = () => ({ status: 200, body: encodeSubscription(links) });
};
const idsOf = (subscriptions: Subscriptions): string[] => subscriptions.cities().map(({ id }) => id);
const usable = (subscriptions: Subscriptions): string[] => subscriptions.usableRoutes().map(({ city }) => city);

test("a city has all its routes: direct, through fronts, from several subscriptions and single links", async () => {
  const subscriptions = open();
  subscriptions.setNetwork(network);
  server.reply = (path) => ({
    status: 200,
    body: path === "/a" ? [linkFor("fra", 1), linkFor("fin", 2)].join("\n") : linkFor("fra", 1),
  });
  const [a, b] = ["/a", "/b"].map((path) => subscriptions.add(`http://127.0.0.1:${server.port}${path}`));
  await subscriptions.refreshAll();
  subscriptions.import(linkFor(undefined, 3));
  const [fin, fra, other] = subscriptions.cities();
  expect(idsOf(subscriptions)).toEqual(["fin", "fra", "192.0.2.3:443"]);
  expect(fra!.routes.map(({ via, entry, sources }) => [via, entry, sources])).toEqual([
    ["direct", "fra", [a, b]],
    ["front", "fin", [a]],
  ]);
  expect([fin!.routes.length, fra!.label, other!.label]).toEqual([1, "City fra", "Exit 3"]);
  expect(usable(subscriptions)).toEqual(["fin", "fra", "192.0.2.3:443"]);
});

test("everything is there again after a start without a network, readable by the owner alone", async () => {
  const first = open();
  first.setNetwork(network);
  server.reply = () => ({
    status: 200,
    headers: {
      "profile-title": "Home",
      "subscription-userinfo": "upload=1; download=2; total=0; expire=9",
      etag: '"x"',
    },
    body: encodeSubscription([linkFor("fra", 1), "trojan://x"]),
  });
  const id = first.add(server.url);
  await first.refresh(id);
  first.import(linkFor(undefined, 3));
  const again = open();
  again.setNetwork(network);
  expect(again.cities()).toEqual(first.cities());
  expect(again.list).toEqual(first.list);
  expect(again.list[0]).toMatchObject({
    profile: { title: "Home", intervalHours: 1, userinfo: { upload: 1, download: 2, total: null, expire: 9 } },
    ...{ servers: 1, skipped: [{ line: 2, reason: "unsupported-scheme" }], fetchedUnix: now, fault: null },
  });
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  expect(files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mode & 0o777)).toEqual(
    files.map(() => 0o600),
  );
});

const badReplies: [string, Reply][] = [
  ["subscription-refused", { status: 500 }],
  ["subscription-empty", { status: 200, body: "<html>Please sign in</html>" }],
  ["subscription-not-text", { status: 200, body: Buffer.from([0xff]) }],
];
test.each(badReplies)("the last good list stays, and %s is told", async (code, reply) => {
  const subscriptions = open();
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  const cities = subscriptions.cities();
  server.reply = () => reply;
  await subscriptions.refresh(id);
  expect(subscriptions.cities()).toEqual(cities);
  expect(subscriptions.list[0]!.fault!.code).toBe(code);
  expect(open().cities()).toEqual(cities);
});

test("an unchanged body is confirmed by its tag", async () => {
  const subscriptions = open();
  server.reply = (_, headers) =>
    headers["if-none-match"] === '"t"'
      ? { status: 304 }
      : { status: 200, headers: { etag: '"t"' }, body: linkFor("fra", 1) };
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  now += 100;
  await subscriptions.refresh(id);
  expect(subscriptions.list[0]).toMatchObject({ fetchedUnix: now, servers: 1, fault: null });
});

test("what cannot be fetched directly is fetched through the tunnel", async () => {
  // The server answers absolute addresses as the tunnel's port would.
  const tunnel = (): { host: string; port: number } => ({ host: "127.0.0.1", port: server.port });
  serve(linkFor("fra", 1));
  const subscriptions = open({ tunnel });
  const id = subscriptions.add("http://127.0.0.1:1/vpn/sub");
  await subscriptions.refresh(id);
  expect(subscriptions.list[0]).toMatchObject({ servers: 1, fault: null });
  expect(server.requests.at(-1)!.path).toBe("http://127.0.0.1:1/vpn/sub");
});

test("a city whose key changes is not used before the person accepts it, also after a start", async () => {
  const subscriptions = open();
  subscriptions.setNetwork(network);
  serve(linkFor("fra", 1), linkFor("fin", 2));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  serve(linkFor("fra", 9), linkFor("fin", 2));
  await subscriptions.refresh(id);
  const keyOf = (from: Subscriptions): unknown => from.cities().find((city) => city.id === "fra")!.routes[0]!.key;
  expect(keyOf(subscriptions)).toBe("unexplained");
  expect(usable(subscriptions)).toEqual(["fin"]);
  const again = open();
  again.setNetwork(network);
  expect(usable(again)).toEqual(["fin"]);
  const [held] = again.heldKeys();
  expect(again.heldKeys()).toEqual([
    { id: held!.id, entry: "fra", label: "City fra", verdict: "unexplained", isRefused: false },
  ]);
  again.judgeKey(held!.id, false);
  expect([open().heldKeys()[0]!.isRefused, usable(again)]).toEqual([true, ["fin"]]);
  again.judgeKey(held!.id, true);
  expect(usable(again)).toEqual(["fin", "fra"]);
  const third = open();
  third.setNetwork(network);
  expect(usable(third)).toEqual(["fin", "fra"]);
});

test("a key that follows one that worked until now is a rotation, and is asked about too", async () => {
  const subscriptions = open();
  subscriptions.setNetwork(network);
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  subscriptions.recordWorked("fra", parseShareLink(linkFor("fra", 1)).pbk);
  serve(linkFor("fra", 9));
  await subscriptions.refresh(id);
  expect(subscriptions.cities()[0]!.routes[0]!.key).toBe("rotated");
  expect(usable(subscriptions)).toEqual([]);
  // Of the time of a connection only the day is kept.
  expect(readFileSync(join(directory, "pins"), "utf8")).toContain(`"workedUnix":${now - (now % 86_400)}`);
});

test("a corrupt file is named and set aside, and the others stay", async () => {
  const subscriptions = open();
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  await subscriptions.refresh(id);
  subscriptions.import(linkFor(undefined, 3));
  writeFileSync(join(directory, "bodies", id), "rubbish");
  const again = open();
  expect(again.faults).toEqual([
    { code: "subscription-file-corrupt", params: { kind: "body", path: join(directory, "bodies", `${id}.corrupt`) } },
  ]);
  expect(again.list[0]).toMatchObject({ servers: 0, fetchedUnix: null });
  expect(idsOf(again)).toEqual(["192.0.2.3:443"]);
  await again.refresh(id);
  expect(again.list[0]).toMatchObject({ servers: 1 });
});

test("the default of a network comes once, and not again after the person removed it", () => {
  const subscriptions = open();
  subscriptions.setNetwork(network, server.url);
  subscriptions.setNetwork(network, server.url);
  expect(subscriptions.list.map(({ origin }) => origin)).toEqual(["network"]);
  subscriptions.remove(subscriptions.list[0]!.id);
  const again = open();
  again.setNetwork(network, server.url);
  expect(again.list).toEqual([]);
  again.add(server.url);
  expect(again.list.map(({ origin }) => origin)).toEqual(["person"]);
});

test("pasted text is a subscription, links, a deep link or refused with the reason", () => {
  const subscriptions = open();
  expect(subscriptions.import(` ${server.url}\n`).kind).toBe("subscription");
  const many = `${linkFor("fra", 1)}\n${linkFor("fin", 2)}\nss://x`;
  expect(subscriptions.import(many)).toMatchObject({ kind: "links", added: 2, skipped: [{ line: 3 }] });
  expect(subscriptions.import(linkFor("fra", 1))).toMatchObject({ kind: "links", added: 0 });
  expect(subscriptions.import(encodeSubscription([linkFor("msk", 4)]))).toMatchObject({ added: 1 });
  expect(subscriptions.import("montana://connect/fra")).toEqual({ kind: "connect", city: "fra" });
  const code = (expected: string): unknown => expect.objectContaining({ code: expected });
  expect(() => subscriptions.import("vless://nobody")).toThrow(code("missing-uuid"));
  expect(() => subscriptions.import("hello")).toThrow(code("import-unusable"));
  expect(subscriptions.links.length).toBe(3);
  subscriptions.removeLink(parseShareLink(linkFor("fra", 1)));
  expect(open().links.length).toBe(2);
});

test("what runs is fetched at start and then at its interval, spread by up to a tenth", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let fetches = 0;
  server.reply = () => {
    fetches++;
    return { status: 200, headers: { "profile-update-interval": "2" }, body: linkFor("fra", 1) };
  };
  const subscriptions = open();
  const id = subscriptions.add(server.url);
  subscriptions.start();
  // Joins the fetch that runs.
  await subscriptions.refresh(id);
  expect(fetches).toBe(1);
  vi.advanceTimersByTime(2 * 3_600_000 - 1);
  expect(fetches).toBe(1);
  vi.advanceTimersByTime(1);
  await subscriptions.refresh(id);
  expect(fetches).toBe(2);
  subscriptions.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  expect([refreshDelay(2, 0), refreshDelay(2, 0.999_999_999)]).toEqual([7_200_000, 7_920_000]);
});

test("a subscription that is removed while it is fetched leaves nothing", async () => {
  const subscriptions = open();
  serve(linkFor("fra", 1));
  const id = subscriptions.add(server.url);
  const fetching = subscriptions.refresh(id);
  subscriptions.remove(id);
  await fetching;
  expect([subscriptions.list, subscriptions.cities()]).toEqual([[], []]);
  expect(open().list).toEqual([]);
});
