/** The preload script as Electron loads it: built to CommonJS, with the part of `electron` that a sandbox has. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";

import { expect, test } from "vitest";

import { makePreload } from "./preload.ts";
import type { Bridge } from "../../preload/bridge.ts";

test("gives the page each link once, the one that waited first, until it no longer listens", async () => {
  const folder = mkdtempSync(join(tmpdir(), "montana-preload-"));
  const file = join(folder, "preload.cjs");
  makePreload(file);
  const script = readFileSync(file, "utf8");
  rmSync(folder, { recursive: true });

  const waiting = ["montana://connect/fra"];
  const listeners = new Set<() => void>();
  const exposed: Record<string, Bridge> = {};
  const electron = {
    contextBridge: { exposeInMainWorld: (name: string, bridge: Bridge) => void (exposed[name] = bridge) },
    ipcRenderer: {
      invoke: () => Promise.resolve(waiting.shift()),
      on: (_name: string, listener: () => void) => void listeners.add(listener),
      off: (_name: string, listener: () => void) => void listeners.delete(listener),
    },
  };
  const asked: string[] = [];
  const require = (name: string): unknown => {
    asked.push(name);
    return electron;
  };
  runInNewContext(script, { require, exports: {} });
  expect([asked, Object.keys(exposed), Object.keys(exposed["montana"]!)]).toEqual([
    ["electron"],
    ["montana"],
    ["onLink"],
  ]);

  const links: string[] = [];
  const end = exposed["montana"]!.onLink((link) => links.push(link));
  await Promise.resolve();
  waiting.push("montana://connect/hel");
  for (const listener of [...listeners, ...listeners]) listener();
  await new Promise((resolve) => setImmediate(resolve));
  expect(links).toEqual(["montana://connect/fra", "montana://connect/hel"]);
  end();
  expect(listeners.size).toBe(0);
});
