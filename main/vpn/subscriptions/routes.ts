/** The entries of all subscriptions as one list of cities, each with every way into it. Pure. */
import type { City } from "../../cities/cities.ts";
import { inSubscriptionOrder } from "../../cities/order.ts";
import { judgeKey, pinKeys, type KeyVerdict, type Pins } from "../../cities/pins.ts";
import { shownLabel, type ShareLink } from "../../cities/shareLink.ts";
import { cityOfLabel } from "../../cities/subscription.ts";
import { PINNED_KEYS_MAX } from "../../cities/limits.ts";

/** How long ago a key may have worked for a new one to look like a change of keys rather than another exit: 7 days. */
const RECENT_SECONDS = 604_800;

/** What is known of the network besides its subscriptions. */
export interface Network {
  /** Codes that labels may name, when `cities` is not known yet. */
  readonly codes: readonly string[];
  /** Of `cities.json`. */
  readonly cities: readonly City[];
}

export interface Source {
  /** A subscription's id, or `pasted`. */
  readonly id: string;
  readonly servers: readonly ShareLink[];
}

export interface Route {
  readonly link: ShareLink;
  /** City whose key this is, and under which it is pinned: its code, or `host:port` for an entry of no known city. */
  readonly entry: string;
  /** `front`: another city's exit that stands before this one and lets traffic out here. */
  readonly via: "direct" | "front";
  /** Ids of all subscriptions that bring it. */
  readonly sources: readonly string[];
  /** Only `known` keys are used without asking: see {@link isTrusted}. */
  readonly key: KeyVerdict;
}

export interface CityRoutes {
  /** Code, or `host:port` for an entry of no known city. */
  readonly id: string;
  /** Safe to show. */
  readonly label: string;
  /** What `cities.json` says of it; null where it says nothing. */
  readonly city: City | null;
  readonly routes: readonly Route[];
}

/** A route whose key changed is used only after the person has accepted it (§8.3). */
export const isTrusted = ({ key }: Route): boolean => key === "known" || key === "new";

export function mergeRoutes(sources: readonly Source[], network: Network, pins: Pins, nowUnix: number): CityRoutes[] {
  const byEntry = Map.groupBy(mergeEntries(sources, network, pins), ({ entry }) => entry);
  const routesOf = (entry: string, via: Route["via"]): Route[] =>
    (byEntry.get(entry) ?? []).map(({ link, sources }) => {
      return { link, entry, via, sources, key: judgeKey(pins, entry, link.pbk, nowUnix, RECENT_SECONDS) };
    });
  const enabled = network.cities
    .filter(({ vpn }) => vpn.enabled)
    .sort((a, b) => inSubscriptionOrder(orderKey(a), orderKey(b)));
  const exitOf = new Map(enabled.map(({ code, vpn }) => [code, vpn.exit]));
  const listed = enabled.map((city): CityRoutes => {
    const fronts = city.vpn.fronted_by.filter((front) => exitOf.get(front) === city.code);
    const routes = [...routesOf(city.code, "direct"), ...fronts.flatMap((front) => routesOf(front, "front"))];
    return { id: city.code, label: city.name.en, city, routes };
  });
  const isListed = new Set(network.cities.map(({ code }) => code));
  const others = [...byEntry.keys()]
    .filter((entry) => !isListed.has(entry))
    .map((entry): CityRoutes => {
      const routes = routesOf(entry, "direct");
      return { id: entry, label: shownLabel(routes[0]!.link.label), city: null, routes };
    });
  return [...listed.filter(({ routes }) => routes.length > 0), ...others];
}

/**
 * Pins the keys of cities of which nothing was known. All that are there at first are let in together: a city may have several
 * exits. The same value where nothing is new.
 */
export function pinNewCities(pins: Pins, sources: readonly Source[], network: Network): Pins {
  const added = new Map<string, readonly string[]>();
  for (const [entry, entries] of Map.groupBy(mergeEntries(sources, network, pins), ({ entry }) => entry)) {
    if (pins.has(entry)) continue;
    const keys = new Set(entries.map(({ link }) => link.pbk));
    added.set(entry, [...keys].slice(0, PINNED_KEYS_MAX));
  }
  return pinKeys(pins, added);
}

interface Entry {
  readonly link: ShareLink;
  readonly entry: string;
  readonly sources: readonly string[];
}

/**
 * In the order of their sources; what several bring is one: by the city whose key it is known to be, else by the first name
 * that it is given, so that nobody can rename another one's exit.
 */
function mergeEntries(sources: readonly Source[], { codes, cities }: Network, pins: Pins): Entry[] {
  const known = new Set([...codes, ...cities.map(({ code }) => code)]);
  const entries = new Map<string, Entry>();
  for (const { id, servers } of sources) {
    for (const link of servers) {
      const { uuid, host, port, sni, pbk, sid, label } = link;
      const key = [uuid, host, port, sni, pbk, sid].join(" ");
      const found = entries.get(key);
      const entry = cityOfLabel(label, known) ?? ownLabel(label) ?? addressOf(host, port);
      const isKnownAs = (name: string): boolean => pins.get(name)?.some((pinned) => pinned.pbk === pbk) === true;
      if (found === undefined) entries.set(key, { link, entry, sources: [id] });
      else {
        const named = found.entry !== entry && isKnownAs(entry) && !isKnownAs(found.entry) ? { link, entry } : {};
        const isNewSource = !found.sources.includes(id);
        entries.set(key, { ...found, ...named, sources: isNewSource ? [...found.sources, id] : found.sources });
      }
    }
  }
  return [...entries.values()];
}

/** The network's own form of a label (§3.1) names its city also where no list of cities could be had. */
const ownLabel = (label: string): string | undefined => /^Montana ([A-Z]{3})$/.exec(label)?.[1]?.toLowerCase();

const addressOf = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

const orderKey = ({ node, vpn }: City): { readonly node: string; readonly primary: boolean } => ({
  node,
  primary: vpn.primary,
});
