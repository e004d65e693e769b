/** What the tunnel asks of the rest of the program. */
import type { Choice } from "../cities/failover.ts";
import type { ShareLink } from "../cities/shareLink.ts";
import type { Bypass } from "../xray/config/clientConfig.ts";
import type { EngineLauncher } from "../xray/engineProcess.ts";

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

/**
 * All traffic of the machine (chapter 08 §10.4 to §10.6), by the privileged helper. Each may be called again at any time; each throws
 * {code, params}.
 */
export interface WholeDevice {
  /** Name of the engine's interface. */
  readonly interface: string;
  /** `SO_MARK` of the engine's own packets, which keeps them out of that interface. */
  readonly mark: number;
  /** Starts the engine with the right to make that interface. */
  readonly launcher: EngineLauncher;
  /** Whether traffic is led into the tunnel. */
  readonly isLed: boolean;
  /** Must come first. With `killSwitch`, what still blocks from before goes on blocking; else it is taken away. */
  open(options: { readonly killSwitch: boolean }): Promise<void>;
  /** Addresses of hosts that are names, as far as they can be had. */
  resolve(hosts: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Leads all traffic into the interface, which must be up; with `killSwitch` nothing leaves in any other way. */
  lead(options: { readonly killSwitch: boolean }): Promise<void>;
  /** Nothing leaves until {@link lead}. */
  block(): Promise<void>;
  /** Takes the ways into the tunnel and every block away; the engine runs on. */
  unlead(): Promise<void>;
  /** Ends all that is set, and the helper's service. */
  close(): Promise<void>;
  /** Lifts a block for so many seconds; gives the Unix time in milliseconds at which it comes back by itself. */
  pause(seconds: number): Promise<number>;
  unpause(): Promise<void>;
}

/** `local`: programs are told of the port by the person. `proxy`: by the system. `device`: every program, asked or not. */
export type TunnelMode = "local" | "proxy" | "device";

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
