/** The shell in the real Electron, where this machine has one: it opens its window and answers its page. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, describe, expect, test } from "vitest";

import { makePreload } from "../../../build/scripts/preload.ts";
import { locateData } from "../dataDirectory.ts";
import { attachIfRunning } from "../attach.ts";
import { eventually } from "../desktop/hosting.fixture.ts";

/** Importing the package would download a binary that is missing. */
function findElectron(): string | undefined {
  const folder = dirname(createRequire(import.meta.url).resolve("electron/package.json"));
  const named = join(folder, "path.txt");
  if (!existsSync(named)) return undefined;
  const chosen = process.env["ELECTRON_OVERRIDE_DIST_PATH"];
  const program = join(chosen ?? join(folder, "dist"), readFileSync(named, "utf8").trim());
  return existsSync(program) ? program : undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  linux: "electron",
  win32: "electron.exe",
  darwin: "Electron.app/Contents/MacOS/Electron",
};

/** Without path.txt, too, where the variable leads to a binary of the usual name. */
function findOverride(): string | undefined {
  const chosen = process.env["ELECTRON_OVERRIDE_DIST_PATH"];
  const program = chosen === undefined ? undefined : join(chosen, NAMES[process.platform] ?? "electron");
  return program !== undefined && existsSync(program) ? program : undefined;
}

const electron = findElectron() ?? findOverride();
const hasScreen = process.platform !== "linux" || Boolean(process.env["DISPLAY"] ?? process.env["WAYLAND_DISPLAY"]);
const reason =
  electron === undefined
    ? "no Electron binary here: neither ELECTRON_OVERRIDE_DIST_PATH nor the package's path.txt leads to one"
    : hasScreen
      ? undefined
      : "there is no screen to open a window on";
const folder = mkdtempSync(join(tmpdir(), "montana-electron-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe(`in the real Electron${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  test.skipIf(reason !== undefined)(
    "the shell starts, hosts, shows its page and ends when its host is asked to",
    async () => {
      makePreload();
      const data = join(folder, "data");
      const main = fileURLToPath(new URL("main.ts", import.meta.url));
      const words = ["--no-sandbox", `--user-data-dir=${join(folder, "user")}`, main];
      const child = spawn(electron!, words, { env: { ...process.env, MONTANA_DATA_DIR: data }, stdio: "ignore" });
      const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
      try {
        const host = await eventually(() => attachIfRunning(locateData(data)));
        expect(host.pong.pid).toBe(child.pid);
        // The page follows the host's events beside the shell itself.
        await eventually(async () => (await host.client.pages.query()).isWatched);
        await host.client.stop.mutate();
        expect(await ended).toBe(0);
      } finally {
        child.kill("SIGKILL");
      }
    },
  );
});
