/** A host that a command starts because it needs one, and that lives on when the command has ended. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

import { notice } from "../api/contract.ts";
import { apiError } from "../api/errors.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { attach, type AttachedHost } from "./attach.ts";
import { CLI } from "./commandLine.ts";
import { makeRoot, type DataDirectory } from "./dataDirectory.ts";
import { readPublished } from "./published.ts";

/** On a busy machine; an end is noticed at once. */
const START_MS_MAX = 60_000;
const POLL_MS = 30;

const refusal = z.object({ error: notice });

/**
 * Starts a host without a node, whose log is `host.log` in the data directory. Throws what kept it from starting; where another
 * one was quicker, attaches to that.
 */
export async function startInBackground(directory: DataDirectory, network: string | undefined): Promise<AttachedHost> {
  return startDetached(directory, ["--without-node", "--background", ...networkWords(network)]);
}

/** As {@link startInBackground}, with the node that was started last: for whoever then looks at the page. */
export async function startForPage(directory: DataDirectory, network: string | undefined): Promise<AttachedHost> {
  return startDetached(directory, ["--background", ...networkWords(network)]);
}

const networkWords = (network: string | undefined): readonly string[] =>
  network === undefined ? [] : ["--network", isPath(network) ? resolve(network) : network];

/** As {@link startInBackground}, with `words` after `montana start`, by another program where one is given. */
export async function startDetached(
  directory: DataDirectory,
  words: readonly string[],
  { program, cli, environment }: Partial<DetachedProgram> = {},
): Promise<AttachedHost> {
  makeRoot(directory);
  const output = join(directory.root, "host.start");
  const [out, log] = [output, join(directory.root, "host.log")].map((path) => openSync(path, "w", 0o600));
  const all = [cli ?? CLI, "start", "--json", "--data-dir", directory.root, ...words];
  const child = spawn(program ?? process.execPath, all, {
    // Not where the command was called: that folder may go.
    cwd: directory.root,
    env: { ...process.env, ...environment },
    detached: true,
    windowsHide: true,
    stdio: ["ignore", out!, log!],
  });
  for (const file of [out!, log!]) closeSync(file);
  child.unref();
  const ended = new AbortController();
  for (const event of ["exit", "error"]) child.once(event, () => ended.abort());
  try {
    const end = performance.now() + START_MS_MAX;
    while (performance.now() < end) {
      const published = await readPublished(directory.published);
      if (published?.pid === child.pid && published?.socket != null) return await attach(directory);
      if (ended.signal.aborted) throw await readRefusal(output, directory);
      await wait(POLL_MS);
    }
    throw apiError("host-starting", { directory: directory.root });
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "host-running") return await attach(directory);
    throw error;
  } finally {
    await rm(output, { force: true });
  }
}

export interface DetachedProgram {
  /** Node, or what acts as Node. */
  readonly program: string;
  /** The module of the command line. */
  readonly cli: string;
  /** Beside the own variables. */
  readonly environment: Readonly<Record<string, string>>;
}

const isPath = (network: string): boolean => /[/\\]/.test(network) || network.endsWith(".json");

async function readRefusal(file: string, { root }: DataDirectory): Promise<ProtocolError> {
  const text = await readFile(file, "utf8").catch(() => "");
  try {
    const { code, params } = refusal.parse(JSON.parse(text)).error;
    return new ProtocolError(code, params);
  } catch {
    return apiError("host-not-started", { log: join(root, "host.log") });
  }
}
