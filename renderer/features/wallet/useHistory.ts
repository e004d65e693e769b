/** The history in pages: the newest is asked for again with each change, older ones when the person wants them. */
import { useState } from "react";

import type { HistoryEntry, Notice } from "../../../main/api/contract.ts";
import { ask, failureOf } from "../../store/api.ts";
import { useHost } from "../../store/hostStore.ts";
import { useQueryOf } from "../../store/queries.ts";
import { mergeHistory } from "./historyRows.ts";

const PAGE_ENTRIES = 30;

export interface LoadedHistory {
  /** Undefined until the first page is there. */
  readonly entries: readonly HistoryEntry[] | undefined;
  readonly atMs: number | null;
  readonly isStale: boolean;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly loadMore: () => void;
  readonly failure: Notice | null;
}

interface Older {
  readonly entries: readonly HistoryEntry[];
  readonly hasMore: boolean;
}

export function useHistory(): LoadedHistory {
  const first = useQueryOf("history", { limit: PAGE_ENTRIES }, { refreshOn: ["history", "window-closed"] });
  const changed = useHost((host) => host.history);
  const [older, setOlder] = useState<Older | null>(null);
  const [isLoadingMore, setIsLoadingMore] = useState(false);
  const [failure, setFailure] = useState<Notice | null>(null);
  // The first page moves on while older ones stay: what falls between them is held by those that were seen before.
  const [seen, setSeen] = useState<readonly HistoryEntry[]>([]);
  const newest = first.value?.entries;
  if (newest !== undefined && older !== null && !startsWith(seen, newest)) {
    const known = new Set(seen.map(({ id }) => id));
    setSeen(mergeHistory([newest, seen], []));
    // More came than a page holds while the host was away: what lies between is not known, so older ones are read anew.
    if (!newest.some(({ id }) => known.has(id))) setOlder(null);
  }
  const entries =
    newest === undefined
      ? undefined
      : mergeHistory([newest, older === null ? [] : seen, older?.entries ?? []], changed);
  const hasMore = older === null ? first.value?.hasMore === true : older.hasMore;
  const load = async (): Promise<void> => {
    const before = entries?.at(-1)?.id;
    if (before === undefined || isLoadingMore) return;
    setIsLoadingMore(true);
    setFailure(null);
    try {
      const page = await ask("history", { before, limit: PAGE_ENTRIES });
      if (older === null) setSeen(newest ?? []);
      setOlder({ entries: [...(older?.entries ?? []), ...page.entries], hasMore: page.hasMore });
    } catch (error) {
      setFailure(failureOf(error));
    }
    setIsLoadingMore(false);
  };
  return {
    ...{ entries, atMs: first.atMs, isStale: first.isStale, hasMore, isLoadingMore },
    loadMore: () => void load(),
    failure: failure ?? first.failure,
  };
}

const startsWith = (list: readonly HistoryEntry[], head: readonly HistoryEntry[]): boolean =>
  head.every(({ id }, i) => list[i]?.id === id);
