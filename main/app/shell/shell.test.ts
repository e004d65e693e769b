/** The shell in a fake Electron (test/fakes/electron.ts), before a real host. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { FakeElectron, type FakeOptions } from "../../../test/fakes/electron.ts";
import { createClient, type Fetch } from "../../api/client.ts";
import type { Status } from "../../api/contract.ts";
import { Playground } from "../cli.fixture.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { eventually, HostingGround } from "../desktop/hosting.fixture.ts";
import { HIDDEN, runShell, type ShellOptions } from "./shell.ts";

let ground: HostingGround;
let electron: FakeElectron;
let left: number;
let loginItems: boolean[];
beforeEach(async () => {
  ground = await HostingGround.make();
  [left, loginItems] = [0, []];
});
afterEach(() => ground.remove());

async function start(
  argv: readonly string[] = ["montana"],
  { fake = {}, ...more }: Partial<ShellOptions> & { readonly fake?: Partial<FakeOptions> } = {},
): Promise<void> {
  electron = new FakeElectron({ userData: join(ground.folder, "user"), ...fake });
  const pageFolder = join(ground.folder, "page");
  mkdirSync(pageFolder, { recursive: true });
  writeFileSync(join(pageFolder, "index.html"), "<!doctype html><title>Montana</title>");
  await runShell({
    ...{ electron: electron.api, argv, pageFolder, preload: "/preload.cjs", updates: () => undefined },
    openHosting: (onStopRequest) => ground.openHosting(onStopRequest),
    leaveDaemon() {
      left++;
      return Promise.resolve();
    },
    startAtLogin: (isWanted) => void loginItems.push(isWanted),
    ...more,
  });
}

const CANDIDATE: NonNullable<Status["candidate"]> = {
  ...{ done: 25, total: 100, d: 1, etaSeconds: null, admissionSeconds: null, pausableSeconds: null, startWindow: 1 },
  ...{ isPublishing: false, isPaused: false, waitsFor: null },
};

/** A real host whose answers tell of a candidate chain. */
const withCandidate: Partial<ShellOptions> = {
  async openHosting(onStopRequest) {
    const hosting = await ground.openHosting(onStopRequest);
    const fetch: Fetch = async (url, init) => {
      const { body, status, headers } = await hosting.answer(new Request(url, init));
      const told = body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(
          new TransformStream<string, string>({
            transform(text, controller) {
              controller.enqueue(text.replaceAll('"candidate":null', `"candidate":${JSON.stringify(CANDIDATE)}`));
            },
          }),
        )
        .pipeThrough(new TextEncoderStream());
      return new Response(told ?? null, { status, headers });
    };
    return { ...hosting, client: createClient({ url: "http://host/api", fetch }) };
  },
};

const ping = async (): Promise<number> => (await electron.fetch("/api/ping")).status;

describe("one instance", () => {
  test("is all there is: a second one ends and starts nothing", async () => {
    await start(["montana"], { fake: { isSecond: true } });
    expect(electron.quits).toBe(1);
    expect([electron.windows, electron.trays]).toEqual([[], []]);
  });

  test("is brought to the front by a second one, which hands over its link", async () => {
    await start();
    const shows = electron.window.shows;
    electron.app.emit("second-instance", {}, ["montana", "--flag", "montana://connect/fra"]);
    await eventually(() => electron.window.shows > shows);
    expect(electron.windows).toHaveLength(1);
    expect(electron.window.webContents.sent).toEqual([["link-there"]]);
    expect(electron.invoke("take-link")).toBe("montana://connect/fra");
    expect(electron.invoke("take-link")).toBeUndefined();
  });
});

describe("a link", () => {
  test("of the command line, or of macOS before the program was ready, waits for the page", async () => {
    await start(["montana", "montana://connect/auto"]);
    expect(electron.invoke("take-link")).toBe("montana://connect/auto");
    const event = { isPrevented: false, preventDefault: () => void (event.isPrevented = true) };
    electron.app.emit("open-url", event, "montana://connect/hel");
    expect(event.isPrevented).toBe(true);
    expect(await eventually(() => electron.invoke("take-link"))).toBe("montana://connect/hel");
  });

  test("does nothing by itself, is given to the page alone, and is nothing but a montana: link", async () => {
    await start(["montana", "montana://connect/auto"]);
    expect(electron.invoke("take-link", "https://example.org/")).toBeUndefined();
    expect(electron.invoke("take-link")).toBe("montana://connect/auto");
    electron.app.emit("second-instance", {}, ["montana", "https://example.org", `montana://${"x".repeat(9000)}`]);
    await eventually(() => electron.window.shows > 1);
    expect(electron.invoke("take-link")).toBeUndefined();
    const status = await (await ground.openHosting()).client.vpnStatus.query();
    expect(status.state).toBe("disconnected");
  });
});

describe("the page", () => {
  test("is answered its files and the API, and nothing of another origin", async () => {
    await start();
    const index = await electron.fetch("/");
    expect(await index.text()).toContain("Montana");
    expect(index.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await electron.fetch("/../../etc/passwd")).status).toBe(404);
    expect((await electron.fetch("/", { method: "POST" })).status).toBe(405);
    expect((await electron.fetch("app://other/")).status).toBe(404);
    expect(await ping()).toBe(200);
    expect(electron.window.loaded).toEqual(["app://montana/"]);
  });

  test("that crashes is loaded anew without its old streams; host and tray go on", async () => {
    await start();
    const reader = (await electron.fetch("/api/events?input=%7B%7D")).body!.getReader();
    expect((await reader.read()).done).toBe(false);
    electron.window.webContents.emit("render-process-gone", {}, { reason: "crashed" });
    await readToEnd(reader);
    expect(electron.window.webContents.reloads).toBe(1);
    expect([electron.exits, electron.quits, await ping()]).toEqual([[], 0, 200]);
  });

  test("that is closed leaves everything running, which the tray says, and is opened again by it", async () => {
    await start();
    await eventually(() => electron.tray.labels().includes("VPN is off"));
    expect(electron.tray.labels()).not.toContain("The window is closed; VPN and node go on");
    electron.window.close();
    electron.app.emit("window-all-closed");
    expect([electron.exits, electron.quits, await ping()]).toEqual([[], 0, 200]);
    expect(electron.tray.labels()).toContain("The window is closed; VPN and node go on");
    electron.tray.click("Open Montana");
    expect(electron.windows).toHaveLength(2);
  });

  test("is not shown when the program starts with the desktop", async () => {
    await start(["montana", HIDDEN]);
    expect(electron.windows).toEqual([]);
    await eventually(() => electron.tray.labels().includes("VPN is off"));
  });
});

describe("the window", () => {
  test("comes back where it was, unless no screen is there any more", async () => {
    await start();
    electron.window.bounds = { x: 100, y: 50, width: 1000, height: 700 };
    electron.window.isBig = true;
    electron.window.close();
    electron.tray.click("Open Montana");
    expect(electron.window.options).toMatchObject({ x: 100, y: 50, width: 1000, height: 700 });
    expect(electron.window.isBig).toBe(true);
    electron.window.bounds = { x: 5000, y: 50, width: 1000, height: 700 };
    electron.window.close();
    electron.tray.click("Open Montana");
    expect(electron.window.options).not.toHaveProperty("x");
    expect(electron.window.options).toMatchObject({ width: 1000, height: 700 });
  });
});

describe("quitting", () => {
  test("asks nothing where no candidate chain runs, and stops the own host", async () => {
    await start();
    expect(electron.requestQuit()).toBe(true);
    await eventually(() => electron.exits.length > 0);
    expect([electron.exits, electron.questions, left]).toEqual([[0], [], 0]);
    expect(readFileSync.bind(undefined, ground.directory.published)).toThrow("ENOENT");
  });

  test.each([
    ["keeps the node by a daemon", 0, 1],
    ["stops everything", 1, 0],
  ])("asks once while a candidate chain runs, and %s", async (_what, response, daemons) => {
    await start(["montana"], withCandidate);
    await eventually(() => electron.tray.labels().includes("Joining: 25 % done"));
    electron.answer = { response, checkboxChecked: false };
    electron.requestQuit();
    electron.requestQuit();
    await eventually(() => electron.exits.length > 0);
    expect(electron.questions).toHaveLength(1);
    expect(electron.questions[0]!.buttons).toEqual(["Keep the node running", "Stop everything", "Cancel"]);
    expect([electron.exits, left]).toEqual([[0], daemons]);
  });

  test("can be given up, and everything goes on", async () => {
    await start(["montana"], withCandidate);
    await eventually(() => electron.tray.labels().includes("Joining: 25 % done"));
    electron.requestQuit();
    await eventually(() => electron.questions.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([electron.exits, left, await ping()]).toEqual([[], 0, 200]);
    electron.answer = { response: 1, checkboxChecked: true };
    electron.tray.click("Quit");
    await eventually(() => electron.exits.length > 0);
    expect(electron.questions).toHaveLength(2);
  });

  test("follows when somebody asks the own host to stop", async () => {
    await start(["montana"], withCandidate);
    await (await ground.openHosting()).client.stop.mutate();
    await eventually(() => electron.exits.length > 0);
    expect([electron.exits, electron.questions]).toEqual([[0], []]);
  });
});

test("a host that runs already is used, goes on when the program quits, and is replaced when it ends", async () => {
  const playground = await Playground.make();
  try {
    const daemon = await playground.startPlainly(["--without-node", "--data-dir", ground.directory.root]);
    await start();
    expect(await answeringPid()).toBe(daemon.pid);
    electron.requestQuit();
    await eventually(() => electron.exits.length > 0);
    expect(daemon.process.exitCode).toBeNull();
    await start();
    expect(await answeringPid()).toBe(daemon.pid);
    daemon.process.kill("SIGTERM");
    await daemon.ended;
    await eventually(async () => (await answeringPid()) === process.pid);
    expect(electron.failures).toEqual([]);
  } finally {
    await playground.remove();
  }
});

async function answeringPid(): Promise<number | undefined> {
  const response = await electron.fetch("/api/ping");
  if (!response.ok) return undefined;
  const { result } = (await response.json()) as { result: { data: { pid: number } } };
  return result.data.pid;
}

/** Also where that is an error. */
async function readToEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read().catch(() => ({ done: true }))).done);
}

test("a host that cannot be reached or started is said, and the program ends", async () => {
  await start(["montana"], { openHosting: () => Promise.reject(new ProtocolError("host-newer", { pid: 7 })) });
  expect(electron.failures[0]).toContain("7");
  expect(electron.exits).toEqual([1]);
});

test("what the person chose of starting with the desktop is done", async () => {
  await start();
  await eventually(() => loginItems.length > 0);
  expect(loginItems).toEqual([false]);
  const { client } = await ground.openHosting();
  await client.setPreferences.mutate({ startsAtLogin: true, language: "ru" });
  await eventually(() => electron.tray.labels().includes("Открыть Montana"));
  expect(loginItems).toEqual([false, true]);
});
