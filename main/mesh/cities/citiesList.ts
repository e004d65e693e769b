/**
 * From the list that an aggregator's operator keeps to `cities.json` (chapter 08 §3.5): who fronts whom is written once and
 * mirrored here, and nothing is written that a client would refuse.
 */
import { findCitiesFault, phaseName, type Cities, type City } from "../../cities/cities.ts";
import { parseJson } from "../../cities/json.ts";
import { CITIES_MAX, PUBLIC_FILE_MAX } from "../../cities/limits.ts";
import { decimal, displayText, flag, listOf, optional, record, text, type Shape } from "../../cities/shape.ts";
import { isoTime } from "../../cities/time.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { exitError } from "../exit/errors.ts";
import { findPlace, type Gazetteer } from "./gazetteer.ts";

const code = text(3);
const readListed = record({
  code,
  node: text(32),
  /** A name of the gazetteer, which gives everything that is left out. */
  city: displayText,
  country: optional(text(2)),
  name: optional(record({ en: displayText, ru: displayText })),
  lat: optional(decimal),
  lon: optional(decimal),
  phase: optional(phaseName),
  emits: optional(flag),
  /** False for a city without a tunnel. */
  vpn: optional(flag),
  primary: optional(flag),
  /** The cities that it stands in for. */
  fronts: optional(listOf(code, CITIES_MAX)),
  /** It forwards to this one of them instead of being an exit. */
  relays: optional(code),
});
type Listed = Shape<typeof readListed>;

const readList = record({ network: displayText, cities: listOf(readListed, CITIES_MAX) });

/** Throws "cities-list-invalid" with `reason` and the place as `at`, "city-unknown", "city-ambiguous". */
export function makeCities(list: string, gazetteer: Gazetteer, nowUnix: number): Cities {
  const { network, cities } = read(list);
  const made = cities.map((listed) => cityOf(listed, cities, gazetteer));
  const document: Cities = { version: 1, network, updated: isoTime(nowUnix), updated_unix: nowUnix, cities: made };
  const fault = findCitiesFault(document);
  if (fault !== undefined) throw exitError("cities-list-invalid", { reason: fault.reason, at: fault.at });
  return document;
}

function read(list: string): Shape<typeof readList> {
  try {
    return readList(parseJson(list, PUBLIC_FILE_MAX), "");
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code: reason, params } = error as ProtocolError;
    throw exitError("cities-list-invalid", { reason, at: String(params["at"] ?? "the file") });
  }
}

function cityOf(listed: Listed, all: readonly Listed[], gazetteer: Gazetteer): City {
  const { fronts = [], vpn = true, relays } = listed;
  const place = findPlace(gazetteer, listed.city, listed.country);
  return {
    ...{ code: listed.code, node: listed.node, name: listed.name ?? place.name },
    ...{ country: place.country, region: place.region, lat: listed.lat ?? place.lat, lon: listed.lon ?? place.lon },
    timechain: { phase: listed.phase ?? "Bootstrap", emits: listed.emits ?? false },
    vpn: {
      ...{ enabled: vpn, primary: listed.primary ?? false, exit: vpn ? (relays ?? listed.code) : null, fronts },
      fronted_by: all.filter((other) => other.fronts?.includes(listed.code) === true).map((other) => other.code),
      endpoint: vpn ? `/vpn/city/${listed.code}` : null,
    },
  };
}
