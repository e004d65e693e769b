/** One aggregation run: what every node says of itself becomes the subscription that all read (chapter 08 §4.5). */
import { ProtocolError } from "../protocol/errors.ts";
import { EVICT_AFTER_SECONDS, PRIMARIES_PER_REGION_MAX } from "./limits.ts";
import { decodeMyVpn, type MyVpnFault } from "./myVpn.ts";
import { inSubscriptionOrder } from "./order.ts";
import { encodeSubscription } from "./subscription.ts";

/** What came of asking one node for its `my-vpn.json`. */
export type Fetched =
  | { readonly kind: "body"; readonly body: string }
  /** The node answered that it has no such file. */
  | { readonly kind: "missing" }
  | { readonly kind: "failed" };

export interface LastGood {
  readonly vless: string;
  readonly primary: boolean;
  readonly fetched_unix: number;
}

export type Source = "fresh" | "no-vpn" | "last-good" | "expired" | "none";

export interface Entry {
  readonly node: string;
  readonly vless: string;
  readonly primary: boolean;
}

export interface AggregationInput {
  readonly nowUnix: number;
  /** Labels of the configured nodes. The order means nothing. */
  readonly peers: readonly string[];
  /** By label; a peer that was not asked counts as failed. */
  readonly fetched: ReadonlyMap<string, Fetched>;
  readonly lastGood: ReadonlyMap<string, LastGood>;
  /** What the run before published. */
  readonly previousBody?: string | undefined;
  readonly allowLoopback?: boolean;
  /** Regions by label, where no more than PRIMARIES_PER_REGION_MAX of a region may go first (§12). */
  readonly capByRegion?: ReadonlyMap<string, string>;
}

export interface Aggregation {
  /** In the order of the subscription. */
  readonly entries: readonly Entry[];
  /** Their URLs, each once. */
  readonly lines: readonly string[];
  /** Of `/vpn/sub`: the one before where nothing was found, `undefined` where there never was one. */
  readonly body: string | undefined;
  readonly sources: ReadonlyMap<string, Source>;
  /** Why a file that came was not accepted, by label. */
  readonly faults: ReadonlyMap<string, MyVpnFault>;
  /** To be stored for the next run. */
  readonly lastGood: ReadonlyMap<string, LastGood>;
}

/** A transient failure never removes a city: only the node itself does, or EVICT_AFTER_SECONDS of silence. */
export function aggregate(input: AggregationInput): Aggregation {
  const { nowUnix, peers, fetched, allowLoopback = false } = input;
  const sources = new Map<string, Source>();
  const faults = new Map<string, MyVpnFault>();
  const lastGood = new Map<string, LastGood>();
  for (const node of peers) {
    const answer = fetched.get(node) ?? { kind: "failed" };
    if (answer.kind === "missing") {
      sources.set(node, "no-vpn");
      continue;
    }
    const read = answer.kind === "body" ? readEntry(answer.body, node, allowLoopback) : undefined;
    if (typeof read === "string") faults.set(node, read);
    if (typeof read === "object") {
      lastGood.set(node, { vless: read.vless, primary: read.primary, fetched_unix: nowUnix });
      sources.set(node, "fresh");
      continue;
    }
    const before = input.lastGood.get(node);
    if (before === undefined) {
      sources.set(node, "none");
    } else if (nowUnix - before.fetched_unix > EVICT_AFTER_SECONDS) {
      sources.set(node, "expired");
    } else {
      lastGood.set(node, before);
      sources.set(node, "last-good");
    }
  }
  const entries = orderEntries(lastGood, input.capByRegion);
  const lines = [...new Set(entries.map(({ vless }) => vless))];
  const body = lines.length > 0 ? encodeSubscription(lines) : input.previousBody;
  return { entries, lines, body, sources, faults, lastGood };
}

/** Plain texts of `/vpn/city/<code>`: the URLs of the nodes of a city, in the order of the subscription. */
export function cityBodies(
  entries: readonly Entry[],
  cities: readonly { readonly code: string; readonly node: string }[],
): ReadonlyMap<string, string> {
  const codes = new Map(cities.map(({ code, node }) => [node, code]));
  const bodies = new Map<string, string>();
  for (const { node, vless } of entries) {
    const code = codes.get(node);
    if (code === undefined) continue;
    const before = bodies.get(code);
    bodies.set(code, before === undefined ? vless : `${before}\n${vless}`);
  }
  return bodies;
}

function readEntry(body: string, node: string, allowLoopback: boolean): Entry | MyVpnFault {
  try {
    return decodeMyVpn(body, node, allowLoopback);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code as MyVpnFault;
    throw error;
  }
}

function orderEntries(
  lastGood: ReadonlyMap<string, LastGood>,
  regions: ReadonlyMap<string, string> | undefined,
): readonly Entry[] {
  const entries = Array.from(lastGood, ([node, { vless, primary }]) => ({ node, vless, primary }));
  entries.sort(inSubscriptionOrder);
  if (regions === undefined) return entries;
  const first = new Map<string | undefined, number>();
  const capped = entries.map((entry) => {
    if (!entry.primary) return entry;
    const region = regions.get(entry.node);
    const before = first.get(region) ?? 0;
    first.set(region, before + 1);
    return before < PRIMARIES_PER_REGION_MAX ? entry : { ...entry, primary: false };
  });
  return capped.sort(inSubscriptionOrder);
}
