/** The page as a person sees it: a real host, a real browser, the built page between them. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type Page } from "playwright-core";

import type { Playground } from "../../main/app/cli.fixture.ts";
import { locatePage } from "../../main/app/loopback/pageFiles.ts";

const CHROMIUM = "/usr/bin/chromium";
const ANSWER_MS_MAX = 30_000;

/** Why there is no page here to look at; undefined where there is one. */
export const noPage: string | undefined = existsSync(CHROMIUM)
  ? existsSync(locatePage())
    ? undefined
    : "the page is not built: npm run page"
  : `${CHROMIUM} is not installed`;

/** `draws`: the map, too, by a GPU that is all software. */
export const startBrowser = ({ draws = false }: { readonly draws?: boolean } = {}): Promise<Browser> => {
  const gpu = draws ? ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] : ["--disable-gpu"];
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...gpu] });
};

export interface OpenedPage {
  readonly page: Page;
  /** What the browser complained of: errors of scripts and of the page's own policy. */
  readonly complaints: readonly string[];
}

/** Opens the page of the playground's host, which is started where none runs, and waits until the host is heard. */
export async function openPage(
  browser: Browser,
  playground: Playground,
  words: readonly string[] = [],
): Promise<OpenedPage> {
  const { url } = (await playground.run(["open", "--print", "--json", ...words])).json() as { readonly url: string };
  const opened = await openTab(browser);
  await opened.page.goto(url);
  await opened.page.locator('[data-link="live"]').waitFor({ state: "attached" });
  return opened;
}

/** An empty tab of a browser that has nothing of earlier ones; `before` runs in it before each page's own scripts. */
export async function openTab(browser: Browser, before?: string): Promise<OpenedPage> {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en" });
  if (before !== undefined) await context.addInitScript(before);
  const page = await context.newPage();
  page.setDefaultTimeout(ANSWER_MS_MAX);
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    // That a request was refused is told by the page itself.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  return { page, complaints };
}

export async function go(page: Page, place: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`/${place}`)}`);
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeWindow {
  readonly axe: {
    run(options: object): Promise<{
      readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
    }>;
  };
}

/** WCAG 2.2 AA. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What stands in the way of people with disabilities; of `rules` alone, or by all of WCAG 2.2 AA. */
export async function findBarriers(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // The page's policy allows no script but its own; evaluating is the browser's business.
  if (await page.evaluate("globalThis.axe === undefined")) await page.evaluate(AXE);
  const runOnly = rules === undefined ? { type: "tag", values: TAGS } : { type: "rule", values: rules };
  return page.evaluate(async (asked) => {
    const { axe } = globalThis as unknown as AxeWindow;
    const { violations } = await axe.run({ runOnly: asked, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }, runOnly);
}
