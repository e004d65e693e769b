/**
 * A host that lives a week in some minutes: router, ring of events and loopback server are the program's own, and behind them
 * windows are told of that never were, with all that a page hears and asks for meanwhile.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Page } from "playwright-core";

import type { HistoryEntry, HostEvent, Output, Snapshot } from "../../main/api/contract.ts";
import { EventRing } from "../../main/api/events.ts";
import { readStatus, type Context } from "../../main/api/router.ts";
import { createApiListener } from "../../main/api/server.ts";
import type {
  HostService,
  NetworkService,
  NodeService,
  PreferencesService,
  Services,
  VpnService,
  WalletService,
} from "../../main/api/services.ts";
import { Tasks } from "../../main/api/tasks.ts";
import { Loopback } from "../../main/app/loopback/loopback.ts";
import { locatePage } from "../../main/app/loopback/pageFiles.ts";
import { noPage, startBrowser } from "../e2e/openedPage.ts";
import { hold, MEBI } from "./meshWorld.ts";
import type { Measurement } from "./harness.ts";
import { until, untilStill, watch } from "./pageWatch.ts";
import { readPlaces, VIEWPORT } from "./pageWorld.ts";

const DAYS = 7;
const DAY_WINDOWS = 1_440;
/** Of a window of a minute: every five seconds. */
const FIGURES_PER_WINDOW = 12;
/** Windows between one and the next. */
const HISTORY_EVERY = 5;
const NOTICE_EVERY = 60;
const SWITCH_EVERY = 30;
/** Events that the page has not taken yet: fewer than the ring holds, so that it misses none. */
const AHEAD_MAX = 256;
const CITIES = 200;
const HISTORY_MAX = 2_000;
/** In which a person spends the day, one after the other; the last is the one in which the heap is looked at. */
const VIEWS = ["map", "join", "wallet", "settings", "network"];
const GROWTH_MAX = 1.05;

const idOf = (number: number): string => number.toString(16).padStart(64, "0");

/** Knows how far its one subscriber has come. */
class FollowedRing extends EventRing {
  published = 0;
  taken = 0;

  override publish(event: Parameters<EventRing["publish"]>[0]): void {
    super.publish(event);
    this.published++;
  }

  override async *follow(
    since: string | undefined,
    takeSnapshot: () => Promise<Snapshot>,
    signal: AbortSignal,
  ): AsyncGenerator<HostEvent, void> {
    for await (const event of super.follow(since, takeSnapshot, signal)) {
      yield event;
      this.taken = event.seq;
    }
  }

  async untilTaken(aheadMax: number): Promise<void> {
    while (this.published - this.taken > aheadMax) await wait(2);
  }
}

class Week {
  readonly events = new FollowedRing();
  readonly #context: Context;
  readonly #startedAtMs = Date.now();
  #window = 1_000;
  #figures = 0;
  readonly #history: HistoryEntry[] = [];
  #city = 0;
  readonly #places = readPlaces(CITIES);

  constructor() {
    const host: HostService = {
      ...{ version: "0.0.0", pid: process.pid, startedAtMs: this.#startedAtMs },
      network: { network: "week", profile: "spec" },
      requestStop: () => undefined,
      metrics: () => Promise.resolve(""),
    };
    const services = this.#services();
    this.#context = {
      ...{ host, services: () => services, events: this.events, streams: { open: 0 } },
      tasks: new Tasks(
        () => undefined,
        (error) => console.error(error),
      ),
      stopping: new AbortController().signal,
    };
  }

  get context(): Context {
    return this.#context;
  }

  get window(): number {
    return this.#window;
  }

  /** Tells of so many windows, as quickly as the page takes them. */
  async live(windows: number): Promise<void> {
    for (let count = 0; count < windows; count++) {
      for (let figure = 0; figure < FIGURES_PER_WINDOW; figure++) {
        this.#figures++;
        this.events.publish({ kind: "tunnel-figures", payload: this.#tunnelFigures() });
      }
      this.#window++;
      if (this.#window % HISTORY_EVERY === 0) this.#pay();
      if (this.#window % SWITCH_EVERY === 0) {
        this.#city = (this.#city + 1) % CITIES;
        this.events.publish({ kind: "tunnel", payload: this.#tunnel() });
      }
      if (this.#window % NOTICE_EVERY === 0) {
        this.events.publish({ kind: "notice", payload: { code: "welcome-bonus", params: { window: this.#window } } });
      }
      this.events.publish({ kind: "window-closed", payload: await readStatus(this.#context) });
      await this.events.untilTaken(AHEAD_MAX);
    }
  }

  #pay(): void {
    const entry: HistoryEntry = {
      ...{ id: `entry-${this.#window}`, kind: "emission", direction: "in", state: "confirmed", reason: null },
      ...{ window: this.#window, accountId: idOf(1), counterparty: null, amount: "13000000000", opHash: null },
    };
    this.#history.unshift(entry);
    this.#history.length = Math.min(this.#history.length, HISTORY_MAX);
    this.events.publish({ kind: "history", payload: entry });
  }

  #tunnelFigures(): Pick<Output<"vpnStatus">, "bytesUp" | "bytesDown" | "rate" | "sessionMs" | "delayMs"> {
    const [up, down] = [1_000 + (this.#figures % 977) * 500, 9_000 + (this.#figures % 1_009) * 3_000];
    const sessionMs = this.#figures * 5_000;
    return {
      ...{ bytesUp: this.#figures * 5_000, bytesDown: this.#figures * 90_000, sessionMs },
      ...{ rate: { atMs: this.#startedAtMs + sessionMs, up, down }, delayMs: 20 + (this.#figures % 90) },
    };
  }

  #tunnel(): Output<"vpnStatus"> {
    const { code } = this.#places[this.#city]!;
    return {
      ...{ state: "connected", cause: "verified", fault: null, chosen: "auto", city: code, entry: code, mode: "local" },
      ...{ killSwitch: false, strict: false, proxy: null, isWholeDevice: false, pausedUntilMs: null, signInUrl: null },
      ...{ notices: [], silentCities: [], ...this.#tunnelFigures() },
    };
  }

  /** Those that a page asks for while somebody looks at it; what it is not asked for in a week is not there. */
  #services(): Services {
    const node: Pick<NodeService, "status" | "time" | "settings"> = {
      status: () =>
        Promise.resolve({
          ...{ phase: "Active", window: this.#window, windowAtMs: Date.now(), stateRoot: idOf(this.#window) },
          ...{ supply: String(13_000_000_000 * (this.#window + 1)), peers: 8, candidate: null, candidacy: null },
          ...{ queue: null, progress: null, unverifiedCandidates: [], notices: [] },
        }),
      time: () =>
        Promise.resolve({
          ...{ window: this.#window, timechainValue: idOf(this.#window), d: 325_000_000, meanWindowSeconds: 60 },
        }),
      settings: () =>
        Promise.resolve({
          ...{ candidateVdfCheck: "auto", followsTime: "auto" },
          inForce: { candidateVdfCheck: "full", followsTime: false },
        }),
    };
    const wallet: Pick<WalletService, "balance" | "history" | "bonusOffer"> = {
      balance: () => {
        const total = String(13_000_000_000 * this.#history.length);
        const account = { role: "account", accountId: idOf(1), address: "week", exists: true, balance: total } as const;
        return Promise.resolve({ total, available: total, accounts: [account], window: this.#window });
      },
      history: ({ before, limit }) => {
        const from = before === undefined ? 0 : this.#history.findIndex(({ id }) => id === before) + 1;
        const entries = this.#history.slice(from, from + limit);
        return Promise.resolve({ entries, hasMore: from + limit < this.#history.length });
      },
      bonusOffer: () => Promise.resolve({ offer: null }),
    };
    const preferences: PreferencesService = {
      notices: [],
      read: () => ({
        ...{ theme: "light", language: "en", favourites: [], isMapReduced: false, motion: "system", notifies: false },
        ...{ startsAtLogin: false, updatesItself: false, onQuit: "ask", seen: [], logLevel: null },
      }),
      change: () => Promise.resolve(preferences.read()),
    };
    return {
      node: node as NodeService,
      wallet: wallet as WalletService,
      network: this.#network() as NetworkService,
      vpn: this.#vpn() as VpnService,
      preferences,
    };
  }

  #network(): Pick<
    NetworkService,
    "view" | "nodeTable" | "candidatePool" | "recentWindows" | "activity" | "silentNodes"
  > {
    const rows = Array.from({ length: 50 }, (_, i) => ({
      ...{ nodeId: idOf(i + 1), isSelf: i === 0, startWindow: i, chainLength: 900, lastPresenceWindow: 999 },
      city: null,
    }));
    return {
      silentNodes: [],
      view: () =>
        Promise.resolve({
          ...{ name: "week", profile: "spec", window: this.#window, windowAtMs: Date.now() },
          ...{ timechainValue: idOf(this.#window), d: 325_000_000, meanWindowSeconds: 60, accounts: 9 },
          ...{ supply: String(13_000_000_000 * (this.#window + 1)), credited: String(13_000_000_000 * this.#window) },
          ...{ nodes: { count: rows.length, rows }, candidates: { count: 0, rows: [] }, peers: [], table: null },
          ...{ emission: { windows: 60, toNewcomers: 3 }, sync: { state: "live", behind: 0 } },
          ability: { code: "network-young", params: {} },
        }),
      nodeTable: () => Promise.resolve({ rows, hasMore: false }),
      candidatePool: () => Promise.resolve({ rows: [], hasMore: false }),
      recentWindows: ({ count }) =>
        Promise.resolve({
          windows: Array.from({ length: count }, (_, i) => ({
            ...{ window: this.#window - i, atMs: Date.now() - 60_000 * i, timechainValue: idOf(this.#window - i) },
            ...{ d: 325_000_000, winner: idOf(1), isOwnWin: i % 9 === 0, proposer: idOf(2), fallbackDepth: 0 },
            bonusTo: null,
          })),
        }),
      activity: ({ count }) =>
        Promise.resolve({
          activity: {
            ...{ startWindow: 1, chainLength: this.#window - 20, windowsSinceStart: this.#window - 1 },
            windows: Array.from({ length: count }, (_, i) => ({
              ...{ window: this.#window - i, atMs: Date.now() - 60_000 * i, isPresent: true, hasRevealed: true },
              hasWon: i % 9 === 0,
            })),
          },
        }),
    };
  }

  #vpn(): Pick<VpnService, "status" | "cities" | "history" | "keys" | "settings" | "subscriptions" | "watchFigures"> {
    return {
      status: () => this.#tunnel(),
      history: () => ({ rates: [] }),
      keys: () => ({ keys: [] }),
      subscriptions: () => ({ subscriptions: [], links: CITIES }),
      watchFigures: () => () => undefined,
      settings: () => ({
        ...{ mode: "local", killSwitch: false, strict: false, direct: [], port: null, probeUrl: null, network: "week" },
        ...{ addressUrl: null, connectsAtStart: false, probeUrlInForce: null, desktop: null },
      }),
      cities: () => ({
        updatedAtMs: Date.now(),
        cities: this.#places.map(({ code, en, ru, country, lat, lon }, i) => ({
          ...{ id: code, name: { en, ru }, country, lat, lon, hasVpn: true, nodePhase: "Active", exit: code },
          ...{ routes: 1, heldRoutes: 0, health: { state: "up", atMs: Date.now() }, delayMs: null, fault: null },
          isInUse: i === this.#city,
        })),
      }),
    };
  }
}

interface Heap {
  readonly mebibytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

/** What is left when everything has been collected that can be. */
async function readHeap(page: Page): Promise<Heap> {
  const session = await page.context().newCDPSession(page);
  // Twice: what finalizers let go is collected the second time.
  for (let time = 0; time < 2; time++) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  await session.detach();
  return { mebibytes: usedSize / MEBI, nodes, listeners: jsEventListeners };
}

const heap: Measurement = {
  name: "page/heap",
  async measure() {
    if (noPage !== undefined) return undefined;
    const directory = await mkdtemp(join(tmpdir(), "montana-bench-week-"));
    const week = new Week();
    const onDefect = (error: unknown): void => console.error(error);
    const api = createApiListener({ context: week.context, onDefect });
    const { streams } = week.context;
    const loopback = new Loopback({ directory, folder: locatePage(), api, streams, onDefect });
    const browser = await startBrowser({ draws: true });
    try {
      const page = await (await browser.newContext({ viewport: VIEWPORT, locale: "en" })).newPage();
      await watch(page);
      await page.goto((await loopback.open()).url);
      await untilStill(page);
      const heaps: Heap[] = [];
      for (let day = 0; day <= DAYS; day++) {
        // The day before the first brings everything up.
        for (const view of VIEWS) {
          await page.evaluate(`location.hash = "/${view}"`);
          await week.live(DAY_WINDOWS / VIEWS.length);
        }
        await week.events.untilTaken(0);
        await until(page, `document.querySelector(".network-strip")?.dataset.newest === "${week.window}"`);
        const seen = await readHeap(page);
        heaps.push(seen);
        const { mebibytes, nodes, listeners } = seen;
        console.error(`page/heap: day ${day}, ${mebibytes.toFixed(2)} MiB, ${nodes} nodes, ${listeners} listeners`);
      }
      const [first, last] = [heaps[0]!.mebibytes, heaps.at(-1)!.mebibytes];
      hold("page/heap", last <= first * GROWTH_MAX);
      return {
        name: "page/heap",
        value: last,
        unit: "MiB",
        peer: "a week before",
        peerValue: first,
        ratio: last / first,
      };
    } finally {
      await browser.close();
      await loopback.stop();
      await rm(directory, { recursive: true });
    }
  },
};

export const benches: readonly Measurement[] = [heap];
