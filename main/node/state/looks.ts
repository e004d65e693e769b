/** What somebody who looks at the network is shown of tables and windows; all of it bounded, and long looks in slices. */
import { equalBytes, type NodeId } from "../../protocol/bytes.ts";
import type { CandidateRecord, NodeRecord } from "../../protocol/state/records.ts";
import type { Archive } from "../store/archive.ts";
import type { StoredTable } from "../store/storedTable.ts";
import type { Progress } from "../store/tables.ts";
import {
  ROWS_PAGE_SIZE,
  WINDOW_FACTS_MAX,
  type CandidateRow,
  type NodeRow,
  type StateRequests,
  type WindowFacts,
} from "./requests.ts";

const ROWS_PER_STEP = 1000;

// A whole row would read its key from the disk.
export function nodeRows(table: StoredTable<NodeId, NodeRecord>, after: NodeId | undefined, count: number): NodeRow[] {
  return page(table, after, count, ({ nodeId, startWindow, chainLength, lastConfirmationWindow }) => {
    return { nodeId, startWindow, chainLength, lastConfirmationWindow };
  });
}

export function candidateRows(
  table: StoredTable<NodeId, CandidateRecord>,
  after: NodeId | undefined,
  count: number,
): CandidateRow[] {
  return page(table, after, count, ({ nodeId, wStart, vdfChainLength, registrationWindow, expires }) => {
    return { nodeId, wStart, vdfChainLength, registrationWindow, expires };
  });
}

function page<Record, Row>(
  table: StoredTable<NodeId, Record>,
  after: NodeId | undefined,
  count: number,
  shown: (record: Record) => Row,
): Row[] {
  const rows: Row[] = [];
  for (const record of table.rowsAfter(after)) {
    if (rows.length >= Math.min(count, ROWS_PAGE_SIZE)) break;
    rows.push(shown(record));
  }
  return rows;
}

export function* admittedSince(
  table: StoredTable<NodeId, NodeRecord>,
  first: bigint,
): Generator<Progress, Pick<NodeRecord, "nodeId" | "startWindow">[]> {
  const admitted = [];
  let done = 0;
  for (const { nodeId, startWindow } of table.rows()) {
    if (startWindow >= first) admitted.push({ nodeId, startWindow });
    if (++done % ROWS_PER_STEP === 0) yield { step: "nodes", done, total: table.size };
  }
  return admitted;
}

export function* windowFacts(
  archive: Archive,
  { last, count, nodeId }: StateRequests["windowFacts"]["takes"],
): Generator<Progress, WindowFacts[]> {
  const facts: WindowFacts[] = [];
  const total = Math.min(count, WINDOW_FACTS_MAX);
  for (let window = last; window >= 0n && facts.length < total; window--) {
    const header = archive.header(window);
    if (header === undefined) break;
    const { timechainValue, winnerId, proposerNodeId, fallbackDepth } = header;
    const body = archive.body(window);
    const names = (list: readonly { readonly nodeId: NodeId }[]): boolean =>
      list.some((entry) => equalBytes(entry.nodeId, nodeId));
    facts.push({
      ...{ window, timechainValue, winnerId, proposerNodeId, fallbackDepth },
      d: archive.times(window, window)[0]?.d,
      own: body === undefined ? undefined : { isPresent: names(body.bundles), hasRevealed: names(body.reveals) },
    });
    yield { step: "windows", done: facts.length, total };
  }
  return facts;
}
