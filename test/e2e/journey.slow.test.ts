/**
 * A person's first minute, and the way from there to 13 Ɉ and a first payment: on the practice network, with real exits and
 * nodes, through the page alone.
 */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PASSPHRASE, Playground } from "../../main/app/cli.fixture.ts";
import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { go, noPage, openPage, startBrowser } from "./openedPage.ts";
import { giveWordsBack, readWords } from "./words.ts";

const START_MS_MAX = 300_000;
const JOURNEY_MS_MAX = 400_000;
/** All waiting of the first minute, where the machine does nothing else. */
const WAITING_MS_MAX = 60_000;
const CANDIDATE_WINDOWS = 20;
const BONUS = "13000000000";

describe.skipIf(noPage !== undefined || binariesHere() === undefined || process.platform !== "linux")(
  "a person at home",
  () => {
    let playground: Playground;
    let second: Playground;
    let browser: Browser;
    let page: Page;
    let siteUrl: string;

    beforeAll(async () => {
      [playground, second, browser] = await Promise.all([
        Playground.make(),
        Playground.make(),
        startBrowser({ draws: true }),
      ]);
      await run(playground, "local", "start", "--candidate-windows", String(CANDIDATE_WINDOWS));
      ({ siteUrl } = await run<{ siteUrl: string }>(playground, "local", "status"));
    }, START_MS_MAX);

    afterAll(async () => {
      await browser.close();
      for (const host of [second, playground]) await host.run(["stop"]);
      await playground.run(["local", "stop"]);
      for (const host of [second, playground]) await host.remove();
    }, START_MS_MAX);

    const press = (name: string | RegExp): Promise<void> => page.getByRole("button", { name, exact: true }).click();

    test(
      "goes through Frankfurt, picked on the map, and is on the way into the network, within a minute",
      async () => {
        const busy = Math.max(1, (loadavg()[0] ?? 0) / cpus().length);
        const beganMs = performance.now();
        ({ page } = await openPage(browser, playground, ["--network", "local"]));
        await pickOnMap(page, "Frankfurt");
        await press("Connect to Frankfurt");
        await page.locator('.connect[data-state="connected"]').waitFor({ timeout: JOURNEY_MS_MAX });
        expect(await cityThroughTunnel()).toBe("Frankfurt");

        await go(page, "join");
        await press("Join");
        await page.getByRole("button", { name: /^(Yes, join|Join anyway)$/ }).click();
        await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
        await page.getByLabel("The same again").fill(PASSPHRASE);
        await press("Next");
        const words = await readWords(page);
        await press("I have written them down");
        expect(await giveWordsBack(page, words)).toBe(3);
        await press("Make my identity and begin");
        const chain = page.getByRole("progressbar", { name: "Windows of the chain" });
        await chain.waitFor({ timeout: JOURNEY_MS_MAX });
        const done = async (): Promise<number> => Number(await chain.getAttribute("aria-valuenow"));
        const before = await done();
        await expect.poll(done, { timeout: JOURNEY_MS_MAX }).toBeGreaterThan(before);
        // What others take of this machine is no fault of the page's.
        expect(performance.now() - beganMs).toBeLessThanOrEqual(WAITING_MS_MAX * busy);
      },
      JOURNEY_MS_MAX,
    );

    test(
      "is admitted, sees 13 Ɉ arrive, and sends 1 Ɉ of them to a wallet that asks for it",
      async () => {
        await page.locator('[data-moment="welcome"]').getByText("13").waitFor({ timeout: JOURNEY_MS_MAX });
        await go(page, "wallet");
        await page.locator(`[data-balance="${BONUS}"]`).waitFor({ timeout: JOURNEY_MS_MAX });

        const networkFile = join(playground.data, "local", "network.json");
        await second.init();
        await second.start(["--time-share", "10"], networkFile);
        const { request } = await run<{ request: string }>(second, "request", "create", "--amount", "1");
        await press("Send");
        await page.getByRole("textbox", { name: "To", exact: true }).fill(request);
        await page.getByText("It asks for 1 Ɉ.").waitFor();
        await press("Check");
        await press("Send it");
        await page.getByLabel("Passphrase").fill(PASSPHRASE);
        const unlock = page.getByRole("dialog", { name: "Unlock your account" });
        await unlock.getByRole("button", { name: "Unlock" }).click();
        await page.locator('[data-operation="settled"]').waitFor({ timeout: JOURNEY_MS_MAX });
        await press("Done");
        await page.locator('.history-row[data-title="created"]').getByText("−1").waitFor();

        const received = async (): Promise<readonly string[]> => {
          const { entries } = await run<{ entries: readonly { kind: string; amount: string }[] }>(second, "history");
          return entries.map(({ amount }) => amount);
        };
        await expect.poll(received, { timeout: JOURNEY_MS_MAX }).toEqual(["1000000000"]);
      },
      JOURNEY_MS_MAX,
    );

    /** What the practice network's site says of who asks, in a browser of its own that goes through the tunnel. */
    async function cityThroughTunnel(): Promise<string> {
      const { proxy } = await run<{ proxy: { host: string; port: number } }>(playground, "vpn", "status");
      const context = await browser.newContext({ proxy: { server: `http://${proxy.host}:${proxy.port}` } });
      const site = await context.newPage();
      await site.goto(siteUrl);
      const told = await site.locator("p").textContent();
      await context.close();
      return told ?? "";
    }
  },
);

async function run<T>(playground: Playground, ...words: string[]): Promise<T> {
  const ended = await playground.run([...words, "--json"]);
  if (ended.code !== 0) throw new Error(`montana ${words.join(" ")}: ${ended.out}${ended.err}`);
  return ended.json() as T;
}

/** As a hand does that looks for it: over the map until there is something to press, and what it presses is the city. */
async function pickOnMap(page: Page, name: string): Promise<void> {
  const canvas = page.locator(".maplibregl-canvas");
  await page.getByRole("option", { name: new RegExp(`^${name}`) }).waitFor();
  const { x, y, width, height } = (await canvas.boundingBox())!;
  const card = page.getByRole("region", { name: `About ${name}` });
  const isThere = (): Promise<boolean> => card.isVisible();
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline) {
    for (let down = STEP; down < height; down += STEP) {
      for (let right = STEP; right < width; right += STEP) {
        await page.mouse.move(x + right, y + down);
        if ((await canvas.evaluate((element) => (element as unknown as Styled).style.cursor)) !== "pointer") continue;
        await page.mouse.click(x + right, y + down);
        await page.getByRole("region", { name: /^About / }).waitFor();
        if (await isThere()) return;
        await page.getByRole("button", { name: /^Close/ }).click();
      }
    }
  }
  throw new Error(`${name} was not found on the map`);
}

/** Pixels; a city answers within 14 around its sign. */
const STEP = 18;

/** The part of an element that knows how it looks; tests know no browser's types. */
interface Styled {
  readonly style: { readonly cursor: string };
}
