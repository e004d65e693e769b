/** The parts of the crash programme: each gives its figures and what was wrong. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Judge } from "./judge.ts";

export interface PartResult {
  readonly name: string;
  readonly figures: Readonly<Record<string, number | string>>;
  readonly faults: readonly string[];
}

const KILL_AFTER_MS_MAX = 300;
const WINDOWS_UNBOUNDED = 1_000_000;
const SHIM_SOURCE = fileURLToPath(new URL("./powerloss.c", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache/crash", import.meta.url));
/** Enough for one window to be decided and the next begun. */
const SHIM_WINDOWS = 2;
const BASE_WINDOWS = 6;

/** Kills the process at random moments, then lets it finish and compares it with one that nobody killed. */
export async function killAtRandom(kills: number): Promise<PartResult> {
  const folder = mkdtempSync(join(tmpdir(), "montana-crash-"));
  const roots = new Map<number, string>();
  const judge = new Judge(roots);
  try {
    const directory = join(folder, "node");
    let killed = 0;
    while (killed < kills && judge.faults.length === 0) {
      const killAfterMs = Math.floor(Math.random() * KILL_AFTER_MS_MAX);
      const { wasKilled } = await judge.run({ directory, windows: WINDOWS_UNBOUNDED, killAfterMs });
      killed += Number(wasKilled);
    }
    const windows = judge.decided + 3;
    const last = await judge.run({ directory, windows, check: true });
    if (last.problems !== "[]") judge.faults.push(`check: ${last.problems ?? last.failure ?? "did not end"}`);
    const twin = new Judge(roots);
    const alone = await twin.run({ directory: join(folder, "twin"), windows, check: true });
    if (alone.height !== windows) twin.faults.push(`the twin stands at ${alone.height}`);
    const { signed, resent, lostSaves } = judge;
    return {
      name: "kill -9",
      figures: { killed, windows, signed, "sent again": resent, "chain saves lost": lostSaves },
      faults: [...judge.faults, ...twin.faults, ...(lostSaves > 0 ? ["a saved position of the chain was lost"] : [])],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The library that makes the disk fail, or why there is none. */
export function buildShim(): { readonly path: string } | { readonly reason: string } {
  if (process.platform !== "linux") return { reason: "LD_PRELOAD is Linux's" };
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, "powerloss.so");
  const { status, error, stderr } = spawnSync(
    "cc",
    ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", path, SHIM_SOURCE, "-ldl", "-lpthread"],
    { encoding: "utf8" },
  );
  if (error !== undefined) return { reason: "no cc here" };
  return status === 0 ? { path } : { reason: `cc failed: ${stderr}` };
}

export const SHIM_MODES = ["drop", "some", "torn", "eio", "fsync", "full"] as const;
export type ShimMode = (typeof SHIM_MODES)[number];

/** At every `step`th write of two windows the disk fails in each way; the node then starts again on what is left. */
export async function failAtWrites(shim: string, modes: readonly ShimMode[], step: number): Promise<PartResult> {
  const folder = mkdtempSync(join(tmpdir(), "montana-crash-"));
  const roots = new Map<number, string>();
  const faults: string[] = [];
  const names = new Map<string, number>();
  try {
    const base = join(folder, "base");
    await new Judge(roots).run({ directory: base, windows: BASE_WINDOWS });
    const windows = BASE_WINDOWS + SHIM_WINDOWS;
    const writes = await countWrites(shim, base, join(folder, "count", "node"), windows, roots);
    let scenes = 0;
    for (let at = 1; at <= writes; at += step) {
      for (const mode of modes) {
        const directory = join(folder, `${mode}-${at}`);
        cpSync(base, directory, { recursive: true });
        const judge = new Judge(roots);
        const environment = {
          LD_PRELOAD: shim,
          SHIM_DIR: directory,
          SHIM_MODE: mode,
          SHIM_AT: String(at),
          SHIM_SEED: String(at),
        };
        const hit = await judge.run({ directory, windows, environment });
        const name = hit.failure ?? (hit.exit === 137 ? "power cut" : "went on");
        names.set(name, (names.get(name) ?? 0) + 1);
        const { problems, failure } = await judge.run({ directory, windows: windows + 1, check: true });
        if (problems !== "[]") judge.faults.push(`after it: ${problems ?? failure ?? "did not end"}`);
        if (judge.lostSaves > 0) judge.faults.push("a saved position of the chain was lost");
        faults.push(...judge.faults.map((fault) => `${mode} at write ${at}: ${fault}`));
        rmSync(directory, { recursive: true, force: true });
        scenes++;
      }
    }
    return { name: "failing disk", figures: { writes, scenes, ...Object.fromEntries(names) }, faults };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function countWrites(
  shim: string,
  base: string,
  directory: string,
  windows: number,
  roots: Map<number, string>,
): Promise<number> {
  cpSync(base, directory, { recursive: true });
  const environment = { LD_PRELOAD: shim, SHIM_DIR: directory, SHIM_MODE: "count" };
  await new Judge(roots).run({ directory, windows, environment });
  return Number(readFileSync(join(directory, "..", "shim-count"), "utf8"));
}

/** A node on a disk of a few MB fills it, and goes on when it is given room. Says why where no such disk can be mounted. */
export async function fillDisk(): Promise<PartResult | { readonly reason: string }> {
  const folder = mkdtempSync(join(tmpdir(), "montana-crash-"));
  const small = join(folder, "small");
  mkdirSync(small);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", small], { encoding: "utf8" });
  try {
    if (mounted.status !== 0) return { reason: `no tmpfs can be mounted here: ${mounted.stderr}`.trim() };
    const roots = new Map<number, string>();
    const judge = new Judge(roots);
    const full = await judge.run({ directory: join(small, "node"), windows: WINDOWS_UNBOUNDED });
    if (full.failure !== "disk-full") judge.faults.push(`a full disk was reported as ${full.failure ?? "nothing"}`);
    const again = await judge.run({ directory: join(small, "node"), windows: WINDOWS_UNBOUNDED });
    if (again.failure !== "disk-full")
      judge.faults.push(`a disk still full was reported as ${again.failure ?? "nothing"}`);
    const roomy = join(folder, "roomy");
    cpSync(join(small, "node"), roomy, { recursive: true });
    const { problems, failure, height } = await judge.run({
      directory: roomy,
      windows: judge.decided + 3,
      check: true,
    });
    if (problems !== "[]") judge.faults.push(`after it: ${problems ?? failure ?? "did not end"}`);
    return { name: "full disk", figures: { windows: height }, faults: judge.faults };
  } finally {
    if (mounted.status === 0) spawnSync("umount", [small]);
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
}
