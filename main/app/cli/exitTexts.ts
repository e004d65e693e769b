/** A city in words, for its operator. */
import type { Output } from "../../api/contract.ts";
import { sentenceOf } from "./vpnTexts.ts";

type Status = Output<"exitStatus">;

export function describeInit({ status, decoy }: Output<"exitInit">): string {
  const found =
    decoy === null
      ? []
      : [
          `The decoy fits: it answers with ${decoy.flightBytes} bytes after ${decoy.roundTripMs} ms` +
            (decoy.isPostQuantum ? ", and agrees on a post-quantum key." : "."),
        ];
  const next =
    status.state === "stopped"
      ? ["The city is written down. It runs while a host does: montana start --without-node, or with a node."]
      : [];
  return [...found, describeExit(status), ...next].join("\n");
}

export function describeExit(status: Status): string {
  const { city, state, kind } = status;
  if (state === "failed" && city === null) return status.notices.map(sentenceOf).join("\n");
  if (city === null || kind === null)
    return "This machine runs no city. Make it one: montana exit init --city NAME --host ADDR --decoy NAME";
  const { decoy, usage, connections, rate, accounts, link } = status;
  const rows: [string, string][] = [
    [
      "city",
      `${city.name.en} (${city.name.ru}), ${city.country}, ${city.code}, node ${city.node}, ${city.lat} ${city.lon}`,
    ],
    ["state", `${kind}, ${STATES[state]}`],
    ["published", status.isPublished ? (status.publication ?? "yes") : "no"],
  ];
  if (link !== null) rows.push(["link", link]);
  if (status.drainUntilMs !== null) rows.push(["serves until", timeOf(status.drainUntilMs)]);
  for (const { shortId, port, untilMs } of accounts) {
    rows.push([
      "account",
      `${shortId} on port ${port}, ${untilMs === null ? "published" : `until ${timeOf(untilMs)}`}`,
    ]);
  }
  if (decoy !== null)
    rows.push([
      "decoy",
      `${decoy.name}, ${decoy.state}${decoy.lastOkMs === null ? "" : `, last fit ${timeOf(decoy.lastOkMs)}`}`,
    ]);
  if (usage !== null) {
    const max = usage.bytesMax === null ? "" : ` of ${usage.bytesMax}`;
    rows.push([
      usage.month,
      `${usage.bytesUp + usage.bytesDown}${max} bytes: ${usage.bytesDown} to clients, ${usage.bytesUp} from them`,
    ]);
  }
  if (connections !== null) {
    const { open, max, isRefusing } = connections;
    rows.push([
      "connections",
      `${open ?? "unknown"}${max === null ? "" : ` of ${max}`}${isRefusing ? ", refusing new ones" : ""}`,
    ]);
  }
  if (rate !== null) {
    rows.push([
      "rate",
      `${rate.mbit} Mbit/s on ${rate.device}, ${rate.isInForce ? "in force" : "not in force; by hand:"}`,
    ]);
    if (!rate.isInForce) for (const command of rate.commands) rows.push(["", command]);
  }
  for (const notice of status.notices) rows.push(["note", sentenceOf(notice)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

const STATES: Readonly<Record<Status["state"], string>> = {
  none: "none",
  stopped: "not running: no host runs",
  starting: "starting",
  serving: "serving",
  capped: "used up for this month",
  draining: "withdrawn, and serving those who hold a link",
  withdrawn: "withdrawn",
  failed: "failed",
};

const timeOf = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
