/** Which route is tried when: the order of chapter 08 §4.9, own measurements before published ones, the faster of equals first. */
import { orderCandidates, type Choice } from "../cities/failover.ts";
import type { RouteMeasures } from "./tunnelMeasures.ts";
import { tunnelError } from "./tunnelErrors.ts";
import type { Route, TunnelNetwork } from "./tunnelPorts.ts";

export interface OrderedRoute extends Route {
  /** City where traffic comes out. */
  readonly exit: string;
  readonly rank: number;
  readonly isFallback: boolean;
}

export interface RouteChoice {
  readonly network: TunnelNetwork;
  readonly measures: Pick<RouteMeasures, "of">;
  readonly chosen: string;
  readonly strict: boolean;
  /** Code of the route in use: it stays before equals that are hardly faster. */
  readonly current: string | undefined;
}

/** A route must be faster by both to take the place of the one in use. */
const FASTER_BY_MS = 20;
const FASTER_BY_SHARE = 0.25;

/** Never empty: throws `unknown-city`, `city-without-vpn`, `no-entries`. */
export function orderRoutes({ network, measures, chosen, strict, current }: RouteChoice): readonly OrderedRoute[] {
  const cities = [...network.cities, ...citiesOfStrangers(network)];
  const { fault, candidates } = orderCandidates({ cities, health: network.health, chosen, strict });
  if (fault !== undefined) throw tunnelError(fault, { city: chosen });
  const byCity = Map.groupBy(network.routes, ({ city }) => city);
  const routes = candidates.flatMap(({ code, exit, rank, isFallback }) =>
    (byCity.get(code) ?? []).map((route) => ({
      ...route,
      exit,
      isFallback,
      rank: measures.of(route.code)?.rank ?? rank,
    })),
  );
  if (routes.length === 0) throw tunnelError("no-entries", { city: chosen });
  const delayOf = ({ code }: Route): number => measures.of(code)?.delayMs ?? Number.MAX_SAFE_INTEGER;
  const sorted = routes.sort(
    (a, b) => Number(a.isFallback) - Number(b.isFallback) || a.rank - b.rank || delayOf(a) - delayOf(b),
  );
  return keepCurrent(sorted, current, delayOf);
}

function keepCurrent(
  sorted: readonly OrderedRoute[],
  current: string | undefined,
  delayOf: (route: Route) => number,
): readonly OrderedRoute[] {
  const [best] = sorted;
  const used = sorted.find(({ code }) => code === current);
  if (best === undefined || used === undefined || used.rank > best.rank || used.isFallback !== best.isFallback) {
    return sorted;
  }
  const gain = delayOf(used) - delayOf(best);
  if (gain >= FASTER_BY_MS && gain >= FASTER_BY_SHARE * delayOf(used)) return sorted;
  return [used, ...sorted.filter((route) => route !== used)];
}

/** An entry that belongs to no known city is a city of its own. */
function citiesOfStrangers({ routes, cities }: TunnelNetwork): Choice["cities"] {
  const known = new Set(cities.map(({ code }) => code));
  const strangers = new Set(routes.map(({ city }) => city).filter((city) => !known.has(city)));
  return [...strangers].map((code) => ({
    code,
    node: code,
    vpn: { enabled: true, primary: false, exit: code, fronts: [], fronted_by: [], endpoint: null },
  }));
}
