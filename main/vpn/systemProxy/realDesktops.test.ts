/** The real programs of GNOME (keyfile backend) and KDE, and a program that is killed at any moment. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

import { runCommand, type Settings } from "./adapter.ts";
import { desktopProxy, type DesktopProxy } from "./desktop.ts";
import { gnomeAdapter } from "./gnome.ts";
import { kdeAdapter } from "./kde.ts";

const root = mkdtempSync(join(tmpdir(), "real-desktops-"));
afterAll(() => rmSync(root, { recursive: true }));

const environment = {
  GSETTINGS_BACKEND: "keyfile",
  XDG_CONFIG_HOME: join(root, "config"),
  QT_QPA_PLATFORM: "offscreen",
};
Object.assign(process.env, environment);

function answers(command: string, ...args: string[]): boolean {
  try {
    return execFileSync(command, args, { stdio: ["ignore", "pipe", "ignore"] }).length > 0;
  } catch {
    return false;
  }
}

const SCHEMA = "org.gnome.system.proxy";
const desktops = [
  {
    name: "GNOME",
    // Without the schemas of gsettings-desktop-schemas there is nothing to set.
    isThere: answers("gsettings", "list-recursively", SCHEMA),
    missing: "no gsettings here (apt-get install libglib2.0-bin gsettings-desktop-schemas)",
    adapter: gnomeAdapter(runCommand),
    own: [
      ["gsettings", "set", SCHEMA, "ignore-hosts", "['mine.example']"],
      ["gsettings", "set", `${SCHEMA}.socks`, "host", "'old.example'"],
    ],
  },
  {
    name: "KDE",
    isThere: ["kreadconfig6", "kreadconfig5"].some((tool) => answers(tool, "--key", "none", "--default", "there")),
    missing: "no kreadconfig here (apt-get install libkf5config-bin)",
    adapter: kdeAdapter(runCommand),
    own: [],
  },
];

const KILLS = 15;
/** Milliseconds. */
const KILL_WITHIN = 400;

for (const { name, isThere, missing, adapter, own } of desktops) {
  describe.skipIf(!isThere)(isThere ? name : `${name}: ${missing}`, () => {
    const directory = join(root, name);
    const proxy: DesktopProxy = desktopProxy({
      directory,
      home: directory,
      env: { ...process.env, XDG_CURRENT_DESKTOP: name },
      repairCommand: ["/opt/montana", "vpn", "repair"],
    });

    test("everything is as it was after a disconnection", { timeout: 60_000 }, async () => {
      for (const [command = "", ...args] of own) execFileSync(command, args);
      const before = await adapter.read();
      await proxy.apply({ host: "127.0.0.1", port: 10808 });
      const during = await adapter.read();
      expect([...during.values()].filter((value) => value?.includes("10808")).length).toBe(3);
      expect(readdirSync(join(environment.XDG_CONFIG_HOME, "autostart"))).toEqual(["montana-repair.desktop"]);
      expect(await proxy.repair()).toEqual({ outcome: "restored", kept: [] });
      expect(await adapter.read()).toEqual(before);
      expect(readdirSync(join(environment.XDG_CONFIG_HOME, "autostart"))).toEqual([]);
    });

    test("a program killed at any moment leaves nothing after the next start", { timeout: 120_000 }, async () => {
      const before: Settings = await adapter.read();
      const delays = [];
      for (let i = 0; i < KILLS; i++) {
        const child = spawn(
          process.execPath,
          [fileURLToPath(new URL("childMain.fixture.ts", import.meta.url)), directory, name],
          {
            stdio: ["ignore", "pipe", "inherit"],
          },
        );
        const ended = once(child, "exit");
        await once(child.stdout, "data");
        const delay = Math.random() * KILL_WITHIN;
        delays.push(Math.round(delay));
        await sleep(delay);
        child.kill("SIGKILL");
        await ended;
        await proxy.repair();
        expect(await adapter.read(), `killed after ${delays.join(", ")} ms`).toEqual(before);
        expect(readdirSync(directory).filter((file) => file.endsWith(".journal"))).toEqual([]);
      }
    });
  });
}

test.skipIf(!desktops[0]!.isThere)("the settings' own file names no port of this program at the end", () => {
  const keyfile = readFileSync(join(environment.XDG_CONFIG_HOME, "glib-2.0", "settings", "keyfile"), "utf8");
  expect(keyfile).not.toMatch(/127\.0\.0\.1'|port=(?:2\d{4}|10808)/);
});
