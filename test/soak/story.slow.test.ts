/**
 * The story of the README, with the commands as they stand there, on real nodes and exits; three minutes of trouble while its
 * person becomes a node; what is left when it has been stopped, and what a start that is killed leaves.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PASSPHRASE, Playground } from "../../main/app/cli.fixture.ts";
import { binariesHere, isListening } from "../../main/xray/mesh.fixture.ts";
import { reportOf } from "./report.ts";
import { Soak } from "./soak.ts";
import { heldBelow } from "./usage.ts";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TITLE = "## The story";
/** Of one step, on a busy machine; what it waits for says before that what it waited for. */
const STEP_MS_MAX = 400_000;
const WAIT_MS_MAX = 240_000;
const ASK_MS_MAX = 30_000;
const POLL_MS = 1000;
const START_SECONDS_MAX = 60;
/** Until a page answers, with everything built and the network down. */
const SECOND_START_MS_MAX = 5000;
const SOAK_MINUTES = 3;
const [ROUND_MS, SAMPLE_MS] = [20_000, 5000];
const BONUS = "13000000000";

/** Of the README's section: each line of its code without what it says about it. */
function readStory(): string[] {
  const [, section = ""] = readFileSync(join(ROOT, "README.md"), "utf8").split(`${TITLE}\n`);
  const [, code = ""] = section.split("```");
  return code
    .trim()
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""));
}

describe.skipIf(binariesHere() === undefined || process.platform !== "linux")("the story of the README", () => {
  let playground: Playground;
  let environment: NodeJS.ProcessEnv;
  let localFolder: string;
  const commands = readStory();

  beforeAll(async () => {
    playground = await Playground.make();
    const [home, temporary] = [join(playground.folder, "home"), join(playground.folder, "tmp")];
    for (const folder of [home, temporary]) mkdirSync(folder);
    environment = {
      ...{ HOME: home, TMPDIR: temporary, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_STATE_HOME: home },
      // npm's own files, and the answer that a person types.
      ...{ npm_config_cache: join(playground.folder, "npm"), npm_config_update_notifier: "false" },
      NODE_COMPILE_CACHE: join(ROOT, ".cache", "compiled"),
      MONTANA_PASSPHRASE: PASSPHRASE,
    };
    localFolder = join(playground.data, "local");
  });
  afterAll(async () => {
    await stopAll();
    // Of a stop that failed, which a test above has said: the next tests want this machine for themselves.
    for (const { pid } of heldBelow(playground.data)) process.kill(pid, "SIGKILL");
    await playground.remove();
  }, STEP_MS_MAX);

  async function stopAll(): Promise<void> {
    for (const words of [["local", "stop"], ["stop"]]) await playground.run(words, { environment });
  }

  /** The next of the README's lines, which is to be this one, as a shell runs it. Gives what it printed. */
  async function next(command: string): Promise<string> {
    const line = commands.shift();
    expect(line).toMatch(new RegExp(`^npm run -s montana -- (?:.* -- )?${command}\\b`));
    return asWritten(line!);
  }

  function asWritten(line: string): Promise<string> {
    const child = spawn("sh", ["-c", line], {
      cwd: ROOT,
      env: { ...process.env, ...environment, MONTANA_DATA_DIR: playground.data },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const texts = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.err += text));
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        if (code === 0) resolve(texts.out);
        else reject(new Error(`${line}: ${texts.out}${texts.err}`));
      });
    });
  }

  async function run<T>(...words: string[]): Promise<T> {
    const ended = await playground.run([...words, "--json"], { environment });
    if (ended.code !== 0) throw new Error(`montana ${words.join(" ")}: ${ended.out}${ended.err}`);
    return ended.json() as T;
  }

  async function until(what: string, holds: () => Promise<boolean>, pollMs = POLL_MS): Promise<void> {
    const end = performance.now() + WAIT_MS_MAX;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`never: ${what}`);
      await wait(pollMs);
    }
  }

  test(
    "makes an identity and starts a network whose cities a client reaches within a minute",
    async () => {
      await next("init");
      const busy = Math.max(1, (loadavg()[0] ?? 0) / cpus().length);
      const said = await next("local start");
      const [, seconds] = /reached after ([\d.]+) s/.exec(said)!;
      expect(said).toContain("Moscow, Frankfurt, Helsinki, Istanbul");
      // What others take of this machine is no fault of the network's.
      expect(Number(seconds)).toBeLessThanOrEqual(START_SECONDS_MAX * busy);
    },
    STEP_MS_MAX,
  );

  test(
    "goes through Frankfurt, and through another city once that is broken, and its relay with it",
    async () => {
      await next("vpn connect");
      expect(await next("vpn status")).toMatch(/^city +fra$/m);
      const { siteUrl } = await run<{ siteUrl: string }>("local", "status");
      const { proxy } = await run<{ proxy: { port: number } }>("vpn", "status");
      const city = (): Promise<unknown> => askThrough(proxy.port, `${siteUrl}city.json`);
      expect(await city()).toMatchObject({ code: "fra", name: { en: "Frankfurt" } });
      await next("local break");
      const { routes } = await run<{ routes: { city: string; isOk: boolean }[] }>("vpn", "test");
      const reached = routes.filter(({ isOk }) => isOk).map((route) => route.city);
      expect([...new Set(reached)].sort()).toEqual(["fin", "msk"]);
      await until("the tunnel leads elsewhere", async () => {
        const { state, city: now } = await run<{ state: string; city: string | null }>("vpn", "status");
        return state === "connected" && now !== "fra";
      });
      const [, instead] = /^city +(\w+)/m.exec(await next("vpn status"))!;
      expect(await city()).toMatchObject({ code: instead });
      await next("local heal");
    },
    STEP_MS_MAX,
  );

  test(
    "joins, receives 13 Ɉ and sends 1 Ɉ, while the network is broken and killed for three minutes",
    async () => {
      await next("network start");
      await until("this node is in step", async () => {
        const { window, progress } = await run<{ window: number | null; progress: object | null }>("status");
        return window !== null && progress === null;
      });
      expect(await next("status")).toMatch(/^phase +Bootstrap$/m);
      await next("join");
      const soak = new Soak({
        ...{ data: playground.data, seed: 9, roundMs: ROUND_MS, sampleMs: SAMPLE_MS, say: () => undefined },
        run: (words) => playground.run(words, { environment }),
      });
      const trouble = soak.run(SOAK_MINUTES, () => undefined);
      const person = becomeNode();
      await Promise.all([trouble, person]);
      const { record } = soak;
      expect(record.kills).toBeGreaterThanOrEqual(record.rounds);
      expect(reportOf(record).wrong).toEqual([]);

      // One a window, whichever of the start's candidates was killed on its way.
      const windows = await Promise.all(["frankfurt", "helsinki"].map((node) => bonusWindow(node)));
      expect(windows[0]).not.toBe(windows[1]);
      expect(await next("local status")).toMatch(/^practice network: running/);
      const { explorerUrl } = await run<{ explorerUrl: string }>("local", "start");
      // It shows the cities: the person's node is none.
      await until("the explorer shows three nodes", async () => (await nodesShownAt(explorerUrl)) === 3);

      const ports = portsOf(localFolder);
      expect((await Promise.all(ports.map(isListening))).filter(Boolean).length).toBe(ports.length);
      expect(await next("local stop")).toContain("The tunnel through it was disconnected.");
      await next("stop");
      expect(commands).toEqual([]);
      const { windows: decided, stored, wrong } = await soak.end();
      expect(wrong).toEqual([]);
      expect(Math.min(...stored.values())).toBeGreaterThan(decided / 2);
      expect((await Promise.all(ports.map(isListening))).filter(Boolean)).toEqual([]);
      for (const folder of [environment["HOME"]!, environment["TMPDIR"]!]) expect(filesIn(folder)).toEqual([]);
      expect(readdirSync(localFolder).filter((name) => /^(?:run|ended)-/.test(name))).toEqual([]);
    },
    SOAK_MINUTES * 60_000 + 2 * STEP_MS_MAX,
  );

  async function becomeNode(): Promise<void> {
    await until("this node is one of the network's", async () => {
      const { phase } = await run<{ phase: string }>("status");
      return phase === "Active";
    });
    expect(await next("status")).toMatch(/^phase +Active$/m);
    expect(await next("history")).toMatch(/bonus +settled +\+13 Ɉ$/m);
    await next("send");
    await until("the payment is settled", async () => {
      const { entries } = await run<{ entries: Entry[] }>("history");
      const { state } = entries.find(({ kind }) => kind === "transfer")!;
      expect(["signed", "cementing", "confirmed", "settled"]).toContain(state);
      return state === "settled";
    });
    expect(await next("history")).toMatch(/transfer +settled +-1 Ɉ/);
  }

  /** Of the only bonus that the city's node received. */
  async function bonusWindow(node: string): Promise<number> {
    const data = join(localFolder, "cities", node, "node");
    const bonuses: Entry[] = [];
    for (let before: string | undefined; ;) {
      const more = before === undefined ? [] : ["--before", before];
      const page = await run<{ entries: Entry[]; hasMore: boolean }>(
        ...["history", "--limit", "200", "--data-dir", data, ...more],
      );
      bonuses.push(...page.entries.filter(({ kind }) => kind === "bonus"));
      if (!page.hasMore) break;
      before = page.entries.at(-1)?.id;
    }
    expect(bonuses.map(({ amount }) => amount)).toEqual([BONUS]);
    return bonuses[0]!.window;
  }

  test(
    "is there again within five seconds of npm start, and ends what a start that was killed left behind",
    async () => {
      // Stands in for a desktop: it is told which file to show.
      const [bin, opened] = [join(playground.folder, "bin"), join(playground.folder, "opened")];
      mkdirSync(bin);
      writeFileSync(
        join(bin, "xdg-open"),
        `#!/bin/sh\nprintf %s "$1" > "${opened}.new" && mv "${opened}.new" "${opened}"\n`,
        { mode: 0o755 },
      );
      environment = { ...environment, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
      await stopAll();
      const busy = Math.max(1, (loadavg()[0] ?? 0) / cpus().length);
      const beganMs = performance.now();
      const starting = asWritten("npm start").catch((error: unknown) => error);
      await until("the browser is told", () => Promise.resolve(existsSync(opened)), 50);
      const [url] = /http:\/\/127\.0\.0\.1:\d+\/[^"'<\s]*/.exec(readFileSync(readFileSync(opened, "utf8"), "utf8"))!;
      const { status } = await fetch(url);
      // What others take of this machine is no fault of the program's.
      expect(performance.now() - beganMs).toBeLessThanOrEqual(SECOND_START_MS_MAX * busy);
      expect(status).toBe(200);

      await until("some of it runs", () => Promise.resolve(notesIn(localFolder).length >= 3));
      const [found] = commandLinesBelow(playground.data).filter(({ words }) =>
        words.join(" ").includes(" local start"),
      );
      process.kill(found!.pid, "SIGKILL");
      expect(await starting).toBeInstanceOf(Error);
      const { ended } = await run<{ ended: number }>("local", "stop");
      expect(ended).toBeGreaterThanOrEqual(3);
      await run("stop");
      await until("the last of it has ended", () => Promise.resolve(heldBelow(playground.data).length === 0));
      expect(await run("local", "status")).toMatchObject({ state: "stopped" });
    },
    STEP_MS_MAX,
  );
});

interface Entry {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly window: number;
  readonly amount: string;
}

function askThrough(proxyPort: number, url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(url);
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    request({ host: "127.0.0.1", port: proxyPort, path: url, headers: { host }, signal }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(JSON.parse(body)));
    })
      .on("error", reject)
      .end();
  });
}

/** Of the page's own data. */
async function nodesShownAt(explorerUrl: string): Promise<number> {
  const page = await fetch(explorerUrl);
  expect(page.headers.get("content-type")).toContain("text/html");
  const data = await fetch(new URL("data.json", explorerUrl));
  return ((await data.json()) as { network_summary: { active_nodes: number } }).network_summary.active_nodes;
}

function portsOf(folder: string): number[] {
  const [, body = ""] = readFileSync(join(folder, "local.json"), "utf8").split("\n");
  const { ports, cities } = JSON.parse(body) as {
    readonly ports: Readonly<Record<string, number>>;
    readonly cities: readonly { readonly exitPort: number; readonly nodePort: number | null }[];
  };
  return [...Object.values(ports), ...cities.flatMap(({ exitPort, nodePort }) => [exitPort, nodePort ?? []].flat())];
}

const commandLinesBelow = (data: string): { pid: number; words: string[] }[] =>
  heldBelow(data).map(({ pid }) => ({ pid, words: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0") }));

const notesIn = (folder: string): string[] =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.startsWith("run-"))
    .flatMap((name) => readdirSync(join(folder, name)).filter((file) => file.endsWith(".json")));

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);
