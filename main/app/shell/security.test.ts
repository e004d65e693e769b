/** Electron's security checklist (documents: "Security"), number by number, against what the shell gives to Electron. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { FakeElectron } from "../../../test/fakes/electron.ts";
import { apiError } from "../../api/errors.ts";
import { PAGE_URL } from "../desktop/pageProtocol.ts";
import { runShell } from "./shell.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "montana-security-"));
const electron = new FakeElectron({ userData: folder });
beforeAll(() =>
  runShell({
    ...{ electron: electron.api, argv: ["montana"], pageFolder: folder, preload: "/preload.cjs" },
    updates: () => undefined,
    openHosting: () => Promise.reject(apiError("host-lost")),
    leaveDaemon: () => Promise.resolve(),
    startAtLogin: () => undefined,
  }),
);
afterAll(() => rmSync(folder, { recursive: true }));

const web = () => electron.window.options.webPreferences!;
const contents = () => electron.window.webContents;

describe("Electron's security checklist", () => {
  test("1, 15, 18: only the program's own page is loaded, by a protocol of its own that is secure", () => {
    expect(electron.window.loaded).toEqual(["app://montana/"]);
    const privileges = { standard: true, secure: true, supportFetchAPI: true, stream: true };
    expect(electron.schemes).toEqual([{ scheme: "app", privileges }]);
    expect([...electron.handlers.keys()]).toEqual(["app"]);
  });

  test("2, 3, 4: no Node in the page, an isolated context, a sandbox", () => {
    expect(web()).toMatchObject({ nodeIntegration: false, nodeIntegrationInWorker: false });
    expect(web()).toMatchObject({ nodeIntegrationInSubFrames: false, contextIsolation: true, sandbox: true });
  });

  test("5: permissions are refused, but for copying what was clicked", () => {
    const { request, check, device } = electron.permissions as Record<string, (...words: unknown[]) => unknown>;
    const names = ["media", "geolocation", "notifications", "clipboard-read", "openExternal", "hid", "usb", "unknown"];
    for (const name of [...names, "clipboard-sanitized-write"]) {
      const isAllowed = name === "clipboard-sanitized-write";
      const answers: boolean[] = [];
      request!({}, name, (answer: boolean) => answers.push(answer), {});
      expect([name, ...answers, check!({}, name, PAGE_URL, {})]).toEqual([name, isAllowed, isAllowed]);
    }
    expect(device!({})).toBe(false);
  });

  test("6, 8, 9, 10: web security stays on, and nothing experimental or insecure is", () => {
    expect(web()).toMatchObject({ webSecurity: true, allowRunningInsecureContent: false, experimentalFeatures: false });
    expect(web()).not.toHaveProperty("enableBlinkFeatures");
  });

  test("7: every answer of the page's origin has a policy without inline scripts, eval or other origins", async () => {
    for (const path of ["/", "/none", "/api/ping"]) {
      const policy = (await electron.fetch(path)).headers.get("content-security-policy")!;
      const entries = policy.split("; ").map((line): [string, string] => {
        const [name = "", ...sources] = line.split(" ");
        return [name, sources.join(" ")];
      });
      const sources = Object.fromEntries(entries);
      expect(sources).toMatchObject({ "default-src": "'none'", "script-src": "'self'", "connect-src": "'self'" });
      expect(sources).toMatchObject({ "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'none'" });
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
  });

  test("11, 12: there is no webview, and none can be attached", () => {
    expect(web().webviewTag).toBe(false);
    expect(contents().navigate("will-attach-webview", PAGE_URL)).toBe(false);
  });

  test("13: the page goes nowhere, not by a redirect, in a frame or by a file that is dropped", () => {
    for (const event of ["will-navigate", "will-frame-navigate", "will-redirect"] as const) {
      const elsewhere = ["https://example.org/", "file:///etc/passwd", "app://other/", "javascript:alert(1)"];
      for (const url of elsewhere) expect([event, url, contents().navigate(event, url)]).toEqual([event, url, false]);
      expect(contents().navigate(event, PAGE_URL)).toBe(true);
    }
    expect(web().navigateOnDragDrop).toBe(false);
  });

  test("14, 16: no window opens, and the person's browser opens only the project's pages", () => {
    const refused = [
      "https://example.org/",
      "file:///bin/sh",
      "http://github.com/",
      "smb://host/x",
      "https://github.com.evil.org/",
    ];
    for (const url of [...refused, "not a url"]) expect(contents().openHandler!({ url })).toEqual({ action: "deny" });
    expect(electron.opened).toEqual([]);
    expect(contents().openHandler!({ url: "https://github.com/montana" })).toEqual({ action: "deny" });
    expect(electron.opened).toEqual(["https://github.com/montana"]);
  });

  test("17: whoever calls the shell must be the page, by the address of its frame", () => {
    for (const url of ["https://example.org/", "app://montana.evil/", ""]) {
      expect(electron.invoke("take-link", url)).toBeUndefined();
    }
  });

  test("20: the preload script gives the page a link and nothing of Electron", () => {
    const source = readFileSync(join(root, "preload", "preload.ts"), "utf8");
    expect(source.match(/exposeInMainWorld/g)).toHaveLength(1);
    expect([...source.matchAll(/ipcRenderer\.(\w+)\("([\w-]+)"/g)].map(([, how, name]) => `${how} ${name}`)).toEqual([
      "invoke take-link",
      "on link-there",
      "off link-there",
    ]);
    expect(source).not.toMatch(/ipcRenderer[,})]/);
  });

  test("the default menu with its developer tools is gone", () => expect(electron.applicationMenu).toBeNull());
});
