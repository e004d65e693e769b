/**
 * Every view and the states of it that matter, in a real browser, light and dark, in every language: nothing stands in the way of
 * people with disabilities, nothing is cut off in a small window, also where one reads from right to left. What the host says was
 * recorded on the practice network; how real hosts bring these states about, other tests show.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { findFaults } from "../screenshots/faults.ts";
import { beforeLost, LOST_PLACES, scenes } from "../screenshots/scenes.ts";
import { reach, stageOfShown, type ShownStage } from "../screenshots/stage.ts";
import { findBarriers, noPage, startBrowser } from "./openedPage.ts";

/** On a machine that does much else. */
const MS_MAX = 400_000;
/** As small as the program's window gets. */
const SMALL = { width: 900, height: 600 };

describe.skipIf(noPage !== undefined)("every view", () => {
  let browser: Browser;
  let stage: ShownStage;

  beforeAll(async () => {
    browser = await startBrowser();
    stage = await stageOfShown(browser);
    await stage.page.setViewportSize(SMALL);
  }, MS_MAX);

  afterAll(async () => {
    await stage.end();
    await browser.close();
  }, MS_MAX);

  /** What is wrong with what is open now. */
  const look = async (where: string, rules?: readonly string[]): Promise<readonly string[]> => {
    const found = [...(await findBarriers(stage.page, rules)), ...(await findFaults(stage.page))];
    return found.map((what) => `${where}: ${what}`);
  };

  test.each(["map", "join", "wallet", "network", "settings", "link"])(
    "is open to everybody and cuts nothing off, in all of its states: %s",
    async (view) => {
      const found: string[] = [];
      const own = scenes.filter(({ name, isAlike }) => name.startsWith(view) && isAlike !== true);
      expect(own.length).toBeGreaterThan(0);
      for (const scene of own) {
        // Opened in English and light.
        await stage.open(scene);
        found.push(...(await look(scene.name)));
        // Of all rules, that of contrast alone depends on colours.
        await stage.look("ru", "dark");
        found.push(...(await look(`${scene.name}, in Russian, dark`, ["color-contrast"])));
        await stage.page.evaluate('document.documentElement.dir = "rtl"');
        for (const what of await findFaults(stage.page)) found.push(`${scene.name}, from right to left: ${what}`);
      }
      expect(found).toEqual([]);
      expect(stage.complaints).toEqual([]);
    },
    MS_MAX,
  );

  test(
    "says what was known when its host is gone, to everybody",
    async () => {
      for (const theme of ["light", "dark"] as const) {
        await stage.open({ shown: beforeLost, place: "map", ready: ".connect" });
        for (const place of LOST_PLACES) await reach(stage.page, place, "h1");
        await stage.look("en", theme);
        await stage.lose();
        for (const place of LOST_PLACES) {
          await reach(stage.page, place, "h1");
          await stage.page.locator("[data-stale]").first().waitFor();
          expect(await look(place, theme === "dark" ? ["color-contrast"] : undefined)).toEqual([]);
        }
      }
    },
    MS_MAX,
  );
});
