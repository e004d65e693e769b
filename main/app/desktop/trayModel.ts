/** What the tray shows, as a function of what the host reported and nothing else. */
import type { Output, Status } from "../../api/contract.ts";
import { say, type Language } from "./texts.ts";

/** Cities beside "the best one". */
export const CITIES_SHOWN_MAX = 8;

type Tunnel = Output<"vpnStatus">;
export type City = Output<"vpnCities">["cities"][number];

export interface TrayFacts {
  readonly language: Language;
  /** Null before the host has reported, and when it no longer answers. */
  readonly status: Status | null;
  readonly tunnel: Tunnel | null;
  readonly cities: readonly City[];
  /** Ids, those that a person marked first, then those of the last connections. */
  readonly preferred: readonly string[];
  readonly isWindowOpen: boolean;
  /** A version that lies ready. */
  readonly update: string | null;
}

export type TrayAction =
  | { readonly kind: "open" | "disconnect" | "update" | "quit" }
  /** An id, or `auto`. */
  | { readonly kind: "connect"; readonly city: string };

export type TrayEntry =
  | { readonly kind: "text"; readonly label: string }
  | { readonly kind: "separator" }
  | { readonly kind: "action"; readonly label: string; readonly action: TrayAction; readonly isChecked?: boolean };

export interface TrayModel {
  readonly icon: "off" | "busy" | "on" | "blocked";
  readonly tooltip: string;
  readonly entries: readonly TrayEntry[];
}

export function trayOf(facts: TrayFacts): TrayModel {
  const { language, tunnel, isWindowOpen, update } = facts;
  const action = (key: Parameters<typeof say>[1], kind: "open" | "disconnect" | "quit"): TrayEntry => {
    return { kind: "action", label: say(language, key), action: { kind } };
  };
  const lines = [tunnelLine(facts), nodeLine(facts)].filter((line) => line !== undefined);
  const staying = isWindowOpen ? [] : [say(language, "staysRunning")];
  const isOff = tunnel === null || tunnel.state === "disconnected" || tunnel.state === "disconnecting";
  return {
    icon: iconOf(tunnel),
    tooltip: ["Montana", ...lines].join("\n"),
    entries: [
      ...[...lines, ...staying].map((label) => ({ kind: "text", label }) as const),
      { kind: "separator" },
      ...quickConnect(facts),
      ...(isOff ? [] : [action("disconnect", "disconnect")]),
      { kind: "separator" },
      ...(update === null ? [] : [updateEntry(language, update)]),
      action("open", "open"),
      action("quit", "quit"),
    ],
  };
}

const updateEntry = (language: Language, version: string): TrayEntry => {
  return { kind: "action", label: say(language, "restartToUpdate", { version }), action: { kind: "update" } };
};

function quickConnect({ language, tunnel, cities, preferred }: TrayFacts): TrayEntry[] {
  if (tunnel === null) return [];
  const open = cities.filter(({ hasVpn }) => hasVpn);
  const chosen = [...new Set(preferred)].flatMap((id) => open.find((city) => city.id === id) ?? []);
  const best: TrayEntry = {
    ...{ kind: "action", label: say(language, "connectBest"), action: { kind: "connect", city: "auto" } },
  };
  const shown = chosen.slice(0, CITIES_SHOWN_MAX).map((city): TrayEntry => {
    const isChecked = tunnel.state === "connected" && tunnel.city === city.id;
    return { kind: "action", label: nameOf(city, language), action: { kind: "connect", city: city.id }, isChecked };
  });
  return open.length === 0 ? [] : [best, ...shown];
}

export const nameOf = ({ name }: Pick<City, "name">, language: Language): string => name[language];

/** Of the city of this id; what is not in the list is called what the host calls it. */
export function nameOfId(id: string, cities: readonly City[], language: Language): string {
  const city = cities.find((entry) => entry.id === id);
  return city === undefined ? id : nameOf(city, language);
}

function iconOf(tunnel: Tunnel | null): TrayModel["icon"] {
  if (tunnel === null || tunnel.state === "disconnected") return "off";
  if (tunnel.state === "connected") return "on";
  return tunnel.state === "blocked" ? "blocked" : "busy";
}

function tunnelLine({ language, status, tunnel, cities }: TrayFacts): string | undefined {
  if (status === null) return say(language, "lost");
  if (tunnel === null) return undefined;
  const city = tunnel.city === null ? "" : nameOfId(tunnel.city, cities, language);
  return say(language, STATE_TEXTS[tunnel.state], { city });
}

const STATE_TEXTS = {
  disconnected: "vpnDisconnected",
  connecting: "vpnConnecting",
  connected: "vpnConnected",
  reconnecting: "vpnReconnecting",
  blocked: "vpnBlocked",
  disconnecting: "vpnDisconnecting",
} as const;

function nodeLine({ language, status }: TrayFacts): string | undefined {
  if (status?.candidate != null) {
    const { done, total, isPaused, waitsFor } = status.candidate;
    // Rounded down: it is not done before it is.
    const percent = String(total === 0 ? 0 : Math.floor((100 * done) / total));
    return say(language, isPaused || waitsFor !== null ? "nodePaused" : "nodeCandidate", { percent });
  }
  if (status?.phase === "Registered") return say(language, "nodeRegistered");
  return status?.phase === "Active" ? say(language, "nodeActive") : undefined;
}
