/** The order in which a client tries the entries of a network (chapter 08 §4.9). */
import type { City } from "./cities.ts";
import type { HealthState } from "./health.ts";
import { inSubscriptionOrder } from "./order.ts";

export const AUTO = "auto";

export interface Candidate {
  readonly code: string;
  /** Where traffic comes out; another city than the chosen one must be said. */
  readonly exit: string;
  /** 0 for good or unknown health, 1 for degraded, 2 for down or expired. */
  readonly rank: 0 | 1 | 2;
  /** Tried only when all that leave in the chosen city have failed. Never for `auto`. */
  readonly isFallback: boolean;
}

export interface Choice {
  readonly cities: readonly Pick<City, "code" | "node" | "vpn">[];
  /** By city code; a city that is missing counts as unknown. */
  readonly health: ReadonlyMap<string, HealthState>;
  /** `auto` or a code. */
  readonly chosen: string;
  /** The person insists on the chosen city: no other may be tried. */
  readonly strict: boolean;
}

export interface Order {
  /** Why there are no candidates, where there is something wrong with the choice. */
  readonly fault?: "unknown-city" | "city-without-vpn";
  readonly candidates: readonly Candidate[];
}

/** A permutation of the candidate set: bad health moves an entry back and never drops it. */
export function orderCandidates({ cities, health, chosen, strict }: Choice): Order {
  const enabled = cities
    .filter(({ vpn }) => vpn.enabled)
    .sort((a, b) => inSubscriptionOrder(subscriptionKey(a), subscriptionKey(b)));
  const byHealth = (entries: readonly Entry[], isFallback: boolean): Candidate[] =>
    entries
      .map(({ code, vpn }) => ({ code, exit: vpn.exit ?? code, rank: rankOf(health.get(code)), isFallback }))
      .sort((a, b) => a.rank - b.rank);
  if (chosen === AUTO) return { candidates: byHealth(enabled, false) };

  const city = cities.find(({ code }) => code === chosen);
  if (city === undefined) return { fault: "unknown-city", candidates: [] };
  if (!city.vpn.enabled) return { fault: "city-without-vpn", candidates: [] };
  const byCode = new Map(enabled.map((entry) => [entry.code, entry]));
  const fronts = city.vpn.fronted_by.map((code) => byCode.get(code)).filter((front) => front !== undefined);
  const first = [...new Set([...fronts.filter(({ vpn }) => vpn.exit === chosen), city])];
  if (strict) return { candidates: byHealth(first, false) };
  const rest = [...new Set([...fronts, ...enabled])].filter((entry) => !first.includes(entry));
  return { candidates: [...byHealth(first, false), ...byHealth(rest, true)] };
}

type Entry = Choice["cities"][number];

const subscriptionKey = ({ node, vpn }: Entry): { readonly node: string; readonly primary: boolean } => ({
  node,
  primary: vpn.primary,
});

function rankOf(state: HealthState | undefined): Candidate["rank"] {
  switch (state) {
    case "degraded":
      return 1;
    case "down":
    case "expired":
      return 2;
    case "up":
    case "unknown":
    case undefined:
      return 0;
  }
}
