/** The nodes: identities, D, who has started, who has joined. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

import { z } from "zod";

import { ProtocolError } from "../protocol/errors.ts";
import { localError } from "./errors.ts";
import { anything, partName, sharesOf, type Local } from "./local.ts";
import type { LocalCity } from "./record.ts";

/** Of `inspect` and of `init`. */
const inspectAnswer = z.object({
  ...{ accountId: z.string(), nodeId: z.string(), peerId: z.string() },
  ...{ accountPublicKey: z.string(), nodePublicKey: z.string() },
});
const statusAnswer = z.object({
  phase: z.string(),
  window: z.int().nullable(),
  balance: z.string().nullable(),
  supply: z.string().nullable(),
  peers: z.int(),
  progress: z.unknown().nullable(),
  candidate: z
    .object({ done: z.number(), total: z.number(), etaSeconds: z.number().nullable(), startWindow: z.int() })
    .nullable(),
});
export type NodeStatus = z.output<typeof statusAnswer>;
const addressAnswer = z.object({ nodeAccountAddress: z.string() });
const benchAnswer = z.object({ hashesPerSecond: z.number() });

/** Chains that rest are seldom at work at once. */
const CHAINS_MAX = 3;
const JOIN_ATTEMPTS = 5;
/** In which a candidacy can still be given up. */
const CHAIN_PHASES: ReadonlySet<string> = new Set(["Bootstrap", "CandidateVdf"]);
/** Windows until both candidates have been told to begin; doubled with each attempt that was too hasty for this machine. */
const JOIN_AHEAD = 5;
const POLL_MS = 1000;
const IN_STEP_MS_MAX = 120_000;
/** Of two nodes that follow the same chain. */
const WINDOWS_APART_MAX = 2;

/** Makes the identity that a city's node does not have yet. */
export async function identify(local: Local, { code, identity, nodePort, ...city }: LocalCity): Promise<void> {
  if (identity !== null || nodePort === null) return;
  const { directory, program } = local;
  const data = directory.nodeData(city);
  const inspect = (): Promise<z.output<typeof inspectAnswer>> => program.run(inspectAnswer, ["inspect"], data);
  const init = ["init", "--machine-key", "file", "--passphrase-file", directory.passphrase];
  // A start that was killed may have made it and not written it down.
  const found = existsSync(data) ? await inspect().catch(undefinedIfTold) : undefined;
  local.changeCity(code, { identity: found ?? (await program.run(inspectAnswer, init, data)) });
}

function undefinedIfTold(error: unknown): undefined {
  if (!(error instanceof ProtocolError)) throw error;
}

/** Hashes of a window of about a second, with everything else running and the cores as busy with chains as they will be. */
export async function measureD({ program, step }: Local): Promise<number> {
  const cores = availableParallelism();
  const chains = Math.min(CHAINS_MAX, Math.max(1, Math.floor(cores / 2)));
  const speeds = await Promise.all(Array.from({ length: chains }, () => program.run(benchAnswer, ["bench"])));
  const mean = speeds.reduce((sum, { hashesPerSecond }) => sum + hashesPerSecond, 0) / chains;
  const d = Math.max(1, Math.round((mean * sharesOf(cores).time) / 100));
  step(`${(mean / 1e6).toFixed(1)} million hashes a second: a window has ${d}`);
  return d;
}

/** Runs every node that nobody broke. */
export async function startNodes(local: Local, cities: readonly LocalCity[]): Promise<void> {
  const running = await local.processes.running();
  const { time } = sharesOf(availableParallelism());
  const wanted = cities.filter(({ identity, broken }) => identity !== null && !broken.node);
  await Promise.all(
    wanted
      .filter((city) => !running.has(partName("node", city)))
      .map(async (city) => {
        await local.processes.start(local.nodePart(city, time));
        local.step(`${city.name.en}'s node runs`);
      }),
  );
}

export const nodeStatus = (local: Local, city: LocalCity): Promise<NodeStatus> =>
  local.program.run(statusAnswer, ["status"], local.directory.nodeData(city));

/** Of the account that the city's node earns on: there one pays to. Throws "local-no-node". */
export async function nodeAddress({ directory, program }: Local, city: LocalCity): Promise<string> {
  if (city.nodePort === null) throw localError("local-no-node", { city: city.name.en });
  return (await program.run(addressAnswer, ["inspect"], directory.nodeData(city))).nodeAccountAddress;
}

/**
 * Those that are no nodes of the network yet become candidates, together: chains that begin in the same window end in the same
 * one, so that their nodes are admitted one after the other.
 */
export async function joinAll(local: Local): Promise<void> {
  const [bootstrap, ...others] = local.record.cities;
  const joining = others.filter(({ identity, hasJoined, broken }) => identity !== null && !hasJoined && !broken.node);
  if (bootstrap === undefined || joining.length === 0) return;
  const nodes = [bootstrap, ...joining];
  // Every node would recompute each candidate's whole chain, with more than half of the cores; and two chains of one node are one too many.
  await Promise.all(nodes.map((city) => setUp(local, city, "candidate-check", "none")));
  await Promise.all(joining.map((city) => setUp(local, city, "follow-time", "yes")));
  await untilInStep(local, bootstrap, joining);
  await joinTogether(local, bootstrap, joining);
  for (const { code } of joining) local.changeCity(code, { hasJoined: true });
  local.step(`candidates now: ${joining.map(({ name }) => name.en).join(", ")}`);
}

const setUp = (local: Local, city: LocalCity, name: string, value: string): Promise<unknown> =>
  local.program.run(anything, ["settings", name, value], local.directory.nodeData(city));

async function untilInStep(local: Local, bootstrap: LocalCity, others: readonly LocalCity[]): Promise<void> {
  const end = performance.now() + IN_STEP_MS_MAX;
  while (performance.now() < end) {
    const [first, ...rest] = await Promise.all([bootstrap, ...others].map((city) => nodeStatus(local, city)));
    const head = first?.window;
    const isInStep = ({ window, progress }: NodeStatus): boolean =>
      progress === null && window !== null && head != null && window >= head - WINDOWS_APART_MAX;
    if (head != null && head > 0 && rest.every(isInStep)) return;
    await wait(POLL_MS);
  }
  throw localError("local-too-slow", { what: "all nodes in step", seconds: IN_STEP_MS_MAX / 1000 });
}

async function isNodeAlready(
  { program, directory }: Local,
  city: LocalCity,
  words: readonly string[],
): Promise<boolean> {
  try {
    await program.run(anything, words, directory.nodeData(city));
    return false;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "already-a-node") return true;
    throw error;
  }
}

async function joinTogether(local: Local, bootstrap: LocalCity, joining: readonly LocalCity[]): Promise<void> {
  const { candidate } = sharesOf(availableParallelism());
  for (let attempt = 0, ahead = JOIN_AHEAD; ; attempt++, ahead *= 2) {
    const begin = ((await nodeStatus(local, bootstrap)).window ?? 0) + ahead;
    const words = ["join", "--anyway", "--cpu-share", String(candidate), "--not-before", String(begin)];
    const wereNodes = await Promise.all(joining.map((city) => isNodeAlready(local, city, words)));
    // It was quicker than the command to leave.
    if (wereNodes.includes(true)) return;
    const told = await Promise.all(joining.map((city) => nodeStatus(local, city)));
    // One that was told too late would be admitted some windows after the others; one that has registered cannot begin again.
    const isInTime = told.every(({ window }) => (window ?? 0) < begin);
    const canRepeat = attempt < JOIN_ATTEMPTS && told.every(({ phase }) => CHAIN_PHASES.has(phase));
    if (isInTime || !canRepeat) return;
    await Promise.all(joining.map((city) => local.program.run(anything, ["leave"], local.directory.nodeData(city))));
  }
}
