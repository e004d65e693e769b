/** What holds on every desktop, by the desktops of `desktops.fixture.ts`; real ones are in `realDesktops.test.ts`. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { ProtocolError } from "../../protocol/errors.ts";
import type { Run } from "./adapter.ts";
import { desktopProxy, detectAdapter, type DesktopProxy } from "./desktop.ts";
import {
  gnomeDesktop,
  INTERNET_SETTINGS,
  kdeDesktop,
  macosDesktop,
  windowsDesktop,
  type Desktop,
} from "./desktops.fixture.ts";

const root = mkdtempSync(join(tmpdir(), "system-proxy-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const freshFolder = (): string => join(root, String(folders++));

const JOURNAL = "system-proxy.journal";
const ENDPOINT = { host: "127.0.0.1", port: 10808 };

interface Kind {
  readonly name: string;
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly make: () => Desktop;
}

const kinds: readonly Kind[] = [
  { name: "gnome", platform: "linux", env: { XDG_CURRENT_DESKTOP: "ubuntu:GNOME" }, make: gnomeDesktop },
  { name: "kde", platform: "linux", env: { XDG_CURRENT_DESKTOP: "KDE" }, make: kdeDesktop },
  { name: "macos", platform: "darwin", env: {}, make: macosDesktop },
  { name: "windows", platform: "win32", env: {}, make: windowsDesktop },
];

function proxyOf({ platform, env }: Kind, run: Run, directory: string): DesktopProxy {
  return desktopProxy({
    directory,
    home: directory,
    platform,
    env,
    run,
    repairCommand: ["/opt/montana", "vpn", "repair"],
  });
}

/** The journal as a process leaves it that is no more. */
function orphan(directory: string): void {
  const path = join(directory, JOURNAL);
  if (!existsSync(path)) return;
  const { createHash } = process.getBuiltinModule("node:crypto");
  const text = readFileSync(path, "utf8");
  const body = text.slice(text.indexOf("\n") + 1).replace(/"pid":\d+/, '"pid":4194305');
  writeFileSync(path, `${createHash("sha256").update(body).digest("hex")}\n${body}`);
}

const filesIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((f) => f.isFile())
        .map(({ name }) => name)
    : [];

/** Fails at the n-th command as if the program had ended there. */
function failingAt(run: Run, n: number): { readonly run: Run; readonly hasFailed: () => boolean } {
  let calls = 0;
  return {
    run: async (command, args) => {
      if (calls++ >= n) throw new Error("killed");
      return run(command, args);
    },
    hasFailed: () => calls > n,
  };
}

describe.each(kinds)("on $name", (kind) => {
  test("everything is as it was after a disconnection, and nothing is left in any folder", async () => {
    const [desktop, directory] = [kind.make(), freshFolder()];
    const before = desktop.snapshot();
    const proxy = proxyOf(kind, desktop.run, directory);
    await proxy.apply(ENDPOINT);
    expect(JSON.stringify(desktop.snapshot())).toContain("10808");
    expect(filesIn(directory)).toContain(JOURNAL);
    expect(await proxy.repair()).toEqual({ outcome: "restored", kept: [] });
    expect(desktop.snapshot()).toEqual(before);
    expect(filesIn(directory)).toEqual([]);
    expect(await proxy.repair()).toEqual({ outcome: "nothing", kept: [] });
  });

  test("another port while connected does not change what is given back", async () => {
    const [desktop, directory] = [kind.make(), freshFolder()];
    const before = desktop.snapshot();
    const proxy = proxyOf(kind, desktop.run, directory);
    for (const port of [10808, 40001, 10808, 40002]) await proxy.apply({ ...ENDPOINT, port });
    expect(JSON.stringify(desktop.snapshot())).toContain("40002");
    await proxy.repair();
    expect(desktop.snapshot()).toEqual(before);
  });

  test("wherever the program ends while it sets or gives back, the next start leaves no setting", async () => {
    for (let n = 0, isDone = false; !isDone; n++) {
      const [desktop, directory] = [kind.make(), freshFolder()];
      const before = desktop.snapshot();
      const { run, hasFailed } = failingAt(desktop.run, n);
      const dying = proxyOf(kind, run, directory);
      await dying
        .apply(ENDPOINT)
        .then(() => dying.repair())
        .catch(() => undefined);
      isDone = !hasFailed();
      orphan(directory);
      await proxyOf(kind, desktop.run, directory).repair();
      expect(desktop.snapshot(), `after command ${n}`).toEqual(before);
      expect(filesIn(directory)).toEqual([]);
    }
  });

  test("a start after the port of another run was left set gives back what was there at first", async () => {
    const [desktop, directory] = [kind.make(), freshFolder()];
    const before = desktop.snapshot();
    await proxyOf(kind, desktop.run, directory).apply(ENDPOINT);
    orphan(directory);
    const next = proxyOf(kind, desktop.run, directory);
    await next.apply({ ...ENDPOINT, port: 40001 });
    await next.repair();
    expect(desktop.snapshot()).toEqual(before);
  });

  test("a corrupt journal changes nothing, and is named", async () => {
    const [desktop, directory] = [kind.make(), freshFolder()];
    const proxy = proxyOf(kind, desktop.run, directory);
    await proxy.apply(ENDPOINT);
    const during = desktop.snapshot();
    truncateSync(join(directory, JOURNAL), 100);
    const corrupt: unknown = expect.objectContaining({ code: "proxy-journal-corrupt" });
    await expect(proxy.repair()).rejects.toThrow(corrupt);
    await expect(proxy.apply(ENDPOINT)).rejects.toThrow(corrupt);
    expect(desktop.snapshot()).toEqual(during);
    expect(await proxy.setJournalAside()).toMatch(/corrupt$/);
    expect(await proxy.repair()).toEqual({ outcome: "nothing", kept: [] });
  });

  test("nothing is changed where the journal cannot be written", async () => {
    const [desktop, directory] = [kind.make(), freshFolder()];
    const before = desktop.snapshot();
    const broken = join(directory, "not-a-folder");
    const proxy = proxyOf(kind, desktop.run, directory);
    await proxy.apply(ENDPOINT);
    await proxy.repair();
    writeFileSync(broken, "");
    await expect(proxyOf(kind, desktop.run, broken).apply(ENDPOINT)).rejects.toThrow(ProtocolError);
    expect(desktop.snapshot()).toEqual(before);
  });
});

/** What the person sets while connected, and what must be there afterwards beside what was there before. */
const changes: Record<string, Record<string, string>> = {
  gnome: {
    "org.gnome.system.proxy mode": "'manual'",
    "org.gnome.system.proxy.http host": "'mine.example'",
    "org.gnome.system.proxy.http port": "3129",
  },
  kde: { ProxyType: "1", httpsProxy: "http://mine.example 3129" },
  macos: { "Wi-Fi|securewebproxy": "Yes|mine.example|3129" },
  windows: {
    [`${INTERNET_SETTINGS}|ProxyServer`]: "REG_SZ:mine.example:3129",
    [`${INTERNET_SETTINGS}|ProxyEnable`]: "REG_DWORD:0x1",
  },
};

test.each(kinds)("what the person changed meanwhile on $name is kept, and everything else given back", async (kind) => {
  const [desktop, directory] = [kind.make(), freshFolder()];
  const before = desktop.snapshot();
  const proxy = proxyOf(kind, desktop.run, directory);
  await proxy.apply(ENDPOINT);
  for (const [name, value] of Object.entries(changes[kind.name]!)) desktop.set(name, value);
  const { outcome, kept } = await proxy.repair();
  expect(outcome).toBe("restored");
  expect(kept.length).toBeGreaterThan(0);
  expect(desktop.snapshot()).toEqual({ ...before, ...changes[kind.name] });
});

test("a proxy that the person turned off on macOS stays off while its server is given back", async () => {
  const [kind, desktop] = [kinds[2]!, macosDesktop()];
  const proxy = proxyOf(kind, desktop.run, freshFolder());
  await proxy.apply(ENDPOINT);
  desktop.set("Wi-Fi|socksfirewallproxy", "No|127.0.0.1|10808");
  await proxy.repair();
  expect(desktop.snapshot()["Wi-Fi|socksfirewallproxy"]).toBe("No||0");
});

test("what a running process has borrowed another leaves alone", async () => {
  const [kind, desktop, directory] = [kinds[0]!, gnomeDesktop(), freshFolder()];
  await proxyOf(kind, desktop.run, directory).apply(ENDPOINT);
  const { identifyProcess } = await import("../../xray/processes.ts");
  const parent = (await identifyProcess(process.ppid))!;
  const { loadJournal, saveJournal } = await import("./journal.ts");
  saveJournal(directory, { ...loadJournal(directory)!, owner: parent });
  const during = desktop.snapshot();
  const other = proxyOf(kind, desktop.run, directory);
  expect(await other.repair()).toEqual({ outcome: "in-use", kept: [] });
  await expect(other.apply(ENDPOINT)).rejects.toThrow(expect.objectContaining({ code: "proxy-held" }));
  expect(desktop.snapshot()).toEqual(during);
});

test("settings that do not take are named, and what took is taken back", async () => {
  const [kind, desktop, directory] = [kinds[0]!, gnomeDesktop(), freshFolder()];
  const before = desktop.snapshot();
  const deaf: Run = (command, args) =>
    args[0] === "set" && args[2] === "mode" ? Promise.resolve({ status: 0, stdout: "" }) : desktop.run(command, args);
  const applied = proxyOf(kind, deaf, directory).apply(ENDPOINT);
  await expect(applied).rejects.toThrow(expect.objectContaining({ code: "proxy-not-applied" }));
  expect(desktop.snapshot()).toEqual(before);
  expect(filesIn(directory)).toEqual([]);
});

test("settings that do not go back are named, and the journal stays for the next time", async () => {
  const [kind, desktop, directory] = [kinds[0]!, gnomeDesktop(), freshFolder()];
  const before = desktop.snapshot();
  const proxy = proxyOf(kind, desktop.run, directory);
  await proxy.apply(ENDPOINT);
  const deaf: Run = (command, args) =>
    args[0] === "set" ? Promise.resolve({ status: 0, stdout: "" }) : desktop.run(command, args);
  const restored = proxyOf(kind, deaf, directory).repair();
  await expect(restored).rejects.toThrow(expect.objectContaining({ code: "proxy-not-restored" }));
  await proxy.repair();
  expect(desktop.snapshot()).toEqual(before);
});

test("a machine-wide policy on Windows is named, and nothing is changed", async () => {
  const [kind, desktop] = [kinds[3]!, windowsDesktop()];
  const policy = INTERNET_SETTINGS.replace("HKCU\\Software", "HKLM\\Software\\Policies");
  desktop.set(`${policy}|ProxySettingsPerUser`, "REG_DWORD:0x0");
  const before = desktop.snapshot();
  const applied = proxyOf(kind, desktop.run, freshFolder()).apply(ENDPOINT);
  await expect(applied).rejects.toThrow(expect.objectContaining({ code: "proxy-policy" }));
  expect(desktop.snapshot()).toEqual(before);
});

test("a desktop without known settings is told apart, and is told the address", async () => {
  expect(detectAdapter("linux", { XDG_CURRENT_DESKTOP: "sway" })).toBeUndefined();
  expect(detectAdapter("linux", {})).toBeUndefined();
  expect(detectAdapter("linux", { XDG_CURRENT_DESKTOP: "X-Cinnamon" })).toBe("gnome");
  const kind: Kind = { ...kinds[0]!, env: {} };
  const applied = proxyOf(kind, gnomeDesktop().run, freshFolder()).apply(ENDPOINT);
  await expect(applied).rejects.toThrow(
    expect.objectContaining({ code: "proxy-desktop-unknown", params: { host: "127.0.0.1", port: 10808 } }),
  );
});

test("the log-in entry runs the repair and nothing else, whatever its path holds", async () => {
  const command = ['/opt/a "b" $c', "vpn", "100%"];
  const contentFor = async (platform: NodeJS.Platform): Promise<string> => {
    const { loginEntry } = await import("./loginEntry.ts");
    const home = freshFolder();
    await loginEntry({ platform, home, env: {}, command, run: gnomeDesktop().run }).install();
    const [name] = readdirSync(home, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    return readFileSync(join(name!.parentPath, name!.name), "utf8");
  };
  expect(await contentFor("linux")).toContain(String.raw`Exec="/opt/a \\"b\\" \\$c" "vpn" "100%%"`);
  expect(await contentFor("darwin")).toContain(
    '<string>/opt/a "b" $c</string><string>vpn</string><string>100%</string>',
  );
});
