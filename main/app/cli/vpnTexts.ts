/** The tunnel in words, for people. */
import type { Notice, Output } from "../../api/contract.ts";
import { explain } from "../../api/errors.ts";

export function sentenceOf(notice: Notice): string {
  const { sentence, remedy } = explain(notice);
  return `${sentence} ${remedy}`;
}

export function describeTunnel(status: Output<"vpnStatus">): string {
  const { state, cause, city, chosen, mode, proxy, bytesUp, bytesDown, rate, sessionMs, delayMs, fault } = status;
  const rows: [string, string][] = [["state", cause === null ? state : `${state} (${cause})`]];
  if (city !== null) rows.push(["city", city === chosen || chosen === "auto" ? city : `${city} (chosen: ${chosen})`]);
  if (mode !== null && state !== "disconnected") rows.push(["mode", mode]);
  if (proxy !== null) rows.push(["proxy", `${proxy.host}:${proxy.port} (SOCKS5 and HTTP)`]);
  if (state !== "disconnected") rows.push(["bytes", `${bytesDown} down, ${bytesUp} up`]);
  if (rate !== null && state === "connected") rows.push(["rate", `${rate.down} B/s down, ${rate.up} B/s up`]);
  if (sessionMs !== null) rows.push(["session", `${Math.round(sessionMs / 1000)} s`]);
  if (delayMs !== null) rows.push(["delay", `${delayMs} ms`]);
  if (fault !== null) rows.push(["why", sentenceOf(fault)]);
  if (status.pausedUntilMs !== null)
    rows.push(["paused", `until ${new Date(status.pausedUntilMs).toLocaleTimeString()}`]);
  if (status.signInUrl !== null) rows.push(["sign in", status.signInUrl]);
  for (const notice of status.notices) rows.push(["note", sentenceOf(notice)]);
  return table(rows);
}

export function describeCities({ cities, updatedAtMs }: Output<"vpnCities">): string {
  if (cities.length === 0) return "No cities yet. Import a link or a subscription: montana vpn import ADDRESS";
  const rows = cities.map(
    ({ id, name, country, hasVpn, exit, routes, heldRoutes, health, delayMs, fault, isInUse }) => [
      isInUse ? "*" : "",
      id,
      name.en,
      country ?? "",
      hasVpn ? `${routes} ${routes === 1 ? "way" : "ways"}` : "no tunnel",
      health === null ? "" : health.state + (health.atMs === null ? "" : `, ${age(health.atMs)} ago`),
      delayMs === null ? (fault === null ? "" : fault.code) : `${delayMs} ms`,
      [
        exit !== null && exit !== id ? `leaves in ${exit}` : "",
        heldRoutes > 0 ? `${heldRoutes} with a changed key` : "",
      ]
        .filter((text) => text !== "")
        .join(", "),
    ],
  );
  const note = updatedAtMs === null ? [] : [`The network's list is ${age(updatedAtMs)} old.`];
  return [...columns(rows), ...note].join("\n");
}

export function describeTest({ routes }: Output<"vpnTest">): string {
  return columns(
    routes.map(({ city, isOk, connectMs, delayMs, fault }) => [
      city,
      isOk ? `${connectMs ?? "?"} ms to connect${delayMs === null ? "" : `, ${delayMs} ms delay`}` : "fails",
      fault === null ? "" : explain(fault).sentence,
    ]),
  ).join("\n");
}

export function describeLeaks({ covered, checks }: Output<"vpnLeaks">): string {
  const found = columns(checks.map(({ what, result, notice }) => [what, result, explain(notice).sentence]));
  return [sentenceOf(covered), ...found].join("\n");
}

export function describeSubscriptions({ subscriptions, links }: Output<"vpnSubscriptions">): string {
  const lines = subscriptions.flatMap(({ id, url, title, servers, skipped, fetchedAtMs, fault }) => [
    `${id}  ${title ?? url}`,
    `  ${url}`,
    `  ${servers} entries, ${skipped.length} left out, ${fetchedAtMs === null ? "never fetched" : `${age(fetchedAtMs)} old`}`,
    ...(fault === null ? [] : [`  ${sentenceOf(fault)}`]),
  ]);
  return [...(lines.length === 0 ? ["No subscriptions."] : lines), `Single links: ${links}.`].join("\n");
}

export function describeKeys({ keys }: Output<"vpnKeys">): string {
  if (keys.length === 0) return "No city has changed its key.";
  return keys
    .map(({ id, city, verdict, isRefused }) => {
      const state = isRefused ? "refused" : "not used until it is accepted";
      return `${id}  ${city}: ${state}. ${sentenceOf({ code: `city-key-${verdict}`, params: { city } })}`;
    })
    .join("\n");
}

export function describeRepair({ proxy, kept, engine, device, setAside }: Output<"vpnRepair">): string {
  const lines: string[] = [PROXY_TEXTS[proxy], ENGINE_TEXTS[engine]];
  if (device === "released") lines.push("Traffic that had been kept from leaving may leave again.");
  if (kept.length > 0) lines.push(`Changed meanwhile, and left as they are: ${kept.join(", ")}.`);
  if (setAside !== null) lines.push(`The damaged record lies in ${setAside}.`);
  return lines.filter((line) => line !== "").join("\n");
}

const PROXY_TEXTS = {
  nothing: "No proxy settings had to be given back.",
  restored: "The proxy settings are as they were.",
  "in-use": "The proxy settings are in use by a running tunnel.",
} as const;
const ENGINE_TEXTS = {
  none: "",
  gone: "",
  ended: "A tunnel engine that had been left behind was ended.",
  unreadable: "The note about a tunnel engine cannot be read; no process was touched.",
  survives: "A tunnel engine that had been left behind does not end.",
  "in-use": "",
} as const;

function age(atMs: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - atMs) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
