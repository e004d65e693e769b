/**
 * The page in a browser, with a real host and a real Chromium: the person's own page works, goes on after the host was killed and
 * started anew, and nobody else gets anything: another user of the computer, a page of another origin, a name that leads here.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingHttpHeaders, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { call, type Client } from "../../main/api/client.ts";
import { BODY_BYTES_MAX, contract } from "../../main/api/contract.ts";
import { attach, attachIfRunning } from "../../main/app/attach.ts";
import { Playground } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";

const run = promisify(execFile);
const START_MS_MAX = 60_000;
const PATIENCE = { timeout: 20_000, interval: 30 };
const CHROMIUM = "/usr/bin/chromium";
const STRANGER_UID = 65_534;
const canBeStranger = process.platform === "linux" && process.getuid?.() === 0;
const hasChromium = existsSync(CHROMIUM);
const PROCEDURES = Object.keys(contract);

const INDEX = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>own</title>
<script type="module" src="./assets/app-00000000.js"></script></head><body></body></html>`;

const pageOf = (name: string): URL => new URL(`loopbackPages/${name}.js`, import.meta.url);

let playground: Playground;
let client: Client;
/** Of the host. */
let pid: number;
/** On another port, as anybody may have one. */
let foreign: Server;
let foreignOrigin: string;
let browser: Browser;

/** As for a person who has nothing yet: the command starts it. */
async function startHost(): Promise<void> {
  const opened = await playground.run(["open", "--print", "--json"]);
  expect(opened.json()).toMatchObject({ url: expect.stringContaining("#code=") as string });
  const { client: found, pong } = await attach(locateData(playground.data));
  [client, pid] = [found, pong.pid];
}

const hasEnded = (): Promise<void> =>
  vi.waitFor(async () => expect(await attachIfRunning(locateData(playground.data))).toBeUndefined(), PATIENCE);

beforeAll(async () => {
  playground = await Playground.make();
  const folder = join(playground.folder, "page");
  await mkdir(join(folder, "assets"), { recursive: true });
  const session = await readFile(new URL("../../renderer/session.ts", import.meta.url), "utf8");
  await writeFile(join(folder, "index.html"), INDEX);
  await copyFile(pageOf("own"), join(folder, "assets", "app-00000000.js"));
  await writeFile(join(folder, "assets", "session-00000000.js"), stripTypeScriptTypes(session));
  vi.stubEnv("MONTANA_PAGE_DIR", folder);
  const script = await readFile(pageOf("foreign"));
  foreign = createServer(({ url }, response) => {
    const isScript = url === "/foreign.js";
    const type = isScript ? "text/javascript" : "text/html";
    response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
    response.end(isScript ? script : '<!doctype html><body><script type="module" src="/foreign.js"></script>');
  });
  await new Promise<void>((resolve) => foreign.listen({ port: 0, host: "127.0.0.1" }, resolve));
  foreignOrigin = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
  if (hasChromium) {
    const args = ["--no-sandbox", "--host-resolver-rules=MAP rebound.example 127.0.0.1"];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  }
  await startHost();
}, START_MS_MAX);

afterAll(async () => {
  vi.unstubAllEnvs();
  if (hasChromium) await browser.close();
  foreign.closeAllConnections();
  foreign.close();
  // Also one that a test left that failed.
  const left = await attachIfRunning(locateData(playground.data));
  await left?.client.stop.mutate();
  await hasEnded();
  await playground.remove();
});

const openPage = async (): Promise<{ url: string; file: string; port: number; code: string }> => {
  const { url, file } = await call(client.openPage.mutate());
  const { port, hash } = new URL(url);
  return { url, file, port: Number(port), code: hash.replace("#code=", "") };
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const exchange = (port: number, code: string): Promise<Answer> =>
  ask(port, "/session", { origin: `http://127.0.0.1:${port}` }, "POST", JSON.stringify({ code }));

describe("montana open", () => {
  test("gives the browser a file of the person's own, and the code to no command line", async () => {
    const tools = join(playground.folder, "tools");
    await mkdir(tools);
    const opener = join(tools, process.platform === "darwin" ? "open" : "xdg-open");
    await writeFile(opener, '#!/bin/sh\nprintf "%s" "$*" > "$0.words"\ncat "$1" > "$0.file"\n');
    await chmod(opener, 0o755);
    const environment = { PATH: `${tools}${delimiter}${process.env["PATH"] ?? ""}` };
    const opened = await playground.run(["open", "--json"], { environment });
    expect(opened.json()).toEqual({ opened: true });
    const file = await readFile(`${opener}.words`, "utf8");
    const html = await readFile(`${opener}.file`, "utf8");
    expect(file).toMatch(/open-[0-9a-f]{16}\.html$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const [, port = "", code = ""] = /url=http:\/\/127\.0\.0\.1:(\d+)\/#code=([0-9a-f]{64})"/.exec(html) ?? [];
    expect((await exchange(Number(port), code)).status).toBe(200);
    await vi.waitFor(() => expect(existsSync(file)).toBe(false));
    expect((await exchange(Number(port), code)).status).toBe(401);
    await call(client.revokePages.mutate());
  });

  test("says when no browser can be started, and shuts out who was let in", async () => {
    const { port, code } = await openPage();
    expect((await exchange(port, code)).status).toBe(200);
    const refused = await playground.run(["open", "--json"], {
      environment: { PATH: join(playground.folder, "nothing") },
    });
    expect(refused.json()).toMatchObject({ error: { code: "browser-not-started" } });
    const revoked = await playground.run(["open", "--revoke", "--json"]);
    expect(revoked.json()).toEqual({ ended: 1 });
  });
});

describe("the origin", () => {
  test("gives a token's holder the API, and no more than its bounds", async () => {
    const { port, code } = await openPage();
    const origin = `http://127.0.0.1:${port}`;
    const { key } = JSON.parse((await exchange(port, code)).body) as { key: string };
    const bearer = await bearerOf(port, key);
    const headers = { authorization: `Bearer ${bearer}` };
    const own = { ...headers, origin, "content-type": "application/json" };
    const told = await ask(port, "/api/status", headers);
    expect([told.status, told.headers["cache-control"]]).toEqual([200, "no-store"]);
    expect(told.headers["access-control-allow-origin"]).toBeUndefined();
    expect(told.headers["set-cookie"]).toBeUndefined();
    // What changes something is no link.
    expect((await ask(port, "/api/stop", headers)).status).toBe(405);
    expect((await ask(port, "/api/stop", { ...headers, origin: foreignOrigin }, "POST", "{}")).status).toBe(403);
    expect((await ask(port, "/api/import", own, "POST", "x".repeat(64))).status).toBe(404);
    const large = JSON.stringify({ text: "x".repeat(BODY_BYTES_MAX) });
    expect((await ask(port, "/api/vpnImport", own, "POST", large)).status).toBe(413);
    expect((await ask(port, "/", { host: `localhost:${port}` })).status).toBe(403);
    expect((await ask(port, "/")).body).toBe(INDEX);
    const { headers: kept } = await ask(port, "/assets/app-00000000.js");
    expect(kept["cache-control"]).toContain("immutable");
    expect((await ask(port, "/assets/app-00000000.js", { "if-none-match": kept.etag! })).status).toBe(304);
    expect((await ask(port, "/../host.json")).status).toBe(404);
    await call(client.revokePages.mutate());
    expect((await ask(port, "/api/status", headers)).status).toBe(401);
  });
});

/** As the page makes it. */
async function bearerOf(port: number, key: string): Promise<string> {
  const { run: name } = JSON.parse((await ask(port, "/session")).body) as { run: string };
  const { bearerOf: make } = await import("../../main/app/loopback/sessions.ts");
  return make(key, name, port);
}

/** Runs as another user, knows everything but what is the person's, and prints what it got. */
const STRANGER = `
import { readFileSync, readdirSync } from "node:fs";
import { request } from "node:http";
const { port, file, folder, socket, procedures } = JSON.parse(process.argv.at(-1));
const attempt = (work) => { try { work(); return "got it"; } catch ({ code }) { return code; } };
const ask = (options, body = "") => new Promise((resolve) => {
  const sent = request({ host: "127.0.0.1", port, agent: false, ...options }, (response) => {
    let text = "";
    response.on("data", (chunk) => (text += chunk));
    response.once("end", () => resolve({ status: response.statusCode, text }));
  });
  sent.once("error", ({ code }) => resolve({ status: code, text: "" }));
  sent.end(body);
});
const origin = "http://127.0.0.1:" + port;
const statuses = new Set();
const texts = new Set();
const tokens = [undefined, "Bearer", "Bearer " + "0".repeat(64), "Bearer " + "f".repeat(64)];
for (const name of procedures) for (const [i, method] of ["GET", "POST"].entries()) {
  const authorization = tokens[(procedures.indexOf(name) + i) % tokens.length];
  const headers = { origin, "content-type": "application/json", ...(authorization && { authorization }) };
  const { status, text } = await ask({ path: "/api/" + name, method, headers }, method === "POST" ? "{}" : "");
  statuses.add(status);
  texts.add(text);
}
const guesses = [];
for (let i = 0; i < 20; i++) {
  const code = i.toString(16).padStart(64, "0");
  const { status } = await ask({ path: "/session", method: "POST", headers: { origin } }, JSON.stringify({ code }));
  guesses.push(status);
}
console.log(JSON.stringify({
  uid: process.getuid(),
  file: attempt(() => readFileSync(file)),
  folder: attempt(() => readdirSync(folder)),
  sessions: attempt(() => readFileSync(folder + "/sessions")),
  socket: (await ask({ socketPath: socket, path: "/api/status" })).status,
  statuses: [...statuses], texts: [...texts], guesses: [...new Set(guesses)],
}));`;

describe.skipIf(!canBeStranger)("another user of this computer", () => {
  test("reads neither code nor sessions, is refused every procedure, and guesses in vain", async () => {
    const { port, file, code } = await openPage();
    const known = {
      ...{ port, file, folder: join(playground.data, "page"), procedures: PROCEDURES },
      socket: (await playground.published())["socket"],
    };
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", STRANGER, JSON.stringify(known)], {
      uid: STRANGER_UID,
      gid: STRANGER_UID,
      cwd: "/",
    });
    expect(JSON.parse(stdout)).toEqual({
      uid: STRANGER_UID,
      ...{ file: "EACCES", folder: "EACCES", sessions: "EACCES", socket: "EACCES" },
      statuses: [401],
      texts: [expect.stringContaining("page-session-over")],
      guesses: [401],
    });
    // So many wrong tries void what they were made against.
    expect((await exchange(port, code)).status).toBe(401);
    expect(await call(client.pages.query())).toEqual({ sessions: 0, isWatched: false });
  });
});

declare const attack: (known: { readonly target: string; readonly code: string }) => Promise<readonly string[]>;
declare const openWindow: (url: string) => void;

describe.skipIf(!hasChromium)("a page of another origin", () => {
  let context: BrowserContext;
  beforeAll(async () => (context = await browser.newContext()));
  afterAll(() => context.close());

  test("gets nothing, orders nothing and uses nothing up, whatever it tries", async () => {
    const { port, code } = await openPage();
    const target = `http://127.0.0.1:${port}`;
    for (const origin of [foreignOrigin, foreignOrigin.replace("127.0.0.1", "localhost")]) {
      const page = await context.newPage();
      await page.goto(origin);
      await page.waitForFunction(() => "attack" in globalThis);
      expect(await page.evaluate((known) => attack(known), { target, code })).toEqual([]);
      const frames = page.frames().filter((frame) => frame !== page.mainFrame());
      for (const frame of frames) expect(frame.url()).not.toContain(target);
      // A window that it opens is not in its reach.
      const popup = context.waitForEvent("page");
      await page.evaluate((url) => openWindow(url), `${target}/`);
      await (await popup).waitForLoadState();
      expect(await page.evaluate("opened === null || opened.closed")).toBe(true);
      await page.close();
    }
    expect((await call(client.ping.query())).pid).toBe(pid);
    expect(await call(client.pages.query())).toEqual({ sessions: 0, isWatched: false });
    expect((await exchange(port, code)).status).toBe(200);
    await call(client.revokePages.mutate());
  });

  test("gets nothing by a name of its own that leads to this computer", async () => {
    const { port } = await openPage();
    const page = await context.newPage();
    const answer = await page.goto(`http://rebound.example:${port}/`);
    expect(answer?.status()).toBe(403);
    const statuses = await page.evaluate(async () => {
      const asked = ["/", "/session", "/api/status", "/assets/app-00000000.js"];
      return Promise.all(asked.map(async (path) => (await fetch(path)).status));
    });
    expect(statuses).toEqual([403, 403, 403, 403]);
    await page.close();
  });
});

interface Own {
  readonly over: readonly string[];
  ask(name: string): Promise<number>;
  follow(): Promise<number>;
  ended(): Promise<readonly string[]>;
  unfollow(): void;
}
declare const own: Own;
declare const inject: (elsewhere: string) => Promise<readonly string[]>;

describe.skipIf(!hasChromium)("the person's own page", () => {
  let context: BrowserContext;
  beforeAll(async () => (context = await browser.newContext()));
  afterAll(() => context.close());

  const show = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => "own" in globalThis);
    return page;
  };
  const isWatched = async (): Promise<boolean> => (await call(client.pages.query())).isWatched;
  const expectWatched = (wanted: boolean): Promise<void> =>
    vi.waitFor(async () => expect(await isWatched()).toBe(wanted), PATIENCE);
  /** The page itself gives up soon on a host that is slow, and asks again. */
  const expectAnswer = (page: Page, wanted: number): Promise<void> =>
    vi.waitFor(async () => expect(await page.evaluate(() => own.ask("status"))).toBe(wanted), PATIENCE);
  const overIn = (page: Page): Promise<readonly string[]> => page.evaluate(() => own.over);

  test("opens by the file, leaves no code in the address and no cookie, and its link opens nothing again", async () => {
    const { url, file } = await openPage();
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    await page.waitForURL(`${new URL(url).origin}/`);
    await page.waitForFunction(() => "own" in globalThis);
    expect(page.url()).not.toContain("code");
    await expectAnswer(page, 200);
    expect(await context.cookies()).toEqual([]);
    const second = await show(url);
    await expectAnswer(second, 401);
    expect(await overIn(second)).toEqual(["page-code-refused"]);
    await page.reload();
    await page.waitForFunction(() => "own" in globalThis);
    await expectAnswer(page, 200);
    await Promise.all([page.close(), second.close()]);
  });

  test("runs nothing but its own files, and tells nobody else", async () => {
    const page = await show((await openPage()).url);
    const ran = await page.evaluate((elsewhere) => inject(elsewhere), foreignOrigin);
    expect(ran).toEqual([]);
    await page.close();
  });

  test("ends its stream at the host when it stops listening, and when its tab is closed", async () => {
    const page = await show((await openPage()).url);
    await expectAnswer(page, 200);
    expect(await page.evaluate(() => own.follow())).toBe(200);
    expect(await isWatched()).toBe(true);
    await page.evaluate(() => own.unfollow());
    await expectWatched(false);
    expect(await page.evaluate(() => own.follow())).toBe(200);
    expect(await isWatched()).toBe(true);
    await page.close();
    await expectWatched(false);
  });

  test("finds the host again after it was killed, in two tabs, without being loaded anew, until it is shut out", async () => {
    await call(client.revokePages.mutate());
    const first = await openPage();
    const pages = [await show(first.url), await show((await openPage()).url)];
    for (const page of pages) {
      await expectAnswer(page, 200);
      expect(await page.evaluate(() => own.follow())).toBe(200);
    }
    process.kill(pid, "SIGKILL");
    await hasEnded();
    for (const page of pages) expect(await page.evaluate(() => own.ended())).toEqual(["broken"]);
    await expect(pages[0]!.evaluate(() => own.ask("status"))).rejects.toThrow("fetch");
    await startHost();
    expect((await openPage()).port).toBe(first.port);
    for (const page of pages) {
      await expectAnswer(page, 200);
      expect(await page.evaluate(() => own.follow())).toBe(200);
    }
    expect(await call(client.revokePages.mutate())).toEqual({ ended: 2 });
    await expectWatched(false);
    for (const page of pages) {
      await expectAnswer(page, 401);
      expect(await overIn(page)).toEqual(["page-session-over"]);
      await page.close();
    }
  });
});
