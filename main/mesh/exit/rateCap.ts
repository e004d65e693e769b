/**
 * A cap on what a city sends to its clients, by the kernel's own shaper (`tc`): needs CAP_NET_ADMIN. Nothing is touched where
 * somebody else shapes the same interface.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { ProtocolError } from "../../protocol/errors.ts";
import { exitError } from "./errors.ts";

export interface RateCap {
  /** The interface towards the Internet. */
  readonly device: string;
  readonly mbit: number;
}

/** How our shaper is told from others'. */
const HANDLE = "4d4f:";
/** What systems put there by themselves. */
const DEFAULT_KINDS = ["noqueue", "noop", "mq", "fq", "fq_codel", "pfifo_fast", "pfifo"];
const TOOL_TIMEOUT_MS = 10_000;

const run = promisify(execFile);

/** As arguments of `tc`, in order: one class for what leaves from the city's ports; all else passes unshaped. */
export function rateCommands({ device, mbit }: RateCap, ports: readonly number[]): readonly (readonly string[])[] {
  const filter = (protocol: "ip" | "ipv6", match: "ip" | "ip6", priority: number) => (port: number) => [
    ...["filter", "add", "dev", device, "parent", HANDLE, "protocol", protocol, "prio", String(priority)],
    ...["u32", "match", match, "sport", String(port), "0xffff", "flowid", `${HANDLE}1`],
  ];
  return [
    ["qdisc", "replace", "dev", device, "root", "handle", HANDLE, "htb"],
    ["class", "add", "dev", device, "parent", HANDLE, "classid", `${HANDLE}1`, "htb", "rate", `${mbit}mbit`],
    ...ports.map(filter("ip", "ip", 1)),
    ...ports.map(filter("ipv6", "ip6", 2)),
  ];
}

export const rateUndoCommand = ({ device }: RateCap): readonly string[] => [
  ...["qdisc", "del", "dev", device, "root", "handle", HANDLE],
];

/** For people who run the program without the right to do it. */
export const asText = (commands: readonly (readonly string[])[]): readonly string[] =>
  commands.map((words) => ["tc", ...words].join(" "));

/** Throws "rate-not-privileged", "rate-foreign-shaper" (`device`, `kind`), "rate-failed" (`device`, `reason`); then nothing is left. */
export async function capRate(cap: RateCap, ports: readonly number[]): Promise<void> {
  const found = await rootShaper(cap);
  if (found !== undefined && found.handle !== HANDLE && !DEFAULT_KINDS.includes(found.kind)) {
    throw exitError("rate-foreign-shaper", { device: cap.device, kind: found.kind });
  }
  await uncapRate(cap);
  try {
    for (const words of rateCommands(cap, ports)) await tc(cap, words);
  } catch (error) {
    await uncapRate(cap).catch(() => undefined);
    throw error;
  }
}

/** Gives the interface back what it had by itself. Nothing happens where there is no cap of ours. */
export async function uncapRate(cap: RateCap): Promise<void> {
  if ((await rootShaper(cap))?.handle === HANDLE) await tc(cap, rateUndoCommand(cap));
}

async function rootShaper(cap: RateCap): Promise<{ readonly kind: string; readonly handle: string } | undefined> {
  const listed = JSON.parse(await tc(cap, ["-j", "qdisc", "show", "dev", cap.device])) as readonly {
    readonly kind: string;
    readonly handle: string;
    readonly root?: boolean;
  }[];
  return listed.find(({ root }) => root === true);
}

async function tc({ device }: RateCap, words: readonly string[]): Promise<string> {
  try {
    return (await run("tc", words, { timeout: TOOL_TIMEOUT_MS, env: { ...process.env, LC_ALL: "C" } })).stdout;
  } catch (error) {
    throw failureOf(device, error);
  }
}

function failureOf(device: string, error: unknown): ProtocolError {
  const { code, stderr = "" } = error as { readonly code?: unknown; readonly stderr?: string };
  if (code === "ENOENT") return exitError("rate-failed", { device, reason: "there is no program tc here" });
  if (/not permitted|permission denied/i.test(stderr)) return exitError("rate-not-privileged", { device });
  return exitError("rate-failed", { device, reason: stderr.trim().split("\n").at(-1) ?? "" });
}
