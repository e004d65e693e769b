/**
 * A small world in network namespaces, for tests as root on Linux: a machine in one, and in the other all that is outside of it
 * (router, resolvers, sites, exits), with a capture on the wire between them.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readlinkSync, statSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** As at home: the router is the resolver, and the provider gives IPv6. */
export const ROUTER = "192.168.77.1";
export const MACHINE = "192.168.77.2";
const ROUTER6 = "2001:db8:77::1";
const MACHINE6 = "2001:db8:77::2";
/** Out in the world. */
export const SITE = "198.51.100.10";
export const SITE6 = "2001:db8:99::10";
export const RESOLVER = "198.51.100.53";
export const EXITS: readonly string[] = ["203.0.113.11", "203.0.113.12", "203.0.113.13"];
export const EXIT_PORT = 443;
/** Without a name and without a right on the host. */
export const PERSON = 54_321;

const TUN = "/dev/net/tun";
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  ip: ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"],
  nft: ["/usr/sbin/nft", "/usr/bin/nft"],
  tcpdump: ["/usr/bin/tcpdump", "/usr/sbin/tcpdump"],
  setpriv: ["/usr/bin/setpriv", "/bin/setpriv"],
};

export const toolPath = (tool: string): string | undefined => TOOLS[tool]!.find((path) => existsSync(path));

/** Why this machine cannot have such a world; undefined where it can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "whole-device mode is tested on Linux";
  if (process.getuid!() !== 0) return "it needs root";
  const missing = Object.keys(TOOLS).find((tool) => toolPath(tool) === undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  if (!existsSync(TUN)) return "the kernel has no tun";
  const probe = spawnSync(toolPath("ip")!, ["netns", "add", `mt-probe-${process.pid}`], { encoding: "utf8" });
  if (probe.status !== 0) return `network namespaces cannot be made (${probe.stderr.trim()})`;
  ip("netns", "del", `mt-probe-${process.pid}`);
  // The program runs as somebody who may read the checkout, but nothing more.
  const reads = spawnSync(toolPath("setpriv")!, [
    ...asPerson(),
    process.execPath,
    "-e",
    `require(${JSON.stringify(import.meta.filename)})`,
  ]);
  return reads.status === 0 ? undefined : "another user cannot read this checkout";
}

const asPerson = (): string[] => [`--reuid=${PERSON}`, `--regid=${PERSON}`, "--clear-groups", "--no-new-privs"];

function ip(...args: string[]): string {
  return execFileSync(toolPath("ip")!, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export interface World {
  readonly machine: string;
  readonly outside: string;
  /** Root's alone; made by the test, removed at the end. */
  readonly folder: string;
  close(): Promise<void>;
}

let count = 0;

export function makeWorld(): World {
  const id = `mt${process.pid}-${count++}`;
  const [machine, outside] = [`${id}-in`, `${id}-out`];
  const folder = `/run/montana-test-${id}`;
  mkdirSync(folder, { mode: 0o755 });
  for (const name of [machine, outside]) {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
  }
  ip("link", "add", "name", `${id}m`, "netns", machine, "type", "veth", "peer", "name", "wire0", "netns", outside);
  ip("-n", machine, "link", "set", `${id}m`, "name", "eth0");
  const addresses = [
    [machine, "eth0", `${MACHINE}/24`],
    [machine, "eth0", `${MACHINE6}/64`],
    [outside, "wire0", `${ROUTER}/24`],
    [outside, "wire0", `${ROUTER6}/64`],
    ...[SITE, RESOLVER, ...EXITS].map((address) => [outside, "lo", `${address}/32`]),
    [outside, "lo", `${SITE6}/128`],
  ] as const;
  for (const [name, link, address] of addresses) {
    ip("-n", name, "address", "add", address, "dev", link, ...(address.includes(":") ? ["nodad"] : []));
  }
  ip("-n", machine, "link", "set", "eth0", "up");
  ip("-n", outside, "link", "set", "wire0", "up");
  ip("-n", machine, "route", "add", "default", "via", ROUTER);
  ip("-n", machine, "-6", "route", "add", "default", "via", ROUTER6);
  // `ip netns exec` shows this file in the place of the system's.
  mkdirSync(`/etc/netns/${machine}`, { recursive: true });
  writeFileSync(`/etc/netns/${machine}/resolv.conf`, `nameserver ${ROUTER}\noptions timeout:1 attempts:1\n`);
  // As udev leaves it; some machines without udev have it for root alone.
  const { mode } = statSync(TUN);
  chmodSync(TUN, 0o666);
  const close = async (): Promise<void> => {
    chmodSync(TUN, mode & 0o777);
    for (const name of [machine, outside]) {
      for (const pid of ip("netns", "pids", name).split("\n").filter(Boolean)) end(Number(pid));
      while (ip("netns", "pids", name).trim() !== "") await sleep(20);
      ip("netns", "del", name);
    }
    rmSync(`/etc/netns/${machine}`, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  return { machine, outside, folder, close };
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

export interface RunOptions {
  /** As the person instead of root. */
  readonly isPerson?: boolean;
  readonly stdio?: StdioOptions;
}

/** Runs a program in a namespace; the child is the program itself. */
export function runIn(namespace: string, command: readonly string[], options: RunOptions = {}): ChildProcess {
  const { isPerson = false, stdio = ["pipe", "pipe", "inherit"] } = options;
  const prefix = isPerson ? [toolPath("setpriv")!, ...asPerson()] : [];
  const args = ["netns", "exec", namespace, ...prefix, ...command];
  return spawn(toolPath("ip")!, args, { stdio, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } });
}

/** Ping, where there is one: what it sends all the time, as tcpdump prints it. */
export function startPings({ machine }: World): readonly string[] {
  const ping = ["/usr/bin/ping", "/bin/ping"].find((path) => existsSync(path));
  if (ping === undefined) return [];
  for (const address of [SITE, SITE6]) {
    runIn(machine, [ping, "-q", "-i", "0.2", address], { stdio: ["ignore", "ignore", "ignore"] });
  }
  return [`> ${SITE}: ICMP echo request`, `> ${SITE6}: ICMP6, echo request`];
}

/** The machine in another network: another address, by which the same router is reached. */
export function moveTo({ machine }: World, address: string): void {
  ip("-n", machine, "-4", "address", "flush", "dev", "eth0");
  ip("-n", machine, "address", "add", `${address}/24`, "dev", "eth0");
  ip("-n", machine, "route", "add", "default", "via", ROUTER);
}

/** What a command in a namespace prints. */
export function askIn(namespace: string, tool: string, ...args: string[]): string {
  return execFileSync(toolPath("ip")!, ["netns", "exec", namespace, toolPath(tool)!, ...args], { encoding: "utf8" });
}

/** Everything on the machine that whole-device mode sets: empty when nothing of it is left. */
export function findTraces({ machine }: World): string[] {
  const lines = (...args: string[]): string[] =>
    askIn(machine, "ip", ...args)
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const isSystems = (line: string): boolean => /^(?:0|32766|32767):/.test(line);
  return [
    ...["-4", "-6"].flatMap((family) => lines(family, "rule").filter((line) => !isSystems(line))),
    ...["-4", "-6"].flatMap((family) =>
      lines(family, "route", "show", "table", "all").filter((line) => line.includes("table 52")),
    ),
    ...lines("-o", "link").filter((line) => line.includes("montana")),
    ...askIn(machine, "nft", "list", "tables").split("\n").filter(Boolean),
  ];
}

/** Engines of whole-device mode. */
export function enginesRunning({ machine, folder }: World): number {
  return ip("netns", "pids", machine)
    .split("\n")
    .filter((pid) => pid !== "" && executableOf(pid) === join(folder, "xray")).length;
}

function executableOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

export class Capture {
  readonly #world: World;
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #ended: Promise<string>;

  private constructor(world: World, child: ChildProcess, file: string, ended: Promise<string>) {
    this.#world = world;
    this.#child = child;
    this.#file = file;
    this.#ended = ended;
  }

  /** Of every packet that the machine sends, from now on. */
  static async start(world: World, name: string): Promise<Capture> {
    const file = join(world.folder, `${name}.pcap`);
    const args = [
      "-i",
      "wire0",
      "-w",
      file,
      "-U",
      "-Z",
      "root",
      "-B",
      "16384",
      "-s",
      "128",
      "-n",
      "-Q",
      "in",
      "--immediate-mode",
    ];
    const child = runIn(world.outside, [toolPath("tcpdump")!, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    const ended = new Promise<string>((resolve) => child.once("close", () => resolve(said)));
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("listening on")) resolve();
      });
      child.once("exit", () => reject(new Error(`tcpdump: ${said}`)));
    });
    return new Capture(world, child, file, ended);
  }

  /**
   * Ends it; gives how many packets there were in all, and those that must not be, as tcpdump prints them. `sendLast` makes the
   * machine send something to {@link LAST_PORT} of the router, which the kill switch lets past: once that is in the file, all is.
   */
  async finish(sendLast: () => void): Promise<{ readonly packets: number; readonly leaks: readonly string[] }> {
    sendLast();
    while (this.#read(LAST).length === 0) await sleep(50);
    this.#child.kill("SIGINT");
    const said = await this.#ended;
    if (!said.includes("\n0 packets dropped by kernel")) throw new Error(`tcpdump: ${said}`);
    return { packets: this.#read("").length, leaks: this.#read(`not (${ALLOWED})`) };
  }

  #read(filter: string): string[] {
    const args = ["netns", "exec", this.#world.outside, toolPath("tcpdump")!, "-n", "-Z", "root", "-r", this.#file];
    const { stdout } = spawnSync(toolPath("ip")!, [...args, ...(filter === "" ? [] : [filter])], {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout.split("\n").filter(Boolean);
  }
}

/** Discards what comes. */
export const LAST_PORT = 9;
const LAST = `(udp port ${LAST_PORT} and host ${ROUTER})`;
/** To exits, and what finds the router; multicast listener reports among it, which the kernel sends by itself. */
const ALLOWED = [
  LAST,
  "arp",
  ...EXITS.map((exit) => `(tcp port ${EXIT_PORT} and host ${exit})`),
  "(icmp6 and ip6[40] >= 133 and ip6[40] <= 136)",
  "(ip6 dst net ff02::/16 and ip6[6] = 0)",
].join(" or ");
