/**
 * What a network publishes about its cities beside its subscription: `cities.json`, `health.json` and, for who looks at it, the
 * explorer's `data.json` (chapter 08 §3.5, §3.7, §3.8, §4.6), by the rule of subscriptions (§4.7). What was good last stays in use, also over restarts; a bad answer never replaces it (§5).
 */
import { join } from "node:path";

import { decodeCities, type City } from "../cities/cities.ts";
import { decodeExplorer, type Explorer } from "../cities/explorer.ts";
import { decodeHealth, type EndpointHealth } from "../cities/health.ts";
import { PUBLIC_FILE_MAX, UPDATE_INTERVAL_HOURS } from "../cities/limits.ts";
import { count, nullable, oneOf, record, text, type Shape } from "../cities/shape.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { readSealed, setAside, writeSealed } from "../files/sealedFile.ts";
import { fetchSubscription } from "./subscriptions/fetchSubscription.ts";
import { refreshDelay } from "./subscriptions/schedule.ts";
import { directTransport, tunnelTransport, type Transport } from "./subscriptions/transport.ts";
import type { ProxyEndpoint } from "./tunnelPorts.ts";

export interface NetworkFilesOptions {
  /** Of this network, and of the person alone. */
  readonly directory: string;
  /** Address of the network's subscription, beside which the files lie; undefined for a network without one. */
  readonly subscription: () => string | undefined;
  readonly tunnel: () => ProxyEndpoint | undefined;
  readonly onChange: () => void;
  readonly nowUnix: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const PATHS = { cities: "/net/cities.json", health: "/vpn/health.json", explorer: "/net/data.json" } as const;
type Name = keyof typeof PATHS;
/** The explorer's is made anew each minute (§4.10), and asked for only while somebody looks. */
const EXPLORER_SECONDS_MIN = 60;

/** In the notation of JSON a character may take six. */
const FILE_MAX = 6 * PUBLIC_FILE_MAX + 65_536;

const readKept = record({
  version: oneOf(1),
  url: text(4096),
  etag: nullable(text(256)),
  fetchedUnix: count,
  body: text(PUBLIC_FILE_MAX),
});
type Kept = Shape<typeof readKept>;

interface Known {
  readonly cities: readonly City[];
  readonly health: readonly EndpointHealth[];
  readonly explorer: Explorer | undefined;
}

export class NetworkFiles {
  readonly #options: NetworkFilesOptions;
  readonly #kept: Partial<Record<Name, Kept>> = {};
  #known: Known = { cities: [], health: [], explorer: undefined };
  #explorerAskedUnix = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #running: Promise<void> | undefined;

  /** Reads what was kept; what is corrupt is set aside, for it is fetched again. Throws `file-unreadable`. */
  constructor(options: NetworkFilesOptions) {
    this.#options = options;
    for (const name of ["cities", "health", "explorer"] as const) {
      const path = this.#pathOf(name);
      const found = readSealed(path, FILE_MAX, readKept);
      if (found.kind === "corrupt") setAside(path);
      else if (found.kind === "value" && this.#takes(name, found.value.body)) this.#kept[name] = found.value;
    }
  }

  get cities(): readonly City[] {
    return this.#known.cities;
  }

  /** Of every node; a city may have several. */
  get health(): readonly EndpointHealth[] {
    return this.#known.health;
  }

  /** What the network tells of its nodes; undefined where it never did. Whoever asks has it fetched again, once a minute. */
  get explorer(): Explorer | undefined {
    const subscription = this.#options.subscription();
    const now = this.#options.nowUnix();
    if (this.#isStarted && subscription !== undefined && now - this.#explorerAskedUnix >= EXPLORER_SECONDS_MIN) {
      this.#explorerAskedUnix = now;
      void this.#fetch("explorer", subscription);
    }
    return this.#known.explorer;
  }

  /** When the list of cities was last confirmed; undefined before the first time. */
  get confirmedUnix(): number | undefined {
    return this.#kept.cities?.fetchedUnix;
  }

  /** Fetches now and then at the interval, until `stop`. */
  start(): void {
    this.#isStarted = true;
    void this.refresh();
  }

  stop(): void {
    this.#isStarted = false;
    clearTimeout(this.#timer);
  }

  /** Never rejects: what cannot be fetched stays as it was, with its age. */
  refresh(): Promise<void> {
    this.#running ??= this.#refresh().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #refresh(): Promise<void> {
    const subscription = this.#options.subscription();
    if (subscription !== undefined) {
      await Promise.all((["cities", "health"] as const).map((name) => this.#fetch(name, subscription)));
      this.#options.onChange();
    }
    clearTimeout(this.#timer);
    if (!this.#isStarted) return;
    const delay = refreshDelay(UPDATE_INTERVAL_HOURS, this.#options.random());
    this.#timer = setTimeout(() => void this.refresh(), delay).unref();
  }

  /** Directly first, then through the tunnel. */
  async #fetch(name: Name, subscription: string): Promise<void> {
    const url = new URL(PATHS[name], subscription).href;
    const tunnel = this.#options.tunnel();
    const ways = [directTransport, ...(tunnel === undefined ? [] : [tunnelTransport(tunnel)])];
    for (const transport of ways) if (await this.#fetchBy(name, url, transport)) return;
  }

  async #fetchBy(name: Name, url: string, transport: Transport): Promise<boolean> {
    const before = this.#kept[name];
    const known = before?.url === url ? before : undefined;
    try {
      const fetched = await fetchSubscription(url, known?.etag ?? null, transport);
      const fetchedUnix = this.#options.nowUnix();
      if (fetched.kind === "body" && !this.#takes(name, fetched.body)) return true;
      const kept =
        fetched.kind === "body"
          ? { version: 1 as const, url, etag: fetched.etag, fetchedUnix, body: fetched.body }
          : { ...known!, fetchedUnix };
      this.#kept[name] = kept;
      writeSealed(this.#pathOf(name), kept);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return false;
    }
  }

  /** False for a file that breaks the rules: then what is known stays. */
  #takes(name: Name, body: string): boolean {
    try {
      if (name === "cities") this.#known = { ...this.#known, cities: decodeCities(body).cities };
      else if (name === "health") this.#known = { ...this.#known, health: decodeHealth(body).nodes };
      else this.#known = { ...this.#known, explorer: decodeExplorer(body) };
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #pathOf(name: Name): string {
    return join(this.#options.directory, name);
  }
}
