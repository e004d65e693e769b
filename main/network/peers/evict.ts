/** Whose place a new inbound peer gets when all are taken (chapter 07 §4.9). */
import { PROTECTED_BY_OBJECTS, PROTECTED_BY_PING, PROTECTED_BY_PROPOSALS, PROTECTED_BY_SUBNET } from "./limits.ts";

/** What the choice looks at; times are monotonic. */
export interface Inbound {
  readonly group: string;
  readonly sinceMs: number;
  /** Shortest of its pings; Infinity before the first. */
  readonly pingMs: number;
  /** When it was the first to bring a valid object; −Infinity if never. */
  readonly lastObjectMs: number;
  readonly lastProposalMs: number;
}

/** Undefined where everybody is protected: the newcomer is refused. */
export function chooseEvicted<T extends Inbound>(peers: readonly T[]): T | undefined {
  const left = new Set(peers);
  const protect = (count: number, isUseful: (peer: T) => boolean, order: (a: T, b: T) => number) => {
    for (const peer of [...left].filter(isUseful).sort(order).slice(0, count)) left.delete(peer);
  };
  protect(
    PROTECTED_BY_PING,
    ({ pingMs }) => pingMs < Infinity,
    (a, b) => a.pingMs - b.pingMs,
  );
  protect(
    PROTECTED_BY_OBJECTS,
    ({ lastObjectMs }) => lastObjectMs > -Infinity,
    (a, b) => b.lastObjectMs - a.lastObjectMs,
  );
  for (const peer of longestOfEachGroup([...left]).slice(0, PROTECTED_BY_SUBNET)) left.delete(peer);
  protect(
    PROTECTED_BY_PROPOSALS,
    ({ lastProposalMs }) => lastProposalMs > -Infinity,
    (a, b) => b.lastProposalMs - a.lastProposalMs,
  );
  return youngestOfLargestGroup([...left]);
}

function longestOfEachGroup<T extends Inbound>(peers: readonly T[]): T[] {
  const oldest = new Map<string, T>();
  for (const peer of [...peers].sort((a, b) => a.sinceMs - b.sinceMs)) {
    if (!oldest.has(peer.group)) oldest.set(peer.group, peer);
  }
  return [...oldest.values()];
}

function youngestOfLargestGroup<T extends Inbound>(peers: readonly T[]): T | undefined {
  const groups = [...Map.groupBy(peers, ({ group }) => group).values()];
  const largest = Math.max(0, ...groups.map(({ length }) => length));
  const candidates = groups.filter(({ length }) => length === largest).flat();
  return candidates.sort((a, b) => b.sinceMs - a.sinceMs)[0];
}
