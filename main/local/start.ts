/** From nothing, or from where it was left, to a network of which every city is reached. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

import { z } from "zod";

import { replaceFile } from "../files/replaceFile.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { makeCertificate } from "../xray/certificate.ts";
import { FIRST_CITIES } from "./cities.ts";
import { localError } from "./errors.ts";
import { startExits } from "./exits.ts";
import { anything, partName, type Local } from "./local.ts";
import { writeMesh } from "./meshSettings.ts";
import { explorerUrl, networkFileOf } from "./networkFile.ts";
import { identify, joinAll, measureD, startNodes } from "./nodes.ts";
import { freePorts } from "./ports.ts";
import type { Part } from "./processes.ts";
import { writeRecord, type LocalCity, type LocalRecord, type Sites } from "./record.ts";
import { DECOY_NAME } from "./sites.ts";

/** Candidacy then takes about two minutes. */
const TAU2_WINDOWS = 120;
const CERTIFICATE_YEARS = 10;
const YEAR_MS = 31_557_600_000;
const REACH_MS_MAX = 180_000;
const REACH_POLL_MS = 1000;

export interface Started {
  /** Nothing had to be started. */
  readonly wasRunning: boolean;
  /** Processes of a killed start that were ended first. */
  readonly leftovers: number;
  /** Until the cities were reached; the nodes and their chains may take longer. */
  readonly reachedAfterSeconds: number;
  readonly networkFile: string;
  /** A page that shows the network: cities, nodes, windows. */
  readonly explorerUrl: string;
  readonly cities: readonly { readonly code: string; readonly name: string; readonly isReached: boolean }[];
}

/** Throws what stands in the way; what was started by then runs on until `stop` or the next start. */
export async function startLocal(local: Local, asked: { readonly tau2Windows?: number }): Promise<Started> {
  const beganMs = performance.now();
  const before = prepare(local, asked);
  const runningBefore = await local.processes.running();
  // A start that was killed left a part of it, in whatever state; nothing of that is worth keeping.
  const isHalf = before.stage !== "running" && runningBefore.size > 0;
  const leftovers = isHalf ? await local.processes.endAll() : 0;
  const running = isHalf ? new Map() : runningBefore;
  const isFresh = running.size === 0;
  if (isFresh) await choosePorts(local);
  const wasRunning = !isFresh && wantedOf(local.record).every((name) => running.has(name));
  if (!wasRunning) {
    local.change({ stage: "starting" });
    await startAll(local, new Set(running.keys()));
  }
  const [{ cities, reachedAfterSeconds }] = await Promise.all([untilReached(local, beganMs), joinAll(local)]);
  const { ports } = local.change({ stage: "running" });
  const { networkFile } = local.directory;
  return { wasRunning, leftovers, reachedAfterSeconds, networkFile, explorerUrl: explorerUrl(ports.public), cities };
}

/** The record, made where there is none. */
function prepare(local: Local, { tau2Windows = TAU2_WINDOWS }: { readonly tau2Windows?: number }): LocalRecord {
  const { directory } = local;
  const found = local.find();
  if (found !== undefined) {
    const isOther = tau2Windows !== TAU2_WINDOWS && tau2Windows !== found.tau2Windows;
    if (isOther) throw localError("local-chain-fixed", { windows: found.tau2Windows, directory: directory.root });
    return found;
  }
  mkdirSync(directory.mesh, { recursive: true, mode: 0o700 });
  const { certificate, key } = makeCertificate(DECOY_NAME, Date.now() + CERTIFICATE_YEARS * YEAR_MS);
  writeFileSync(directory.certificate, certificate);
  const sites: Sites = { decoyPort: 1, sitePort: 1, certificate, key, cities: [] };
  writeFileSync(directory.sites, JSON.stringify(sites), { mode: 0o600 });
  writeFileSync(directory.passphrase, `${randomBytes(16).toString("hex")}\n`, { mode: 0o600 });
  const ports = { decoy: 1, site: 1, public: 1 };
  const record: LocalRecord = {
    ...{ version: 1, tau2Windows, d: null, ports, cities: FIRST_CITIES, stage: "stopped" },
  };
  writeRecord(directory.record, record);
  return record;
}

/** Those of last time, as far as nobody else took them; 1 is nobody's. Whatever was broken is whole again. */
async function choosePorts(local: Local): Promise<void> {
  const { ports, cities } = local.record;
  const wish = (port: number): number => (port === 1 ? 0 : port);
  const found = await freePorts(
    [ports.decoy, ports.site, ports.public, ...cities.flatMap((city) => [city.exitPort, city.nodePort ?? 1])].map(wish),
  );
  const [decoy = 0, site = 0, publicPort = 0, ...rest] = found;
  local.change({
    ports: { decoy, site, public: publicPort },
    cities: cities.map((city, i) => ({
      ...city,
      exitPort: rest[2 * i]!,
      nodePort: city.nodePort === null ? null : rest[2 * i + 1]!,
      broken: { vpn: false, node: false },
    })),
  });
}

/** Names of the processes that there ought to be. */
export function wantedOf({ cities }: LocalRecord): string[] {
  const parts = cities.flatMap((city) => [
    ...(city.broken.vpn ? [] : [partName("vpn", city)]),
    ...(city.nodePort === null || city.broken.node ? [] : [partName("node", city)]),
  ]);
  return ["sites", "public", "aggregator", "explorer", ...parts];
}

async function startAll(local: Local, running: ReadonlySet<string>): Promise<void> {
  const { processes } = local;
  const startMissing = async (part: Part): Promise<void> => {
    if (!running.has(part.name)) await processes.start(part);
  };
  await writeSites(local);
  await Promise.all([
    startMissing(local.sitesPart()).then(() => startExits(local, local.record.cities)),
    inTurn(local.record.cities, (city) => identify(local, city)),
    writeMesh(local).then(() =>
      Promise.all([startMissing(local.publicPart(local.record)), startMissing(local.aggregatorPart())]),
    ),
  ]);
  local.step("exits, relay, aggregator and subscription server run");
  if (local.record.d === null) local.change({ d: await measureD(local) });
  await writeNetworkFile(local);
  await Promise.all([startNodes(local, local.record.cities), startMissing(local.explorerPart())]);
}

export async function writeSites(local: Local): Promise<void> {
  const { ports, cities } = local.record;
  const { certificate, key } = JSON.parse(readFileSync(local.directory.sites, "utf8")) as Sites;
  const sites: Sites = {
    ...{ decoyPort: ports.decoy, sitePort: ports.site, certificate, key },
    cities: cities
      .filter(({ relays }) => relays === null)
      .map(({ code, name, leavesFrom }) => ({ code, name, address: leavesFrom })),
  };
  await replaceFile(local.directory.sites, JSON.stringify(sites));
}

export const writeNetworkFile = (local: Local): Promise<void> =>
  replaceFile(local.directory.networkFile, networkFileOf(local.record));

/** One after the other: an identity's passphrase takes much memory to open. */
async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await work(item);
}

const testAnswer = z.object({ routes: z.array(z.object({ city: z.string(), isOk: z.boolean() })) });

/** As a client of the network finds it: fetched from its subscription, and asked through each exit. */
export async function reachedCities(local: Local): Promise<ReadonlySet<string>> {
  const { directory, program } = local;
  const network = ["--network", directory.networkFile];
  try {
    await program.run(anything, ["vpn", "subs", "refresh", ...network], directory.client);
    const { routes } = await program.run(testAnswer, ["vpn", "test", ...network], directory.client);
    return new Set(routes.filter(({ isOk }) => isOk).map(({ city }) => city));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return new Set();
  }
}

async function untilReached(local: Local, beganMs: number): Promise<Pick<Started, "cities" | "reachedAfterSeconds">> {
  const wanted = local.record.cities.filter((city) => !isExpectedDown(local.record.cities, city));
  const end = performance.now() + REACH_MS_MAX;
  while (performance.now() < end) {
    const reached = await reachedCities(local);
    if (wanted.every(({ code }) => reached.has(code))) {
      const reachedAfterSeconds = Math.round((performance.now() - beganMs) / 100) / 10;
      local.step(`all cities are reached after ${reachedAfterSeconds} s`);
      const cities = local.record.cities.map(({ code, name }) => ({
        code,
        name: name.en,
        isReached: reached.has(code),
      }));
      return { cities, reachedAfterSeconds };
    }
    await wait(REACH_POLL_MS);
  }
  throw localError("local-too-slow", { what: "cities that are reached", seconds: REACH_MS_MAX / 1000 });
}

/** Broken itself, or a relay of one that is. */
function isExpectedDown(all: readonly LocalCity[], { broken, relays }: LocalCity): boolean {
  return broken.vpn || all.some(({ code, broken: other }) => code === relays && other.vpn);
}
