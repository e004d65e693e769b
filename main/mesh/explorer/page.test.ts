/** The page in a real browser, as the public server serves it. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { NETWORKS, readFixture } from "../../cities/cities.fixture.ts";
import { makeMeshPlace, type MeshPlace } from "../aggregator/aggregator.fixture.ts";
import { runAggregator } from "../aggregator/aggregator.ts";
import { startPublicServer, type PublicServer } from "../subscriptions/server.ts";
import { runExplorer } from "./collector.ts";
import { explorerFetcher, readExplorerFixture } from "./explorer.fixture.ts";

const BROWSER = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
/** Where pictures are kept for a person to look at; none are taken without. */
const PICTURES = process.env["MONTANA_PICTURES"];

describe.skipIf(BROWSER === undefined)("the explorer's page", () => {
  const places: MeshPlace[] = [];
  const servers = new Map<string, PublicServer>();
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: BROWSER!, args: ["--no-sandbox", "--disable-gpu"] });
    for (const network of NETWORKS) {
      const place = makeMeshPlace(readFixture(`${network}/cities.json`));
      places.push(place);
      const settings = place.settings();
      const fetcher = explorerFetcher(network);
      const nowUnix = (): number => readExplorerFixture(network).updated_unix;
      await runAggregator(settings, { fetcher, nowUnix, probe: () => Promise.resolve({ handshakeMs: 9 }) });
      await runExplorer(settings, { fetcher, nowUnix });
      servers.set(
        network,
        await startPublicServer({
          ...{ publicDirectory: settings.publicDirectory, profile: settings.profile, host: "127.0.0.1", port: 0 },
          onTrouble: () => undefined,
        }),
      );
    }
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    for (const server of servers.values()) await server.close();
    for (const place of places) place.remove();
  });

  interface Looked {
    readonly page: Page;
    readonly complaints: readonly string[];
    readonly hosts: ReadonlySet<string>;
  }

  async function look(
    network: string,
    width: number,
    colorScheme: "light" | "dark",
    locale = "en-GB",
  ): Promise<Looked> {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, locale });
    const page = await context.newPage();
    const { updated_unix: updated } = readExplorerFixture(network);
    await page.clock.setFixedTime(updated * 1000 + 40_000);
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    await page.goto(`http://127.0.0.1:${servers.get(network)!.port}/net/`);
    await page.locator("#nodes tbody tr").first().waitFor();
    if (PICTURES !== undefined) {
      mkdirSync(PICTURES, { recursive: true });
      await page.screenshot({
        path: join(PICTURES, `${network}-${width}-${colorScheme}-${locale}.png`),
        fullPage: true,
      });
    }
    return { page, complaints, hosts };
  }

  const SIZES = [
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const;

  test.each(NETWORKS)("shows %s on a phone and on a desk, in light and dark, and asks nobody else", async (network) => {
    const data = readExplorerFixture(network);
    for (const [width, scheme] of SIZES) {
      const { page, complaints, hosts } = await look(network, width, scheme);
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([`127.0.0.1:${servers.get(network)!.port}`]);
      expect(await page.locator("#nodes tbody tr").count()).toBe(data.nodes.length);
      expect(await page.locator("#cities circle").count()).toBe(data.nodes.length);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(overflow, `${width} ${scheme}`).toBeLessThanOrEqual(0);
      await page.context().close();
    }
  });

  test("tells the snapshot of the whitepaper: phases, windows, NodeTable, balances, supply", async () => {
    const { page } = await look("three-city", 1280, "light");
    const rows = await page.locator("#nodes tbody tr").allInnerTexts();
    expect(rows.map((row) => row.replace(/\s+/g, " ").trim())).toEqual([
      "Moscow Active 34,922 1 1 453,388 Ɉ up",
      "Frankfurt Candidate 34,920 1 1 0 Ɉ up",
      "Helsinki Candidate 34,901 1 1 0 Ɉ up",
    ]);
    const figures = await page.locator("#figures dd").allInnerTexts();
    expect(figures.slice(0, 3).map((text) => text.replace(/\s+/g, " "))).toEqual(["34,922", "453,999 Ɉ", "3 / 3"]);
    await page.context().close();
  });

  test("says of a relay of which no node is known what it is, and not that its data are missing", async () => {
    const { page } = await look("eight-city", 1280, "light");
    await page.route("**/data.json", async (route) => {
      const data = readExplorerFixture("eight-city");
      const nodes = data.nodes.map((row) => (row.host === "istanbul" ? { ...row, status: "no_data" } : row));
      const body = JSON.stringify({ ...data, nodes }, (_, value: unknown) =>
        typeof value === "bigint" ? Number(value) : value,
      );
      await route.fulfill({ contentType: "application/json", body });
    });
    await page.clock.runFor(61_000);
    await page.getByRole("row", { name: "Istanbul" }).getByText("relay, no node known").waitFor();
    await page.getByRole("row", { name: "New York" }).getByText("no data").waitFor();
    await page.context().close();
  });

  test("speaks Russian to who reads Russian, and changes with a press", async () => {
    const { page } = await look("eight-city", 360, "light", "ru-RU");
    expect(await page.locator("#nodes tbody th").first().innerText()).toBe("Москва");
    expect(await page.evaluate("document.documentElement.lang")).toBe("ru");
    await page.locator("#language").click();
    expect(await page.locator("#nodes tbody th").first().innerText()).toBe("Moscow");
    await page.context().close();
  });

  test("says so when nothing new came, and keeps what it has when the server is gone", async () => {
    const { page } = await look("three-city", 360, "dark");
    expect(await page.locator("#notice").isHidden()).toBe(true);
    await page.route("**/data.json", (route) => route.abort());
    await page.clock.runFor(61_000);
    await page.locator("#notice").waitFor();
    expect(await page.locator("#notice").innerText()).toMatch(/cannot be loaded/);
    expect(await page.locator("#nodes tbody tr").count()).toBe(3);
    await page.context().close();
  });
});
