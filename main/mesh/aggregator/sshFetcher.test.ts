import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { MY_VPN_MAX } from "../../cities/limits.ts";
import { readFixture } from "../../cities/cities.fixture.ts";
import { makeMeshPlace, type MeshPlace } from "./aggregator.fixture.ts";
import { runAggregator } from "./aggregator.ts";
import { authorizedKeysLine, provideKeys } from "./authorizedKeys.ts";
import type { Answer, Fetcher } from "./fetcher.ts";
import { freePorts } from "./freePorts.fixture.ts";
import { NODE_PATHS, type NodeFile } from "./nodeFiles.ts";
import type { Peer, Settings } from "./settings.ts";
import { createSshFetcher } from "./sshFetcher.ts";
import { HAS_SSHD, startSshd, type Sshd } from "./sshd.fixture.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7XnGx4DUnIPzFS6pXhwHTiRGKmPOJxvwtj4Yt0nGgQ";

describe("a line of authorized_keys", () => {
  test("lets a key read one file, and is the chapter's own", () => {
    expect(authorizedKeysLine("my-vpn", `${KEY} me@here`, NODE_PATHS)).toBe(
      `restrict,command="cat /var/lib/montana-net/my-vpn.json" ${KEY} vpn_stats2`,
    );
  });

  test("is not made of paths or keys that a shell would read as more than themselves", () => {
    for (const netDirectory of ['/a"; rm -rf /', "/a b", "/$(x)", "-x", "/a\n"]) {
      expect(() => authorizedKeysLine("peers", KEY, { ...NODE_PATHS, netDirectory })).toThrow("mesh-settings-invalid");
    }
    for (const key of ["", 'no-pty,command="sh" ssh-ed25519 AAAA', `ssh-ed25519 AAAA\nssh-ed25519 BBBB`]) {
      expect(() => authorizedKeysLine("peers", key, NODE_PATHS)).toThrow("mesh-settings-invalid");
    }
  });
});

describe.skipIf(!HAS_SSHD)("nodes behind a real sshd", () => {
  let place: MeshPlace;
  let sshd: Sshd;
  let settings: Settings;
  let fetcher: Fetcher;
  const peerOf = (node: string): Peer => settings.peers.find((peer) => peer.node === node)!;
  const ask = (node: string, file: NodeFile = "my-vpn", signal = new AbortController().signal): Promise<Answer> =>
    fetcher.fetch(peerOf(node), file, signal);
  const put = (node: string, file: string, body: string | Uint8Array): void =>
    writeFileSync(join(sshd.nodes.find((known) => known.node === node)!.netDirectory, file), body);

  beforeAll(async () => {
    place = makeMeshPlace(readFixture("three-city/cities.json"));
    sshd = await startSshd(join(place.directory, "sshd"), join(place.directory, "keys"), [
      ...["moscow", "frankfurt", "helsinki"],
    ]);
    const document = JSON.parse(readFileSync(place.settingsFile, "utf8")) as Record<string, unknown>;
    writeFileSync(place.settingsFile, JSON.stringify({ ...document, peers: sshd.peers }));
    settings = place.settings();
    fetcher = await createSshFetcher(settings);
    for (const { node } of sshd.nodes) {
      for (const file of ["my-vpn.json", "peers.json"])
        put(node, file, readFixture(`three-city/nodes/${node}/${file}`));
    }
  }, 120_000);
  afterAll(async () => {
    await sshd.stop();
    place.remove();
  });

  test("give each key its own file, byte for byte", async () => {
    for (const { node } of sshd.nodes) {
      for (const file of ["my-vpn", "peers"] as const) {
        expect(await ask(node, file)).toEqual({
          kind: "body",
          body: readFixture(`three-city/nodes/${node}/${file}.json`),
        });
      }
    }
  });

  test("run nothing else for that key: no command, shell, terminal, forwarding or file transfer", () => {
    const config = join(place.directory, "state", "ssh_config");
    const key = join(place.directory, "keys", "my-vpn");
    const own = readFixture("three-city/nodes/moscow/my-vpn.json");
    const session = (...args: string[]) =>
      spawnSync("ssh", ["-F", config, "-i", key, ...args], {
        encoding: "utf8",
        timeout: 20_000,
        input: "echo hello\n",
      });
    expect(session("moscow", "cat /etc/passwd").stdout).toBe(own);
    expect(session("moscow").stdout).toBe(own);
    expect(session("-tt", "moscow", "sh").stderr).toContain("PTY allocation request failed");
    expect(session("-s", "moscow", "sftp").stdout).toBe(own);
    const forward = session("-o", "ClearAllForwardings=no", "-W", `127.0.0.1:${sshd.nodes[1]!.port}`, "moscow");
    expect(forward.stdout).toBe("");
    expect(forward.stderr).toMatch(/prohibited|forwarding failed/);
  });

  test("that have no such file say so", async () => {
    const { netDirectory } = sshd.nodes.find(({ node }) => node === "frankfurt")!;
    rmSync(join(netDirectory, "my-vpn.json"));
    expect(await ask("frankfurt")).toEqual({ kind: "missing" });
    put("frankfurt", "my-vpn.json", readFixture("three-city/nodes/frankfurt/my-vpn.json"));
  });

  test("cannot send more than the file may hold, nor anything but text", async () => {
    put("frankfurt", "my-vpn.json", "x".repeat(50 * MY_VPN_MAX));
    expect(await ask("frankfurt")).toEqual({ kind: "failed", reason: "too-large" });
    put("frankfurt", "my-vpn.json", Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d));
    expect(await ask("frankfurt")).toEqual({ kind: "failed", reason: "not-text" });
    put("frankfurt", "my-vpn.json", readFixture("three-city/nodes/frankfurt/my-vpn.json"));
  });

  test("that answer nothing are given up when the time is over", async () => {
    const { netDirectory } = sshd.nodes.find(({ node }) => node === "frankfurt")!;
    const file = join(netDirectory, "my-vpn.json");
    rmSync(file);
    expect(spawnSync("mkfifo", [file]).status).toBe(0);
    const timeout = AbortSignal.timeout(1500);
    expect(await ask("frankfurt", "my-vpn", timeout)).toEqual({ kind: "failed", reason: "timeout" });
    // Lets the node's own command end, which waits for a writer.
    closeSync(openSync(file, "r+"));
    rmSync(file);
    put("frankfurt", "my-vpn.json", readFixture("three-city/nodes/frankfurt/my-vpn.json"));
  });

  test("with another key than the pinned one, or that refuse ours, or are gone, are told apart", async () => {
    const [port] = await freePorts(1);
    const change = (peers: Partial<Peer>): Settings => ({
      ...settings,
      stateDirectory: join(place.directory, "other"),
      peers: [{ ...peerOf("moscow"), ...peers }],
    });
    const askWith = async (other: Settings): Promise<Answer> =>
      (await createSshFetcher(other)).fetch(other.peers[0]!, "my-vpn", new AbortController().signal);
    expect(await askWith(change({ hostKeys: [KEY] }))).toEqual({ kind: "failed", reason: "host-key-changed" });
    expect(await askWith(change({ port: port! }))).toEqual({ kind: "failed", reason: "unreachable" });
    const strangers = join(place.directory, "strangers");
    provideKeys(strangers);
    expect(await askWith({ ...change({}), keysDirectory: strangers })).toEqual({ kind: "failed", reason: "denied" });
  });

  test("are asked with no key that others may read", async () => {
    const file = join(place.directory, "keys", "peers");
    chmodSync(file, 0o644);
    await expect(createSshFetcher(settings)).rejects.toMatchObject({ code: "mesh-key-exposed" });
    chmodSync(file, 0o600);
  });

  test("become the fixtures' files", async () => {
    const report = await runAggregator(settings, { fetcher, nowUnix: () => 1_778_414_400 });
    expect(report).toMatchObject({ entries: 3, alarms: [], troubles: [] });
    expect(place.readPublic("vpn/sub")).toBe(readFixture("three-city/sub.b64"));
    expect(JSON.parse(place.readPublic("vpn/network.json"))).toEqual(
      JSON.parse(readFixture("three-city/network.json")),
    );
  });
});
