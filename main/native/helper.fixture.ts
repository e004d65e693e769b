/** The whole-device helper in a network of its own, and clients of it that are another user's processes. Linux, as root. */
import { execFileSync, spawn, spawnSync, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../.cache/native/", import.meta.url)) + `${process.platform}-${process.arch}/`;
const HELPER = join(BUILT, "montana-helper");
const XRAY = join(BUILT, "xray");
/** Nobody's. */
export const USER = 54_321;
export const STRANGER = 54_322;
const TOOLS = ["ip", "nft", "unshare", "nsenter", "setpriv", "mount", "sysctl", "bash", "yes"];
/** Gives its standard streams to the socket. */
const CLIENT = `const s = require("net").connect(process.argv[1]); process.stdin.pipe(s).pipe(process.stdout);
s.on("error", (e) => { console.log(JSON.stringify({ closed: e.code })); process.exit(); }); s.on("close", () => process.exit());`;

/** Why the helper cannot be tested here; undefined where it can. */
export function whyNoHelper(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid!() !== 0) return "not root";
  if (!existsSync(HELPER)) return "the helper is not built";
  if (!existsSync(XRAY)) return "no engine: npm run xray";
  const missing = TOOLS.find((tool) => spawnSync("which", [tool]).status !== 0);
  if (missing !== undefined) return `${missing} is missing`;
  if (!existsSync("/dev/net/tun")) return "the kernel has no tun";
  if (spawnSync("unshare", ["--net", "--mount", "true"]).status !== 0) return "no namespaces";
  const node = spawnSync("setpriv", [...asUser(USER), process.execPath, "-e", ""]);
  return node.status === 0 ? undefined : "another user cannot run this node";
}

/** As setpriv says them. */
function unitCapabilities(): string {
  const unit = readFileSync(new URL("helper/montana-helper.service", import.meta.url), "utf8");
  const names = /^CapabilityBoundingSet=(.*)$/m.exec(unit)![1]!.split(" ");
  return names.map((name) => name.replace("CAP_", "+").toLowerCase()).join();
}

const RESOLVED = ["/usr/lib/systemd/systemd-resolved", "/lib/systemd/systemd-resolved"].find(existsSync);

/** Why systemd-resolved cannot be started in a world; undefined where it can. */
export function whyNoResolved(): string | undefined {
  if (RESOLVED === undefined || !existsSync("/usr/bin/resolvectl")) return "no systemd-resolved";
  if (spawnSync("which", ["dbus-daemon"]).status !== 0 || !existsSync("/run/dbus")) return "no D-Bus";
  return existsSync("/run/systemd") ? undefined : "no /run/systemd";
}

/** A bus on which everything is allowed, for a world of its own. */
const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>system</type>
<listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`;

const asUser = (uid: number): string[] => [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];

/** Waits for a condition, not for time; one that never comes makes the test run out of time. */
export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  }
}

export type Message = Readonly<Record<string, unknown>>;

export class HelperClient {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly received: Message[] = [];
  readonly #lines;
  #id = 0;

  constructor(socket: string, uid: number) {
    this.child = spawn("setpriv", [...asUser(uid), process.execPath, "-e", CLIENT, socket], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child.stdin.on("error", () => undefined);
    this.#lines = createInterface(this.child.stdout);
    this.#lines.on("line", (line) => this.received.push(JSON.parse(line) as Message));
  }

  write(text: string | Uint8Array): void {
    this.child.stdin.write(text);
  }

  /** Gives the answer, `closed` when there is none. */
  async ask(name: string, members: Message = {}): Promise<Message> {
    const id = ++this.#id;
    this.write(`${JSON.stringify({ id, do: name, ...members })}\n`);
    return await this.next((message) => message["id"] === id);
  }

  /** As `ask`; throws where the helper refuses. */
  async get(name: string, members: Message = {}): Promise<Message> {
    const answer = await this.ask(name, members);
    if (answer["ok"] === undefined) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer["ok"] as Message;
  }

  /** The first message of the kind, from now on or before. */
  async next(isWanted: (message: Message) => boolean): Promise<Message> {
    return await until(() => this.received.find(isWanted) ?? (this.hasEnded && { closed: true }));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Reads nothing more, so that the socket fills. */
  pause(): void {
    process.kill(this.child.pid!, "SIGSTOP");
  }

  resume(): void {
    process.kill(this.child.pid!, "SIGCONT");
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}

/** A machine with one network (192.168.7.0/24, fd77::/64) and the helper's files in a folder that is root's alone. */
export class HelperWorld {
  readonly folder = mkdtempSync("/run/montana-helper-");
  readonly socket = join(this.folder, "helper.sock");
  readonly helperFile = join(this.folder, "montana-helper");
  readonly engineFile = join(this.folder, "xray");
  readonly #space: ChildProcess;
  readonly #clients: HelperClient[] = [];
  readonly #others: ChildProcess[] = [];
  #helper: ChildProcess | undefined;

  private constructor(space: ChildProcess) {
    this.#space = space;
    chmodSync(this.folder, 0o755);
    copyFileSync(HELPER, this.helperFile);
    copyFileSync(XRAY, this.engineFile);
    chmodSync(this.helperFile, 0o755);
    chmodSync(this.engineFile, 0o755);
  }

  static async make(): Promise<HelperWorld> {
    const space = spawn("unshare", ["--net", "--mount", "sleep", "infinity"], { stdio: "ignore" });
    const ours = readlinkSync("/proc/self/ns/mnt");
    await until(() => {
      const command = readFileSync(`/proc/${space.pid!}/cmdline`, "utf8");
      return command.startsWith("sleep") && readlinkSync(`/proc/${space.pid!}/ns/mnt`) !== ours;
    });
    const world = new HelperWorld(space);
    const lines = [
      // As udev leaves it; a machine without udev has it for root alone.
      "mount -t tmpfs none /mnt",
      "mknod -m 666 /mnt/tun c 10 200",
      "mount --bind /mnt/tun /dev/net/tun",
      "ip link set lo up",
      "ip link add wire0 type veth peer name wire1",
      "ip address add 192.168.7.1/24 dev wire0",
      "ip address add fd77::1/64 dev wire0 nodad",
      "ip link set wire0 up",
      "ip link set wire1 up",
      "ip route add default via 192.168.7.2",
      "ip -6 route add default via fd77::2",
    ];
    for (const line of lines) world.run(line);
    return world;
  }

  /** Runs a command in the world and gives what it prints; words are separated by spaces. Throws when it fails. */
  run(line: string): string {
    return execFileSync("nsenter", this.#enter(line.split(" ")), {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs the helper to its end and gives its status and its line. */
  command(...args: string[]): Message {
    const options = { encoding: "utf8", timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync("nsenter", this.#enter([this.helperFile, ...args]), options);
    return { status, ...(JSON.parse(`${stdout}${stderr}` || "{}") as Message) };
  }

  /** Starts the helper with the rights that its unit leaves it, and gives its process id once it answers. */
  async serve(engine = this.engineFile, uid = USER): Promise<number> {
    const command = [this.helperFile, "serve", "--socket", this.socket, "--uid", String(uid), "--engine", engine];
    const limited = ["setpriv", "--no-new-privs", `--bounding-set=-all,${unitCapabilities()}`, ...command];
    const helper = spawn("nsenter", this.#enter(limited), { stdio: ["ignore", "inherit", "inherit"] });
    this.#helper = helper;
    await until(async () => {
      if (helper.exitCode !== null) throw new Error("the helper has ended");
      return await this.#answers();
    });
    return helper.pid!;
  }

  /** Root is heard, whatever it is told. */
  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.socket, () => socket.write(`{"id":0,"do":"status"}\n`));
      socket.once("data", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
    });
  }

  async killHelper(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const helper = this.#helper;
    if (helper?.exitCode !== null || helper.signalCode !== null) return;
    helper.kill(signal);
    await once(helper, "exit");
  }

  client(uid = USER): HelperClient {
    const client = new HelperClient(this.socket, uid);
    this.#clients.push(client);
    return client;
  }

  /** A client that governs. */
  async governor(uid = USER): Promise<HelperClient> {
    const client = this.client(uid);
    await client.get("hello", { version: 1 });
    return client;
  }

  /** A client that governs an engine whose interface is up; its process id. */
  async tunnel(): Promise<{ client: HelperClient; pid: number }> {
    const client = await this.governor();
    return { client, pid: await this.startEngine(client) };
  }

  async startEngine(client: HelperClient): Promise<number> {
    const before = client.received.length;
    const { pid } = await client.get("start", { config: TUNNEL });
    await until(() =>
      client.received.slice(before).some(({ text }) => String(text).includes("proxy/tun: montana0 up")),
    );
    return pid as number;
  }

  /** Starts systemd-resolved, which the network has told of a name server and a domain. */
  async startResolved(): Promise<void> {
    for (const place of ["/run/dbus", "/run/systemd"]) this.run(`mount -t tmpfs -o mode=755 none ${place}`);
    // With the world's own interfaces.
    this.run("mount -t sysfs none /sys");
    const bus = join(this.folder, "bus.conf");
    writeFileSync(bus, BUS);
    this.#start(["dbus-daemon", `--config-file=${bus}`, "--nofork", "--nopidfile"]);
    const answers = (): boolean => this.#succeeds(["resolvectl", "status"]);
    await until(() => this.#succeeds(["test", "-S", "/run/dbus/system_bus_socket"]));
    this.#start([RESOLVED!]);
    await until(answers);
    this.run("resolvectl dns wire0 192.168.7.2");
    this.run("resolvectl domain wire0 lan");
  }

  #start(command: readonly string[]): void {
    this.#others.push(spawn("nsenter", this.#enter(command), { stdio: "ignore" }));
  }

  #succeeds(command: readonly string[]): boolean {
    return spawnSync("nsenter", this.#enter(command), { stdio: "ignore" }).status === 0;
  }

  /** What of the helper's doing stands in the kernel. */
  traces(): string[] {
    const look = (line: string) =>
      this.run(line)
        .split("\n")
        .filter((text) => text !== "");
    return [
      ...look("ip rule").filter((line) => line.includes("proto 184")),
      ...look("ip -6 rule").filter((line) => line.includes("proto 184")),
      ...look("ip route show table all").filter((line) => line.includes("proto 184")),
      ...look("ip -6 route show table all").filter((line) => line.includes("proto 184")),
      ...look("nft list tables"),
    ];
  }

  /** The helper's, of both families. */
  removeRules(): void {
    for (const family of ["-4", "-6"]) {
      const rules = this.run(`ip ${family} rule`).match(/^\d+(?=:.* proto 184)/gm) ?? [];
      for (const priority of rules) this.run(`ip ${family} rule del pref ${priority}`);
    }
  }

  /** By which interface traffic to the address goes; undefined where it goes nowhere. */
  wayTo(address: string, ...how: string[]): string | undefined {
    const args = this.#enter(["ip", "route", "get", address, ...how]);
    const { stdout } = spawnSync("nsenter", args, { encoding: "utf8" });
    return stdout.includes("unreachable") ? undefined : / dev (\S+)/.exec(stdout)?.[1];
  }

  /** Whether a datagram to there leaves this machine's hands. */
  sends(address: string, port: number): boolean {
    return this.#succeeds(["bash", "-c", "echo > /dev/udp/$0/$1", address, String(port)]);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) {
      if (!client.hasEnded) client.resume();
      await client.kill();
    }
    await this.killHelper("SIGKILL");
    for (const child of [...this.#others, this.#space]) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #enter(command: readonly string[]): string[] {
    return [`--target=${this.#space.pid!}`, "--net", "--mount", "--", ...command];
  }
}

export const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** It answers for the name `a.example` itself. */
const TUNNEL = JSON.stringify({
  log: { loglevel: "info" },
  dns: { hosts: { "a.example": "203.0.113.9" }, servers: ["127.0.0.1"] },
  inbounds: [{ protocol: "tun", settings: { name: "montana0", MTU: 1500 } }],
  outbounds: [
    { protocol: "freedom", streamSettings: { sockopt: { mark: 19790 } } },
    { protocol: "dns", tag: "dns" },
  ],
  routing: { rules: [{ port: "53", outboundTag: "dns" }] },
});
