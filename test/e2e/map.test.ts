/** The first view, with a real host in a real browser: cities, the tunnel, and what it says when the host is gone. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Playground, type Started } from "../../main/app/cli.fixture.ts";
import { locatePage } from "../../main/app/loopback/pageFiles.ts";
import { isHelperInstalled } from "../../main/vpn/wholeDevice/install.ts";
import { findBarriers, go, noPage, openPage, startBrowser, type OpenedPage } from "./openedPage.ts";

const LINKS = new URL("../fixtures/mesh/three-city/sub.txt", import.meta.url);
const START_MS_MAX = 60_000;
const LOST_MS_MAX = 3_000;
/** All JavaScript of the page and of its map, gzipped. */
const SCRIPT_BYTES_MAX = 700_000;

describe.skipIf(noPage !== undefined)("the first view", () => {
  let playground: Playground;
  let host: Started;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    playground = await Playground.make();
    host = await playground.startPlainly(["--without-node"]);
    browser = await startBrowser({ draws: true });
    opened = await openPage(browser, playground);
    page = opened.page;
  }, START_MS_MAX);

  afterAll(async () => {
    await browser.close();
    await playground.run(["stop"]);
    await playground.remove();
  }, START_MS_MAX);

  test("says that nothing is connected, and how a first city comes", async () => {
    await page.getByText("Not connected", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "Add your first city" }).waitFor();
    expect(await page.getByRole("button", { name: "Connect", exact: true }).isDisabled()).toBe(true);
    await page.locator(".maplibregl-canvas").waitFor();
  });

  test("takes links as they are pasted, lists their cities, and opens one by keyboard", async () => {
    await page.getByRole("textbox", { name: "Link or subscription" }).fill(await readFile(LINKS, "utf8"));
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const cities = page.getByRole("listbox", { name: "Cities" });
    await cities.waitFor();
    expect(await cities.getByRole("option").count()).toBe(4);
    await page.getByRole("searchbox", { name: "Search cities" }).fill("fra");
    await cities.getByRole("option").nth(1).waitFor({ state: "detached" });
    await page.getByRole("searchbox", { name: "Search cities" }).press("Tab");
    await page.keyboard.press("Enter");
    const card = page.getByRole("region", { name: "About Montana FRA" });
    await card.getByText("not measured yet").waitFor();
    await page.getByRole("button", { name: "Connect to Montana FRA" }).waitFor();
    await card.getByRole("button", { name: /^Close/ }).click();
    await page.getByRole("searchbox", { name: "Search cities" }).fill("");
    await cities.getByRole("option").nth(3).waitFor();
  });

  test.each(["light", "dark"] as const)("stands in nobody's way, %s", async (theme) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.locator(`:root[data-theme="${theme}"]`).waitFor();
    await page.getByRole("option", { name: /Montana FRA/ }).click();
    await page.getByRole("region", { name: /^About/ }).waitFor();
    await page.getByRole("button", { name: /^How traffic is led/ }).click();
    await page.getByText("Kill switch", { exact: true }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: /^How traffic is led/ }).click();
    await go(page, "map");
  });

  // Where it is installed the machine's own traffic would be led away.
  test.skipIf(isHelperInstalled())(
    "offers to install the helper where the whole device was chosen without it, waits for the password, and connects again",
    async () => {
      const settings = [
        ["mode", "device"],
        ["probe-url", "https://probe.example/"],
      ];
      for (const words of settings) await playground.run(["vpn", "settings", ...words]);
      const password = Promise.withResolvers<undefined>();
      // What installs asks the machine's administrator, which no test may do: when the person has answered, the host gives its status.
      await page.route("**/vpnInstallHelper*", async (route) => {
        await password.promise;
        const url = route.request().url().replace("vpnInstallHelper", "vpnStatus");
        await route.fulfill({ response: await route.fetch({ url, method: "GET" }) });
      });
      await page.getByRole("option", { name: /Montana FRA/ }).click();
      await page.getByRole("button", { name: "Connect to Montana FRA" }).click();
      const fault = page.locator('.connect [data-code="helper-missing"]');
      await fault.getByText("Install it once: the system asks for an administrator's password.").waitFor();
      expect(await findBarriers(page)).toEqual([]);

      await fault.getByRole("button", { name: "Install the helper" }).click();
      const waiting = fault.getByRole("button", { name: "Waiting for the administrator's password…" });
      await waiting.waitFor();
      expect(await waiting.isDisabled()).toBe(true);
      const again = page.waitForRequest(/vpnConnect/);
      password.resolve(undefined);
      expect((await again).postData()).toBe('{"city":"fra"}');
      await fault.getByRole("button", { name: "Install the helper" }).waitFor();

      await page.unroute("**/vpnInstallHelper*");
      await playground.run(["vpn", "settings", "mode", "local"]);
      await go(page, "map");
    },
  );

  test("says within three seconds that the host was killed, shows with its age what it had said, and finds it again", async () => {
    host.process.kill("SIGKILL");
    const killedMs = performance.now();
    await page.locator('[data-link="lost"]').waitFor();
    expect(performance.now() - killedMs).toBeLessThan(LOST_MS_MAX);
    await page.locator(".connect [data-stale]").waitFor();
    expect(await page.locator(".connect-main button").isDisabled()).toBe(true);
    await host.ended;
    host = await playground.startPlainly(["--without-node"]);
    await page.locator('[data-link="live"]').waitFor({ state: "attached" });
    await page.locator(".connect [data-stale]").waitFor({ state: "detached" });
    await page.locator('.connect[data-state="disconnected"]').waitFor();
  });

  test("complains of nothing, and weighs with every view and the map what a page may", async () => {
    expect(opened.complaints).toEqual([]);
    const folder = join(locatePage(), "assets");
    const scripts = (await readdir(folder)).filter((name) => name.endsWith(".js"));
    const sizes = await Promise.all(scripts.map(async (name) => gzipSync(await readFile(join(folder, name))).length));
    expect(sizes.length).toBeGreaterThan(3);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  });
});
