/** How the network is: as in the whitepaper's snapshot, with what runs, what somebody broke, and what ended by itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { ProtocolError } from "../protocol/errors.ts";
import { exitStatus } from "./exits.ts";
import { partName, type Local } from "./local.ts";
import { explorerUrl, NETWORK_NAME, subscriptionUrl } from "./networkFile.ts";
import { nodeStatus, type NodeStatus } from "./nodes.ts";
import type { LocalCity } from "./record.ts";
import { SITE_NAME } from "./sites.ts";
import { wantedOf } from "./start.ts";

export interface CityStatus {
  readonly code: string;
  readonly name: LocalCity["name"];
  readonly kind: "exit" | "relay";
  /** As `montana exit status` says it; `broken` where somebody did that, `down` where it ended by itself. */
  readonly exit: string;
  /** Null for a relay. */
  readonly node: "running" | "broken" | "down" | null;
  readonly phase: string | null;
  readonly window: number | null;
  /** Of the candidate chain, 0 to 100. */
  readonly percent: number | null;
  readonly registersInSeconds: number | null;
  /** Entries, as the node wrote them down last: within a minute. */
  readonly nodeTable: number | null;
  /** nɈ, decimal. */
  readonly balance: string | null;
}

export interface LocalStatus {
  /** `partial`: something ended by itself; a start brings it back. */
  readonly state: "absent" | "stopped" | "running" | "partial";
  /** Its windows and coins mean nothing elsewhere. */
  readonly isPractice: true;
  readonly tau2Windows: number | null;
  readonly d: number | null;
  /** Measured over the last windows. */
  readonly meanWindowSeconds: number | null;
  /** nɈ, decimal. */
  readonly supply: string | null;
  readonly networkFile: string | null;
  readonly subscriptionUrl: string | null;
  /** A page for a browser on this computer. */
  readonly explorerUrl: string | null;
  /** Reached through a city alone. */
  readonly siteUrl: string | null;
  readonly missing: readonly string[];
  readonly cities: readonly CityStatus[];
}

const timeAnswer = z.object({ meanWindowSeconds: z.number().nullable() });
const peersFile = z.object({ status: z.object({ node_table: z.int() }).nullable() });

export async function localStatus(local: Local): Promise<LocalStatus> {
  const record = local.find();
  const running = await local.processes.running();
  if (record === undefined) return NOTHING;
  const { cities, d, tau2Windows, ports } = record;
  const isRunning = running.size > 0;
  const isUp = (name: string): boolean => running.has(name);
  const missing = isRunning ? wantedOf(record).filter((name) => !isUp(name)) : [];
  const asked = await Promise.all(cities.map((city) => askCity(local, city, isUp)));
  const [bootstrap] = cities;
  const meanWindowSeconds =
    bootstrap === undefined || !isUp(partName("node", bootstrap)) ? null : await meanWindow(local, bootstrap);
  return {
    state: !isRunning ? "stopped" : missing.length > 0 ? "partial" : "running",
    ...{ isPractice: true, tau2Windows, d, meanWindowSeconds, missing },
    supply: asked.find(({ supply }) => supply !== null)?.supply ?? null,
    networkFile: local.directory.networkFile,
    subscriptionUrl: subscriptionUrl(ports.public),
    explorerUrl: explorerUrl(ports.public),
    siteUrl: `http://${SITE_NAME}:${ports.site}/`,
    cities: asked.map(({ city }) => city),
  };
}

const NOTHING: LocalStatus = {
  ...{ state: "absent", isPractice: true, tau2Windows: null, d: null, meanWindowSeconds: null, supply: null },
  ...{ networkFile: null, subscriptionUrl: null, explorerUrl: null, siteUrl: null, missing: [], cities: [] },
};

async function askCity(
  local: Local,
  city: LocalCity,
  isUp: (name: string) => boolean,
): Promise<{ readonly city: CityStatus; readonly supply: string | null }> {
  const { code, name, relays, broken, nodePort } = city;
  const [isExitUp, isNodeUp] = [isUp(partName("vpn", city)), isUp(partName("node", city))];
  const [exit, node] = await Promise.all([
    isExitUp ? orUndefined(exitStatus(local, city)) : undefined,
    isNodeUp ? orUndefined(nodeStatus(local, city)) : undefined,
  ]);
  return {
    city: {
      ...{ code, name, kind: relays === null ? "exit" : "relay" },
      exit: isExitUp ? (exit?.state ?? "unknown") : broken.vpn ? "broken" : "down",
      node: nodePort === null ? null : isNodeUp ? "running" : broken.node ? "broken" : "down",
      ...chainOf(node),
      nodeTable: isNodeUp ? nodeTableOf(local, city) : null,
    },
    supply: node?.supply ?? null,
  };
}

function chainOf(node: NodeStatus | undefined) {
  const { phase = null, window = null, balance = null, candidate = null } = node ?? {};
  const percent = candidate === null ? null : Math.round((1000 * candidate.done) / Math.max(1, candidate.total)) / 10;
  return { phase, window, balance, percent, registersInSeconds: candidate?.etaSeconds ?? null };
}

const meanWindow = async (local: Local, city: LocalCity): Promise<number | null> =>
  (await orUndefined(local.program.run(timeAnswer, ["time"], local.directory.nodeData(city))))?.meanWindowSeconds ??
  null;

/** A part that is just ending, or too busy to answer, is no reason to say nothing of the others. */
async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function nodeTableOf({ directory }: Local, city: LocalCity): number | null {
  try {
    const file = join(directory.nodeData(city), "networks", NETWORK_NAME, "peers.json");
    return peersFile.parse(JSON.parse(readFileSync(file, "utf8"))).status?.node_table ?? null;
  } catch {
    return null;
  }
}
