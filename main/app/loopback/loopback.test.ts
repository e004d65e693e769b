import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, request as httpRequest, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Loopback } from "./loopback.ts";
import { listenOnLoopback } from "./loopbackServer.ts";
import { CODE_LIFE_MS, OpeningCodes, WRONG_TRIES_MAX } from "./openingCodes.ts";
import { readPageFile } from "./pageFiles.ts";
import { ARIA_STYLE_HASH } from "./pageHeaders.ts";
import { bearerOf, SESSION_LIFE_MS, Sessions, SESSIONS_MAX } from "./sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "montana-loopback-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a code that opens the page", () => {
  const wrong = "00".repeat(32);

  test("works once", () => {
    const codes = new OpeningCodes();
    let gone = 0;
    const code = codes.make(() => gone++);
    expect(code).toMatch(/^[0-9a-f]{64}$/);
    expect([codes.take(code), codes.take(code), gone]).toEqual([true, false, 1]);
  });

  test("works for a minute", () => {
    let now = 0;
    const codes = new OpeningCodes(() => now);
    const [first, second] = [codes.make(() => undefined), codes.make(() => undefined)];
    now = CODE_LIFE_MS - 1;
    expect(codes.take(first)).toBe(true);
    now = CODE_LIFE_MS;
    expect(codes.take(second)).toBe(false);
  });

  test("outlives some wrong tries and no more", () => {
    const codes = new OpeningCodes();
    const tryWrongly = (times: number): void => {
      for (let i = 0; i < times; i++) expect(codes.take(wrong)).toBe(false);
    };
    const [first, second] = [codes.make(() => undefined), codes.make(() => undefined)];
    tryWrongly(WRONG_TRIES_MAX - 1);
    expect(codes.take(first)).toBe(true);
    tryWrongly(1);
    expect(codes.take(second)).toBe(false);
  });

  test("makes room for newer ones", () => {
    const codes = new OpeningCodes();
    const made = Array.from({ length: 9 }, () => codes.make(() => undefined));
    expect(made.map((code) => codes.take(code))).toEqual([false, ...Array.from({ length: 8 }, () => true)]);
  });

  test.each(["", "00", "zz".repeat(32), "00".repeat(33)])("is not %j", (text) => {
    expect(new OpeningCodes().take(text)).toBe(false);
  });
});

describe("a session", () => {
  const fileOf = (name: string): string => join(folder, name, "sessions");
  const tokenOf = (sessions: Sessions, key: string, port = 4000): string => bearerOf(key, sessions.run, port);

  test("holds for the host of the next run, under another token", () => {
    const first = new Sessions(fileOf("next"));
    first.settle(4000);
    const key = first.create();
    expect(first.use(tokenOf(first, key))).toBe(true);
    const second = new Sessions(fileOf("next"));
    expect(second.recall()).toEqual({ port: 4000, isInUse: true });
    second.settle(4000);
    expect(second.use(tokenOf(first, key))).toBe(false);
    expect(second.use(tokenOf(second, key))).toBe(true);
    expect(statSync(fileOf("next")).mode & 0o777).toBe(0o600);
  });

  test("ends with the port", () => {
    const first = new Sessions(fileOf("port"));
    first.settle(4000);
    const key = first.create();
    const second = new Sessions(fileOf("port"));
    second.settle(4001);
    expect(second.use(tokenOf(second, key, 4000))).toBe(false);
    expect(second.use(tokenOf(second, key, 4001))).toBe(false);
    expect(second.recall()).toEqual({ port: 4001, isInUse: false });
  });

  test("ends a week after its last use", () => {
    let now = 1_000;
    const sessions = new Sessions(fileOf("week"), () => now);
    sessions.settle(4000);
    const token = tokenOf(sessions, sessions.create());
    for (let use = 0; use < 3; use++) {
      now += SESSION_LIFE_MS - 1;
      expect(sessions.use(token)).toBe(true);
    }
    now += SESSION_LIFE_MS;
    expect(sessions.use(token)).toBe(false);
  });

  test("goes on where its use cannot be written down", () => {
    let now = 1_000;
    const sessions = new Sessions(fileOf("full"), () => now);
    sessions.settle(4000);
    const token = tokenOf(sessions, sessions.create());
    rmSync(join(folder, "full"), { recursive: true });
    writeFileSync(join(folder, "full"), "");
    now += SESSION_LIFE_MS / 2;
    expect(sessions.use(token)).toBe(true);
    expect(() => sessions.create()).toThrow(expect.objectContaining({ code: "file-unwritable" }) as Error);
  });

  test("makes room when there are too many, and ends when the person says so", () => {
    const sessions = new Sessions(fileOf("many"));
    sessions.settle(4000);
    const tokens = Array.from({ length: SESSIONS_MAX + 1 }, () => tokenOf(sessions, sessions.create()));
    expect(tokens.filter((token) => sessions.use(token))).toHaveLength(SESSIONS_MAX);
    expect(sessions.clear()).toBe(SESSIONS_MAX);
    expect(tokens.filter((token) => sessions.use(token))).toEqual([]);
    expect(new Sessions(fileOf("many")).recall()).toEqual({ port: 4000, isInUse: false });
  });

  test("is not made from a file that somebody else wrote", () => {
    const first = new Sessions(fileOf("changed"));
    first.settle(4000);
    first.create();
    writeFileSync(fileOf("changed"), readFileSync(fileOf("changed"), "utf8").replace("4000", "4001"));
    expect(new Sessions(fileOf("changed")).recall()).toBeUndefined();
  });
});

describe("the page's files", () => {
  const page = join(folder, "page");
  const read = (path: string) => readPageFile(page, path);

  beforeAll(() => {
    mkdirSync(join(page, "assets"), { recursive: true });
    writeFileSync(join(page, "index.html"), "<p>page</p>");
    writeFileSync(join(page, "assets", "app-1a2B_-3c.js"), "1");
    writeFileSync(join(page, ".hidden.txt"), "hidden");
    writeFileSync(join(page, "no.exe"), "no");
    writeFileSync(join(folder, "secret.txt"), "secret");
    symlinkSync(join(folder, "secret.txt"), join(page, "link.txt"));
    symlinkSync(folder, join(page, "out"));
    writeFileSync(join(page, "large.txt"), Buffer.alloc(16_777_217));
  });

  test("come with their type, a tag of their content, and are kept where their name follows from it", async () => {
    expect(await read("/")).toMatchObject({ type: "text/html; charset=utf-8", cacheControl: "no-cache" });
    const script = await read("/assets/app-1a2B_-3c.js");
    expect(script).toMatchObject({ type: "text/javascript; charset=utf-8" });
    expect(script?.cacheControl).toContain("immutable");
    expect(script?.etag).not.toBe((await read("/index.html"))?.etag);
  });

  test.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "//secret.txt",
    "/link.txt",
    "/out/secret.txt",
    "/.hidden.txt",
    "/no.exe",
    "/assets",
    "/assets/",
    "/large.txt",
    "/absent.txt",
    "/index.html/x.txt",
    "/index.html\0.txt",
    `/${"a".repeat(300)}.txt`,
  ])("do not include %j", async (path) => {
    expect(await read(path)).toBeUndefined();
  });
});

test("the one style that the policy allows is the library's", () => {
  const file = "../../../node_modules/react-aria/dist/private/interactions/usePress.mjs";
  const source = readFileSync(new URL(file, import.meta.url), "utf8");
  const [, attribute = ""] = /PRESSABLE_ATTRIBUTE = '([^']+)'/.exec(source) ?? [];
  const [, template = ""] = /style\.textContent = `([^`]*)`\.trim\(\)/.exec(source) ?? [];
  const style = template.replace(/\$\{[^}]*PRESSABLE_ATTRIBUTE\}/, attribute).trim();
  expect(style).toContain(`[${attribute}]`);
  expect(ARIA_STYLE_HASH).toBe(`sha256-${createHash("sha256").update(style).digest("base64")}`);
});

describe("opening the page", () => {
  const opened: Loopback[] = [];
  const make = (directory: string, page: string): Loopback => {
    const loopback = new Loopback({
      ...{ directory: join(folder, directory), folder: join(folder, page), streams: { open: 0 } },
      api: (_, response) => response.end(),
      onDefect: (error) => {
        throw error;
      },
    });
    opened.push(loopback);
    return loopback;
  };
  const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);
  beforeAll(() => {
    mkdirSync(join(folder, "small"));
    writeFileSync(join(folder, "small", "index.html"), "small");
  });
  afterAll(() => Promise.all(opened.map((loopback) => loopback.stop())));

  test("says where the page is missing, also to a browser that comes nevertheless", async () => {
    const refusal = expect.objectContaining({
      code: "page-not-built",
      params: { folder: join(folder, "none") },
    }) as Error;
    await expect(make("a", "none").open()).rejects.toEqual(refusal);
    mkdirSync(join(folder, "goes"));
    writeFileSync(join(folder, "goes", "index.html"), "goes");
    const { url } = await make("a", "goes").open();
    rmSync(join(folder, "goes"), { recursive: true });
    const response = await fetch(new URL("/", url));
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("npm run page")]);
  });

  test("comes back to its port, and where another program has that, to another without the old sessions", async () => {
    const first = make("b", "small");
    const { url } = await first.open();
    const port = portOf({ url });
    const headers = { origin: new URL(url).origin };
    const body = JSON.stringify({ code: new URL(url).hash.slice("#code=".length) });
    expect((await fetch(new URL("/session", url), { method: "POST", headers, body })).status).toBe(200);
    expect(first.status()).toEqual({ sessions: 1, isWatched: false });
    await first.stop();
    const second = make("b", "small");
    await second.start();
    expect([portOf(await second.open()), second.status().sessions]).toEqual([port, 1]);
    await second.stop();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen({ port, host: "127.0.0.1" }, resolve));
    const third = make("b", "small");
    await third.start();
    expect(portOf(await third.open())).not.toBe(port);
    expect(third.status().sessions).toBe(0);
    taken.close();
  });

  test("leaves no file behind when it stops, and finds those of a host that was killed", async () => {
    const first = make("c", "small");
    const { file } = await first.open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const left = join(folder, "c", "open-0123456789abcdef.html");
    writeFileSync(left, "left");
    await make("c", "small").start();
    expect(existsSync(left)).toBe(false);
    const { file: second } = await first.open();
    await first.stop();
    expect(existsSync(second)).toBe(false);
  });
});

describe("the server", () => {
  const sessions = new Sessions(join(folder, "server"));
  let asked: string[];
  let server: Server;
  let port: number;

  beforeAll(async () => {
    asked = [];
    const { port: free, server: taken } = await listenSomewhere(asked, sessions);
    [server, port] = [taken, free];
    sessions.settle(port);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = (path: string, headers: Record<string, string> = {}, method = "GET", body = ""): Promise<number> =>
    new Promise((resolve, reject) => {
      const own = { host: `127.0.0.1:${port}`, ...headers };
      httpRequest({ host: "127.0.0.1", port, path, method, headers: own, agent: false }, (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0));
      })
        .once("error", reject)
        .end(body);
    });

  test("hands to the API what has a token and comes from its own page, and nothing else", async () => {
    const authorization = `Bearer ${bearerOf(sessions.create(), sessions.run, port)}`;
    const origin = `http://127.0.0.1:${port}`;
    const own = { authorization, origin };
    expect(await ask("/api/ping", { authorization })).toBe(200);
    expect(await ask("/api/ping", own, "POST", "{}")).toBe(200);
    expect(asked).toEqual(["GET /api/ping", "POST /api/ping"]);
    const refusals: [number, Record<string, string>, string?][] = [
      [401, { origin }, "POST"],
      [401, {}],
      [401, { authorization: "Bearer " }],
      [401, { authorization: `Bearer ${"0".repeat(64)}` }],
      [401, { authorization: authorization.replace("Bearer", "Basic") }],
      [401, { authorization: `${authorization}0` }],
      [403, { authorization }, "POST"],
      [403, { authorization, origin: "null" }],
      [403, { authorization, origin: `http://localhost:${port}` }],
      [403, { authorization, origin: `http://127.0.0.1:${port + 1}` }],
      [403, { authorization, origin: `https://127.0.0.1:${port}` }],
      [403, { authorization, host: `localhost:${port}` }],
      [403, { authorization, host: "127.0.0.1" }],
      [403, { authorization, host: `rebound.example:${port}` }],
      [403, { ...own, "sec-fetch-site": "cross-site" }],
      [403, { ...own, "sec-fetch-site": "same-site" }],
      [403, { ...own, "sec-fetch-site": "none" }],
      [405, own, "OPTIONS"],
      [405, own, "HEAD"],
      [405, own, "PUT"],
      [405, own, "DELETE"],
    ];
    for (const [status, headers, method] of refusals) {
      expect([await ask("/api/stop", headers, method), headers, method]).toEqual([status, headers, method]);
    }
    expect(asked).toHaveLength(2);
  });

  test("ends connections that say nothing or never end what they say, and answers others meanwhile", async () => {
    const begun = ["", "GET / HTTP/1.1\r\n", `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: `];
    const sockets = Array.from({ length: 60 }, (_, i) => openSocket(port, begun[i % begun.length]!));
    expect(await ask("/session")).toBe(200);
    await Promise.all(sockets.map(({ closed }) => closed));
    expect(await ask("/session")).toBe(200);
  });
});

async function listenSomewhere(asked: string[], sessions: Sessions): Promise<{ server: Server; port: number }> {
  for (let port = 20_000; ; port++) {
    try {
      const server = await listenOnLoopback(port, {
        ...{ sessions, codes: new OpeningCodes(), folder },
        api: (request, response) => {
          asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
          response.end();
        },
        onDefect: (error) => {
          throw error;
        },
      });
      return { server, port };
    } catch (error) {
      if ((error as { code?: string }).code !== "port-in-use") throw error;
    }
  }
}

function openSocket(port: number, text: string): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => undefined);
  socket.write(text);
  socket.resume();
  return { socket, closed: new Promise((resolve) => socket.once("close", () => resolve())) };
}
