/** One run of the aggregator: what every node says of itself becomes the files that everybody reads (chapter 08 §4.5, §4.11). */
import { aggregate, cityBodies, type Aggregation, type Fetched, type Source } from "../../cities/aggregation.ts";
import { findCitiesFault, type Cities } from "../../cities/cities.ts";
import type { MyVpnFault } from "../../cities/myVpn.ts";
import { networkDocument, toldBy, type Network, type Told } from "../../cities/network.ts";
import { scanForPublication, type Secrets } from "../../cities/publicationGate.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import { isoTime } from "../../cities/time.ts";
import { runHealth, type ProbeEndpoint } from "../health/healthRun.ts";
import { fetchAll, type FetchFault, type Fetcher } from "./fetcher.ts";
import { FETCHES_DEADLINE_MS, WITNESSED_MAX } from "./limits.ts";
import { openPublicFiles, PUBLIC_PATHS, type Alarm, type PublicFiles } from "./publicFiles.ts";
import { readCities, type Settings } from "./settings.ts";
import { openStateFiles } from "./stateFiles.ts";

export interface AggregatorPorts {
  readonly fetcher: Fetcher;
  /** Absent: no probes are made and `health.json` is left as it is. */
  readonly probe?: ProbeEndpoint | undefined;
  readonly nowUnix: () => number;
  /** Of one fetch; FETCH_TIMEOUT_MS unless given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Trouble {
  readonly node: string;
  readonly reason: FetchFault | MyVpnFault;
  /** Age of what is published in its place; null where nothing is. */
  readonly lastGoodSeconds: number | null;
}

export interface RunReport {
  readonly entries: number;
  readonly sources: Readonly<Record<Source, number>>;
  readonly troubles: readonly Trouble[];
  /** Documents that were held back. */
  readonly alarms: readonly Alarm[];
  readonly network: Network["network_summary"];
  /** Counts by state; undefined where no probe was made. */
  readonly health: Readonly<Record<string, number>> | undefined;
  /** Until the subscription was published; probes come after. */
  readonly milliseconds: number;
}

/**
 * The caller holds the lock of the state directory. Throws what {@link readCities} and the files throw; then the files that
 * were public stay. A node never makes it throw.
 */
export async function runAggregator(settings: Settings, ports: AggregatorPorts): Promise<RunReport> {
  const start = performance.now();
  const { peers, allowLoopback } = settings;
  const cities = readCities(settings);
  const state = openStateFiles(settings.stateDirectory);
  const publicFiles = openPublicFiles(settings.publicDirectory);
  const lastGood = state.readLastGood();

  const { links, told, faults } = await fetchEverything(settings, ports);
  const nowUnix = ports.nowUnix();
  const aggregation = aggregate({
    ...{ nowUnix, peers: peers.map(({ node }) => node), fetched: links, lastGood, allowLoopback },
    previousBody: publicFiles.readSubscription(),
    ...(settings.capPrimaries
      ? { capByRegion: new Map<string, string>(cities.cities.map(({ node, region }) => [node, region])) }
      : {}),
  });
  // First what only this machine knows: whatever is published can be published again from it.
  state.writeLastGood(aggregation.lastGood);

  const alarms: (Alarm | undefined)[] = [];
  if (aggregation.lines.length > 0 && aggregation.body !== undefined) {
    alarms.push(await publicFiles.publishSubscription(aggregation.body, aggregation.lines));
  }
  alarms.push(...(await publicFiles.publishCities(cityBodies(aggregation.entries, cities.cities), aggregation.lines)));

  const secrets = secretsOf(settings, aggregation);
  const nodes = cities.cities.map(({ node, code }) => ({ node, city: code }));
  const network = networkDocument({ nowUnix, nodes, told });
  alarms.push(await publicFiles.publishDocument(PUBLIC_PATHS.network, textOf(network), secrets));
  alarms.push(await publishCities(publicFiles, cities, network, aggregation, secrets, nowUnix));
  const milliseconds = Math.round(performance.now() - start);

  const health =
    ports.probe === undefined ? undefined : await runHealth(settings, ports.probe, ports, cities, aggregation);
  if (health !== undefined) {
    state.writeHealth(health.nodes, health.updated_unix);
    alarms.push(await publicFiles.publishDocument(PUBLIC_PATHS.health, textOf(health), secrets));
  }
  return {
    entries: aggregation.entries.length,
    sources: countsOf(aggregation.sources),
    troubles: troublesOf(aggregation, faults, nowUnix),
    alarms: alarms.filter((alarm) => alarm !== undefined),
    network: network.network_summary,
    health: health === undefined ? undefined : tally(health.nodes.map((node) => node.state)),
    milliseconds,
  };
}

/** What may stand in no document: every address and name by which an exit or a node is reached. */
export function secretsOf(settings: Settings, { entries }: Pick<Aggregation, "entries">): Secrets {
  const hosts = entries.map(({ vless }) => parseShareLink(vless).host);
  const exitHosts = new Set([...settings.exitHosts, ...settings.peers.map(({ host }) => host), ...hosts]);
  // A name without a dot is this machine's own word for a node, often the city's: it leads nobody there.
  return { exitHosts: [...exitHosts].filter((host) => /[.:]/.test(host)), providers: settings.providers };
}

/** Whether a word that a node chose may stand in a document; hosts it cannot hold, for they have dots or colons. */
export const isPublishable = (word: string, providers: readonly string[]): boolean =>
  scanForPublication(word, { exitHosts: [], providers }).length === 0;

export const textOf = (document: object): string => `${JSON.stringify(document, undefined, 2)}\n`;

interface Everything {
  readonly links: ReadonlyMap<string, Fetched>;
  /** Of each node's own word, what is needed: a thousand files of the largest size would not fit into memory. */
  readonly told: ReadonlyMap<string, Told | "no_data" | "unreachable">;
  readonly faults: ReadonlyMap<string, FetchFault>;
}

async function fetchEverything({ peers, parallel, providers }: Settings, ports: AggregatorPorts): Promise<Everything> {
  const links = new Map<string, Fetched>();
  const told = new Map<string, Told | "no_data" | "unreachable">();
  // A node that makes up a peer's name must not hold back the document of all.
  const kept = { witnessedMax: WITNESSED_MAX, isShown: (peer: string) => isPublishable(peer, providers) };
  const faults = new Map<string, FetchFault>();
  const timing = {
    ...{ parallel, deadlineMs: FETCHES_DEADLINE_MS },
    ...(ports.timeoutMs === undefined ? {} : { timeoutMs: ports.timeoutMs }),
  };
  await fetchAll(ports.fetcher, peers, ["my-vpn", "peers"], timing, ({ node }, file, answer) => {
    if (file === "peers") {
      told.set(node, toldBy(node, answer, kept));
      return;
    }
    links.set(node, answer);
    if (answer.kind === "failed") faults.set(node, answer.reason);
  });
  return { links, told, faults };
}

/** The operator's cities with what the nodes themselves say now: phase and primary. Unchanged facts keep their time. */
async function publishCities(
  files: PublicFiles,
  cities: Cities,
  network: Network,
  { lastGood }: Aggregation,
  secrets: Secrets,
  nowUnix: number,
): Promise<Alarm | undefined> {
  const rows = new Map(network.nodes.map((row) => [row.node, row]));
  const current = cities.cities.map((city) => {
    const phase = rows.get(city.node)?.phase ?? city.timechain.phase;
    const emits = city.timechain.emits && phase === "Active";
    const primary = lastGood.get(city.node)?.primary ?? city.vpn.primary;
    return { ...city, timechain: { phase, emits }, vpn: { ...city.vpn, primary } };
  });
  const isChanged = JSON.stringify(current) !== JSON.stringify(cities.cities);
  const updated = isChanged ? { updated: isoTime(nowUnix), updated_unix: nowUnix } : {};
  const document = { ...cities, ...updated, cities: current };
  const fault = findCitiesFault(document);
  if (fault !== undefined) throw new Error(`cities became invalid: ${fault.reason} at ${fault.at}`);
  return files.publishDocument(PUBLIC_PATHS.cities, textOf(document), secrets);
}

function countsOf(sources: ReadonlyMap<string, Source>): Record<Source, number> {
  const none: Record<Source, number> = { fresh: 0, "no-vpn": 0, "last-good": 0, expired: 0, none: 0 };
  return { ...none, ...tally(sources.values()) };
}

function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function troublesOf(
  { faults: contents, lastGood }: Aggregation,
  fetches: ReadonlyMap<string, FetchFault>,
  nowUnix: number,
): readonly Trouble[] {
  return [...fetches, ...contents].map(([node, reason]) => {
    const fetchedUnix = lastGood.get(node)?.fetched_unix;
    return { node, reason, lastGoodSeconds: fetchedUnix === undefined ? null : nowUnix - fetchedUnix };
  });
}
