import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { parseShareLink } from "../../cities/shareLink.ts";
import { codeOf } from "../../xray/codeOf.fixture.ts";
import {
  binariesHere,
  DECOY_NAME,
  freePort,
  SITE_NAME,
  startDecoy,
  startSite,
  type TestDecoy,
  type TestSite,
} from "../../xray/mesh.fixture.ts";
import { askThrough, linkIn, serviceIn, startClient, wishFor } from "./exit.fixture.ts";
import type { ExitService } from "./exitService.ts";

describe.skipIf(binariesHere() === undefined)("a city", () => {
  let decoy: TestDecoy;
  let site: TestSite;
  let folder: string;
  let service: ExitService | undefined;
  const services: ExitService[] = [];

  beforeAll(async () => {
    decoy = await startDecoy();
    site = await startSite();
  });
  afterAll(() => Promise.all([decoy.close(), site.close()]));
  afterEach(async () => {
    for (const running of services.splice(0)) await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const practice = { leavesFrom: "127.0.0.21", hosts: [{ name: SITE_NAME, address: "127.0.0.1" }] };
  const fresh = async (options: Parameters<typeof serviceIn>[1] = {}): Promise<ExitService> => {
    folder = mkdtempSync(join(tmpdir(), "exit-"));
    service = serviceIn(join(folder, "mesh"), options);
    services.push(service);
    await service.start();
    return service;
  };
  const publication = (): string => join(folder, "mesh", "public", "my-vpn.json");
  const published = (): string => linkIn(readFileSync(publication(), "utf8"));
  const untilPublished = (): Promise<string> => vi.waitFor(() => published(), { timeout: 20_000, interval: 50 });
  const ask = (link: string) => askThrough(folder, link, `${site.url}/from`);

  test("is set up, published, carries traffic, hides its secrets, and is gone when it is removed", async () => {
    const city = await fresh();
    const port = await freePort();
    expect((await city.status()).state).toBe("none");
    const { status, decoy: report } = await city.init(wishFor(decoy, port, { practice }));
    expect(status.city).toMatchObject({
      code: "fra",
      name: { en: "Frankfurt am Main", ru: "Франкфурт-на-Майне" },
      country: "DE",
    });
    expect(report!.flightBytes).toBeGreaterThan(500);
    const link = await untilPublished();
    expect(parseShareLink(link)).toMatchObject({ host: "127.0.0.1", port, sni: DECOY_NAME, label: "Montana FRA" });
    expect(statSync(publication()).mode & 0o777).toBe(0o640);
    expect(statSync(join(folder, "mesh", "exit.json")).mode & 0o777).toBe(0o600);
    const asked = site.callers.length;
    expect(await ask(link)).toMatchObject({ result: "ok", status: 200 });
    expect(site.callers.slice(asked)).toEqual(expect.arrayContaining(["127.0.0.21"]));
    expect((await city.status()).state).toBe("serving");

    expect(await city.remove()).toMatchObject({ state: "none" });
    expect(readdirSync(join(folder, "mesh", "public"))).toEqual([]);
    expect(readdirSync(join(folder, "mesh")).sort()).toEqual(["engine", "public"]);
    expect(readdirSync(join(folder, "mesh", "engine"))).toEqual([]);
    expect((await ask(link)).result).not.toBe("ok");
    expect(await codeOf(city.rotate({}))).toBe("exit-absent");
  }, 60_000);

  test("shows an active prober the real site: its certificate and its page", async () => {
    const city = await fresh();
    const port = await freePort();
    await city.init(wishFor(decoy, port, { practice }));
    await untilPublished();
    const real = await visit(decoy.port, decoy.certificate);
    const seen = await visit(port, decoy.certificate);
    expect(seen).toEqual(real);
    expect(seen.isTrusted).toBe(true);
    expect(seen.page).toContain("200 OK");
    // What is no TLS at all meets what the site itself answers to it: nothing.
    expect(await sayHello(port, "SSH-2.0-scanner\r\n")).toBe(await sayHello(decoy.port, "SSH-2.0-scanner\r\n"));
  }, 60_000);

  test("accepts the old and the new account while they overlap, then the new one alone", async () => {
    let nowUnix = 1_800_000_000;
    const city = await fresh({ nowUnix: () => nowUnix });
    await city.init(wishFor(decoy, await freePort(), { practice }));
    const before = await untilPublished();
    const status = await city.rotate({ overlapSeconds: 3600 });
    expect(status.accounts.map(({ untilMs }) => untilMs)).toEqual([null, (nowUnix + 3600) * 1000]);
    await vi.waitFor(() => expect(published()).not.toBe(before), { timeout: 20_000 });
    const after = published();
    expect(parseShareLink(after).pbk).toBe(parseShareLink(before).pbk);
    expect(await ask(before)).toMatchObject({ result: "ok" });
    expect(await ask(after)).toMatchObject({ result: "ok" });
    nowUnix += 3600;
    await vi.waitFor(async () => expect((await city.status()).accounts.length).toBe(1), { timeout: 20_000 });
    expect(await ask(after)).toMatchObject({ result: "ok" });
    expect((await ask(before)).result).not.toBe("ok");
  }, 90_000);

  test("changes its key on a second port beside the old one, or at once in its place", async () => {
    let nowUnix = 1_800_000_000;
    const city = await fresh({ nowUnix: () => nowUnix });
    const [first, second] = [await freePort(), await freePort()];
    await city.init(wishFor(decoy, first, { practice }));
    const before = await untilPublished();
    expect(await codeOf(city.rotate({ newKey: { port: first } }))).toBe("exit-needs-second-port");
    const status = await city.rotate({ overlapSeconds: 3600, newKey: { port: second } });
    expect(status.ports).toEqual([second, first]);
    await vi.waitFor(() => expect(parseShareLink(published()).port).toBe(second), { timeout: 20_000 });
    const after = published();
    expect(parseShareLink(after).pbk).not.toBe(parseShareLink(before).pbk);
    expect(await ask(before)).toMatchObject({ result: "ok" });
    expect(await ask(after)).toMatchObject({ result: "ok" });
    await city.rotate({ newKey: "cut-over" });
    await vi.waitFor(() => expect(published()).not.toBe(after), { timeout: 20_000 });
    expect(await ask(published())).toMatchObject({ result: "ok" });
    expect((await ask(after)).result).not.toBe("ok");
    nowUnix += 3600;
    await vi.waitFor(async () => expect((await city.status()).ports).toEqual([second]), { timeout: 20_000 });
  }, 120_000);

  test("that is withdrawn is not published at once, serves those who hold a link until it has drained, and can come back", async () => {
    let nowUnix = 1_800_000_000;
    const city = await fresh({ nowUnix: () => nowUnix });
    const port = await freePort();
    await city.init(wishFor(decoy, port, { practice }));
    const link = await untilPublished();
    expect(await city.withdraw({ drainSeconds: 60 })).toMatchObject({ state: "draining", isPublished: false });
    expect(await ask(link)).toMatchObject({ result: "ok" });
    nowUnix += 60;
    await vi.waitFor(async () => expect((await city.status()).state).toBe("withdrawn"), { timeout: 20_000 });
    expect((await ask(link)).result).not.toBe("ok");
    await city.init({});
    expect(await untilPublished()).toBe(link);
    expect(await ask(link)).toMatchObject({ result: "ok" });
  }, 90_000);

  test("at its volume of the month withdraws and refuses new connections, over restarts, until the next month (UTC)", async () => {
    let nowUnix = Date.UTC(2027, 0, 31, 23, 0, 0) / 1000;
    const city = await fresh({ nowUnix: () => nowUnix });
    await city.init(wishFor(decoy, await freePort(), { practice, monthlyBytes: 300_000 }));
    const link = await untilPublished();
    const client = await startClient(folder, link);
    const { probeThrough } = await import("../../xray/probe.ts");
    for (let i = 0; i < 2; i++) {
      await probeThrough({ via: { port: client.port }, url: `${site.url}/bytes/200000`, timeoutMs: 20_000 });
    }
    await client.stop();
    await vi.waitFor(async () => expect((await city.status()).state).toBe("capped"), { timeout: 20_000 });
    const status = await city.status();
    expect(status).toMatchObject({ isPublished: false, usage: { month: "2027-01", bytesMax: 300_000 } });
    expect(status.usage!.bytesDown).toBeGreaterThan(300_000);
    expect(status.notices.map(({ code }) => code)).toContain("exit-volume-used-up");
    expect((await ask(link)).result).not.toBe("ok");

    await city.stop();
    const again = serviceIn(join(folder, "mesh"), { nowUnix: () => nowUnix });
    services.push(again);
    await again.start();
    expect((await again.status()).state).toBe("capped");
    expect((await ask(link)).result).not.toBe("ok");
    nowUnix = Date.UTC(2027, 1, 1) / 1000;
    expect(await untilPublished()).toBe(link);
    const usage = (await again.status()).usage!;
    expect(usage.month).toBe("2027-02");
    expect(usage.bytesUp + usage.bytesDown).toBeLessThan(100_000);
    await vi.waitFor(async () => expect(await ask(link)).toMatchObject({ result: "ok" }), { timeout: 20_000 });
  }, 90_000);

  test.skipIf(process.platform !== "linux")(
    "at its cap of connections refuses new ones, lets those under way go on, and takes new ones again",
    async () => {
      const city = await fresh();
      const port = await freePort();
      await city.init(wishFor(decoy, port, { practice, connections: 3 }));
      const link = await untilPublished();
      const echo = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
      await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
      const client = await startClient(folder, link);
      const stream = await openThrough(client.port, `${SITE_NAME}:${(echo.address() as AddressInfo).port}`);
      expect(await echoed(stream, "before")).toBe("before");
      const idle: Socket[] = [];
      for (let i = 0; i < 2; i++) idle.push(connect(port, "127.0.0.1").on("error", () => undefined));
      await vi.waitFor(
        async () => expect((await city.status()).connections).toMatchObject({ max: 3, isRefusing: true }),
        {
          timeout: 20_000,
        },
      );
      expect((await city.status()).notices.map(({ code }) => code)).toContain("exit-full");
      expect((await ask(link)).result).not.toBe("ok");
      expect(await echoed(stream, "after")).toBe("after");
      stream.destroy();
      // Strangers still see the site.
      expect(await visit(port, decoy.certificate)).toEqual(await visit(decoy.port, decoy.certificate));
      for (const socket of idle) socket.destroy();
      await vi.waitFor(async () => expect((await city.status()).connections!.isRefusing).toBe(false), {
        timeout: 20_000,
      });
      await vi.waitFor(async () => expect(await ask(link)).toMatchObject({ result: "ok" }), { timeout: 20_000 });
      await client.stop();
      echo.close();
    },
    60_000,
  );

  test("reaches nobody's private addresses, also not by a name that leads there", async ({ skip }) => {
    const city = await fresh();
    const http = await import("node:http");
    const inner = http.createServer((_, response) => void response.end("inside"));
    const hasIpv6 = await new Promise<boolean>((resolve) => {
      inner.once("error", () => resolve(false));
      inner.listen(0, "::1", () => resolve(true));
    });
    if (!hasIpv6) skip("this machine has no ::1");
    const innerPort = (inner.address() as { port: number }).port;
    // A practice city may reach 127.0.0.0/8, and nothing else of its own host.
    const hosts = [...practice.hosts, { name: "inner.montana.example", address: "::1" }];
    await city.init(wishFor(decoy, await freePort(), { practice: { leavesFrom: null, hosts } }));
    const link = await untilPublished();
    expect(await ask(link)).toMatchObject({ result: "ok" });
    const outcome = await askThrough(folder, link, `http://inner.montana.example:${innerPort}/`);
    expect(outcome.result).not.toBe("ok");
    inner.close();
  }, 60_000);

  test("as a relay carries unopened to the exit behind it, whose city traffic leaves in", async () => {
    const exit = await fresh();
    const exitPort = await freePort();
    await exit.init(wishFor(decoy, exitPort, { practice }));
    const exitLink = await untilPublished();
    const relay = serviceIn(join(folder, "relay"));
    services.push(relay);
    await relay.start();
    const relayPort = await freePort();
    const wish = wishFor(decoy, relayPort, { city: "Istanbul", code: "ist", node: "istanbul", relayOf: exitLink });
    const { status, decoy: report } = await relay.init({ ...wish, practice: { leavesFrom: "127.0.0.22", hosts: [] } });
    expect(report).toBeNull();
    expect(status).toMatchObject({ kind: "relay", ports: [relayPort] });
    const path = join(folder, "relay", "public", "my-vpn.json");
    const link = await vi.waitFor(() => linkIn(readFileSync(path, "utf8"), "istanbul"), { timeout: 20_000 });
    expect(parseShareLink(link)).toEqual({ ...parseShareLink(exitLink), port: relayPort, label: "Montana IST" });
    const asked = site.callers.length;
    expect(await ask(link)).toMatchObject({ result: "ok" });
    expect(new Set(site.callers.slice(asked))).toEqual(new Set(["127.0.0.21"]));
    expect(await codeOf(relay.rotate({}))).toBe("exit-relay-has-no-keys");
  }, 60_000);

  test("is not set up where something is wrong, and then nothing has changed", async () => {
    const city = await fresh();
    const port = await freePort();
    const good = wishFor(decoy, port, { practice });
    const cases: readonly (readonly [object, string])[] = [
      [{ city: undefined }, "exit-value-missing"],
      [{ city: "Nowhereville" }, "city-unknown"],
      [{ host: "no host!" }, "exit-bad-value"],
      [{ code: "FRAN" }, "exit-bad-value"],
      [{ listen: "here" }, "exit-bad-value"],
      [{ publishTo: "x".repeat(5000) }, "exit-bad-value"],
      [{ practice: undefined }, "exit-not-publishable"],
      [{ decoy: { ...good.decoy!, port: await freePort() } }, "decoy-unreachable"],
      [{ decoy: { ...good.decoy!, certificate: null } }, "decoy-certificate"],
    ];
    for (const [change, code] of cases)
      expect([change, await codeOf(city.init({ ...good, ...change }))]).toEqual([change, code]);
    expect(existsSync(join(folder, "mesh", "exit.json"))).toBe(false);
    expect((await city.status()).state).toBe("none");
    await city.init(good);
    expect(await codeOf(city.init({ ...good, city: "Helsinki" }))).toBe("exit-exists");
    // The same again changes nothing.
    const link = await untilPublished();
    await city.init(good);
    expect(published()).toBe(link);
  }, 60_000);

  test("whose port is taken says so, and comes by itself when the port is free", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, "127.0.0.1", () => resolve((other.address() as AddressInfo).port)),
    );
    const city = await fresh();
    const { status } = await city.init(wishFor(decoy, port, { practice }));
    expect(status).toMatchObject({
      state: "failed",
      isPublished: false,
      notices: [{ code: "port-in-use", params: { port } }],
    });
    other.close();
    expect(await ask(await untilPublished())).toMatchObject({ result: "ok" });
    expect(await city.status()).toMatchObject({ state: "serving", notices: [] });
  }, 60_000);

  test("keeps looking at its decoy, and says when that is none any more", async () => {
    const own = await startDecoy();
    const city = await fresh({ timing: { decoyPeriodMs: 200 } });
    await city.init(wishFor(own, await freePort(), { practice }));
    expect((await city.status()).decoy).toMatchObject({ name: DECOY_NAME, state: "ok" });
    await own.close();
    await vi.waitFor(async () => expect((await city.status()).decoy!.state).toBe("unfit"), { timeout: 20_000 });
    expect((await city.status()).notices.map(({ code }) => code)).toEqual(["decoy-unfit"]);
    // The city stays: whether one can get through is for the network's own probes to say.
    await untilPublished();
    expect((await city.status()).isPublished).toBe(true);
  }, 60_000);

  test("whose record is damaged is named, never taken for none", async () => {
    const city = await fresh();
    await city.init(wishFor(decoy, await freePort(), { practice }));
    await city.stop();
    const path = join(folder, "mesh", "exit.json");
    const text = readFileSync(path, "utf8");
    for (const damaged of ["", text.slice(0, -9), text.replace("fra", "frb")]) {
      writeFileSync(path, damaged);
      const again = serviceIn(join(folder, "mesh"));
      expect(await again.status()).toMatchObject({ state: "failed", notices: [{ code: "exit-record-damaged" }] });
      for (const command of [again.init({}), again.rotate({}), again.withdraw({}), again.remove()]) {
        expect(await codeOf(command)).toBe("exit-record-damaged");
      }
      expect(readFileSync(path, "utf8")).toBe(damaged);
    }
  }, 60_000);
});

/** What a plain TLS client sees. */
function visit(port: number, certificate: string) {
  return new Promise<{
    readonly fingerprint: string;
    readonly isTrusted: boolean;
    readonly alpn: unknown;
    readonly page: string;
  }>((resolve, reject) => {
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      servername: DECOY_NAME,
      ca: certificate,
      ALPNProtocols: ["http/1.1"],
    });
    let page = "";
    socket.on("data", (chunk: Buffer) => (page += chunk.toString()));
    socket.once("error", reject);
    socket.once("secureConnect", () => socket.write(`GET / HTTP/1.1\r\nHost: ${DECOY_NAME}\r\n\r\n`));
    socket.once("end", () => {
      const { fingerprint256: fingerprint } = socket.getPeerCertificate();
      resolve({ fingerprint, isTrusted: socket.authorized, alpn: socket.alpnProtocol, page });
    });
  });
}

/** A connection through a client's proxy. */
async function openThrough(proxyPort: number, target: string): Promise<Socket> {
  const socket = connect(proxyPort, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).toContain(" 200 ");
  return socket;
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

function sayHello(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString("hex")));
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(answer));
  });
}
