/** Peers that the manifest does not know, as its nodes see them (chapter 08 §4.10, §12). */
import type { JournalEvent } from "./journal.ts";
import {
  DISCOVERED_LISTED_MAX,
  DISCOVERY_WINDOW_SECONDS,
  EVICT_AFTER_SECONDS,
  HEARTBEAT_FRESH_SECONDS,
} from "./limits.ts";
import { byText } from "./order.ts";

export interface DiscoveredPeer {
  readonly peer_id: string;
  readonly label: "external";
  /** Labels of nodes, in the order in which the nodes were given. */
  readonly witnessed_by: readonly string[];
  /** The smallest that a witness knows. */
  readonly last_heartbeat_seconds_ago: number | null;
  readonly status: "active" | "stale";
}

export interface Discovered {
  /** By peer id; at most DISCOVERED_LISTED_MAX, those that were heard last. */
  readonly peers: readonly DiscoveredPeer[];
  /** The true number. */
  readonly count: number;
}

export interface Sighting {
  readonly witness: string;
  readonly peer: string;
  readonly heartbeatSecondsAgo: number | null;
}

export interface Witness {
  readonly node: string;
  readonly events: readonly JournalEvent[];
}

/** From the journals of the nodes. `known` are the peer ids of the manifest. */
export function discoverPeers(nowUnix: number, witnesses: readonly Witness[], known: ReadonlySet<string>): Discovered {
  return mergeSightings(witnesses.flatMap((witness) => sightingsOf(nowUnix, witness, known)));
}

/** `sightings` in the order of their witnesses, one witness after the other. */
export function mergeSightings(sightings: Iterable<Sighting>): Discovered {
  const merged = new Map<string, Merged>();
  for (const { witness, peer, heartbeatSecondsAgo } of sightings) {
    const before = merged.get(peer);
    if (before === undefined) {
      merged.set(peer, { peer, witnesses: [witness], age: heartbeatSecondsAgo });
    } else {
      if (before.witnesses.at(-1) !== witness) before.witnesses.push(witness);
      before.age = smaller(before.age, heartbeatSecondsAgo);
    }
  }
  // A thousand nodes may tell of very many: only those that are listed become entries.
  const listed = [...merged.values()]
    .sort((a, b) => ageForOrder(a) - ageForOrder(b) || byText(a.peer, b.peer))
    .slice(0, DISCOVERED_LISTED_MAX)
    .sort((a, b) => byText(a.peer, b.peer));
  return { peers: listed.map(entryOf), count: merged.size };
}

interface Merged {
  readonly peer: string;
  readonly witnesses: string[];
  age: number | null;
}

const entryOf = ({ peer, witnesses, age }: Merged): DiscoveredPeer => ({
  peer_id: peer,
  label: "external",
  witnessed_by: witnesses,
  last_heartbeat_seconds_ago: age,
  status: age !== null && age < HEARTBEAT_FRESH_SECONDS ? "active" : "stale",
});

/** When a discovered peer was seen first and last, by peer id; kept on disk. */
export type FirstSeen = ReadonlyMap<string, { readonly firstSeenUnix: number; readonly lastSeenUnix: number }>;

/** Adds those seen now, and forgets those unseen for EVICT_AFTER_SECONDS. */
export function rememberFirstSeen(before: FirstSeen, peers: readonly DiscoveredPeer[], nowUnix: number): FirstSeen {
  const kept = [...before].filter(([, { lastSeenUnix }]) => nowUnix - lastSeenUnix <= EVICT_AFTER_SECONDS);
  const after = new Map(kept);
  for (const { peer_id } of peers) {
    after.set(peer_id, { firstSeenUnix: after.get(peer_id)?.firstSeenUnix ?? nowUnix, lastSeenUnix: nowUnix });
  }
  return after;
}

interface Trace {
  heartbeat: number | undefined;
  established: number | undefined;
  closed: number | undefined;
}

const FIELD_OF_EVENT: Readonly<Record<string, keyof Trace>> = {
  heartbeat: "heartbeat",
  "connection-established": "established",
  "connection-closed": "closed",
};

function sightingsOf(nowUnix: number, { node, events }: Witness, known: ReadonlySet<string>): readonly Sighting[] {
  const traces = new Map<string, Trace>();
  for (const event of events) {
    const field = FIELD_OF_EVENT[event.event];
    if (field === undefined || event.unix === undefined || !("peer" in event) || event.peer === null) continue;
    if (known.has(event.peer)) continue;
    const trace = traces.get(event.peer) ?? { heartbeat: undefined, established: undefined, closed: undefined };
    trace[field] = Math.max(trace[field] ?? event.unix, event.unix);
    traces.set(event.peer, trace);
  }
  return Array.from(traces).flatMap(([peer, { heartbeat, established, closed }]) => {
    const alive = Math.max(heartbeat ?? -Infinity, established ?? -Infinity);
    if (nowUnix - alive > DISCOVERY_WINDOW_SECONDS || (closed ?? -Infinity) > alive) return [];
    return [{ witness: node, peer, heartbeatSecondsAgo: heartbeat === undefined ? null : nowUnix - heartbeat }];
  });
}

const smaller = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

const ageForOrder = ({ age }: Merged): number => age ?? Number.MAX_SAFE_INTEGER;
