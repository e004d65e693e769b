/** `cities.json`: the cities of a network, and which of them stand in for which (chapter 08 §3.5, §5). */
import { ProtocolError } from "../protocol/errors.ts";
import { isObject, parseJson, type JsonObject } from "./json.ts";
import { CITIES_MAX, PUBLIC_FILE_MAX } from "./limits.ts";
import { NODE_LABEL } from "./myVpn.ts";
import {
  count,
  decimal,
  displayText,
  flag,
  isoText,
  listOf,
  nullable,
  oneOf,
  record,
  text,
  type Shape,
} from "./shape.ts";

export const CITY_CODE = /^[a-z]{3}$/;
const COORDINATE_DECIMALS_MAX = 4;

const codeText = text(3, CITY_CODE);
const codes = listOf(codeText, CITIES_MAX);

export const phaseName = oneOf("Bootstrap", "CandidateVdf", "Registered", "Active");
export type PhaseName = Shape<typeof phaseName>;

const readCity = record({
  code: codeText,
  node: text(32, NODE_LABEL),
  name: record({ en: displayText, ru: displayText }),
  country: text(2, /^[A-Z]{2}$/),
  region: oneOf("af", "as", "eu", "na", "oc", "sa"),
  lat: decimal,
  lon: decimal,
  timechain: record({ phase: phaseName, emits: flag }),
  vpn: record({
    enabled: flag,
    primary: flag,
    exit: nullable(codeText),
    fronts: codes,
    fronted_by: codes,
    endpoint: nullable(displayText),
  }),
});

const readCities = record({
  version: oneOf(1),
  network: displayText,
  updated: isoText,
  updated_unix: count,
  cities: listOf(readCity, CITIES_MAX),
});

export type City = Shape<typeof readCity>;
export type Cities = Shape<typeof readCities>;

export type CitiesReason =
  | "bad-version"
  | "empty"
  | "bad-code"
  | "bad-node"
  | "duplicate-code"
  | "duplicate-node"
  | "bad-coordinate"
  | "too-precise"
  | "self-front"
  | "unknown-front"
  | "asymmetric-front"
  | "front-of-disabled"
  | "front-cycle"
  | "bad-exit";

export interface CitiesFault {
  readonly reason: CitiesReason;
  /** Place in the document, such as `cities[3].vpn.exit`. */
  readonly at: string;
}

/**
 * Throws `ProtocolError`: `too-large`, `not-json`, a {@link CitiesReason}, or `bad-field` where a field has another type;
 * the last two with the place as `at`.
 */
export function decodeCities(body: string): Cities {
  const document = parseJson(body, PUBLIC_FILE_MAX);
  const fault = findCitiesFault(document);
  if (fault !== undefined) throw new ProtocolError(fault.reason, { at: fault.at });
  return readCities(document, "");
}

/** The first rule of §5 that a parsed document violates. */
export function findCitiesFault(document: unknown): CitiesFault | undefined {
  if (!isObject(document) || document["version"] !== 1) return { reason: "bad-version", at: "version" };
  const list = document["cities"];
  if (!Array.isArray(list) || list.length === 0) return { reason: "empty", at: "cities" };
  return findCityFault(list) ?? findGraphFault(list.map(nodeOfGraph));
}

function findCityFault(list: readonly unknown[]): CitiesFault | undefined {
  const seenCodes = new Set<unknown>();
  const seenNodes = new Set<unknown>();
  for (const [i, value] of list.entries()) {
    const { code, node, lat, lon }: JsonObject = isObject(value) ? value : {};
    const at = (field: string): string => `cities[${i}].${field}`;
    if (typeof code !== "string" || !CITY_CODE.test(code)) return { reason: "bad-code", at: at("code") };
    if (typeof node !== "string" || !NODE_LABEL.test(node)) return { reason: "bad-node", at: at("node") };
    if (seenCodes.has(code)) return { reason: "duplicate-code", at: at("code") };
    if (seenNodes.has(node)) return { reason: "duplicate-node", at: at("node") };
    if (!isWithin(lat, 90)) return { reason: "bad-coordinate", at: at("lat") };
    if (!isWithin(lon, 180)) return { reason: "bad-coordinate", at: at("lon") };
    if (isTooPrecise(lat)) return { reason: "too-precise", at: at("lat") };
    if (isTooPrecise(lon)) return { reason: "too-precise", at: at("lon") };
    seenCodes.add(code);
    seenNodes.add(node);
  }
  return undefined;
}

const isWithin = (value: unknown, limit: number): value is number =>
  typeof value === "number" && Math.abs(value) <= limit;

/** By the shortest decimal text of the number; an exponent means more decimals than anybody may know. */
function isTooPrecise(value: number): boolean {
  const [, decimals = ""] = String(value).split(".");
  return decimals.length > COORDINATE_DECIMALS_MAX || String(value).includes("e");
}

interface GraphNode {
  readonly at: string;
  readonly code: string;
  readonly isEnabled: boolean;
  readonly exit: unknown;
  readonly fronts: readonly unknown[];
  readonly frontedBy: readonly unknown[];
}

function nodeOfGraph(value: unknown, i: number): GraphNode {
  const city = value as JsonObject;
  const vpn: JsonObject = isObject(city["vpn"]) ? city["vpn"] : {};
  const list = (name: string): readonly unknown[] => (Array.isArray(vpn[name]) ? vpn[name] : []);
  return {
    at: `cities[${i}].vpn`,
    code: city["code"] as string,
    isEnabled: vpn["enabled"] === true,
    exit: vpn["exit"] ?? null,
    fronts: list("fronts"),
    frontedBy: list("fronted_by"),
  };
}

type Graph = ReadonlyMap<unknown, GraphNode>;
type GraphRule = (node: GraphNode, graph: Graph) => string | undefined;

/** In the order of §5; each gives the field that violates it. */
const graphRules: readonly (readonly [CitiesReason, GraphRule])[] = [
  ["self-front", (node) => fieldWith(node, (code) => code === node.code)],
  ["unknown-front", (node, graph) => fieldWith(node, (code) => !graph.has(code))],
  ["asymmetric-front", findAsymmetry],
  [
    "front-of-disabled",
    (node, graph) => fieldWith(node, (code) => !node.isEnabled || graph.get(code)?.isEnabled !== true),
  ],
];

function findGraphFault(nodes: readonly GraphNode[]): CitiesFault | undefined {
  const graph = new Map(nodes.map((node) => [node.code as unknown, node]));
  for (const [reason, rule] of graphRules) {
    for (const node of nodes) {
      const field = rule(node, graph);
      if (field !== undefined) return { reason, at: `${node.at}.${field}` };
    }
  }
  const inCycle = findCycle(nodes, graph);
  if (inCycle !== undefined) return { reason: "front-cycle", at: `${inCycle.at}.fronts` };
  const wrong = nodes.find((node) => !isExitRight(node, graph));
  return wrong === undefined ? undefined : { reason: "bad-exit", at: `${wrong.at}.exit` };
}

function fieldWith(node: GraphNode, test: (code: unknown) => boolean): string | undefined {
  if (node.fronts.some(test)) return "fronts";
  return node.frontedBy.some(test) ? "fronted_by" : undefined;
}

/** An edge that the other end does not have, or that one end has twice. */
function findAsymmetry(node: GraphNode, graph: Graph): string | undefined {
  const isTwice = (codes: readonly unknown[]): boolean => new Set(codes).size < codes.length;
  if (isTwice(node.fronts)) return "fronts";
  if (isTwice(node.frontedBy)) return "fronted_by";
  if (node.fronts.some((code) => !graph.get(code)!.frontedBy.includes(node.code))) return "fronts";
  return node.frontedBy.some((code) => !graph.get(code)!.fronts.includes(node.code)) ? "fronted_by" : undefined;
}

/** A city that cannot be put after all cities that front it: what is left when those that can have been taken away. */
function findCycle(nodes: readonly GraphNode[], graph: Graph): GraphNode | undefined {
  const waiting = new Map(nodes.map(({ code, frontedBy }) => [code, frontedBy.length]));
  const free = nodes.filter(({ frontedBy }) => frontedBy.length === 0);
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    waiting.delete(node.code);
    for (const code of node.fronts) {
      const next = graph.get(code)!;
      const left = waiting.get(next.code)! - 1;
      waiting.set(next.code, left);
      if (left === 0) free.push(next);
    }
  }
  return nodes.find(({ code }) => waiting.has(code));
}

/** An exit names itself; a relay names a city that it fronts and that is an exit; a city without VPN names none. */
function isExitRight({ code, isEnabled, exit, fronts }: GraphNode, graph: Graph): boolean {
  if (!isEnabled) return exit === null;
  if (exit === code) return true;
  return fronts.includes(exit) && graph.get(exit)?.exit === exit;
}
