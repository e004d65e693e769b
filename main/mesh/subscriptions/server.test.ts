import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";

import { NETWORKS, readFixture } from "../../cities/cities.fixture.ts";
import { decodeCities } from "../../cities/cities.ts";
import { makeCertificate } from "../../xray/certificate.ts";
import { fixtureFetcher, makeMeshPlace, nothingInstead, type MeshPlace } from "../aggregator/aggregator.fixture.ts";
import { runAggregator } from "../aggregator/aggregator.ts";
import { ALLOWANCE, type Allowance } from "./allowance.ts";
import { startPublicServer, type PublicServer, type ServerOptions } from "./server.ts";

let place: MeshPlace;
let server: PublicServer;
const troubles: unknown[] = [];
afterEach(async () => {
  await server.close();
  place.remove();
  troubles.length = 0;
});

const PROFILE = { title: "Montana" };

/** The network of a fixture, published by a run of the aggregator, and served. */
async function serve(network = "three-city", options: Partial<ServerOptions> = {}): Promise<void> {
  place = makeMeshPlace(readFixture(`${network}/cities.json`));
  const nowUnix = (): number => decodeCities(readFixture(`${network}/cities.json`)).updated_unix;
  await runAggregator(place.settings(), { fetcher: fixtureFetcher(network, nothingInstead), nowUnix });
  await start(options);
}

async function start(options: Partial<ServerOptions> = {}): Promise<void> {
  server = await startPublicServer({
    publicDirectory: join(place.directory, "public"),
    profile: PROFILE,
    host: "127.0.0.1",
    port: 0,
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly from?: string;
  readonly ca?: string;
}

function ask(path: string, { method = "GET", headers = {}, from, ca }: Asking = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, method, headers, agent: false as const };
    const started = (ca === undefined ? httpRequest : httpsRequest)(
      { ...options, ...(from === undefined ? {} : { localAddress: from }), ...(ca === undefined ? {} : { ca }) },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    started.on("error", reject).end();
  });
}

/** All that comes back on a connection until the server closes it. */
function talk(bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("latin1").on("data", (text: string) => (said += text));
    socket.on("error", () => undefined).on("close", () => resolve(said));
  });
}

describe("the public server", () => {
  test.each(NETWORKS)("answers with the files of %s, byte for byte", async (network) => {
    await serve(network);
    expect((await ask("/vpn/sub")).body).toBe(readFixture(`${network}/sub.b64`));
    for (const { code, vpn } of decodeCities(readFixture(`${network}/cities.json`)).cities) {
      const { status, body } = await ask(`/vpn/city/${code}`);
      expect(status).toBe(vpn.enabled ? 200 : 404);
      expect(body).toBe(vpn.enabled ? readFixture(`${network}/city/${code}.txt`) : "not found\n");
    }
    const document = await ask("/vpn/network.json");
    expect(document.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "content-type": "application/json; charset=utf-8",
    });
    expect(JSON.parse(document.body)).toEqual(JSON.parse(readFixture(`${network}/network.json`)));
  });

  test("says what may be kept, and does not send again what is", async () => {
    await serve();
    const first = await ask("/vpn/sub");
    expect(first.headers).toMatchObject({
      "cache-control": "public, max-age=30",
      "profile-title": "base64:TW9udGFuYQ==",
      "content-length": String(first.body.length),
    });
    const headers = { "if-none-match": first.headers.etag! };
    expect(await ask("/vpn/sub", { headers })).toMatchObject({ status: 304, body: "" });
    const head = await ask("/vpn/sub", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "", headers: { "content-length": String(first.body.length) } });
    const ranged = await ask("/vpn/sub", { headers: { range: "bytes=0-1" } });
    expect([ranged.status, ranged.body]).toEqual([200, first.body]);
    expect(Object.keys(first.headers)).not.toContain("set-cookie");
  });

  test("says that there are no cities yet before the first run, and serves them as soon as they are there", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    await start();
    expect(await ask("/vpn/sub")).toMatchObject({ status: 503, headers: { "retry-after": "300" } });
    const nowUnix = (): number => 1_778_414_400;
    await runAggregator(place.settings(), { fetcher: fixtureFetcher("three-city", nothingInstead), nowUnix });
    await server.refresh();
    expect((await ask("/vpn/city/fra")).status).toBe(200);
    const withdrawn = fixtureFetcher("three-city", (node) => (node === "frankfurt" ? { kind: "missing" } : undefined));
    await runAggregator(place.settings(), { fetcher: withdrawn, nowUnix });
    await server.refresh();
    expect(await ask("/vpn/city/fra")).toMatchObject({ status: 404, headers: { "cache-control": "no-store" } });
    expect((await ask("/vpn/city/msk")).status).toBe(200);
  });

  test("gives nothing else of the disk, however it is asked", async () => {
    await serve();
    symlinkSync("/etc/passwd", join(place.directory, "public", "vpn", "city", "abc"));
    writeFileSync(join(place.directory, "public", "vpn", "secret"), "secret");
    renameSync(join(place.directory, "public", "vpn", "secret"), join(place.directory, "public", "vpn", "other"));
    await server.refresh();
    const paths = [
      "/vpn/other",
      "/vpn/city/abc",
      "/vpn/city/../sub",
      "/../../etc/passwd",
      "/vpn/%2e%2e/state",
      "//vpn/sub",
    ];
    for (const path of [...paths, "/vpn/city/fra/", "/vpn/city/FRA", "/vpn/sub\0", `/${"a".repeat(3000)}`, "*"]) {
      const answer = await talk(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^$|^HTTP\/1\.1 40[04] /);
      expect(answer).not.toContain("root:");
    }
    expect(await ask("/vpn/sub", { method: "DELETE" })).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  test("does not wait for who is slow, nor listen to who says too much", async () => {
    const timing = { headersTimeoutMs: 300, requestTimeoutMs: 600, idleTimeoutMs: 600 };
    await serve("three-city", { timing });
    const isQuiet = /^$|^HTTP\/1\.1 4\d\d/;
    // Never a whole header; a body that never ends; nothing at all.
    expect(await talk("GET /vpn/sub HTTP/1.1\r\nX-A: b\r\n")).toMatch(isQuiet);
    expect(await talk("")).toBe("");
    const withBody = await talk("GET /vpn/sub HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc");
    expect(withBody).toMatch(/connection: close/i);
    // Headers beyond the bound, many or large; what is no HTTP.
    expect(await talk(`GET / HTTP/1.1\r\nX: ${"y".repeat(20_000)}\r\n\r\n`)).toMatch(isQuiet);
    expect(await talk(`GET / HTTP/1.1\r\n${"a: b\r\n".repeat(5000)}\r\n`)).toMatch(isQuiet);
    expect(await talk(Uint8Array.of(22, 3, 1, 0, 200, 1, 0, 0))).toMatch(isQuiet);
    expect((await ask("/vpn/sub")).status).toBe(200);
  });

  test("tells who asks too often to wait, and nobody else notices", async () => {
    const allowance: Allowance = { ...ALLOWANCE, burst: 5 };
    await serve("three-city", { allowance });
    const often = await Promise.all(Array.from({ length: 12 }, () => ask("/vpn/sub", { from: "127.0.0.2" })));
    expect(often.filter(({ status }) => status === 200).length).toBe(5);
    const refused = often.find(({ status }) => status === 429)!;
    expect(refused.headers).toMatchObject({ "retry-after": "60", "cache-control": "no-store" });
    expect((await ask("/vpn/sub", { from: "127.0.0.3" })).status).toBe(200);
  });

  test("lets an address that asks much at once wait the longer for its refusals", async () => {
    await serve("three-city", { allowance: { ...ALLOWANCE, burst: 1 } });
    const start = performance.now();
    const often = await Promise.all(Array.from({ length: 60 }, () => ask("/vpn/sub", { from: "127.0.0.2" })));
    expect(often.filter(({ status }) => status === 429).length).toBe(59);
    // The last of 59 that wait has 59/16 pauses to wait; timers may be a little early.
    expect(performance.now() - start).toBeGreaterThan(600);
    expect((await ask("/vpn/sub", { from: "127.0.0.3" })).status).toBe(200);
  });

  test("lets one address hold only so many connections", async () => {
    await serve("three-city", { allowance: ALLOWANCE });
    const sockets: Socket[] = [];
    let closed = 0;
    for (let i = 0; i < 100; i++) {
      const socket = connect({ port: server.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
      socket.on("error", () => undefined).on("close", () => closed++);
      sockets.push(socket);
    }
    while (closed < 36) await wait(10);
    expect((await ask("/vpn/sub", { from: "127.0.0.3" })).status).toBe(200);
    expect(closed).toBe(36);
    for (const socket of sockets) socket.destroy();
  });

  test("does not talk in the clear to others than this machine", async () => {
    await serve();
    await expect(
      startPublicServer({
        ...{ publicDirectory: place.directory, profile: PROFILE, host: "0.0.0.0", port: 0, onTrouble: () => undefined },
      }),
    ).rejects.toMatchObject({ code: "mesh-tls-needed" });
  });
});

describe("the certificate of the public server", () => {
  const name = "localhost";
  const write = (files: { certificateFile: string; keyFile: string }, made = makeCertificate(name)): string => {
    writeFileSync(files.certificateFile, made.certificate);
    writeFileSync(files.keyFile, made.key);
    // A second write within the clock's grain must be seen too.
    utimesSync(files.keyFile, new Date(), new Date(Date.now() + ++stamp * 1000));
    return made.certificate;
  };
  let stamp = 0;
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        const { raw } = socket.getPeerCertificate();
        socket.destroy();
        resolve(raw.toString("base64"));
      });
      socket.on("error", reject);
    });
  const rawOf = (pem: string): string => pem.split("\n").slice(1, -2).join("");

  test("is read again when it changes, and a pair that does not fit is named and not taken", async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    mkdirSync(join(place.directory, "tls"));
    const tls = {
      certificateFile: join(place.directory, "tls", "certificate.pem"),
      keyFile: join(place.directory, "tls", "key.pem"),
    };
    const first = write(tls);
    await start({ host: "127.0.0.1", tls, timing: { certificateCheckMs: 20 } });
    expect(await shown()).toBe(rawOf(first));
    const second = write(tls);
    while ((await shown()) !== rawOf(second)) await wait(20);
    write(tls, { key: makeCertificate(name).key, certificate: makeCertificate(name).certificate });
    while (troubles.length === 0) await wait(20);
    expect(troubles[0]).toMatchObject({ code: "mesh-certificate-invalid" });
    expect(await shown()).toBe(rawOf(second));
    rmSync(tls.keyFile);
    await expect(start({ tls })).rejects.toMatchObject({ code: "mesh-certificate-invalid" });
  });
});
