/**
 * Whole-device mode of the real program, as an unprivileged user, with the real helper and real exits, in namespaces: whatever
 * happens, the wire carries packets to exits and nothing else.
 */
import type { ChildProcess } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { binariesHere } from "../../../main/xray/mesh.fixture.ts";
import {
  Capture,
  enginesRunning,
  EXITS,
  findTraces,
  MACHINE,
  moveTo,
  makeWorld,
  PERSON,
  RESOLVER,
  ROUTER,
  runIn,
  SITE,
  SITE6,
  startPings,
  toolPath,
  whyNoNamespaces,
  type World,
} from "./namespaces.ts";
import type { Load } from "./load.ts";
import { CITIES, EXIT_NAME, type Outside } from "./outside.ts";
import { DEAD, NAMED, type Asked, type Command, type Said } from "./program.ts";

const binaries = binariesHere();
const HELPER = join(binaries?.xray ?? "", "../montana-helper");
const here = (name: string): string => join(import.meta.dirname, name);

const why = ((): string | undefined => {
  if (binaries === undefined) return "there is no engine (npm run xray)";
  if (!existsSync(HELPER)) return "the helper is not built";
  return whyNoNamespaces();
})();
if (why !== undefined) console.warn(`Whole-device mode is not tested here: ${why}.`);

/** Deaths of the program in one test; those of the other modes are tested elsewhere. */
const KILLS = 12;
const CANCELS = 10;
/** Milliseconds: other tests may have all processors. */
const PATIENCE = 120_000;

/** A child that speaks in lines. */
class Speaker<T> {
  readonly child: ChildProcess;
  readonly said: T[] = [];
  #waiting: (() => void)[] = [];
  #isOver = false;
  readonly #ended: Promise<void>;

  constructor(child: ChildProcess) {
    this.child = child;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      this.said.push(JSON.parse(line) as T);
      this.#wake();
    });
    this.#ended = once(child, "close").then(() => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** The first line from `position` on that is such. */
  async next(isWanted: (line: T) => boolean, position = this.said.length): Promise<T> {
    for (;;) {
      const found = this.said.slice(position).find(isWanted);
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`ended after ${JSON.stringify(this.said.slice(-5))}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#ended;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

class Program extends Speaker<Said> {
  #id = 0;

  async ask(command: Command): Promise<unknown> {
    const id = ++this.#id;
    const position = this.said.length;
    this.child.stdin!.write(`${JSON.stringify({ ...command, id } satisfies Asked)}\n`);
    const { ok, error } = await this.next((line) => line.id === id, position);
    if (error !== undefined) throw new Error(error);
    return ok;
  }
}

describe.skipIf(why !== undefined)("whole-device mode", () => {
  let world: World;
  let outside: Speaker<Outside>;
  let links: string;
  let helper: ChildProcess;
  let program: Program;
  let load: Speaker<Load>;
  let pings: readonly string[];

  beforeAll(async () => {
    world = makeWorld();
    // Root's, in a folder of root's, as the helper demands.
    for (const [from, name] of [
      [binaries!.xray, "xray"],
      [HELPER, "montana-helper"],
    ] as const) {
      copyFileSync(from, join(world.folder, name));
      chmodSync(join(world.folder, name), 0o755);
    }
    const exits = join(world.folder, "exits");
    mkdirSync(exits, { mode: 0o700 });
    mkdirSync(join(world.folder, "person"), { mode: 0o700 });
    chownSync(join(world.folder, "person"), PERSON, PERSON);
    outside = new Speaker(runIn(world.outside, [process.execPath, here("outside.ts"), exits]));
    const ready = await outside.next(() => true, 0);
    links = JSON.stringify(ready.links);
    await startHelper();
    program = startProgram();
    load = new Speaker(runIn(world.machine, [process.execPath, here("load.ts")], { isPerson: true }));
    await load.next(() => true, 0);
    pings = startPings(world);
  }, PATIENCE);
  afterAll(async () => {
    await world.close();
  }, PATIENCE);
  afterEach(async () => {
    // Each begins on a machine as it was.
    if (helper.exitCode !== null || helper.signalCode !== null) await startHelper();
    await program.kill();
    program = startProgram();
    await program.ask({ do: "repair" });
    expect(findTraces(world)).toEqual([]);
  }, PATIENCE);

  async function startHelper(): Promise<void> {
    const socket = join(world.folder, "helper.sock");
    const engine = join(world.folder, "xray");
    const args = ["serve", "--socket", socket, "--uid", String(PERSON), "--engine", engine];
    helper = runIn(world.machine, [join(world.folder, "montana-helper"), ...args], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    while (!(await isServed(socket))) {
      if (helper.exitCode !== null) throw new Error("the helper ended");
      await sleep(20);
    }
  }

  function startProgram(): Program {
    const args = [here("program.ts"), join(world.folder, "person"), join(world.folder, "helper.sock"), links];
    return new Program(runIn(world.machine, [process.execPath, ...args], { isPerson: true }));
  }

  const connect = (city: string, killSwitch = true): Promise<unknown> =>
    program.ask({ do: "connect", city, killSwitch });
  const fetchFrom = async (timeoutMs = 10_000): Promise<unknown> =>
    program.ask({ do: "fetch", url: `http://${SITE}/from`, timeoutMs }).catch(() => "nothing");

  const sendLast = (): void => void load.child.stdin!.write("\n");

  /** So many more tries of every kind. */
  async function untilTried(more: number): Promise<void> {
    const end = (load.said.at(-1)?.tried ?? 0) + more;
    await load.next(({ tried }) => tried >= end);
  }

  async function endHelper(): Promise<void> {
    const ended = once(helper, "exit");
    helper.kill("SIGKILL");
    await ended;
  }

  async function enginePid(): Promise<number> {
    const { pid } = (await program.ask({ do: "status" })) as { readonly pid: number };
    return pid;
  }

  test("sends nothing but packets to exits while the city changes fifty times under load", async () => {
    expect(await fetchFrom()).toBe(MACHINE);
    await connect("fra");
    const capture = await Capture.start(world, "switches");
    const before = load.said.at(-1)!;
    for (let i = 0; i < 50; i++) {
      const city = CITIES[(i + 1) % CITIES.length]!;
      expect(await connect(city)).toBe(city);
      if (i % 5 === 0) expect(await fetchFrom()).toBe(EXITS[CITIES.indexOf(city)]);
    }
    await untilTried(100);
    const { packets, leaks } = await capture.finish(sendLast);
    expect(leaks).toEqual([]);
    expect(packets).toBeGreaterThan(500);
    expect(load.said.at(-1)!.answered).toBeGreaterThan(before.answered);
    await program.ask({ do: "disconnect" });
    expect(findTraces(world)).toEqual([]);
    expect(await fetchFrom()).toBe(MACHINE);
  });

  test("comes up again by itself, and leaks nothing, when the engine is killed", async () => {
    await connect("fra");
    const capture = await Capture.start(world, "engine");
    const position = program.said.length;
    process.kill(await enginePid(), "SIGKILL");
    await program.next(({ cause }) => cause === "child-exited", position);
    await program.next(({ state }) => state === "connected", position);
    await untilTried(60);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
    expect(await fetchFrom()).toBe(EXITS[0]);
  });

  test("comes up again by itself, and leaks nothing, when the helper is killed", async () => {
    await connect("fin");
    const capture = await Capture.start(world, "helper");
    const position = program.said.length;
    await endHelper();
    await untilTried(60);
    await startHelper();
    await program.next(({ state }) => state === "connected", position);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
    expect(await fetchFrom()).toBe(EXITS[1]);
  });

  test.each([
    ["the program", ["program"]],
    ["the program and the engine at once", ["engine", "program"]],
    ["the engine, the program and the helper at once", ["engine", "program", "helper"]],
  ])("leaks nothing when somebody kills %s, until the next start takes over", async (_, killed) => {
    await connect("ams");
    const pid = await enginePid();
    const capture = await Capture.start(world, "killed");
    if (killed.includes("engine")) process.kill(pid, "SIGKILL");
    const dead = [program.kill(), ...(killed.includes("helper") ? [endHelper()] : [])];
    await Promise.all(dead);
    await untilTried(60);
    if (killed.includes("helper")) await startHelper();
    program = startProgram();
    expect(await connect("fra")).toBe("fra");
    await untilTried(30);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
    expect(await fetchFrom()).toBe(EXITS[0]);
  });

  test("would be seen to leak: without the kill switch, killing the program sends everything past the tunnel", async () => {
    await connect("fra", false);
    const capture = await Capture.start(world, "control");
    await untilTried(60);
    await program.kill();
    await untilTried(60);
    const { leaks } = await capture.finish(sendLast);
    for (const seen of [`> ${SITE}.80`, `> ${RESOLVER}.53`, `> ${ROUTER}.53`, `> ${SITE6}.80`, ...pings]) {
      expect(leaks.filter((line) => line.includes(seen))).not.toEqual([]);
    }
  });

  test("lets nothing out when no exit works, but for a while past the block, and all again after disconnecting", async () => {
    await expect(connect(DEAD)).rejects.toThrow(/account-rejected|target-unreachable/);
    expect(await program.ask({ do: "status" })).toMatchObject({ state: "blocked", isWholeDevice: true });
    const capture = await Capture.start(world, "blocked");
    expect(await fetchFrom(1_000)).toBe("nothing");
    await untilTried(60);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
    await program.ask({ do: "pause", seconds: 60 });
    expect(await fetchFrom()).toBe(MACHINE);
    await program.ask({ do: "end-pause" });
    await program.next(({ state }) => state === "blocked");
    expect(await fetchFrom(1_000)).toBe("nothing");
    await program.ask({ do: "disconnect" });
    expect(findTraces(world)).toEqual([]);
    expect(await fetchFrom()).toBe(MACHINE);
  });

  test("reaches the local network, and what the person excepts, past the tunnel", async () => {
    await program.ask({ do: "connect", city: "fin", killSwitch: true, bypass: [`${SITE}/32`] });
    expect(await program.ask({ do: "fetch", url: `http://${ROUTER}/from`, timeoutMs: 10_000 })).toBe(MACHINE);
    expect(await fetchFrom()).toBe(MACHINE);
    await program.ask({ do: "connect", city: "fin", killSwitch: true });
    expect(await fetchFrom()).toBe(EXITS[1]);
  });

  test("blocks from the beginning on where the engine cannot even start", async () => {
    const taken = runIn(
      world.machine,
      [toolPath("ip")!, "link", "add", "name", "montana0", "type", "veth", "peer", "name", "other0"],
      {
        stdio: "ignore",
      },
    );
    await once(taken, "exit");
    await expect(connect("fra")).rejects.toThrow(/^(?:tun-busy|config-invalid)$/);
    const capture = await Capture.start(world, "never");
    expect(await fetchFrom(1_000)).toBe("nothing");
    await untilTried(60);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
    const freed = runIn(world.machine, [toolPath("ip")!, "link", "del", "montana0"], { stdio: "ignore" });
    await once(freed, "exit");
    await program.next(({ state }) => state === "connected", 0);
    expect(await fetchFrom()).toBe(EXITS[0]);
  });

  test("finds an exit by its name from behind a block that already holds, and nothing else gets out", async () => {
    rmSync(join(world.folder, "person", "exit-addresses"), { force: true });
    await connect("fra");
    await program.kill();
    rmSync(join(world.folder, "person", "exit-addresses"), { force: true });
    const capture = await Capture.start(world, "named");
    program = startProgram();
    expect(await connect(NAMED)).toBe(NAMED);
    expect(await fetchFrom()).toBe(EXITS[0]);
    const { leaks } = await capture.finish(sendLast);
    expect(leaks).not.toEqual([]);
    expect(leaks.filter((line) => !line.includes(EXIT_NAME))).toEqual([]);
  });

  test("goes on after the machine came into another network, and leaks nothing on the way", async () => {
    await connect("ams");
    const capture = await Capture.start(world, "moved");
    const position = program.said.length;
    moveTo(world, "192.168.77.3");
    await program.next(({ cause }) => cause === "network-changed", position);
    await program.next(({ state }) => state === "connected", position);
    expect(await fetchFrom()).toBe(EXITS[2]);
    await untilTried(60);
    moveTo(world, MACHINE);
    expect((await capture.finish(sendLast)).leaks).toEqual([]);
  });

  test("leaves nothing behind when connecting is cancelled at any moment", async () => {
    for (let i = 0; i < CANCELS; i++) {
      const cancelled = program.ask({ do: "connect", city: "fra", killSwitch: i % 2 === 0 }).catch(() => "cancelled");
      await sleep(Math.random() * 200);
      await program.ask({ do: "disconnect" });
      expect(["cancelled", "fra"]).toContain(await cancelled);
      expect(findTraces(world)).toEqual([]);
      expect(enginesRunning(world)).toBe(0);
    }
    expect(await fetchFrom()).toBe(MACHINE);
  });

  test("gives the machine back when another mode is chosen, also from behind a block", async () => {
    await connect("fra");
    expect(await program.ask({ do: "connect", city: "fin", killSwitch: false, mode: "local" })).toBe("fin");
    expect(findTraces(world)).toEqual([]);
    await expect(connect(DEAD)).rejects.toThrow(/account-rejected|target-unreachable/);
    expect(await program.ask({ do: "connect", city: "fin", killSwitch: false, mode: "local" })).toBe("fin");
    expect(findTraces(world)).toEqual([]);
    expect(await fetchFrom()).toBe(MACHINE);
  });

  test("says that a block stays when the helper is gone on disconnecting, and the next start takes it away", async () => {
    await connect("fra");
    await endHelper();
    await program.ask({ do: "disconnect" });
    expect(await program.ask({ do: "status" })).toMatchObject({
      state: "disconnected",
      fault: { code: "helper-not-running" },
    });
    expect(await fetchFrom(1_000)).toBe("nothing");
  });

  test("says which way names and IPv6 would take, as the wire shows it", async () => {
    const ways = (): Promise<unknown> => program.ask({ do: "ways" });
    expect(await ways()).toEqual({ resolvers: [[ROUTER, "outside"]], ipv4: "outside", ipv6: "outside" });
    await connect("fra");
    expect(await ways()).toEqual({ resolvers: [[ROUTER, "tunnel"]], ipv4: "tunnel", ipv6: "tunnel" });
    await program.kill();
    program = startProgram();
    expect(await ways()).toEqual({ resolvers: [[ROUTER, "blocked"]], ipv4: "blocked", ipv6: "blocked" });
  });

  test("leaves nothing behind after the next start, whenever the program is killed", async () => {
    for (let i = 0; i < KILLS; i++) {
      const killSwitch = i % 2 === 0;
      const commands: readonly Command[] = [
        { do: "connect", city: "fra", killSwitch },
        { do: "connect", city: "fin", killSwitch },
        { do: "disconnect" },
      ];
      // Of a third each: while it connects, changes, disconnects.
      for (const command of commands.slice(0, i % 3)) await program.ask(command);
      const cut = program.ask(commands[i % 3]!).catch(() => undefined);
      await sleep(Math.random() * [250, 60, 60][i % 3]!);
      await program.kill();
      await cut;
      program = startProgram();
      await program.ask({ do: "repair" });
      expect(findTraces(world)).toEqual([]);
      expect(await fetchFrom()).toBe(MACHINE);
      expect(enginesRunning(world)).toBe(0);
    }
  });
});

/** A socket that a killed helper has left is there, too. */
function isServed(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connectSocket(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}
