/** From what an operator asks for to the record of a city. */
import { isAddress, isDnsName } from "../../cities/addresses.ts";
import { CITY_CODE } from "../../cities/cities.ts";
import { NODE_LABEL } from "../../cities/myVpn.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import type { ExitKeys } from "../../xray/exitKeys.ts";
import { findPlace, type Gazetteer } from "../cities/gazetteer.ts";
import { exitError } from "./errors.ts";
import type { Decoy, ExitRecord, Place } from "./record.ts";
import { doorOf, portsOf } from "./transitions.ts";

const DEFAULT_PORT = 443;

/** What is left out keeps its value, or its default where the city is new. */
export interface ExitWish {
  /** A name of the gazetteer; needed for a new city. */
  readonly city?: string | undefined;
  readonly country?: string | undefined;
  readonly code?: string | undefined;
  readonly node?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly listen?: string | undefined;
  readonly primary?: boolean | undefined;
  readonly decoy?: Decoy | undefined;
  /** Share URL of the exit that a relay forwards to. */
  readonly relayOf?: string | undefined;
  /** Null ends a cap. */
  readonly monthlyBytes?: number | null | undefined;
  readonly connections?: number | null | undefined;
  readonly rate?: { readonly device: string; readonly mbit: number } | null | undefined;
  readonly practice?: NonNullable<ExitRecord["practice"]> | undefined;
  readonly publishTo?: string | undefined;
}

/** What a new city has besides wishes. */
export interface NewCity {
  readonly gazetteer: () => Gazetteer;
  readonly fresh: ExitKeys;
  /** Folder of `my-vpn.json` where none is named. */
  readonly publishTo: string;
}

/** A new city. Throws "exit-value-missing", "exit-bad-value", "city-unknown", "city-ambiguous". */
export function createdRecord(wish: ExitWish, { gazetteer, fresh, publishTo }: NewCity): ExitRecord {
  const { country, node, host, primary = false, relayOf, practice = null } = wish;
  if (wish.city === undefined) throw exitError("exit-value-missing", { what: "--city" });
  if (host === undefined) throw exitError("exit-value-missing", { what: "--host" });
  const place = findPlace(gazetteer(), wish.city, country);
  const code = wish.code ?? place.code;
  const city: Place = { ...place, code, node: node ?? place.node };
  const port = wish.port ?? DEFAULT_PORT;
  if (relayOf === undefined && wish.decoy === undefined) throw exitError("exit-value-missing", { what: "--decoy" });
  const record: ExitRecord = {
    version: 1,
    city,
    primary,
    host: host.toLowerCase(),
    listen: wish.listen ?? "0.0.0.0",
    decoy: relayOf === undefined ? (wish.decoy ?? null) : null,
    doors: relayOf === undefined ? [doorOf(fresh, port)] : [],
    relay: relayOf === undefined ? null : { link: relayOf, port },
    limits: { monthlyBytes: wish.monthlyBytes ?? null, connections: wish.connections ?? null },
    rate: wish.rate ?? null,
    practice,
    publishTo: wish.publishTo ?? publishTo,
    ...{ stage: "serving", stageUntilUnix: null },
  };
  return checked(record);
}

/** A city with other settings, in service. Throws "exit-exists" for what makes it another city, and "exit-bad-value". */
export function changedRecord(record: ExitRecord, wish: ExitWish, gazetteer: () => Gazetteer): ExitRecord {
  const { city, decoy, relay } = record;
  const isOther =
    (wish.city !== undefined && !isSameCity(city, findPlace(gazetteer(), wish.city, wish.country))) ||
    (wish.code !== undefined && wish.code !== city.code) ||
    (wish.node !== undefined && wish.node !== city.node) ||
    (wish.port !== undefined && wish.port !== portsOf(record)[0]) ||
    (wish.relayOf === undefined ? false : relay === null) ||
    (wish.publishTo !== undefined && wish.publishTo !== record.publishTo);
  if (isOther) throw exitError("exit-exists", { city: city.name.en });
  return checked({
    ...record,
    primary: wish.primary ?? record.primary,
    host: wish.host?.toLowerCase() ?? record.host,
    listen: wish.listen ?? record.listen,
    decoy: relay === null ? (wish.decoy ?? decoy) : null,
    relay: relay && { ...relay, link: wish.relayOf ?? relay.link },
    limits: {
      monthlyBytes: wish.monthlyBytes === undefined ? record.limits.monthlyBytes : wish.monthlyBytes,
      connections: wish.connections === undefined ? record.limits.connections : wish.connections,
    },
    rate: wish.rate === undefined ? record.rate : wish.rate,
    practice: wish.practice ?? record.practice,
    ...{ stage: "serving", stageUntilUnix: null },
  });
}

const isSameCity = (a: Place, b: Place): boolean => a.name.en === b.name.en && a.country === b.country;

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** Throws "exit-bad-value" with `what`. */
function checked(record: ExitRecord): ExitRecord {
  const bad = (what: string, value: string): Error => exitError("exit-bad-value", { what, value });
  const { city, host, listen, decoy, relay } = record;
  if (!CITY_CODE.test(city.code)) throw bad("--code", city.code);
  if (!NODE_LABEL.test(city.node)) throw bad("--node", city.node);
  if (!isAddress(host) && !isDnsName(host)) throw bad("--host", host);
  if (!isAddress(listen)) throw bad("--listen", listen);
  const wrongPort = portsOf(record).find((port) => !isPort(port));
  if (wrongPort !== undefined) throw bad("--port", String(wrongPort));
  if (decoy !== null && !isDnsName(decoy.name)) throw bad("--decoy", decoy.name);
  if (relay !== null) {
    try {
      parseShareLink(relay.link);
    } catch {
      throw bad("--relay-of", "the link");
    }
  }
  return record;
}
