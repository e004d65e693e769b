/** The list of cities as a person sees it: what the network says, what subscriptions bring, what was measured here. Pure. */
import type { City } from "../cities/cities.ts";
import type { EndpointHealth, HealthState } from "../cities/health.ts";
import { cityIdOf } from "./cityNames.ts";
import { isTrusted, type CityRoutes } from "./subscriptions/routes.ts";
import type { UsableRoute } from "./subscriptions/subscriptions.ts";

interface Measured {
  readonly delayMs?: number | undefined;
  readonly fault?: string | undefined;
}

export interface CityEntry {
  readonly id: string;
  readonly name: { readonly en: string; readonly ru: string };
  readonly country: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly hasVpn: boolean;
  readonly nodePhase: string | null;
  readonly exit: string | null;
  readonly routes: number;
  readonly heldRoutes: number;
  readonly health: { readonly state: HealthState; readonly atMs: number | null } | null;
  readonly delayMs: number | null;
  readonly fault: { readonly code: string; readonly params: Record<string, string> } | null;
  readonly isInUse: boolean;
}

export interface KnownCities {
  readonly cities: readonly City[];
  readonly health: readonly EndpointHealth[];
  /** With routes, those of `cities` among them. */
  readonly routed: readonly CityRoutes[];
  readonly usable: readonly UsableRoute[];
  /** By the route's code. */
  readonly measures: ReadonlyMap<string, Measured>;
  /** Where traffic comes out now. */
  readonly inUse: string | null;
}

export function listCities(known: KnownCities): CityEntry[] {
  const at: Indexed = {
    routed: new Map(known.routed.map((city) => [city.id, city])),
    usable: Map.groupBy(known.usable, ({ city }) => city),
    health: bestByCity(known.health),
  };
  const ofNetwork = known.cities.map((city) => describe(known, at, city, city.code));
  const others = known.routed.filter(({ city }) => city === null).map(({ id }) => describe(known, at, undefined, id));
  return [...ofNetwork, ...others];
}

/** By city: there may be ten thousand. */
interface Indexed {
  readonly routed: ReadonlyMap<string, CityRoutes>;
  readonly usable: ReadonlyMap<string, readonly UsableRoute[]>;
  readonly health: ReadonlyMap<string, EndpointHealth>;
}

function describe(known: KnownCities, at: Indexed, city: City | undefined, entry: string): CityEntry {
  const id = cityIdOf(entry);
  const routed = at.routed.get(entry);
  const routes = routed?.routes ?? [];
  const measures = (at.usable.get(entry) ?? []).map(({ code }) => known.measures.get(code));
  const delays = measures.flatMap((measure) => (measure?.fault === undefined ? (measure?.delayMs ?? []) : []));
  const fault = measures.find((measure) => measure?.fault !== undefined)?.fault;
  return {
    id,
    name: city?.name ?? unlisted(routed!, id),
    country: city?.country ?? null,
    lat: city?.lat ?? null,
    lon: city?.lon ?? null,
    hasVpn: city?.vpn.enabled ?? true,
    nodePhase: city?.timechain.phase ?? null,
    exit: city === undefined ? id : city.vpn.exit,
    routes: routes.filter(isTrusted).length,
    heldRoutes: routes.filter((route) => !isTrusted(route)).length,
    health: healthOf(at.health.get(entry)),
    delayMs: delays.length === 0 ? null : Math.min(...delays),
    fault: delays.length > 0 || fault === undefined ? null : { code: fault, params: { city: id } },
    isInUse: known.inUse === id,
  };
}

const BEST_FIRST: readonly HealthState[] = ["up", "unknown", "degraded", "down", "expired"];

/** Of each city its best node: one that works is enough. Of equals the first. */
function bestByCity(health: readonly EndpointHealth[]): ReadonlyMap<string, EndpointHealth> {
  const best = new Map<string, EndpointHealth>();
  for (const endpoint of health) {
    const { city, state } = endpoint;
    const known = best.get(city);
    if (known === undefined || BEST_FIRST.indexOf(state) < BEST_FIRST.indexOf(known.state)) best.set(city, endpoint);
  }
  return best;
}

function healthOf(best: EndpointHealth | undefined): CityEntry["health"] {
  if (best === undefined) return null;
  return { state: best.state, atMs: best.last_probe_unix === null ? null : best.last_probe_unix * 1000 };
}

/** By city. */
export function healthByCity(health: readonly EndpointHealth[]): ReadonlyMap<string, HealthState> {
  return new Map([...bestByCity(health)].map(([city, { state }]) => [city, state]));
}

/** Where an entry says nothing of itself its label is the address. */
function unlisted({ label, routes }: CityRoutes, id: string): CityEntry["name"] {
  const name = label === "" || routes.some(({ link }) => label.includes(link.host)) ? id : label;
  return { en: name, ru: name };
}
