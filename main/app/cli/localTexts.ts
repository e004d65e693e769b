/** The practice network in words. */
import type { LocalCity } from "../../local/record.ts";
import type { Started } from "../../local/start.ts";
import type { CityStatus, LocalStatus } from "../../local/status.ts";
import { formatAmount } from "../../wallet/amounts.ts";

export function describeStarted({ wasRunning, leftovers, reachedAfterSeconds, explorerUrl, cities }: Started): string {
  const names = cities.map(({ name }) => name).join(", ");
  return [
    ...(leftovers > 0 ? [`${leftovers} processes of a start that was killed were ended first.`] : []),
    wasRunning
      ? "The practice network runs already."
      : `The practice network runs: reached after ${reachedAfterSeconds} s.`,
    `Cities: ${names}. Go through one: montana vpn connect Frankfurt --network local`,
    `Watch it in a browser: ${explorerUrl}`,
    "See the nodes: montana local status. Break a city: montana local break Frankfurt. End it: montana local stop",
  ].join("\n");
}

export function describeLocal(status: LocalStatus): string {
  const { state, cities, meanWindowSeconds, tau2Windows, supply, siteUrl, subscriptionUrl, explorerUrl, missing } =
    status;
  if (state === "absent") return "There is no practice network here. Make one: montana local start";
  const pace =
    meanWindowSeconds === null ? "" : `, ${meanWindowSeconds.toFixed(2)} s a window (mean of those measured)`;
  const rows = [["City", "Phase", "window", "NodeTable", "balance", "exit", "node"], ...cities.map(rowOf)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  return [
    `practice network: ${state}${pace}; a candidate chain has ${tau2Windows} windows`,
    ...lines,
    ...(supply === null ? [] : [`supply ${formatAmount(BigInt(supply))}`]),
    ...(missing.length === 0 ? [] : [`Ended by itself: ${missing.join(", ")}. montana local start brings it back.`]),
    `explorer ${explorerUrl}`,
    `subscription ${subscriptionUrl}`,
    `which city am I in, through the tunnel: ${siteUrl}`,
  ].join("\n");
}

function rowOf({ name, phase, window, nodeTable, balance, exit, node, kind, percent, registersInSeconds }: CityStatus) {
  const left = registersInSeconds === null ? "" : `, ${Math.round(registersInSeconds)} s left`;
  const shown = percent === null ? (phase ?? "-") : `${phase} ${percent}%${left}`;
  const orDash = (value: number | null): string => (value === null ? "-" : String(value));
  const money = balance === null ? "-" : formatAmount(BigInt(balance));
  return [
    name.en,
    shown,
    orDash(window),
    orDash(nodeTable),
    money,
    kind === "relay" ? `relay, ${exit}` : exit,
    node ?? "-",
  ];
}

export function describeCity({ name, broken, relays }: LocalCity): string {
  const part = (isBroken: boolean): string => (isBroken ? "broken" : "running");
  const exit = `${relays === null ? "exit" : "relay"} ${part(broken.vpn)}`;
  return `${name.en}: ${exit}${relays === null ? `, node ${part(broken.node)}` : ""}`;
}
