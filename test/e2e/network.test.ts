/** The network as its own node shows it, in a real browser, also while the node stands still. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { Playground, type Started } from "../../main/app/cli.fixture.ts";
import { findBarriers, go, noPage, openPage, startBrowser, type OpenedPage } from "./openedPage.ts";

/** On a loaded machine, where the host first measures how short its windows may be. */
const START_MS_MAX = 120_000;
const PATIENCE = { timeout: 60_000, interval: 100 };

describe.skipIf(noPage !== undefined)("the network", () => {
  let playground: Playground;
  let host: Started;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    playground = await Playground.make();
    await playground.init();
    host = await playground.start();
    browser = await startBrowser();
    opened = await openPage(browser, playground);
    page = opened.page;
    await go(page, "network");
  }, START_MS_MAX);

  afterAll(async () => {
    await browser.close();
    await playground.remove();
  }, START_MS_MAX);

  const newest = async (): Promise<number> => Number(await page.locator(".network-strip").getAttribute("data-newest"));
  const windowAfter = (window: number): Promise<unknown> =>
    vi.waitFor(async () => expect(await newest()).toBeGreaterThan(window), PATIENCE);

  test("windows tick, the supply is what it must be, and the own node is marked", async () => {
    await page.locator(".network-strip").waitFor();
    await windowAfter(await newest());
    await page.getByText("All agree").waitFor();
    await page.locator('[data-standing="alone"]').waitFor();
    await page.getByText("This node alone", { exact: true }).waitFor();
    const table = page.getByRole("region", { name: "Node Table" });
    await table.getByText("this node").waitFor();
    await page.getByRole("button", { name: "The windows as a table" }).click();
    await page.getByRole("region", { name: "The last windows" }).getByText("Won by this node").first().waitFor();
  });

  test.each(["light", "dark"] as const)("nothing stands in the way of anybody, %s", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.locator(`:root[data-theme="${colorScheme}"]`).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  test("a host that stands still is told with the age of what it said, and nothing is lost when it goes on", async () => {
    await page.locator("[data-stale]").waitFor({ state: "detached" });
    process.kill(host.pid, "SIGSTOP");
    try {
      await page.locator('[data-link="lost"]').waitFor({ state: "attached" });
      await page.locator("[data-stale]").waitFor();
    } finally {
      process.kill(host.pid, "SIGCONT");
    }
    const before = await newest();
    await page.locator("[data-stale]").waitFor({ state: "detached" });
    await windowAfter(before);
  });
});
