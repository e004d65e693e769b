/**
 * What the explorer shows: every node's status and journal become `data.json`, with peers that no manifest knows (chapter 08
 * §3.8, §4.10). Journals are read as they come and only their events are kept, which hold no address.
 */
import { discoverPeers, rememberFirstSeen } from "../../cities/discovery.ts";
import { encodeExplorer, explorerDocument } from "../../cities/explorer.ts";
import { parseJournalLine, type JournalEvent } from "../../cities/journal.ts";
import { parseNodeStatus, type NodeStatus } from "../../cities/nodeStatus.ts";
import { decodePeers } from "../../cities/peers.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { isPublishable, secretsOf } from "../aggregator/aggregator.ts";
import { fetchAll, type Answer, type Fetcher } from "../aggregator/fetcher.ts";
import { EXPLORER_DEADLINE_MS, JOURNAL_EVENTS_MAX } from "../aggregator/limits.ts";
import { openPublicFiles, PUBLIC_PATHS, type Alarm } from "../aggregator/publicFiles.ts";
import { readCities, type Settings } from "../aggregator/settings.ts";
import { openStateFiles } from "../aggregator/stateFiles.ts";
import { publishPage } from "./page.ts";

export interface ExplorerPorts {
  readonly fetcher: Fetcher;
  readonly nowUnix: () => number;
  readonly timeoutMs?: number;
}

export interface ExplorerReport {
  /** That gave a status. */
  readonly nodes: number;
  readonly discovered: number;
  readonly alarms: readonly Alarm[];
  readonly milliseconds: number;
}

/** The caller holds the explorer's lock. Throws what {@link readCities} and the files throw; a node never makes it throw. */
export async function runExplorer(settings: Settings, ports: ExplorerPorts): Promise<ExplorerReport> {
  const start = performance.now();
  const { cities } = readCities(settings);
  const state = openStateFiles(settings.stateDirectory);
  const publicFiles = openPublicFiles(settings.publicDirectory);
  const lastGood = state.readLastGood();
  const firstSeenBefore = state.readFirstSeen();

  const { statuses, events, ownPeers } = await readNodes(settings, ports);
  const nowUnix = ports.nowUnix();
  const witnesses = cities
    .filter(({ node }) => events.has(node))
    .map(({ node }) => ({ node, events: events.get(node)! }));
  const discovered = discoverPeers(nowUnix, witnesses, knownPeers(settings, events, ownPeers));
  const firstSeen = rememberFirstSeen(firstSeenBefore, discovered.peers, nowUnix);
  state.writeFirstSeen(firstSeen);

  const nodes = cities.map(({ node, name }) => ({
    ...{ label: name.en, node, status: statuses.get(node) ?? ("unreachable" as const) },
  }));
  const document = explorerDocument({ nowUnix, nodes, discovered, firstSeen });
  const entries = Array.from(lastGood, ([node, { vless, primary }]) => ({ node, vless, primary }));
  const secrets = secretsOf(settings, { entries });
  const alarm = await publicFiles.publishDocument(PUBLIC_PATHS.explorer, encodeExplorer(document), secrets);
  await publishPage(settings.publicDirectory);
  return {
    nodes: document.network_summary.active_nodes,
    discovered: discovered.count,
    alarms: alarm === undefined ? [] : [alarm],
    milliseconds: Math.round(performance.now() - start),
  };
}

interface NodesRead {
  readonly statuses: ReadonlyMap<string, NodeStatus | "no_data" | "unreachable">;
  readonly events: ReadonlyMap<string, readonly JournalEvent[]>;
  /** Ids by which the nodes' own `peers.json` name them. */
  readonly ownPeers: readonly string[];
}

async function readNodes(
  { peers, parallel, providers }: Settings,
  { fetcher, timeoutMs }: ExplorerPorts,
): Promise<NodesRead> {
  const statuses = new Map<string, NodeStatus | "no_data" | "unreachable">();
  const events = new Map<string, readonly JournalEvent[]>();
  const ownPeers: string[] = [];
  const timing = { parallel, deadlineMs: EXPLORER_DEADLINE_MS, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  await fetchAll(fetcher, peers, ["status", "journal", "peers"], timing, ({ node }, file, answer) => {
    if (file === "status") statuses.set(node, statusOf(answer, providers));
    else if (answer.kind === "body" && file === "journal") events.set(node, readJournal(answer.body, providers));
    else if (answer.kind === "body") ownPeers.push(...ownPeerOf(answer.body, node));
  });
  return { statuses, events, ownPeers };
}

/** A node chooses its words: one that the gate would stop must not hold back the document of all. */
function statusOf(answer: Answer, providers: readonly string[]): NodeStatus | "no_data" | "unreachable" {
  if (answer.kind === "failed") return "unreachable";
  const status = answer.kind === "body" ? parseNodeStatus(answer.body) : undefined;
  if (status === undefined) return "no_data";
  return status.phase === null || isPublishable(status.phase, providers) ? status : { ...status, phase: null };
}

function ownPeerOf(body: string, node: string): readonly string[] {
  try {
    return [decodePeers(body, node).local_peer_id];
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

/** The newest events of a journal. */
function readJournal(text: string, providers: readonly string[]): readonly JournalEvent[] {
  const events: JournalEvent[] = [];
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const event = parseJournalLine(text.slice(start, end));
    if (event !== undefined && isEventPublishable(event, providers)) events.push(event);
    start = end + 1;
  }
  return events.slice(-JOURNAL_EVENTS_MAX);
}

const isEventPublishable = (event: JournalEvent, providers: readonly string[]): boolean =>
  !("peer" in event) || event.peer === null || isPublishable(event.peer, providers);

/** Ids of the network's own nodes: as the operator wrote them, and as the nodes name themselves. */
function knownPeers(
  { peers }: Settings,
  events: ReadonlyMap<string, readonly JournalEvent[]>,
  ownPeers: readonly string[],
): ReadonlySet<string> {
  const known = new Set([...ownPeers, ...peers.flatMap(({ peerId }) => peerId ?? [])]);
  for (const journal of events.values()) {
    for (const event of journal) if (event.event === "local-peer") known.add(event.peer);
  }
  return known;
}
