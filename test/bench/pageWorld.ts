/** Ten thousand cities as a network publishes them, the host of a person who has them, and a browser before it. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContext, Page } from "playwright-core";

import { Playground } from "../../main/app/cli.fixture.ts";
import { startBrowser } from "../e2e/openedPage.ts";
import { codeOf, labelOf, linkOf, NOW } from "./meshWorld.ts";

export const CITIES = 10_000;
export const VIEWPORT = { width: 1280, height: 800 };
const GAZETTEER = new URL("../../resources/gazetteer.tsv", import.meta.url);
/** Degrees between a place and the one that stands in for what the gazetteer does not have. */
const OFFSET = 0.4;

export interface Place {
  readonly code: string;
  readonly en: string;
  readonly ru: string;
  readonly country: string;
  readonly region: string;
  readonly lat: number;
  readonly lon: number;
}

/** The gazetteer's, from the largest on; then once more, beside themselves. */
export function readPlaces(count: number): readonly Place[] {
  const rows = readFileSync(GAZETTEER, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t"));
  return Array.from({ length: count }, (_, i): Place => {
    const [en, ru, , country, region, lat, lon] = rows[i % rows.length] as [string, ...string[]];
    const round = Math.floor(i / rows.length);
    const tail = round === 0 ? "" : ` ${round + 1}`;
    return {
      ...{ code: codeOf(i), en: `${en}${tail}`, ru: `${ru!}${tail}`, country: country!, region: region! },
      lat: Number((Number(lat) + round * OFFSET).toFixed(4)),
      lon: Number((Number(lon) + round * (Number(lon) > 179 ? -OFFSET : OFFSET)).toFixed(4)),
    };
  });
}

const citiesOf = (places: readonly Place[]): string =>
  JSON.stringify({
    ...{ version: 1, network: "bench", updated: "2026-05-10T12:00:00Z", updated_unix: NOW },
    cities: places.map(({ code, en, ru, country, region, lat, lon }, i) => ({
      ...{ code, node: labelOf(i), name: { en, ru }, country, region, lat, lon },
      timechain: { phase: i % 3 === 0 ? "Active" : "CandidateVdf", emits: i % 3 === 0 },
      vpn: { enabled: true, primary: i % 100 === 0, exit: code, fronts: [], fronted_by: [], endpoint: null },
    })),
  });

const STATES = ["up", "up", "up", "up", "up", "up", "degraded", "down", "unknown", "expired"] as const;

const healthOf = (places: readonly Place[]): string =>
  JSON.stringify({
    ...{ version: 1, updated: "2026-05-10T12:00:00Z", updated_unix: NOW, interval_seconds: 300 },
    nodes: places.map(({ code }, i) => {
      const state = STATES[i % STATES.length]!;
      const isKnown = state !== "unknown";
      return {
        ...{ node: labelOf(i), city: code, state, since_unix: NOW - 1500 },
        ...{ first_probe_unix: isKnown ? NOW - 1500 : null, last_probe_unix: isKnown ? NOW : null },
        ...{ last_ok_unix: isKnown ? NOW : null, consecutive_failures: 0, consecutive_successes: 6 },
        ...{ handshake_ms: isKnown ? 17 : null, error: null },
      };
    }),
  });

interface Published {
  readonly subscription: string;
  close(): void;
}

/** On loopback, as a mesh's public server answers (chapter 08 §4.6). */
async function publish(places: readonly Place[]): Promise<Published> {
  const bodies = new Map([
    ["/vpn/sub", Buffer.from(places.map((_, i) => linkOf(i)).join("\n"))],
    ["/net/cities.json", Buffer.from(citiesOf(places))],
    ["/vpn/health.json", Buffer.from(healthOf(places))],
  ]);
  const server = createServer(({ url }, response) => {
    const body = bodies.get(url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    subscription: `http://127.0.0.1:${port}/vpn/sub`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface PageWorld {
  readonly places: readonly Place[];
  readonly browser: Browser;
  /** A tab that may use the host, with what `prepare` does to it before anything runs in it. */
  openPage(prepare?: (page: Page) => Promise<void>): Promise<Page>;
  close(): Promise<void>;
}

/** A host without a node, that has fetched all of them. */
export async function openPageWorld(): Promise<PageWorld> {
  const places = readPlaces(CITIES);
  const published = await publish(places);
  const playground = await Playground.make();
  const contexts: BrowserContext[] = [];
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await playground.run(["stop"]);
    await playground.remove();
    published.close();
  };
  try {
    await playground.startPlainly(["--without-node"]);
    await mustRun(playground, ["vpn", "import", published.subscription]);
    const opened = await startBrowser({ draws: true });
    browser = opened;
    return {
      places,
      browser: opened,
      close,
      async openPage(prepare) {
        const { url } = JSON.parse(await mustRun(playground, ["open", "--print", "--json"])) as {
          readonly url: string;
        };
        const context = await opened.newContext({ viewport: VIEWPORT, reducedMotion: "no-preference", locale: "en" });
        contexts.push(context);
        const page = await context.newPage();
        await prepare?.(page);
        await page.goto(url);
        return page;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function mustRun(playground: Playground, words: readonly string[]): Promise<string> {
  const { code, out, err } = await playground.run(words);
  if (code !== 0) throw new Error(err);
  return out;
}
