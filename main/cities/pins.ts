/**
 * Keys of cities that this client knows (chapter 08 §8.3). An aggregator can point people to exits of its own: a city whose
 * key changes is not used silently, and least of all when the old key had not worked until then.
 */
import { CITY_CODE } from "./cities.ts";
import { PINNED_KEYS_MAX, PINNED_MAX } from "./limits.ts";

export interface PinnedKey {
  readonly pbk: string;
  /** When a tunnel was last verified with this key; null for a key that was accepted but never used. */
  readonly workedUnix: number | null;
}

/** By city code, or by `host:port` for an entry that belongs to no known city. Kept on disk. */
export type Pins = ReadonlyMap<string, readonly PinnedKey[]>;

/**
 * `new`: nothing was known of this city. `known`: the key is pinned. `rotated`: another key, and an old one worked until
 * recently. `unexplained`: another key, and no old one did.
 */
export type KeyVerdict = "new" | "known" | "rotated" | "unexplained";

/** `recentSeconds` is how long ago "until then" may be. */
export function judgeKey(pins: Pins, city: string, pbk: string, nowUnix: number, recentSeconds: number): KeyVerdict {
  const keys = pins.get(city) ?? [];
  if (keys.length === 0) return "new";
  if (keys.some((key) => key.pbk === pbk)) return "known";
  const worked = keys.some(({ workedUnix }) => workedUnix !== null && nowUnix - workedUnix <= recentSeconds);
  return worked ? "rotated" : "unexplained";
}

/** Pins a key that the person has let in. */
export const pinKey = (pins: Pins, city: string, pbk: string): Pins => pinKeys(pins, new Map([[city, [pbk]]]));

/** Pins keys that the person, or their being the first, has let in, by city. Of one city the one unused for longest makes room. */
export function pinKeys(pins: Pins, added: ReadonlyMap<string, readonly string[]>): Pins {
  if (added.size === 0) return pins;
  const pinned = new Map(pins);
  for (const [city, pbks] of added) pinned.set(city, pbks.reduce(withKey, pinned.get(city) ?? []));
  return pinned;
}

function withKey(keys: readonly PinnedKey[], pbk: string): readonly PinnedKey[] {
  if (keys.some((key) => key.pbk === pbk)) return keys;
  const kept = [...keys].sort((a, b) => (b.workedUnix ?? 0) - (a.workedUnix ?? 0)).slice(0, PINNED_KEYS_MAX - 1);
  return [...kept, { pbk, workedUnix: null }];
}

/**
 * At most PINNED_MAX cities and lone entries. A long list of strangers must not make anybody forget a city: those that have a
 * code all stay, then lone entries that have worked, then those noted last.
 */
export function boundPins(pins: Pins): Pins {
  if (pins.size <= PINNED_MAX) return pins;
  const worth = ([city, keys]: readonly [string, readonly PinnedKey[]]): number =>
    CITY_CODE.test(city) ? 2 : keys.some(({ workedUnix }) => workedUnix !== null) ? 1 : 0;
  const byWorth = [...pins].reverse().sort((a, b) => worth(b) - worth(a));
  return new Map(byWorth.slice(0, PINNED_MAX).reverse());
}

/** Notes that a tunnel was verified with a pinned key. */
export function recordWorkingKey(pins: Pins, city: string, pbk: string, nowUnix: number): Pins {
  const keys = pins.get(city) ?? [];
  return new Map(pins).set(
    city,
    keys.map((key) => (key.pbk === pbk ? { pbk, workedUnix: nowUnix } : key)),
  );
}
