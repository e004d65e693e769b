/** What an aggregator tells its operator: one line for each run (chapter 08 §7.3), never an address. */
import type { RunReport, Trouble } from "../../mesh/aggregator/aggregator.ts";

const MINUTE_SECONDS = 60;

export function describeRun(report: RunReport): { readonly summary: string; readonly notes: readonly string[] } {
  const { entries, sources, health, alarms, troubles, milliseconds } = report;
  const counts = [
    `${sources.fresh} fresh`,
    `${sources["last-good"]} last-good`,
    `${sources.expired} expired`,
    ...(sources["no-vpn"] > 0 ? [`${sources["no-vpn"]} without VPN`] : []),
    ...(sources.none > 0 ? [`${sources.none} never heard`] : []),
  ];
  const lines = [`[sub] ${entries} entries (${counts.join(", ")}) in ${milliseconds} ms`];
  if (health !== undefined) {
    const states = ["up", "degraded", "down", "expired", "unknown"].filter(
      (state, i) => i < 3 || health[state] !== undefined,
    );
    lines.push(`[health] ${states.map((state) => `${state}=${health[state] ?? 0}`).join(" ")}`);
  }
  const held = alarms.map(({ path, violations }) => `[alarm] ${path} was not published: ${violations.join(", ")}`);
  return { summary: [...lines, ...held].join("\n"), notes: troubles.map(describeTrouble) };
}

function describeTrouble({ node, reason, lastGoodSeconds }: Trouble): string {
  const what = lastGoodSeconds === null ? "nothing of it is published" : `its entry of ${ageOf(lastGoodSeconds)} stays`;
  return `[sub] ${node}: ${reason}; ${what}`;
}

function ageOf(seconds: number): string {
  if (seconds < 2 * MINUTE_SECONDS) return `${seconds} s ago`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / MINUTE_SECONDS)} min ago`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

export interface CheckedMesh {
  readonly network: string;
  readonly cities: number;
  readonly peers: number;
  readonly peersWithoutCity: readonly string[];
  readonly citiesWithoutPeer: readonly string[];
}

export function describeCheck({ network, cities, peers, peersWithoutCity, citiesWithoutPeer }: CheckedMesh): string {
  return [
    `${network}: ${cities} cities, ${peers} nodes to ask. Settings and cities are in order.`,
    ...(peersWithoutCity.length > 0 ? [`In the subscription, but in no city: ${peersWithoutCity.join(", ")}`] : []),
    ...(citiesWithoutPeer.length > 0 ? [`A city, but never asked: ${citiesWithoutPeer.join(", ")}`] : []),
  ].join("\n");
}

/** What a person is given who wants the list on a phone. */
export function describeLinks(
  url: string,
  links: Readonly<Record<"happ" | "hiddify" | "v2rayng" | "montana", string>>,
  files: Readonly<Record<string, string>>,
): string {
  const rows: readonly (readonly [string, string])[] = [
    ["the code", url],
    ["Happ", links.happ],
    ["Hiddify", links.hiddify],
    ["v2rayNG", links.v2rayng],
    ["this program", links.montana],
    ...Object.values(files).map((file) => ["written to", file] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    "Other programs: scan the code, or copy its address.",
  ].join("\n");
}
