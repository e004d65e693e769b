/** A tunnel over real exits with a desktop that it may change, and the table of failures that people read. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Binaries } from "../xray/binaries.ts";
import type { TestMesh } from "../xray/mesh.fixture.ts";
import { cityOf } from "./cityOf.fixture.ts";
import { desktopProxy } from "./systemProxy/desktop.ts";
import { gnomeDesktop } from "./systemProxy/desktops.fixture.ts";
import { Tunnel, type TunnelOptions, type TunnelStatus } from "./tunnel.ts";
import type { Route, TunnelNetwork, TunnelWish } from "./tunnelPorts.ts";

const run = promisify(execFile);

export const WISH: TunnelWish = {
  city: "fra",
  strict: true,
  mode: "proxy",
  killSwitch: false,
  bypass: { domains: [], cidrs: [] },
};

export interface Row {
  readonly state: string;
  readonly cause: string;
  /** One of these; several where the engine cannot always tell them apart. */
  readonly codes: readonly string[];
  readonly sentence: string;
}

/** Of docs/vpn.md, by the case. */
export function readFailureTable(): ReadonlyMap<string, Row> {
  const doc = readFileSync(new URL("../../docs/vpn.md", import.meta.url), "utf8");
  const section = doc.slice(doc.indexOf("## When something goes wrong"));
  const rows = section.split("\n").flatMap((line): [string, Row][] => {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 7) return [];
    const quoted = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
    const [state] = quoted(cells[2]);
    if (state === undefined) return [];
    const row = { state, cause: quoted(cells[3])[0] ?? "", codes: quoted(cells[4]), sentence: cells[5]! };
    return [[cells[1]!, row]];
  });
  return new Map(rows);
}

export class Stand {
  readonly mesh: TestMesh;
  readonly folder = mkdtempSync(join(tmpdir(), "failures-"));
  /** Of the engine, and of what was there before the proxy settings were changed. */
  readonly engineFolder = join(this.folder, "engine");
  readonly journalFolder = join(this.folder, "journal");
  readonly desktop = gnomeDesktop();
  readonly untouched = this.desktop.snapshot();
  readonly tunnel: Tunnel;
  readonly seen: TunnelStatus[] = [];
  readonly probeUrls: string[];
  binaries: () => Binaries;
  network: TunnelNetwork;
  interfaces = "eth0 192.0.2.1";
  /** Added to the clock of the wall. */
  clockOffMs = 0;

  constructor(mesh: TestMesh, binaries: Binaries, change: Partial<TunnelOptions> = {}) {
    this.mesh = mesh;
    this.binaries = () => binaries;
    this.probeUrls = [`${mesh.site.url}/204`];
    this.network = {
      routes: mesh.exits.map(({ code, link }) => ({ code: `${code}-direct`, city: code, link })),
      cities: mesh.exits.map(({ code }, i) => cityOf(code, i)),
      health: new Map(),
    };
    for (const folder of [this.engineFolder, this.journalFolder]) mkdirSync(folder, { mode: 0o700 });
    this.tunnel = new Tunnel({
      binaries: () => this.binaries(),
      directory: this.engineFolder,
      probeUrls: this.probeUrls,
      source: { read: () => this.network, refresh: () => Promise.resolve(), onVerified: () => undefined },
      systemProxy: desktopProxy({
        directory: this.journalFolder,
        home: this.folder,
        platform: "linux",
        env: { XDG_CURRENT_DESKTOP: "GNOME" },
        run: this.desktop.run,
        repairCommand: ["/opt/montana", "vpn", "repair"],
      }),
      clock: { now: () => performance.now(), unixMs: () => Date.now() + this.clockOffMs },
      random: () => 0.5,
      network: () => this.interfaces,
      ...change,
    });
    this.tunnel.onChange((status) => this.seen.push(status));
  }

  /** Changes the route of a city; gives the way back. */
  alter(city: string, change: (route: Route) => Route): () => void {
    const before = this.network;
    this.network = { ...before, routes: before.routes.map((route) => (route.city === city ? change(route) : route)) };
    return () => (this.network = before);
  }

  async until(condition: (status: TunnelStatus) => boolean): Promise<TunnelStatus> {
    if (condition(this.tunnel.status)) return this.tunnel.status;
    return new Promise((resolve) => {
      const end = this.tunnel.onChange((status) => {
        if (!condition(status)) return;
        end();
        resolve(status);
      });
    });
  }

  /** Address that the site saw. */
  async fetchFrom(seconds = 20): Promise<string> {
    const proxy = `socks5h://127.0.0.1:${this.tunnel.status.proxy!.port}`;
    const { stdout } = await run("curl", ["-sS", "-m", String(seconds), "-x", proxy, `${this.mesh.site.url}/from`]);
    return stdout;
  }

  /** What is left of a tunnel that is over; empty where nothing is. */
  leftovers(): string[] {
    const settings = Object.entries(this.desktop.snapshot()).filter(([name, value]) => this.untouched[name] !== value);
    const login = join(this.folder, ".config", "autostart");
    return [
      ...settings.map(([name, value]) => `${name} ${value}`),
      ...readdirSync(this.journalFolder).filter((name) => name.startsWith("system-proxy")),
      ...(existsSync(login) ? readdirSync(login) : []),
      ...(this.tunnel.pid === undefined ? [] : [`engine ${this.tunnel.pid}`]),
      ...(this.tunnel.status.proxy === null ? [] : ["proxy"]),
    ];
  }

  async close(): Promise<void> {
    await this.tunnel.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
