/** What is measured inside a tab: when which frame was drawn, when what was first seen, and what the browser worked for it. */
import type { Browser, Page } from "playwright-core";

/** Runs before anything else of a page. Times are those of the page's own clock, which begins with the navigation. */
const WATCH = `(() => {
  const drawn = [];
  const watch = { drawn, listMs: null };
  globalThis.watch = watch;
  let frame = -1;
  const note = () => {
    if (document.timeline.currentTime === frame) return;
    frame = document.timeline.currentTime;
    drawn.push(performance.now());
  };
  for (const name of ["drawElements", "drawArrays"]) {
    const draw = WebGL2RenderingContext.prototype[name];
    WebGL2RenderingContext.prototype[name] = function (...values) {
      note();
      return draw.apply(this, values);
    };
  }
  const look = () => {
    if (document.querySelectorAll('.city-row').length < 3) requestAnimationFrame(look);
    // Drawn with the frame that follows.
    else requestAnimationFrame(() => (watch.listMs = performance.now()));
  };
  requestAnimationFrame(look);
})()`;

export async function watch(page: Page): Promise<void> {
  await page.addInitScript(WATCH);
}

/** Times at which WebGL drew since the last call. */
export const takeDrawn = (page: Page): Promise<readonly number[]> => page.evaluate("watch.drawn.splice(0)");

const PATIENCE_MS = 120_000;
const LOOK_MS = 50;

/** Playwright's own way to wait makes a function of a text, which the page's policy forbids. */
export async function until(page: Page, condition: string): Promise<void> {
  const begunMs = performance.now();
  while (!(await page.evaluate<boolean>(condition))) {
    if (performance.now() - begunMs > PATIENCE_MS) throw new Error(`in vain waited for ${condition}`);
    await page.waitForTimeout(LOOK_MS);
  }
}

/** Nothing is drawn any more: the map rests. */
export const untilStill = (page: Page): Promise<void> =>
  until(page, `watch.drawn.length > 0 && performance.now() - watch.drawn.at(-1) > ${STILL_MS}`);
const STILL_MS = 600;

export interface Work {
  /** Seconds of a processor: of the process that draws, and of the tab. */
  readonly gpu: number;
  readonly tab: number;
}

interface ProcessInfo {
  readonly processInfo: readonly { readonly type: string; readonly cpuTime: number }[];
}

/** Since the browser's start, of processes that still run. */
export async function readWork(browser: Browser): Promise<Work> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = (await session.send("SystemInfo.getProcessInfo")) as ProcessInfo;
  await session.detach();
  const of = (wanted: string): number =>
    processInfo.reduce((sum, { type, cpuTime }) => sum + (type === wanted ? cpuTime : 0), 0);
  return { gpu: of("GPU"), tab: of("renderer") };
}
