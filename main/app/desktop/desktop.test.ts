/** What tray and notifications say, as functions of what a host reported. */
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import type { HostEvent, Output, Status } from "../../api/contract.ts";
import { settleRuntime } from "./appImage.ts";
import { Announcer, type Announcement } from "./announcer.ts";
import { linuxLoginItem } from "./loginItem.ts";
import { en } from "./languages/en.ts";
import { ru } from "./languages/ru.ts";
import { languageOf, say } from "./texts.ts";
import { drawIcon } from "./trayIcon.ts";
import { CITIES_SHOWN_MAX, trayOf, type City, type TrayFacts } from "./trayModel.ts";
import { placeWindow, readWindowState, writeWindowState } from "./windowState.ts";

type Tunnel = Output<"vpnStatus">;
const tunnel = (state: Tunnel["state"], more: Partial<Tunnel> = {}): Tunnel =>
  ({ state, chosen: "auto", city: null, ...more }) as Tunnel;
const city = (id: string, english: string, russian: string): City =>
  ({ id, name: { en: english, ru: russian }, hasVpn: true }) as City;
const cities = [city("fra", "Frankfurt", "Франкфурт"), city("hel", "Helsinki", "Хельсинки")];
const status = (more: Partial<Status> = {}): Status =>
  ({ phase: "stopped", candidate: null, notices: [], ...more }) as unknown as Status;
const event = (kind: HostEvent["kind"], payload: unknown): HostEvent =>
  ({ seq: 1, cursor: "", kind, payload }) as unknown as HostEvent;

const folders: string[] = [];
const makeFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "montana-desktop-"));
  folders.push(folder);
  return folder;
};
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

describe("the tray", () => {
  const facts: TrayFacts = {
    ...{ language: "en", status: status(), tunnel: tunnel("disconnected"), cities, preferred: ["hel"] },
    ...{ isWindowOpen: true, update: null },
  };
  const labels = (more: Partial<TrayFacts>): string[] =>
    trayOf({ ...facts, ...more }).entries.flatMap((entry) => (entry.kind === "separator" ? [] : entry.label));

  test.each([
    ["disconnected", "off", "VPN is off", false],
    ["connecting", "busy", "VPN is connecting…", true],
    ["connected", "on", "VPN: Frankfurt", true],
    ["reconnecting", "busy", "VPN is reconnecting…", true],
    ["blocked", "blocked", "Kill switch: nothing leaves this computer", true],
    ["disconnecting", "busy", "VPN is disconnecting…", false],
  ] as const)("of a tunnel that is %s", (state, icon, line, hasDisconnect) => {
    const shown = { tunnel: tunnel(state, { city: state === "connected" ? "fra" : null }) };
    const model = trayOf({ ...facts, ...shown });
    expect([model.icon, model.tooltip]).toEqual([icon, `Montana\n${line}`]);
    expect(labels(shown).includes("Disconnect")).toBe(hasDisconnect);
  });

  test("offers the best city, favourites and the last ones, each once, and marks where traffic comes out", () => {
    const preferred = ["hel", "fra", "hel", "gone"];
    const { entries } = trayOf({ ...facts, preferred, tunnel: tunnel("connected", { city: "fra" }) });
    expect(entries.filter((entry) => entry.kind === "action").slice(0, 3)).toEqual([
      { kind: "action", label: "Connect to the best city", action: { kind: "connect", city: "auto" } },
      { kind: "action", label: "Helsinki", action: { kind: "connect", city: "hel" }, isChecked: false },
      { kind: "action", label: "Frankfurt", action: { kind: "connect", city: "fra" }, isChecked: true },
    ]);
    const many = Array.from({ length: 100 }, (_, i) => city(`c${i}`, `City ${i}`, `Город ${i}`));
    const shown = labels({ cities: many, preferred: many.map(({ id }) => id) });
    expect(shown.filter((label) => label.startsWith("City"))).toHaveLength(CITIES_SHOWN_MAX);
  });

  test("says how far a candidate chain is, never more than it has done", () => {
    const candidate = { done: 19_999, total: 20_000, isPaused: false, waitsFor: null } as NonNullable<
      Status["candidate"]
    >;
    expect(labels({ status: status({ candidate }) })).toContain("Joining: 99 % done");
    const paused = status({ candidate: { ...candidate, waitsFor: "battery" } });
    expect(labels({ status: paused })).toContain("Joining is paused at 99 %");
    expect(labels({ status: status({ phase: "Active" }), language: "ru" })).toContain("Узел работает");
  });

  test("shows nothing of a host that does not answer as if it were so", () => {
    expect(labels({ status: null, tunnel: null })).toEqual([
      "Montana’s service does not answer",
      "Open Montana",
      "Quit",
    ]);
  });

  test("says that everything goes on without a window, and offers what lies ready to be installed", () => {
    expect(labels({ isWindowOpen: false })).toContain("The window is closed; VPN and node go on");
    expect(labels({ update: "0.2.0" })).toContain("Restart to install version 0.2.0");
  });

  test("has an icon of another shape for each state", () => {
    const shapes = (["off", "busy", "on", "blocked"] as const).map((icon) => {
      const bitmap = drawIcon(icon);
      return Buffer.from(bitmap.filter((_, index) => index % 4 === 3)).toString("hex");
    });
    expect(new Set(shapes).size).toBe(4);
  });
});

describe("notifications", () => {
  const tell = (announcer: Announcer, ...events: HostEvent[]): Announcement[] =>
    events.flatMap((one) => announcer.take(one, { language: "en", cities }));
  const at = (id: string | null, state: Tunnel["state"] = "connected", chosen = "auto"): HostEvent =>
    event("tunnel", tunnel(state, { city: id, chosen }));

  test("tell once that another city took over, and not that the person chose one", () => {
    const announcer = new Announcer();
    expect(tell(announcer, at("fra"), at("fra"), at(null, "reconnecting"))).toEqual([]);
    const body = "Frankfurt stopped answering; you go through Helsinki now.";
    expect(tell(announcer, at("hel"), at("hel"))).toEqual([{ title: "Another city took over", body }]);
    expect(tell(announcer, at(null, "reconnecting", "fra"), at("fra", "connected", "fra"))).toEqual([]);
    expect(tell(announcer, at(null, "disconnected", "fra"), at("hel", "connected", "fra"))).toEqual([]);
  });

  test("tell once that the kill switch holds, also where a snapshot says so again", () => {
    const announcer = new Announcer();
    const blocked = event("snapshot", { status: status(), tasks: [], tunnel: tunnel("blocked") });
    expect(tell(announcer, at("fra"), at(null, "blocked"), blocked, blocked)).toHaveLength(1);
    expect(tell(announcer, at("fra"), at(null, "blocked"))).toHaveLength(1);
  });

  test("tell of the welcome bonus once", () => {
    const bonus = event("history", { id: "7", kind: "bonus", amount: "13000000000" });
    const other = event("history", { id: "8", kind: "emission", amount: "13000000000" });
    const [told, ...more] = tell(new Announcer(), other, bonus, bonus);
    expect([told?.body, more]).toEqual(["Your node was admitted: 13\u00a0Ɉ are yours.", []]);
  });

  test("tell of a deadline once for a chain and how bad it is, with what to do", () => {
    const announcer = new Announcer();
    const late = (code: string, startWindow = 5): HostEvent =>
      event(
        "status",
        status({ candidate: { startWindow } as never, notices: [{ code, params: { window: 9, hoursPerDay: 20 } }] }),
      );
    const [told, ...more] = tell(announcer, late("deadline-tight"), event("status", status()), late("deadline-tight"));
    expect(told?.body).toContain("at least 20 hours a day");
    expect(more).toEqual([]);
    expect(tell(announcer, late("deadline-at-risk"), late("deadline-tight", 6))).toHaveLength(2);
  });
});

describe("texts", () => {
  test("are the person's language, else the desktop's, else English", () => {
    expect([languageOf("ru", "en-GB"), languageOf(null, "ru-RU"), languageOf("xx", "de-DE")]).toEqual([
      "ru",
      "ru",
      "en",
    ]);
  });

  test("name the same values in every language", () => {
    const valuesIn = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).sort();
    for (const [key, text] of Object.entries(en))
      expect([key, valuesIn(ru[key as keyof typeof en])]).toEqual([key, valuesIn(text)]);
    expect(say("ru", "vpnConnected", { city: "Хельсинки" })).toBe("VPN: Хельсинки");
  });
});

describe("the window's place", () => {
  const screen = { x: 0, y: 0, width: 1920, height: 1080 };
  const bounds = { x: 10, y: 20, width: 1000, height: 700 };

  test("is kept across starts; a damaged file keeps nothing", async () => {
    const file = join(await makeFolder(), "window.json");
    expect(readWindowState(file)).toBeUndefined();
    writeWindowState(file, { bounds, isMaximized: true });
    expect(readWindowState(file)).toEqual({ bounds, isMaximized: true });
    await writeFile(file, "{}");
    expect(readWindowState(file)).toBeUndefined();
  });

  test.each([
    ["on a screen that is gone", { ...bounds, x: 2500 }],
    ["above all screens, where nobody can take hold of it", { ...bounds, y: -300 }],
    ["a few pixels from the edge", { ...bounds, x: 1900 }],
  ])("is the system's where it was %s", (_where, was) => {
    const placed = placeWindow({ bounds: was, isMaximized: false }, [screen]);
    expect(placed.bounds).toEqual({ width: 1000, height: 700 });
  });
});

describe("from an AppImage", () => {
  test("the runtime is copied out of the mount once for a version, older ones go, and what is elsewhere stays", async () => {
    const folder = await makeFolder();
    const mount = join(folder, "mount");
    await mkdir(join(mount, "usr"), { recursive: true });
    await writeFile(join(mount, "usr", "montana"), "#!/bin/sh\n");
    await chmod(join(mount, "usr", "montana"), 0o755);
    await writeFile(join(mount, "cli.js"), "cli");
    const runtime = { program: join(mount, "usr", "montana"), cli: join(mount, "cli.js") };
    const place = { mount, folder: join(folder, "runtime") };
    await settleRuntime(runtime, { ...place, version: "0.1.0" });
    const settled = await settleRuntime(runtime, { ...place, version: "0.2.0" });
    const copy = join(place.folder, "0.2.0");
    expect(settled).toEqual({ program: join(copy, "usr", "montana"), cli: join(copy, "cli.js") });
    await rm(mount, { recursive: true });
    expect(await readFile(settled.cli, "utf8")).toBe("cli");
    expect((await stat(settled.program)).mode & 0o111).not.toBe(0);
    await expect(stat(join(place.folder, "0.1.0"))).rejects.toThrow("ENOENT");
    expect(await settleRuntime(runtime, { ...place, version: "0.2.0" })).toEqual(settled);
    const elsewhere = { program: "/usr/bin/montana", cli: "/usr/lib/montana/cli.js" };
    expect(await settleRuntime(elsewhere, { ...place, version: "0.2.0" })).toEqual(elsewhere);
    expect(await settleRuntime(runtime, { ...place, mount: undefined, version: "0.2.0" })).toEqual(runtime);
  });
});

test("starting with a Linux desktop is an autostart entry that comes and goes", async () => {
  const folder = await makeFolder();
  const item = linuxLoginItem(["/opt/Montana App/montana", "--hidden"], { XDG_CONFIG_HOME: folder });
  await item.install();
  const file = join(folder, "autostart", "montana.desktop");
  const text = await readFile(file, "utf8");
  expect(text).toContain("\nName=Montana\n");
  expect(text).toContain('\nExec="/opt/Montana App/montana" "--hidden"\n');
  await item.remove();
  await expect(stat(file)).rejects.toThrow("ENOENT");
});
