/** A node of the reference as a child process in a folder of its own. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../integration/freePort.ts";

export interface ManifestPeer {
  readonly label: string;
  readonly multiaddr: string;
  readonly peer_id: string;
}

export interface RcNodeOptions {
  readonly entropy?: string;
  /** To listen on; a free port otherwise. */
  readonly address?: string;
  readonly maxWindows?: number;
  /** Computes its TimeChain only when nobody else wants the processor. */
  readonly isIdle?: boolean;
}

export class RcNode {
  readonly address: string;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  /**
   * `folder` is writable; where it does not exist it is made, with the identity of `entropy` (hex) or a new one. The node dials
   * `peers` at start, and nobody later.
   */
  static async start(
    binary: string,
    folder: string,
    peers: readonly ManifestPeer[],
    { entropy, address: given, maxWindows, isIdle = false }: RcNodeOptions = {},
  ): Promise<RcNode> {
    const identity = entropy === undefined ? [] : ["--entropy", entropy];
    if (!existsSync(folder)) execFileSync(binary, ["init", "--data-dir", folder, ...identity]);
    const address = given ?? `/ip4/127.0.0.1/tcp/${await freePort()}`;
    const manifest = join(folder, "genesis-manifest.json");
    const entries = peers.map((peer, i) => ({
      ...peer,
      account_id_hex: "00".repeat(32),
      node_id_hex: "00".repeat(32),
      bootstrap: i === 0,
    }));
    writeFileSync(manifest, JSON.stringify({ network_name: "montana", peers: entries }));
    const args = ["start", "--data-dir", folder, "--listen", address, "--genesis-manifest", manifest];
    if (maxWindows !== undefined) args.push("--max-windows", String(maxWindows));
    const node = new RcNode(address, spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] }));
    if (isIdle) setPriority(node.#child.pid!, constants.priority.PRIORITY_LOW);
    await node.line(/\[network\] listening on /);
    return node;
  }

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
    this.exited = new Promise((resolve) => child.once("exit", () => resolve()));
    createInterface({ input: child.stderr! }).on("line", (line) => this.lines.push(line));
  }

  /** The first line that matches, once it is there; fails after 20 s. */
  async line(pattern: RegExp): Promise<string> {
    for (const end = performance.now() + 20_000; performance.now() < end;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no line like ${String(pattern)} in:\n${this.lines.join("\n")}`);
  }

  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  get usage(): Usage {
    return usageOf(this.#child.pid!);
  }

  /** Of the network alone: the main thread computes the TimeChain. */
  get cpuSeconds(): number {
    const pid = this.#child.pid!;
    return cpuSecondsOf(pid, readdirSync(`/proc/${pid}/task`).map(Number)) - cpuSecondsOf(pid, [pid]);
  }

  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;

  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }
}

export interface Usage {
  readonly files: number;
  readonly mebibytes: number;
}

/** Open files and resident memory of a process, on Linux. */
export function usageOf(pid: number): Usage {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { files: readdirSync(`/proc/${pid}/fd`).length, mebibytes: Math.round(Number(kibibytes) / 102.4) / 10 };
}

/** Processor time that threads of a process have taken, on Linux, where a tick is 10 ms. */
export function cpuSecondsOf(
  pid: number,
  threads: readonly number[] = readdirSync(`/proc/${pid}/task`).map(Number),
): number {
  let ticks = 0;
  for (const thread of threads) {
    const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8").split(") ")[1]!.split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}
