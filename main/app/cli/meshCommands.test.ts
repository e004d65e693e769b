/** The commands of the aggregator as its systemd units call them, against nodes behind a real sshd. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readFixture } from "../../cities/cities.fixture.ts";
import { decodeHealth } from "../../cities/health.ts";
import { makeMeshPlace, type MeshPlace } from "../../mesh/aggregator/aggregator.fixture.ts";
import { HAS_SSHD, startSshd, type Sshd } from "../../mesh/aggregator/sshd.fixture.ts";
import { readQrImage } from "../../vpn/subscriptions/qrImage.ts";
import { terminalCode } from "./qrCodes.ts";

const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));
const UNITS = fileURLToPath(new URL("../../../resources/systemd/", import.meta.url));
const unitNames = readdirSync(UNITS).filter((name) => /\.(service|timer)$/.test(name));
const HAS_SYSTEMD = spawnSync("systemd-analyze", ["--version"]).status === 0;

let place: MeshPlace;
let sshd: Sshd | undefined;
let program: string;

beforeAll(async () => {
  place = makeMeshPlace(readFixture("three-city/cities.json"));
  program = join(place.directory, "montana");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(program, 0o755);
  if (!HAS_SSHD) return;
  const labels = ["moscow", "frankfurt", "helsinki"];
  sshd = await startSshd(join(place.directory, "sshd"), join(place.directory, "keys"), labels);
  for (const { node, netDirectory } of sshd.nodes) {
    for (const file of ["my-vpn.json", "peers.json"]) {
      // No exit of the fixtures is there to be probed: its port is refused on this machine at once.
      const body = readFixture(`three-city/nodes/${node}/${file}`).replace(/@[^:]+:\d+\?/, "@127.0.0.1:1?");
      writeFileSync(join(netDirectory, file), body);
    }
  }
  const document = JSON.parse(readFileSync(place.settingsFile, "utf8")) as Record<string, unknown>;
  const practice = { allow_loopback: true };
  writeFileSync(place.settingsFile, JSON.stringify({ ...document, peers: sshd.peers, practice }));
}, 120_000);
afterAll(async () => {
  await sshd?.stop();
  place.remove();
});

/** A unit as it is installed, but with this checkout's program, settings and a free port. */
const installed = (name: string): string =>
  readFileSync(join(UNITS, name), "utf8")
    .replaceAll("/usr/local/bin/montana", program)
    .replaceAll("/etc/montana-mesh/mesh.json", place.settingsFile)
    .replaceAll("127.0.0.1:8480", "127.0.0.1:0");

function commandOf(name: string): readonly string[] {
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(installed(name)) ?? [];
  return line.split(" ");
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], extra: readonly string[] = []): Ran {
  const { status, stdout, stderr } = spawnSync(command[0]!, [...command.slice(1), ...extra], {
    ...{ encoding: "utf8", timeout: 100_000 },
  });
  return { status, stdout, stderr };
}

describe.skipIf(!HAS_SYSTEMD)("the units of an aggregator", () => {
  test.each(unitNames)("%s is one that systemd has nothing against", (name) => {
    const directory = join(place.directory, "units");
    mkdirSync(directory, { recursive: true });
    for (const each of unitNames) writeFileSync(join(directory, each), installed(each));
    const { status, stderr } = run(["systemd-analyze", "verify", "--man=no", join(directory, name)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("run in the periods of the chapter, each job within its own", () => {
    for (const [name, period] of [
      ["montana-sub", 300],
      ["montana-vpn-key-sync", 300],
      ["montana-explorer", 60],
    ] as const) {
      expect(installed(`${name}.timer`)).toContain(`\nOnUnitActiveSec=${period}\n`);
      const [, timeout] = /^TimeoutStartSec=(\d+)$/m.exec(installed(`${name}.service`)) ?? [];
      expect(Number(timeout)).toBeLessThan(period);
    }
  });
});

describe.skipIf(!HAS_SSHD)("the commands of the units", () => {
  test("montana-sub publishes the network, probes its exits, and prints its lines without an address", () => {
    const { status, stdout, stderr } = run(commandOf("montana-sub.service"));
    expect(stdout).toMatch(
      /^\[sub\] 3 entries \(3 fresh, 0 last-good, 0 expired\) in \d+ ms\n\[health\] up=0 degraded=3 down=0\n$/,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { nodes } = decodeHealth(place.readPublic("vpn/health.json"));
    expect(nodes.map(({ city, error }) => `${city} ${error ?? ""}`)).toEqual([
      ...["msk tcp-refused", "fra tcp-refused", "fin tcp-refused"],
    ]);
    const { stdout: json } = run(commandOf("montana-sub.service"), ["--json", "--no-probes"]);
    expect(JSON.parse(json)).toMatchObject({ entries: 3, sources: { fresh: 3 }, alarms: [], troubles: [] });
  });

  test("montana-vpn-key-sync and montana-explorer do their jobs", () => {
    expect(run(commandOf("montana-vpn-key-sync.service")).stdout).toBe("[keys] helsinki changed\n");
    expect(run(commandOf("montana-vpn-key-sync.service")).stdout).toBe("[keys] helsinki unchanged\n");
    expect(run(commandOf("montana-explorer.service")).stdout).toMatch(
      /^\[explorer\] nodes=0 discovered=0 in \d+ ms\n$/,
    );
    expect(place.readPublic("net/index.html")).toContain("explorer.js");
  });

  test("montana-mesh-server serves what was published until it is told to stop", async () => {
    const [file = "", ...args] = commandOf("montana-mesh-server.service");
    const child = spawn(file, [...args, "--json", "--metrics-port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    try {
      const said = await new Promise<string>((resolve) => child.stdout.setEncoding("utf8").once("data", resolve));
      const { port, metricsPort } = JSON.parse(said) as { port: number; metricsPort: number };
      const response = await fetch(`http://127.0.0.1:${port}/vpn/sub`);
      expect(await response.text()).toBe(place.readPublic("vpn/sub"));
      const figures = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      expect(figures).toContain('montana_mesh_requests_total{route="sub",status="200"} 1\n');
      expect(figures).toContain('montana_mesh_nodes{answer="ok"} 3\n');
      expect(figures).toContain('montana_mesh_run_success{job="sync-keys"} 1\n');
      expect((await fetch(`http://127.0.0.1:${metricsPort}/health`)).status).toBe(200);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
  });

  test("never run twice at once", () => {
    const state = join(place.directory, "state");
    const holder = spawnSync(process.execPath, [
      "-e",
      `import(${JSON.stringify(fileURLToPath(new URL("../lock.ts", import.meta.url)))}).then(({ takeLock }) => {
        takeLock(${JSON.stringify(join(state, "keys.lock"))});
        const { spawnSync } = require("node:child_process");
        const { status, stdout } = spawnSync(${JSON.stringify(program)}, ${JSON.stringify([
          ...["mesh", "sync-keys", "--json", "--config", ""],
        ])}.map((word) => word || ${JSON.stringify(place.settingsFile)}), { encoding: "utf8" });
        console.log(status, stdout);
      });`,
    ]);
    expect(holder.stdout.toString()).toMatch(/^4 .*"code":"mesh-running"/);
  });
});

describe("montana mesh", () => {
  test("check says what is in order, and where settings or cities are wrong", () => {
    const check = (file: string): Ran => run([program, "mesh", "check", "--json", "--config", file]);
    expect(JSON.parse(check(place.settingsFile).stdout)).toMatchObject({ cities: 3, peers: 3, citiesWithoutPeer: [] });
    const wrong = join(place.directory, "wrong.json");
    const document = JSON.parse(readFileSync(place.settingsFile, "utf8")) as Record<string, unknown>;
    writeFileSync(wrong, JSON.stringify({ ...document, canonical_exit: "atlantis" }));
    const { status, stdout } = check(wrong);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "mesh-settings-invalid", params: { reason: "unknown-node", at: "canonical_exit" } },
    });
  });

  test("keys prints a line for each file, the same every time", () => {
    const keys = (): string =>
      execFileSync(program, ["mesh", "keys", "--config", place.settingsFile], { encoding: "utf8" });
    const lines = keys().trim().split("\n");
    expect(lines.length).toBe(4);
    expect(lines[0]).toMatch(
      /^restrict,command="cat \/var\/lib\/montana-net\/my-vpn\.json" ssh-ed25519 \S+ vpn_stats2$/,
    );
    expect(keys().trim().split("\n")).toEqual(lines);
  });

  test("qr gives people what they scan, and the links that open the programs of phones", () => {
    const url = "https://montana.quest/vpn/sub";
    const [png, svg] = [join(place.directory, "sub.png"), join(place.directory, "sub.svg")];
    const words = ["mesh", "qr", "--url", url, "--config", place.settingsFile];
    const { stdout } = run([program, ...words, "--json", "--png", png, "--svg", svg]);
    expect(JSON.parse(stdout)).toEqual({
      qr: url,
      links: {
        happ: `happ://add/${url}`,
        hiddify: `hiddify://import/${url}#Montana`,
        v2rayng: `v2rayng://install-sub?url=${encodeURIComponent(url)}#Montana`,
        montana: `montana://import?url=${encodeURIComponent(url)}`,
      },
      ...{ png, svg },
    });
    expect(readQrImage(readFileSync(png))).toBe(url);
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg /);
    expect(run([program, ...words]).stdout).toContain(terminalCode(url));
  });
});
