/**
 * Three cities and the network that leads to them, set up as `docs/exit.md` and `main/mesh/aggregator/README.md` say, each part a
 * process of its own; and a stock engine as client, configured from the links of `/vpn/sub` alone.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { Playground } from "../../main/app/cli.fixture.ts";
import { readFixture } from "../../main/cities/cities.fixture.ts";
import { HAS_SSHD, startSshd, type Sshd } from "../../main/mesh/aggregator/sshd.fixture.ts";
import {
  binariesHere,
  DECOY_NAME,
  freePort,
  isListening,
  SITE_NAME,
  siteBytes,
  startDecoy,
  startSite,
  type TestDecoy,
  type TestSite,
} from "../../main/xray/mesh.fixture.ts";

const BYTES = 300_000;
const ASK_MS_MAX = 20_000;
/** Of a busy machine. */
const SET_UP_MS_MAX = 60_000;
const WAIT = { timeout: SET_UP_MS_MAX, interval: 100 };

interface City {
  readonly code: string;
  readonly name: string;
  readonly node: string;
  readonly leavesFrom: string;
  readonly more: readonly string[];
}
const MOSCOW: City = { code: "msk", name: "Moscow", node: "moscow", leavesFrom: "127.0.0.61", more: [] };
/** It listens where clients do not reach it but by the path that the test can block. */
const FRANKFURT_ADDRESS = "127.0.0.72";
const FRANKFURT: City = { code: "fra", name: "Frankfurt", node: "frankfurt", leavesFrom: "127.0.0.62", more: [] };
const HELSINKI: City = {
  ...{ code: "fin", name: "Helsinki", node: "helsinki", leavesFrom: "127.0.0.63", more: ["--primary"] },
};
const ISTANBUL: City = { code: "ist", name: "Istanbul", node: "istanbul", leavesFrom: "127.0.0.64", more: [] };
const THREE = [MOSCOW, FRANKFURT, HELSINKI];

describe.skipIf(binariesHere() === undefined || !HAS_SSHD || process.platform !== "linux")("three cities", () => {
  let playground: Playground;
  let sshd: Sshd;
  let decoy: TestDecoy;
  let site: TestSite;
  let path: Path;
  let server: string;
  const clients: ChildProcess[] = [];

  const at = (...names: string[]): string => join(playground.folder, ...names);
  const dataOf = ({ node }: City): string => at("operators", node);
  const publishedBy = ({ node }: City): string =>
    join(sshd.nodes.find((known) => known.node === node)!.netDirectory, "my-vpn.json");

  beforeAll(async () => {
    playground = await Playground.make();
    mkdirSync(at("mesh"));
    mkdirSync(at("operators"));
    [decoy, site, path, sshd] = await Promise.all([
      startDecoy(),
      startSite(),
      openPath(FRANKFURT_ADDRESS, ISTANBUL.leavesFrom),
      startSshd(
        at("sshd"),
        at("mesh", "keys"),
        [...THREE, ISTANBUL].map(({ node }) => node),
      ),
    ]);
    writeFileSync(at("mesh", "decoy.pem"), decoy.certificate);
    await writeMesh(THREE);
  }, SET_UP_MS_MAX);
  afterAll(async () => {
    for (const client of clients) client.kill("SIGKILL");
    await playground.remove();
    await Promise.all([sshd.stop(), decoy.close(), site.close(), path.close()]);
  }, SET_UP_MS_MAX);

  async function run<T>(...words: string[]): Promise<T> {
    const ended = await playground.run([...words, "--json"]);
    if (ended.code !== 0) throw new Error(`montana ${words.join(" ")}: ${ended.out}${ended.err}`);
    return ended.json() as T;
  }

  /** The aggregator's settings and list, as its operator writes them. */
  async function writeMesh(known: readonly City[]): Promise<void> {
    const peers = sshd.peers.filter(({ node }) => known.some((city) => city.node === node));
    const settings = {
      ...{ version: 1, state: "state", public: "public", cities: "cities.json", keys: "keys", peers },
      ...{ probe_spread_seconds: 0, practice: { allow_loopback: true, trusted_roots: "decoy.pem" } },
    };
    writeFileSync(at("mesh", "mesh.json"), JSON.stringify(settings));
    const listed = { [HELSINKI.code]: { fronts: ["fra"] }, [ISTANBUL.code]: { fronts: ["fra"], relays: "fra" } };
    const cities = known.map(({ code, node, name }) => ({ code, node, city: name, ...listed[code] }));
    writeFileSync(at("mesh", "list.json"), JSON.stringify({ network: "montana", cities }));
    await run("city", "make", at("mesh", "list.json"), "--to", at("mesh", "cities.json"));
  }

  /** `docs/exit.md`, steps 3 and 4, and what a practice network needs besides. Gives the city's link. */
  async function setUp(city: City, door: readonly string[], how: readonly string[]): Promise<string> {
    const data = ["--data-dir", dataOf(city)];
    const names = ["--city", city.name, "--code", city.code, "--node", city.node, "--host", "127.0.0.1"];
    const publishing = ["--publish-to", join(publishedBy(city), "..")];
    const practice = ["--practice", "--leave-from", city.leavesFrom];
    const words = [...data, ...names, ...door, ...city.more, ...publishing, ...practice, ...how];
    const { status } = await run<{ status: { link: string } }>("exit", "init", ...words);
    await playground.start(["--without-node", ...data], "montana");
    return status.link;
  }

  const anExit = (): readonly string[] => [
    ...["--decoy", DECOY_NAME, "--decoy-address", `127.0.0.1:${decoy.port}`],
    ...["--decoy-certificate", at("mesh", "decoy.pem"), "--known-host", `${SITE_NAME}=127.0.0.1`],
  ];

  const aggregate = (...how: string[]): Promise<{ entries: number; alarms: unknown[] }> =>
    run("mesh", "aggregate", "--config", at("mesh", "mesh.json"), ...how);

  async function read(address: string): Promise<string> {
    const response = await fetch(`${server}${address}`);
    expect(response.status).toBe(200);
    return response.text();
  }
  const links = async (): Promise<readonly string[]> => linksIn(await read("/vpn/sub"));
  const cityAt = async (code: string): Promise<string> => (await read(`/vpn/city/${code}`)).trim();

  /** An engine that knows the links and nothing else; gives a way to ask through each, by its label. */
  async function startClient(links: readonly string[]): Promise<ReadonlyMap<string, Way>> {
    const ports = await Promise.all(links.map(() => freePort()));
    const tags = links.map((_, i) => `way-${i}`);
    const config = {
      log: { loglevel: "warning" },
      inbounds: ports.map((port, i) => ({ tag: `in-${tags[i]}`, listen: "127.0.0.1", port, protocol: "http" })),
      outbounds: links.map((link, i) => ({ tag: tags[i], ...outboundOf(link) })),
      routing: {
        rules: tags.map((tag) => ({ type: "field", inboundTag: [`in-${tag}`], outboundTag: tag })),
      },
    };
    const file = at(`client-${clients.length}.json`);
    writeFileSync(file, JSON.stringify(config));
    clients.push(spawn(binariesHere()!.xray, ["run", "-config", file], { stdio: "ignore" }));
    await vi.waitFor(async () => expect((await Promise.all(ports.map(isListening))).every(Boolean)).toBe(true), WAIT);
    return new Map(links.map((link, i) => [labelOf(link), (what) => askThrough(ports[i]!, `${site.url}${what}`)]));
  }

  test("are set up by the documented commands, and listed in the order of the fixtures", async () => {
    const door = async (): Promise<string[]> => ["--listen", "127.0.0.1", "--port", String(await freePort())];
    const frankfurtDoor = ["--listen", FRANKFURT_ADDRESS, "--port", String(path.port)];
    const [inFrontOfFrankfurt] = await Promise.all([
      setUp(FRANKFURT, frankfurtDoor, anExit()).then((link) => ["--relay-of", link]),
      setUp(MOSCOW, await door(), anExit()),
      setUp(HELSINKI, await door(), anExit()),
    ]);
    await setUp(ISTANBUL, await door(), inFrontOfFrankfurt);
    await vi.waitFor(() => expect(THREE.map(publishedBy).every((file) => existsSync(file))).toBe(true), WAIT);
    expect(await aggregate()).toMatchObject({ entries: 3, alarms: [] });

    const serverPort = await freePort();
    server = `http://127.0.0.1:${serverPort}`;
    void playground.run(["mesh", "serve", "--config", at("mesh", "mesh.json"), "--listen", `127.0.0.1:${serverPort}`]);
    await vi.waitFor(async () => expect(await isListening(serverPort)).toBe(true), WAIT);
    expect((await links()).map(labelOf)).toEqual(linksIn(readFixture("three-city/sub.b64")).map(labelOf));
    for (const { code } of THREE) {
      expect(labelOf(await cityAt(code))).toBe(`Montana ${code.toUpperCase()}`);
    }
  });

  test("each carry what a stock client asks for, which leaves from the city's own address", async () => {
    const ways = await startClient(await links());
    await Promise.all(
      THREE.map(async ({ code, leavesFrom }) => {
        const ask = ways.get(`Montana ${code.toUpperCase()}`)!;
        expect(await ask("/from")).toEqual(answerOf(Buffer.from(leavesFrom)));
        expect(await ask(`/bytes/${BYTES}`)).toEqual(answerOf(siteBytes(BYTES)));
      }),
    );
  });

  test("are reached through the relay where the way to one of them is blocked", async () => {
    await writeMesh([...THREE, ISTANBUL]);
    await vi.waitFor(() => expect(existsSync(publishedBy(ISTANBUL))).toBe(true), WAIT);
    expect(await aggregate("--no-probes")).toMatchObject({ entries: 4, alarms: [] });
    await vi.waitFor(async () => expect((await links()).length).toBe(4), WAIT);

    const ways = await startClient(await links());
    path.block();
    expect(await ways.get("Montana FRA")!("/from")).toBeUndefined();
    expect(await ways.get("Montana IST")!("/from")).toEqual(answerOf(Buffer.from(FRANKFURT.leavesFrom)));
    expect(await ways.get("Montana IST")!(`/bytes/${BYTES}`)).toEqual(answerOf(siteBytes(BYTES)));
  });

  test("leave the list when they are withdrawn, and the others stay in their order", async () => {
    await run("exit", "withdraw", "--drain", "0s", "--data-dir", dataOf(HELSINKI));
    expect(existsSync(publishedBy(HELSINKI))).toBe(false);
    expect(await aggregate("--no-probes")).toMatchObject({ entries: 3, alarms: [] });
    await vi.waitFor(async () => expect((await fetch(`${server}/vpn/city/fin`)).status).toBe(404), WAIT);
    expect((await links()).map(labelOf)).toEqual(["Montana FRA", "Montana IST", "Montana MSK"]);
    for (const code of ["fra", "ist", "msk"]) expect(labelOf(await cityAt(code))).toContain(code.toUpperCase());
  });
});

type Way = (what: string) => Promise<Answer | undefined>;

interface Answer {
  readonly bytes: number;
  readonly sha256: string;
}

const answerOf = (body: Buffer): Answer => ({
  bytes: body.length,
  sha256: createHash("sha256").update(body).digest("hex"),
});

const linksIn = (body: string): readonly string[] => Buffer.from(body, "base64").toString("utf8").trim().split("\n");
const labelOf = (link: string): string => decodeURIComponent(link.slice(link.indexOf("#") + 1));

/** What any client makes of a link: its fields are the engine's own. */
function outboundOf(link: string): object {
  const { username: id, hostname: address, port, searchParams } = new URL(link);
  const field = (name: string): string => searchParams.get(name)!;
  const users = [{ id, encryption: field("encryption"), flow: field("flow") }];
  return {
    protocol: "vless",
    settings: { vnext: [{ address, port: Number(port), users }] },
    streamSettings: {
      ...{ network: field("type"), security: field("security") },
      realitySettings: {
        ...{ serverName: field("sni"), fingerprint: field("fp"), publicKey: field("pbk"), shortId: field("sid") },
      },
    },
  };
}

/** Undefined where no answer comes, or the client's own that it reached nobody. */
function askThrough(proxyPort: number, url: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    const { host } = new URL(url);
    const where = { host: "127.0.0.1", port: proxyPort, path: url, headers: { host } };
    request({ ...where, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve(response.statusCode === 200 ? answerOf(Buffer.concat(chunks)) : undefined));
    })
      .on("error", () => resolve(undefined))
      .end();
  });
}

interface Path {
  readonly port: number;
  /** From now on it lets the relay through and refuses all others. */
  block(): void;
  close(): Promise<void>;
}

/** The way to a city, on which somebody may stand: 127.0.0.1 leads to the same port of `address`. */
async function openPath(address: string, relay: string): Promise<Path> {
  const sockets = new Set<Socket>();
  let isBlocked = false;
  const server: Server = createServer((socket) => {
    if (isBlocked && socket.remoteAddress !== relay) return void socket.resetAndDestroy();
    const onward = connect(port, address);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => undefined);
      end.once("close", () => {
        sockets.delete(end);
        (end === socket ? onward : socket).destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port,
    block: () => {
      isBlocked = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
