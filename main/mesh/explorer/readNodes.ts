/**
 * What the nodes tell the explorer: `status` and the journal of a `montana-node`; where a node has neither, the `peers.json`
 * that every node writes. Words that a node chose and the gate would stop are left out, so that none holds back the rest.
 */
import type { Witness } from "../../cities/discovery.ts";
import { parseJournalLine, type JournalEvent } from "../../cities/journal.ts";
import { PEERS_STALE_SECONDS } from "../../cities/limits.ts";
import { parseNodeStatus, type NodeStatus } from "../../cities/nodeStatus.ts";
import { decodePeers, UNKNOWN_LABEL, type Peers } from "../../cities/peers.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { isPublishable } from "../aggregator/aggregator.ts";
import { fetchAll, type Answer, type Fetcher } from "../aggregator/fetcher.ts";
import { EXPLORER_DEADLINE_MS, JOURNAL_EVENTS_MAX } from "../aggregator/limits.ts";
import type { Settings } from "../aggregator/settings.ts";

export interface NodesRead {
  readonly statuses: ReadonlyMap<string, NodeStatus | "no_data" | "unreachable">;
  /** In no order. */
  readonly witnesses: ReadonlyMap<string, Witness>;
  /** Ids of the network's own nodes: as the operator wrote them, and as the nodes name themselves. */
  readonly known: ReadonlySet<string>;
}

export interface ReadingPorts {
  readonly fetcher: Fetcher;
  readonly nowUnix: () => number;
  readonly timeoutMs?: number;
}

export async function readNodes(
  { peers, parallel, providers }: Settings,
  { fetcher, nowUnix, timeoutMs }: ReadingPorts,
): Promise<NodesRead> {
  const statuses = new Map<string, NodeStatus | "no_data" | "unreachable">();
  const witnesses = new Map<string, Witness>();
  const peersFiles = new Map<string, Peers>();
  const timing = { parallel, deadlineMs: EXPLORER_DEADLINE_MS, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  await fetchAll(fetcher, peers, ["status", "journal", "peers"], timing, ({ node }, file, answer) => {
    if (file === "status") statuses.set(node, statusOf(answer, providers));
    else if (answer.kind !== "body") return;
    else if (file === "journal") witnesses.set(node, { node, events: readJournal(answer.body, providers) });
    else {
      const told = readPeers(answer.body, node, providers);
      if (told !== undefined) peersFiles.set(node, told);
    }
  });
  const now = nowUnix();
  for (const [node, told] of peersFiles) {
    if (now - told.updated_unix > PEERS_STALE_SECONDS) continue;
    if (typeof statuses.get(node) !== "object") statuses.set(node, statusOfPeers(told));
    if (!witnesses.has(node)) witnesses.set(node, { node, events: eventsOfPeers(told) });
  }
  const known = new Set(peers.flatMap(({ peerId }) => peerId ?? []));
  for (const { local_peer_id: own } of peersFiles.values()) known.add(own);
  for (const { events } of witnesses.values()) {
    for (const event of events) if (event.event === "local-peer") known.add(event.peer);
  }
  return { statuses, witnesses, known };
}

function statusOf(answer: Answer, providers: readonly string[]): NodeStatus | "no_data" | "unreachable" {
  if (answer.kind === "failed") return "unreachable";
  const status = answer.kind === "body" ? parseNodeStatus(answer.body) : undefined;
  if (status === undefined) return "no_data";
  return status.phase === null || isPublishable(status.phase, providers) ? status : { ...status, phase: null };
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
  // Copied: a piece of the journal would keep all of it in memory.
  return structuredClone(events.slice(-JOURNAL_EVENTS_MAX));
}

const isEventPublishable = (event: JournalEvent, providers: readonly string[]): boolean =>
  !("peer" in event) || event.peer === null || isPublishable(event.peer, providers);

function readPeers(body: string, node: string, providers: readonly string[]): Peers | undefined {
  try {
    const document = decodePeers(body, node);
    return { ...document, peers: document.peers.filter(({ peer_id: peer }) => isPublishable(peer, providers)) };
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function statusOfPeers({ status }: Peers): NodeStatus {
  const { phase, current_window, d, account_table, node_table, candidate_pool, balance_nj, supply_nj } = status;
  const told = { phase, current_window, d, account_table, node_table, candidate_pool, balance_nj, supply_nj };
  const unknown = { candidate_progress: null, candidate_target: null, registration_window: null };
  return { ...told, ...unknown, account_id: null, node_id: null };
}

/** What a journal would hold of the outsiders that are connected. */
function eventsOfPeers({ peers, updated_unix: updated }: Peers): readonly JournalEvent[] {
  return peers
    .filter(({ connected, label }) => connected && label === UNKNOWN_LABEL)
    .map(({ peer_id: peer, label, last_heartbeat_seconds_ago: age }): JournalEvent =>
      age === null
        ? { event: "connection-established", peer, label, remote_family: null, unix: updated }
        : { event: "heartbeat", peer, request_id: "0", unix: updated - age },
    );
}
