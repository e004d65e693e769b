/**
 * `kill -9` of the program at random moments of connecting, changing cities and disconnecting in mode `proxy`, against a real
 * `gsettings`: after the next start no engine is left and no setting.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Client } from "../../main/api/client.ts";
import { attach } from "../../main/app/attach.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { Random } from "../fuzz/random.ts";
import type { VpnWorld } from "./vpnWorld.ts";

const CLI = fileURLToPath(new URL("../../main/app/cli.ts", import.meta.url));
const SCHEMA = "org.gnome.system.proxy";
/** Milliseconds: long enough for a connect, a change and a disconnect on a busy machine. */
const KILL_WITHIN = 2_000;

export interface CrashResult {
  readonly faults: readonly string[];
  /** How often the program was killed in which state of the tunnel. */
  readonly states: Readonly<Record<string, number>>;
  /** How often the desktop's settings led into the tunnel when it was killed. */
  readonly borrowed: number;
  /** How often an engine ran when it was killed. */
  readonly withEngine: number;
}

/** Undefined where `gsettings` can be had with the desktop's schemas; else what is missing. */
export function missingForCrash(): string | undefined {
  if (process.platform !== "linux") return "Linux only";
  try {
    execFileSync("gsettings", ["list-recursively", SCHEMA], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no gsettings here (apt-get install libglib2.0-bin gsettings-desktop-schemas)";
  }
}

/** The same seed gives the same moments; `say` is told of each. */
export async function killTunnelAtRandom(
  world: VpnWorld,
  { kills, seed, say = () => undefined }: { kills: number; seed: number; say?: (line: string) => void },
): Promise<CrashResult> {
  const folder = mkdtempSync(join(tmpdir(), "vpn-crash-"));
  const scene = new Scene(folder, world);
  const random = new Random(seed, "tunnel");
  const faults: string[] = [];
  const states: Record<string, number> = {};
  let [borrowed, withEngine] = [0, 0];
  try {
    const before = scene.settings();
    for (let i = 0; i <= kills; i++) {
      const { child, client } = await scene.start();
      const left = scene.findLeft(child.pid, before);
      faults.push(...left.map((fault) => `after kill ${i}: ${fault}`));
      if (i === kills || faults.length > 0) {
        await client.stop.mutate();
        await once(child, "exit");
        faults.push(...scene.findLeft(undefined, before).map((fault) => `after the stop: ${fault}`));
        break;
      }
      const delay = random.below(KILL_WITHIN);
      const work = useTunnel(client, random);
      await sleep(delay);
      const { state } = await Promise.race([client.vpnStatus.query(), sleep(5_000, { state: "silent" })]);
      const settings = scene.settings();
      const hasEngine = scene.hasEngine();
      child.kill("SIGKILL");
      await once(child, "exit");
      await work;
      states[state] = (states[state] ?? 0) + 1;
      borrowed += Number(settings !== before);
      withEngine += Number(hasEngine);
      say(`kill ${i + 1} of ${kills} after ${delay} ms, ${state}${settings === before ? "" : ", settings borrowed"}`);
    }
    return { faults, states, borrowed, withEngine };
  } finally {
    scene.end();
  }
}

/** Connects, changes and disconnects until the host is gone. */
async function useTunnel(client: Client, random: Random): Promise<void> {
  const cities = ["fra", "fin", "msk", "auto"];
  try {
    for (;;) {
      const work = random.once(3) ? client.vpnDisconnect.mutate() : connectTo(client, random.pick(cities));
      // Sometimes the next wish comes before the last one is fulfilled.
      if (random.once(5)) {
        work.catch(() => undefined);
        await sleep(random.below(200));
      } else await work;
    }
  } catch {
    // The host was killed.
  }
}

async function connectTo(client: Client, city: string): Promise<void> {
  try {
    await client.vpnConnect.mutate({ city, mode: "proxy" });
  } catch (error) {
    const { data } = error as { data?: { notice?: { code: string } } | null };
    // One wish that overtakes another is the person's own doing.
    if (data?.notice?.code !== "tunnel-cancelled") throw error;
  }
}

/** One machine: a desktop and a data directory that outlive the killed programs. */
class Scene {
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #networkFile: string;
  #child: ChildProcess | undefined;

  constructor(folder: string, { networkFile }: VpnWorld) {
    this.#folder = folder;
    this.#networkFile = networkFile;
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    this.#environment = {
      ...process.env,
      GSETTINGS_BACKEND: "keyfile",
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_CURRENT_DESKTOP: "GNOME",
      // By this every process of the program is known, its engines, too.
      TMPDIR: temporary,
      MONTANA_DATA_DIR: join(folder, "data"),
    };
  }

  settings(): string {
    return execFileSync("gsettings", ["list-recursively", SCHEMA], { env: this.#environment, encoding: "utf8" });
  }

  async start(): Promise<{ readonly child: ChildProcess; readonly client: Client }> {
    const words = ["start", "--without-node", "--network", this.#networkFile, "--json"];
    const child = spawn(process.execPath, [CLI, ...words], {
      env: this.#environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    const [line] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [Buffer | number];
    if (!Buffer.isBuffer(line) || child.exitCode !== null) throw new Error(`the host did not start: ${String(line)}`);
    const { client } = await attach(locateData(join(this.#folder, "data")));
    return { child, client };
  }

  /** What is not as it was before the program ever ran; `host` itself is no remnant. */
  findLeft(host: number | undefined, before: string): string[] {
    const left = this.#processes()
      .filter((pid) => pid !== host)
      .map((pid) => `process ${pid} is left: ${commandOf(pid)}`);
    if (this.settings() !== before) left.push("the settings are not as they were");
    const entries = join(this.#folder, "config", "autostart");
    for (const name of namesIn(entries)) left.push(`the entry ${name} is left`);
    for (const name of namesIn(join(this.#folder, "data", "tunnel"))) {
      if (name.endsWith(".journal")) left.push(`the record ${name} is left`);
    }
    return left;
  }

  hasEngine(): boolean {
    return this.#processes().some((pid) => commandOf(pid).includes("xray run"));
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #processes(): number[] {
    const mark = `TMPDIR=${this.#environment["TMPDIR"]}`;
    return namesIn("/proc")
      .filter((name) => /^\d+$/.test(name) && readText(`/proc/${name}/environ`).split("\0").includes(mark))
      .map(Number);
  }
}

const commandOf = (pid: number): string => readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ");

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
