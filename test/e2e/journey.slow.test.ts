/**
 * A person's first minute, the way from there to 13 Ɉ and a first payment, and what the page says when a part of all that
 * stops: on the practice network, with real exits and nodes, through the page alone.
 */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PASSPHRASE, Playground } from "../../main/app/cli.fixture.ts";
import { binariesHere } from "../../main/xray/mesh.fixture.ts";
import { engineOfTunnel, processesOfLocal } from "./localProcesses.ts";
import { go, noPage, openPage, startBrowser } from "./openedPage.ts";
import { clientOf } from "./smallNetwork.ts";
import { giveWordsBack, readWords } from "./words.ts";

const START_MS_MAX = 300_000;
const JOURNEY_MS_MAX = 400_000;
/** All waiting of the first minute, where the machine does nothing else. */
const WAITING_MS_MAX = 60_000;
/** Until the page says that something has stopped, where the machine does nothing else. */
const STALE_MS_MAX = 3_000;
const CANDIDATE_WINDOWS = 20;
const BONUS = "13000000000";

interface City {
  readonly name: { readonly en: string };
  readonly lat: number | null;
  readonly lon: number | null;
}

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
        const { cities } = await run<{ cities: readonly City[] }>(playground, "vpn", "cities");
        await pickOnMap(page, cities, "Frankfurt");
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
        await page
          .locator('[data-moment="welcome"] .welcome-amount')
          .getByText("13")
          .waitFor({ timeout: JOURNEY_MS_MAX });
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

    describe("with the map in one tab and the network in another", () => {
      let network: Page;

      beforeAll(async () => {
        await run(playground, "vpn", "test");
        await go(page, "map");
        ({ page: network } = await openPage(browser, playground));
        await go(network, "network");
        await network.getByRole("row", { name: /Istanbul/ }).waitFor({ timeout: JOURNEY_MS_MAX });
      }, JOURNEY_MS_MAX);

      /** What either tab says may not hold. */
      async function stale(): Promise<readonly string[]> {
        const found = await Promise.all(
          [page, network].map((tab) =>
            tab
              .locator("[data-stale]")
              .evaluateAll((marks) => marks.map((mark) => (mark as unknown as Marked).dataset.stale)),
          ),
        );
        return found.flat().sort();
      }

      /** Until it goes on, exactly these are stale, and `others` while that holds. */
      async function whileStopped(
        pid: number,
        marks: readonly string[],
        others: { readonly marks: readonly string[]; readonly hold: () => Promise<boolean> } = NO_OTHERS,
      ): Promise<void> {
        await expect.poll(stale, { timeout: JOURNEY_MS_MAX }).toEqual([]);
        const busy = Math.max(1, (loadavg()[0] ?? 0) / cpus().length);
        process.kill(pid, "SIGSTOP");
        try {
          /** What is marked and should not be, and the other way round. */
          const wrong = async (): Promise<readonly string[]> => {
            const before = await others.hold();
            const now = await stale();
            const expected = before && (await others.hold()) ? [...marks, ...others.marks] : marks;
            const [tooMuch, missing] = [without(now, expected), without(expected, now)];
            return [...tooMuch.map((mark) => `live: ${mark}`), ...missing.map((mark) => `stale: ${mark}`)];
          };
          await expect.poll(wrong, { timeout: STALE_MS_MAX * busy, interval: LOOK_MS }).toEqual([]);
        } finally {
          process.kill(pid, "SIGCONT");
        }
      }

      test(
        "sees of each node that stops that what is shown of it is old, and of nothing else",
        async () => {
          for (const { code, pid } of processesOfLocal(playground).nodes) {
            await openCard(code);
            await whileStopped(pid, [`peers ${code}`, `phase ${code}`, `row ${code}`]);
          }
        },
        JOURNEY_MS_MAX,
      );

      test(
        "sees of each exit that stops that what is shown of it, and of what leads there, is old, and of nothing else",
        async () => {
          const client = await clientOf(playground);
          for (const { code, pid } of processesOfLocal(playground).engines) {
            await openCard(code);
            const { cities } = await client.vpnCities.query();
            const { entry } = await client.vpnStatus.query();
            const reached = cities.filter(({ id, exit }) => id === code || exit === code).map(({ id }) => id);
            const ofCard = [`delay ${code}`, `health ${code}`];
            // The tunnel leaves an exit that does not answer, and then shows what is so again.
            const isInUse = async (): Promise<boolean> =>
              entry !== null && reached.includes(entry) && (await client.vpnStatus.query()).entry === entry;
            const ofTunnel = { marks: ["figures", "tunnel"], hold: isInUse };
            await whileStopped(pid, [...reached.map((id) => `city ${id}`), ...ofCard], ofTunnel);
          }
        },
        JOURNEY_MS_MAX,
      );

      test(
        "sees of the tunnel's own engine that its figures are old when it stops",
        async () => {
          await whileStopped(engineOfTunnel(playground), ["figures"]);
        },
        JOURNEY_MS_MAX,
      );

      test(
        "goes on with node and tunnel, and with the other tab, when a tab crashes",
        async () => {
          const client = await clientOf(playground);
          const { startedAtMs, window } = await client.status.query();
          const crashed = page.waitForEvent("crash");
          const devTools = await page.context().newCDPSession(page);
          // It is not there any more to answer.
          void devTools.send("Page.crash").catch(() => undefined);
          await crashed;
          const windowNow = async (): Promise<number> => (await client.status.query()).window ?? 0;
          await expect.poll(windowNow, { timeout: JOURNEY_MS_MAX }).toBeGreaterThan((window ?? 0) + 1);
          expect(await client.status.query()).toMatchObject({ startedAtMs, nodeState: "running" });
          const { city } = await client.vpnStatus.query();
          const { cities } = await client.vpnCities.query();
          expect(await cityThroughTunnel()).toBe(cities.find(({ id }) => id === city)!.name.en);
          const newest = Number(await network.locator(".network-strip").getAttribute("data-newest"));
          expect(newest).toBeGreaterThan(window ?? 0);
        },
        JOURNEY_MS_MAX,
      );

      /** With all that it shows. */
      async function openCard(code: string): Promise<void> {
        await go(page, `map/${code}`);
        const card = page.locator(".city-card");
        await expect.poll(() => card.getAttribute("data-city"), { timeout: JOURNEY_MS_MAX }).toBe(code);
        await card.getByText(/ ms$/).waitFor({ timeout: JOURNEY_MS_MAX });
      }
    });

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

/** The part of an element that names what may not hold; tests know no browser's types. */
interface Marked {
  readonly dataset: { readonly stale: string };
}

const LOOK_MS = 50;
const without = (all: readonly string[], some: readonly string[]): readonly string[] =>
  all.filter((one) => !some.includes(one));
const NO_OTHERS = { marks: [], hold: () => Promise.resolve(false) };

async function run<T>(playground: Playground, ...words: string[]): Promise<T> {
  const ended = await playground.run([...words, "--json"]);
  if (ended.code !== 0) throw new Error(`montana ${words.join(" ")}: ${ended.out}${ended.err}`);
  return ended.json() as T;
}

/** Where the map, which begins with all cities in sight, has drawn this one. */
async function pickOnMap(page: Page, cities: readonly City[], name: string): Promise<void> {
  await page.getByRole("option", { name: new RegExp(`^${name}`) }).waitFor();
  const { x, y, width, height } = (await page.locator(".maplibregl-canvas").boundingBox())!;
  const places = cities.flatMap(({ lat, lon }) => (lat === null || lon === null ? [] : [mercator(lat, lon)]));
  const [[left, right], [top, bottom]] = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]!);
    return [Math.min(...values), Math.max(...values)];
  }) as [[number, number], [number, number]];
  const scale = Math.min(
    (width - 2 * MAP_PADDING) / (right - left),
    (height - 2 * MAP_PADDING) / (bottom - top),
    WORLD_PIXELS * 2 ** MAP_ZOOM_MAX,
  );
  const city = cities.find((each) => each.name.en === name)!;
  const [east, south] = mercator(city.lat!, city.lon!);
  const at = [
    x + width / 2 + (east - (left + right) / 2) * scale,
    y + height / 2 + (south - (top + bottom) / 2) * scale,
  ] as const;
  const card = page.getByRole("region", { name: `About ${name}` });
  // It is drawn some frames after it is listed.
  await expect
    .poll(
      async () => {
        await page.mouse.click(...at);
        return card.isVisible();
      },
      { timeout: START_MS_MAX },
    )
    .toBe(true);
}

/** As renderer/features/map/drawnMap.ts frames all cities. */
const [MAP_PADDING, MAP_ZOOM_MAX, WORLD_PIXELS] = [56, 3.4, 512];

/** From the north-west corner of the world, of which a side is 1. */
function mercator(lat: number, lon: number): readonly [number, number] {
  const angle = (lat * Math.PI) / 180;
  return [(lon + 180) / 360, (1 - Math.log(Math.tan(angle) + 1 / Math.cos(angle)) / Math.PI) / 2];
}
