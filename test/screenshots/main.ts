/**
 * `npm run screenshots -- [--out FOLDER] [--only PATTERN] [--sizes 900x600,…] [--looks ru-dark,…] [--rtl] [--record]`: each view and its states, in
 * every language and theme, as people with small and large screens see them. `--record` makes the recording anew instead.
 */
import { mkdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";

import { Playground } from "../../main/app/cli.fixture.ts";
import { noPage, openPage, startBrowser } from "../e2e/openedPage.ts";
import { clientOf } from "../e2e/smallNetwork.ts";
import { findFaults } from "./faults.ts";
import { record } from "./record.ts";
import { beforeLost, LOST_PLACES, scenes } from "./scenes.ts";
import { LANGUAGES, looks, reach, stageOfShown, THEMES, type Language, type ShownStage, type Theme } from "./stage.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SIZES = ["390x844", "900x600", "1280x800", "3840x2160"];
/** While steps are taken. */
const FIRST_SIZE = { width: 1280, height: 800 };
/** In all; what is not there by then is missing. */
const MINUTES_MAX = 60;

const MAP_PART = 300;
const MAP_LOOK_MS = 400;
const MAP_LOOKS_MAX = 20;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, ".cache", "screenshots") },
    only: { type: "string", default: "." },
    sizes: { type: "string", default: SIZES.join(",") },
    looks: { type: "string", default: "all" },
    rtl: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
  },
});

if (values.record) await record();
else if (noPage !== undefined) {
  console.log(`no screenshots: ${noPage}`);
  process.exitCode = 1;
} else await shootAll();

async function shootAll(): Promise<void> {
  const out = resolve(process.env["INIT_CWD"] ?? process.cwd(), values.out);
  const sizes = values.sizes.split(",").map((text) => {
    const [width = 0, height = 0] = text.split("x").map(Number);
    return { width, height };
  });
  await mkdir(out, { recursive: true });
  const late = setTimeout(() => {
    console.error(`stopped after ${MINUTES_MAX} minutes`);
    process.exit(1);
  }, MINUTES_MAX * 60_000);
  let taken = 0;
  let faults = 0;

  const shoot = async (page: Page, name: string, language: Language, theme: Theme): Promise<void> => {
    for (const size of sizes) {
      await page.setViewportSize(size);
      await settle(page);
      const file = `${name}.${language}.${theme}.${size.width}x${size.height}.png`;
      await page.screenshot({ path: join(out, file) });
      taken++;
      for (const fault of await findFaults(page)) {
        faults++;
        console.log(`${file}: ${fault}`);
      }
    }
  };
  const looksAsked = LANGUAGES.flatMap((language) => THEMES.map((theme) => [language, theme] as const)).filter((look) =>
    values.looks.split(",").some((text) => text === "all" || text === look.join("-")),
  );
  const everyLook = async (
    look: (language: Language, theme: Theme) => Promise<void>,
    page: Page,
    name: string,
  ): Promise<void> => {
    for (const [language, theme] of looksAsked) {
      await look(language, theme);
      await shoot(page, name, language, theme);
    }
  };
  /** One that cannot be had leaves the others. */
  const attempt = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      console.log(name);
    } catch (error) {
      process.exitCode = 1;
      console.error(`${name}: ${String(error)}`);
    }
  };
  const isAsked = ({ name }: { readonly name: string }): boolean => new RegExp(values.only).test(name);

  // By software alone the map takes seconds to draw; the other views are quicker without the means for it.
  const browsers = await Promise.all([startBrowser(), startBrowser({ draws: true })]);
  const [plain, drawing] = await Promise.all(browsers.map((browser) => stageOfShown(browser)));
  const playground = await Playground.make();
  const stageOf = (place: string): ShownStage => (place.startsWith("map") ? drawing! : plain!);
  try {
    for (const scene of scenes.filter(({ isReal }) => isReal !== true).filter(isAsked)) {
      await attempt(scene.name, async () => {
        const stage = stageOf(scene.place);
        await stage.page.setViewportSize(FIRST_SIZE);
        await stage.open(scene);
        await everyLook((language, theme) => stage.look(language, theme), stage.page, scene.name);
      });
    }

    const lost = LOST_PLACES.map((place) => ({ place, name: `lost-${place.split("/")[0]}` })).filter(isAsked);
    for (const stage of new Set(lost.map(({ place }) => stageOf(place)))) {
      const own = lost.filter(({ place }) => stageOf(place) === stage);
      const { page } = stage;
      for (const [language, theme] of looksAsked) {
        await attempt(`lost, ${language}, ${theme}`, async () => {
          await stage.open({ shown: beforeLost, place: own[0]!.place, ready: "h1" });
          // What was never asked cannot be shown.
          for (const { place } of own) await reach(page, place, "h1");
          await stage.look(language, theme);
          await stage.lose();
          for (const { place, name } of own) {
            await reach(page, place, "h1");
            await shoot(page, name, language, theme);
          }
        });
      }
    }

    const real = scenes.filter(({ isReal }) => isReal === true).filter(isAsked);
    if (real.length > 0) {
      await playground.startPlainly(["--without-node"]);
      const client = await clientOf(playground);
      const { page } = await openPage(browsers[1], playground);
      const look = async (language: Language, theme: Theme): Promise<void> => {
        await client.setPreferences.mutate({ language, theme });
        await looks(page, language, theme);
      };
      for (const { name, place, ready, act } of real) {
        await attempt(name, async () => {
          await page.setViewportSize(FIRST_SIZE);
          await page.reload();
          await page.locator('[data-link="live"]').waitFor({ state: "attached" });
          await look("en", "light");
          await reach(page, place, ready, act);
          await everyLook(look, page, name);
        });
      }
    }
  } finally {
    await Promise.all([plain!.end(), drawing!.end()]);
    await Promise.all(browsers.map((browser) => browser.close()));
    await playground.run(["stop"]);
    await playground.remove();
    clearTimeout(late);
  }
  console.log(
    `${taken} screenshots in ${relative(process.cwd(), out) || "."}; ${faults} places where something is cut off`,
  );
}

/** Until what a new size, theme or language brings is drawn. */
async function settle(page: Page): Promise<void> {
  if (values.rtl) await page.evaluate('document.documentElement.dir = "rtl"');
  await page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))",
  );
  const map = page.locator(".map-canvas canvas");
  if (await map.isVisible()) await untilStill(page, (await map.boundingBox())!);
}

/** Colours of the map change over some frames, of which software draws few in a second. */
async function untilStill(page: Page, { x, y, width, height }: Box): Promise<void> {
  // A part that holds land, sea and cities tells of all.
  const side = Math.min(width, height, MAP_PART);
  const clip = { x: x + (width - side) / 2, y: y + (height - side) / 2, width: side, height: side };
  let before: Buffer | undefined;
  for (let looked = 0; looked < MAP_LOOKS_MAX; looked++) {
    await new Promise((resolve) => setTimeout(resolve, MAP_LOOK_MS));
    const now = await page.screenshot({ clip });
    if (before?.equals(now) === true) return;
    before = now;
  }
}
