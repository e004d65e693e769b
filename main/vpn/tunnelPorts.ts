/** What the tunnel asks of the rest of the program. */
import type { Choice } from "../cities/failover.ts";
import type { ShareLink } from "../cities/shareLink.ts";
import type { Bypass } from "../xray/config/clientConfig.ts";

/** One way into the network. */
export interface Route {
  /** Its own, among all routes. */
  readonly code: string;
  /** Code of the city that it enters, or any name for an entry that belongs to no known city. */
  readonly city: string;
  readonly link: ShareLink;
}

/** What is known of the network now. Routes that must not be used (a changed key, §8.3) are left out. */
export interface TunnelNetwork {
  readonly routes: readonly Route[];
  /** From `cities.json`; empty where a network has none. */
  readonly cities: Choice["cities"];
  /** From `health.json`, by city. */
  readonly health: Choice["health"];
}

export interface TunnelSource {
  readonly read: () => TunnelNetwork;
  /** Fetches what is new: all routes have failed. */
  readonly refresh: () => Promise<void>;
  /** Something answered through the route: its key works. */
  readonly onVerified: (route: Route) => void;
}

export interface ProxyEndpoint {
  readonly host: string;
  readonly port: number;
}

/** Leads programs into the tunnel and out of it again: a mode's part of the machine. Both may be called again at any time. */
export interface SystemProxy {
  /** Throws {code, params}; then nothing is changed. */
  apply(proxy: ProxyEndpoint): Promise<void>;
  /** Leaves the machine as it was before `apply`, also after one that failed. */
  restore(): Promise<void>;
}

/** `local`: programs are told of the port by the person. `proxy`: by the system. */
export type TunnelMode = "local" | "proxy";

export interface TunnelWish {
  /** `auto` or a city. */
  readonly city: string;
  /** No other city may stand in. */
  readonly strict: boolean;
  readonly mode: TunnelMode;
  /** When every route fails, traffic stays blocked instead of going past the tunnel. */
  readonly killSwitch: boolean;
  readonly bypass: Bypass;
  /** Of the local proxy; without, the preferred one, or another where that is taken. */
  readonly port?: number;
}

export interface TunnelClock {
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
}
