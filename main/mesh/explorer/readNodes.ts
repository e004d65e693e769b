/**
 * What the nodes tell the explorer: `status` and the journal of a `montana-node`; where a node has neither, the `peers.json`
 * that every node writes. Words that a node chose and the gate would stop are left out, so that none holds back the rest.
 */
import type { Witness } from "../../cities/discovery.ts";
import type { JournalEvent } from "../../cities/journal.ts";
import { PEERS_STALE_SECONDS } from "../../cities/limits.ts";
import { parseNodeStatus, type NodeStatus } from "../../cities/nodeStatus.ts";
import { toldBy, type Told } from "../../cities/network.ts";
import { UNKNOWN_LABEL } from "../../cities/peers.ts";
import { isPublishable } from "../aggregator/aggregator.ts";
import { fetchAll, type Answer, type Fetcher } from "../aggregator/fetcher.ts";
import { EXPLORER_DEADLINE_MS, WITNESSED_MAX } from "../aggregator/limits.ts";
import type { Settings } from "../aggregator/settings.ts";
import { readJournal } from "./readJournal.ts";

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
  const peersFiles = new Map<string, Told | "no_data" | "unreachable">();
  const kept = { witnessedMax: WITNESSED_MAX, isShown: (peer: string) => isPublishable(peer, providers) };
  const isShown = (event: JournalEvent): boolean =>
    !("peer" in event) || event.peer === null || isPublishable(event.peer, providers);
  const timing = { parallel, deadlineMs: EXPLORER_DEADLINE_MS, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  await fetchAll(fetcher, peers, ["status", "journal", "peers"], timing, ({ node }, file, answer) => {
    if (file === "status") statuses.set(node, statusOf(answer, providers));
    else if (file === "journal") {
      if (answer.kind === "body") witnesses.set(node, { node, events: readJournal(answer.body).filter(isShown) });
    } else peersFiles.set(node, toldBy(node, answer, kept));
  });
  const now = nowUnix();
  const known = new Set(peers.flatMap(({ peerId }) => peerId ?? []));
  for (const [node, told] of peersFiles) {
    if (typeof told === "string") continue;
    known.add(told.peerId);
    if (now - told.updatedUnix > PEERS_STALE_SECONDS) continue;
    if (typeof statuses.get(node) !== "object") statuses.set(node, statusOfTold(told));
    if (!witnesses.has(node)) witnesses.set(node, { node, events: eventsOfTold(told) });
  }
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

function statusOfTold({ status }: Told): NodeStatus {
  const { phase, current_window, d, account_table, node_table, candidate_pool, balance_nj, supply_nj } = status;
  const told = { phase, current_window, d, account_table, node_table, candidate_pool, balance_nj, supply_nj };
  const unknown = { candidate_progress: null, candidate_target: null, registration_window: null };
  return { ...told, ...unknown, account_id: null, node_id: null };
}

/** What a journal would hold of the outsiders that are connected. */
function eventsOfTold({ witnessed, updatedUnix }: Told): readonly JournalEvent[] {
  return witnessed.map(({ peer, heartbeatSecondsAgo: age }): JournalEvent =>
    age === null
      ? { event: "connection-established", peer, label: UNKNOWN_LABEL, remote_family: null, unix: updatedUnix }
      : { event: "heartbeat", peer, request_id: "0", unix: updatedUnix - age },
  );
}
