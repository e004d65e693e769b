/** A page before a host, brought from one scene to the next. */
import type { Browser, Page } from "playwright-core";

import { go, openTab } from "../e2e/openedPage.ts";
import type { Scene } from "./scenes.ts";
import { ShownHost, type Shown } from "./shownHost.ts";

export const THEMES = ["light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export const LANGUAGES = ["en", "ru"] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Stage {
  readonly page: Page;
  /** What the browser complained of. */
  readonly complaints: readonly string[];
  /** In English and light: all steps of scenes are. */
  open(scene: Pick<Scene, "shown" | "place" | "ready" | "act">): Promise<void>;
  look(language: Language, theme: Theme): Promise<void>;
  end(): Promise<void>;
}

export interface ShownStage extends Stage {
  /** The host answers nothing any more, and the page has noticed. */
  lose(): Promise<void>;
}

/** Before a host that shows what scenes say. */
export async function stageOfShown(browser: Browser): Promise<ShownStage> {
  const host = await ShownHost.start();
  const { page, complaints } = await openTab(browser, BRIDGE);
  let before: Shown | undefined;
  const look = async (language: Language, theme: Theme): Promise<void> => {
    host.prefer({ language, theme });
    // They go by themselves after a while.
    host.tell();
    await looks(page, language, theme);
  };
  return {
    page,
    complaints,
    look,
    async open({ shown, place, ready, act }) {
      host.prefer({ language: "en", theme: "light" });
      host.show(shown);
      if (before === undefined) await page.goto(await host.open());
      else if (isOfSameKind(before, shown)) await leave(page);
      else await page.reload();
      before = shown;
      await page.locator('[data-link="live"]').waitFor({ state: "attached" });
      await look("en", "light");
      await reach(page, place, ready, act);
    },
    async lose() {
      host.fallSilent();
      await page.locator('[data-link="lost"]').waitFor({ state: "attached" });
    },
    async end() {
      await page.context().close();
      await host.end();
    },
  };
}

/** What was asked before is no answer to be shown then. */
const isOfSameKind = (before: Shown, shown: Shown): boolean =>
  before.answers.atMs === shown.answers.atMs && before.refusals === undefined && shown.refusals === undefined;

/** As somebody who closes what is open and goes elsewhere: nothing of the scene before is left. */
async function leave(page: Page): Promise<void> {
  await page.keyboard.press("Escape");
  await page.locator(".dialog").waitFor({ state: "detached" });
  await reach(page, "settings/diagnostics", '[data-section="diagnostics"] h2');
}

/** What a page of the desktop app has of its shell: links that the system hands over. */
const BRIDGE = `globalThis.montana = { onLink(take) { globalThis.openLink = take; return () => undefined; } };`;

/** Colours change with a frame, also where nothing moves. */
const FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(undefined))))";

/** Until the page looks like that. */
export async function looks(page: Page, language: Language, theme: Theme): Promise<void> {
  await page.locator(`html[data-theme="${theme}"][lang="${language}"]`).waitFor({ state: "attached" });
  await page.evaluate(FRAMES);
}

export async function reach(
  page: Page,
  place: string,
  ready: string,
  act: Scene["act"] = () => Promise.resolve(),
): Promise<void> {
  await go(page, place);
  await page.locator(ready).first().waitFor();
  await act(page);
}
