/** The built page in a real Chromium that draws by software, before a real host that knows ten thousand cities. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";

import { locatePage } from "../../main/app/loopback/pageFiles.ts";
import { noPage } from "../e2e/openedPage.ts";
import type { Measurement, Result } from "./harness.ts";
import { hold } from "./meshWorld.ts";
import { servePeer, type Peer } from "./pagePeer.ts";
import { readWork, takeDrawn, until, untilStill, watch, type Work } from "./pageWatch.ts";
import { openPageWorld, VIEWPORT, type PageWorld, type Place } from "./pageWorld.ts";

const SCRIPT_BYTES_MAX = 700_000;
const FIRST_RENDER_MS_MAX = 1_000;
const FRAMES_MIN = 20;
/** A person who types does not notice less. */
const SEARCH_MS_MAX = 100;

const ROUNDS = 2;
const RELOADS = 5;
/** As the page flies. */
const [FLIGHT_MS, FLIGHT_ZOOM] = [1_400, 4.2];
const STOPS = ["London", "Tokyo", "São Paulo", "Frankfurt am Main", "Sydney", "New York City", "Lagos"];
/** After a flight the last tiles and names come. */
const AFTER_MS = 1_000;

const result = (name: string, unit: string, value: number, peer: string, peerValue: number): Result => ({
  ...{ name, unit, value, peer, peerValue },
  ratio: value / peerValue,
});

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const size: Measurement = {
  name: "page/size",
  measure() {
    if (noPage !== undefined) return undefined;
    const folder = join(locatePage(), "assets");
    const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);
    hold("page/size", bytes <= SCRIPT_BYTES_MAX);
    return result("page/size", "KB gzipped", bytes / 1000, "limit", SCRIPT_BYTES_MAX / 1000);
  },
};

/** Undefined where there is no browser or no page. */
async function inWorld<T>(work: (world: PageWorld, peer: Peer) => Promise<T>): Promise<T | undefined> {
  if (noPage !== undefined) return undefined;
  const world = await openPageWorld();
  const peer = await servePeer(world.places);
  try {
    return await work(world, peer);
  } finally {
    peer.close();
    await world.close();
  }
}

async function openPeer({ browser }: PageWorld, { url }: Peer): Promise<Page> {
  const page = await (await browser.newContext({ viewport: VIEWPORT })).newPage();
  await watch(page);
  await page.goto(url);
  await untilStill(page);
  return page;
}

async function openOwn(world: PageWorld): Promise<Page> {
  const page = await world.openPage(watch);
  await until(page, "watch.listMs !== null");
  await untilStill(page);
  return page;
}

/** Warm: the browser has what it keeps of both. Until the land is drawn, which comes after everything but a long list. */
const firstRender: Measurement = {
  name: "page/first-render",
  measure: () =>
    inWorld(async (world, peer) => {
      const own = await openOwn(world);
      const other = await openPeer(world, peer);
      const seen = { painted: [] as number[], listed: [] as number[], mapped: [] as number[], other: [] as number[] };
      for (let reload = 0; reload < RELOADS; reload++) {
        await own.bringToFront();
        await own.reload();
        await until(own, "watch.listMs !== null && watch.drawn.length > 0");
        const [painted, listed, mapped] = await own.evaluate<[number, number, number]>(
          "[performance.getEntriesByName('first-contentful-paint')[0].startTime, watch.listMs, watch.drawn[0]]",
        );
        seen.painted.push(painted);
        seen.listed.push(listed);
        seen.mapped.push(mapped);
        await untilStill(own);
        await other.bringToFront();
        await other.reload();
        await until(other, "globalThis.loadMs !== undefined");
        seen.other.push(await other.evaluate<number>("loadMs"));
        await untilStill(other);
      }
      const ms = (values: readonly number[]): string => `${Math.round(middle(values))} ms`;
      console.error(
        `page/first-render: first paint ${ms(seen.painted)}, ten thousand cities listed ${ms(seen.listed)}`,
      );
      hold("page/first-render", middle(seen.mapped) <= FIRST_RENDER_MS_MAX);
      return result("page/first-render", "ms", middle(seen.mapped), "a bare map", middle(seen.other));
    }),
};

interface Flown {
  /** Frames a second, of each flight. */
  readonly rates: number[];
  /** The longest time between two frames, of each flight. */
  readonly pauses: number[];
  frames: number;
  work: Work;
}

const noFlight = (): Flown => ({ rates: [], pauses: [], frames: 0, work: { gpu: 0, tab: 0 } });

/** From stop to stop; `depart` begins a flight and gives the page's time. The first flight only brings everything up. */
async function fly(
  world: PageWorld,
  page: Page,
  flown: Flown,
  depart: (place: Place) => Promise<number>,
): Promise<void> {
  const stops = STOPS.map((name) => world.places.find(({ en }) => en === name)!);
  let before: Work | undefined;
  for (const stop of stops) {
    const begunMs = await depart(stop);
    await page.waitForTimeout(FLIGHT_MS + AFTER_MS);
    const drawn = await takeDrawn(page);
    const after = await readWork(world.browser);
    if (before !== undefined) {
      const endMs = begunMs + FLIGHT_MS;
      const during = drawn.filter((atMs) => atMs >= begunMs && atMs <= endMs);
      flown.rates.push((during.length * 1000) / FLIGHT_MS);
      flown.pauses.push(Math.max(...[...during, endMs].map((atMs, i) => atMs - (during[i - 1] ?? begunMs))));
      flown.frames += drawn.length;
      flown.work = {
        gpu: flown.work.gpu + after.gpu - before.gpu,
        tab: flown.work.tab + after.tab - before.tab,
      };
    }
    before = after;
  }
}

function describe(who: string, { rates, pauses, frames, work }: Flown): string {
  const [best, worst] = [Math.max(...rates), Math.min(...rates)].map((rate) => rate.toFixed(1));
  const [gpu, tab] = [work.gpu, work.tab].map((seconds) => Math.round((seconds * 1000) / frames));
  return (
    `page/flight: ${who} ${middle(rates).toFixed(1)} frames/s (${worst} to ${best}), longest pause ` +
    `${Math.round(Math.max(...pauses))} ms, of a processor ${gpu} ms a frame to draw and ${tab} ms in the tab`
  );
}

const flight: Measurement = {
  name: "page/flight",
  measure: () =>
    inWorld(async (world, peer) => {
      const [own, other] = [noFlight(), noFlight()];
      for (let round = 0; round < ROUNDS; round++) {
        const page = await openOwn(world);
        await fly(world, page, own, ({ code }) =>
          page.evaluate<number>(`(() => { location.hash = "/map/${code}"; return performance.now(); })()`),
        );
        await page.context().close();
        const bare = await openPeer(world, peer);
        const flight = { zoom: FLIGHT_ZOOM, duration: FLIGHT_MS };
        await fly(world, bare, other, ({ lon, lat }) =>
          bare.evaluate<number>(`(() => {
            const begunMs = performance.now();
            map.flyTo(${JSON.stringify({ ...flight, center: [lon, lat] })});
            return begunMs;
          })()`),
        );
        await bare.context().close();
      }
      console.error(describe("the page", own));
      console.error(describe("plain labels", other));
      hold("page/flight", middle(own.rates) >= FRAMES_MIN);
      return result("page/flight", "frames/s", middle(own.rates), "plain labels", middle(other.rates));
    }),
};

/** What people type, letter by letter: of many cities, of one, of a country, of none. */
const TYPED = ["san", "frankfurt", "бразилия", "zzz"];
const FOLLOWING_MS = 300;

/** From a letter to the last change of the list, which others may follow for a while; as the browser hands letters on. */
const TYPE = `async (text) => {
  const input = document.querySelector(".search input");
  const begunMs = performance.now();
  let changedMs = begunMs;
  const observer = new MutationObserver(() => (changedMs = performance.now()));
  observer.observe(document.querySelector(".cities"), { childList: true, subtree: true, characterData: true });
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  do await new Promise((resolve) => setTimeout(resolve, ${FOLLOWING_MS}));
  while (performance.now() - changedMs < ${FOLLOWING_MS});
  observer.disconnect();
  return changedMs - begunMs;
}`;

const search: Measurement = {
  name: "page/search",
  measure: () =>
    inWorld(async (world) => {
      const page = await openOwn(world);
      const times: number[] = [];
      for (const text of TYPED) {
        for (let length = 1; length <= text.length; length++) {
          times.push(await page.evaluate<number>(`(${TYPE})(${JSON.stringify(text.slice(0, length))})`));
        }
      }
      console.error(`page/search: at most ${Math.round(Math.max(...times))} ms`);
      hold("page/search", middle(times) <= SEARCH_MS_MAX);
      return result("page/search", "ms", middle(times), "limit", SEARCH_MS_MAX);
    }),
};

export const benches: readonly Measurement[] = [size, firstRender, flight, search];
