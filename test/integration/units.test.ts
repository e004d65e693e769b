/**
 * Every command of the systemd units, run as it is written there: in the surroundings that a unit gives, with nothing changed but
 * the folders and ports of an installed machine. What `systemd-analyze verify` says is in `main/app/cli/meshCommands.test.ts`.
 */
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { createCommands } from "../../main/app/cli/commands.ts";
import { readFixture } from "../../main/cities/cities.fixture.ts";
import { freePort, isListening } from "../../main/xray/mesh.fixture.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const UNITS = at("resources/systemd");
const services = readdirSync(UNITS).filter((name) => name.endsWith(".service"));
const DOCUMENTS = ["docs/exit.md", "main/mesh/aggregator/README.md", "main/mesh/subscriptions/README.md"];

const PROGRAM = "/usr/local/bin/montana";
const SETTINGS = "/etc/montana-mesh/mesh.json";
const EXIT_DATA = "/var/lib/montana-exit";
const MESH_DATA = "/var/lib/montana-mesh";
const WAIT = { timeout: 60_000, interval: 100 };
const NODES = ["moscow", "frankfurt", "helsinki"];

interface Unit {
  /** Each of its commands. */
  readonly commands: readonly (readonly string[])[];
  readonly isOneshot: boolean;
  readonly writable: readonly string[];
}

function readUnit(name: string): Unit {
  const lines = readFileSync(join(UNITS, name), "utf8").split("\n");
  const all = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  const commands = lines
    .flatMap((line) => /^Exec(?:StartPre|Start|StartPost|Reload|Stop)=(.*)$/.exec(line)?.[1] ?? [])
    .map((line) => {
      // Nothing that systemd would replace, quote or hand to a shell: the words are those between the spaces.
      expect(line).not.toMatch(/[%$"'\\;|]/);
      return line.split(" ");
    });
  const writable = all("ReadWritePaths").flatMap((line) => line.split(" "));
  return { commands, isOneshot: all("Type").includes("oneshot"), writable };
}

describe.skipIf(process.platform === "win32")("the units", () => {
  let folder: string;
  const here = (path: string): string => join(folder, path);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "units-"));
    for (const path of ["/usr/local/bin", "/etc/montana-mesh", EXIT_DATA, MESH_DATA, "/home", "/nodes"]) {
      mkdirSync(here(path), { recursive: true });
    }
    writeFileSync(here(PROGRAM), `#!/bin/sh\nexec "${process.execPath}" "${at("main/app/cli.ts")}" "$@"\n`);
    chmodSync(here(PROGRAM), 0o755);
    const peers = NODES.map((node) => ({
      ...{ node, host: "127.0.0.1", host_keys: [] },
      files: { my_vpn: here(`/nodes/${node}-my-vpn.json`), peers: here(`/nodes/${node}-peers.json`) },
    }));
    for (const node of NODES) {
      for (const file of ["my-vpn", "peers"]) {
        // No exit of the fixtures is there to be probed: its port is refused on this machine at once.
        const body = readFixture(`three-city/nodes/${node}/${file}.json`).replace(/@[^:]+:\d+\?/, "@127.0.0.1:1?");
        writeFileSync(here(`/nodes/${node}-${file}.json`), body);
      }
    }
    writeFileSync(here("/etc/montana-mesh/cities.json"), readFixture("three-city/cities.json"));
    const settings = {
      ...{ version: 1, cities: "cities.json", canonical_exit: "helsinki", peers },
      ...{ state: here(`${MESH_DATA}/state`), public: here(`${MESH_DATA}/public`), keys: here(`${MESH_DATA}/keys`) },
      ...{ probe_spread_seconds: 0, practice: { allow_loopback: true } },
    };
    writeFileSync(here(SETTINGS), JSON.stringify(settings));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Word by word; a place or a port that this does not know is one that nobody tried. */
  async function installed(words: readonly string[]): Promise<{ words: string[]; ports: number[] }> {
    const ports: number[] = [];
    const replaced: string[] = [];
    for (const [i, word] of words.entries()) {
      const [, address, port] = /^(?:(127\.0\.0\.1):)?(\d{4,5})$/.exec(word) ?? [];
      if (port !== undefined) {
        const free = await freePort();
        ports.push(free);
        replaced.push(address === undefined ? String(free) : `${address}:${free}`);
      } else if (word.startsWith("/")) {
        expect([PROGRAM, SETTINGS, EXIT_DATA]).toContain(word);
        expect(word === PROGRAM).toBe(i === 0);
        replaced.push(here(word));
      } else replaced.push(word);
    }
    return { words: replaced, ports };
  }

  test.each(services)("%s runs its commands as they are written", async (name) => {
    const { commands, isOneshot, writable } = readUnit(name);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const { words, ports } = await installed(command);
      const [file = "", ...args] = words;
      const child = spawn(file, args, {
        cwd: "/",
        env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", HOME: here("/home"), TMPDIR: here("/home") },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (said += text));
      }
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
      try {
        if (!isOneshot) {
          await Promise.race([
            vi.waitFor(async () => expect((await Promise.all(ports.map(isListening))).every(Boolean)).toBe(true), WAIT),
            ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${said}`))),
          ]);
          child.kill("SIGTERM");
        }
        expect({ code: await ended, said }).toMatchObject({ code: 0, said: expect.stringMatching(/\S/) as string });
      } finally {
        child.kill("SIGKILL");
      }
    }
    // All else is read-only to a unit.
    for (const path of writable) expect([EXIT_DATA, "/var/lib/montana-net", MESH_DATA]).toContain(path);
    expect(readdirSync(here("/home"))).toEqual([]);
  });

  test("have left what they are for, in the folders that they may write to", () => {
    for (const path of ["vpn/sub", "vpn/health.json", "net/index.html", "net/data.json"]) {
      expect(existsSync(here(`${MESH_DATA}/public/${path}`))).toBe(true);
    }
    expect(readdirSync(here("/var/lib")).sort()).toEqual(["montana-exit", "montana-mesh"]);
    expect(readdirSync(here("/etc/montana-mesh")).sort()).toEqual(["cities.json", "mesh.json"]);
  });
});

test("the documented commands of operators have the options that are written there", () => {
  const commands = createCommands(() => Promise.reject(new Error("nothing is started here")));
  const known = new Set(["data-dir", "network", "json", "help"]);
  const seen: string[] = [];
  for (const document of DOCUMENTS) {
    const text = readFileSync(at(document), "utf8").replace(/\\\n/g, " ");
    for (const [, name = "", rest = ""] of text.matchAll(/\bmontana ([a-z]+)\b([^\n`|]*)/g)) {
      const command = commands.find((each) => each.name === name);
      if (command === undefined) continue;
      for (const [, option = ""] of rest.matchAll(/(?<=\s|\[)--([a-z-]+)/g)) {
        seen.push(`${name} --${option}`);
        expect([...Object.keys(command.options), ...known], `${document}: montana ${name}${rest}`).toContain(option);
      }
    }
  }
  expect(seen).toEqual(expect.arrayContaining(["exit --publish-to", "exit --overlap", "exit --relay-of"]));
});
