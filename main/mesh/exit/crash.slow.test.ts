/** A city survives kill -9 after each thing that it writes. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import {
  binariesHere,
  freePort,
  SITE_NAME,
  startDecoy,
  startSite,
  type TestDecoy,
  type TestSite,
} from "../../xray/mesh.fixture.ts";
import { askThrough, linkIn, serviceIn, wishFor } from "./exit.fixture.ts";

const MAIN = fileURLToPath(new URL("crashMain.fixture.ts", import.meta.url));
/** More than the life of a city has. */
const STEPS_MAX = 60;
const WAIT = { timeout: 30_000, interval: 50 };

describe.skipIf(binariesHere()?.guard === undefined)("a city", () => {
  let decoy: TestDecoy;
  let site: TestSite;
  beforeAll(async () => {
    [decoy, site] = await Promise.all([startDecoy(), startSite()]);
  });
  afterAll(() => Promise.all([decoy.close(), site.close()]));

  test("that is killed after any step goes on at the next start with what was wanted, and can be removed", async () => {
    const [port, second] = [await freePort(), await freePort()];
    const practice = { leavesFrom: null, hosts: [{ name: SITE_NAME, address: "127.0.0.1" }] };
    const wish = JSON.stringify(wishFor(decoy, port, { practice }));
    const states = new Set<string>();
    for (let killAt = 1; killAt <= STEPS_MAX; killAt++) {
      const folder = mkdtempSync(join(tmpdir(), "exit-crash-"));
      const directory = join(folder, "mesh");
      const isWhole = await live([directory, wish, String(second), String(killAt)]);
      if (isWhole) {
        rmSync(folder, { recursive: true });
        expect(killAt).toBeGreaterThan(10);
        expect([...states].sort()).toEqual(["none", "serving", "withdrawn"]);
        return;
      }
      const service = serviceIn(directory);
      await service.start();
      try {
        const state = await vi.waitFor(async () => {
          const now = (await service.status()).state;
          expect(["none", "serving", "withdrawn"]).toContain(now);
          return now;
        }, WAIT);
        states.add(state);
        const path = join(directory, "public", "my-vpn.json");
        if (state === "serving") {
          const link = await vi.waitFor(() => linkIn(readFileSync(path, "utf8")), WAIT);
          expect(link).toBe((await service.status()).link);
          expect(await askThrough(folder, link, `${site.url}/from`)).toMatchObject({ result: "ok" });
        } else expect(existsSync(path)).toBe(false);
        if (state !== "none") await service.remove();
        expect(leftIn(directory)).toEqual([]);
      } finally {
        await service.stop();
        rmSync(folder, { recursive: true });
      }
    }
    expect.unreachable("the city never lived to its end");
  }, 400_000);
});

/** True where it lived to its end. */
const live = (words: readonly string[]): Promise<boolean> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, ...words], { timeout: 60_000 }, (error, _, stderr) => {
      if (error === null) resolve(true);
      else if (error.signal === "SIGKILL") resolve(false);
      else reject(new Error(stderr));
    });
  });

/** Files, wherever they lie. */
const leftIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [] : [entry.name],
  );
