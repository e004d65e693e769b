/** A host as a person meets it: started, found, refused, killed and stopped from outside. */
import { randomBytes } from "node:crypto";
import { access, cp, readFile, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { API_VERSION } from "../api/contract.ts";
import { attach, STOP_MS_MAX } from "./attach.ts";
import { Playground } from "./cli.fixture.ts";
import { locateData } from "./dataDirectory.ts";

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.make();
  await playground.init();
});
// By force, so that each host starts where another one died.
afterEach(() => playground.kill());
afterAll(() => playground.remove());

const isThere = (name: string): Promise<boolean> =>
  access(join(playground.data, name)).then(
    () => true,
    () => false,
  );

describe("a running host", () => {
  it("says who it is and where, to its owner alone", async () => {
    const { pid, announced } = await playground.start();
    const socket = join(playground.data, "host.sock");
    expect(announced).toMatchObject({ pid, network: "solo", socket });
    expect(await playground.published()).toMatchObject({ pid, apiVersion: API_VERSION, socket });
    for (const name of ["host.json", "host.sock", "host.lock"]) {
      expect((await stat(join(playground.data, name))).mode & 0o777, name).toBe(0o600);
    }
    expect((await stat(playground.data)).mode & 0o777).toBe(0o700);
  });

  it("is the only one: a second start and a command that writes are refused with its pid", async () => {
    const { pid } = await playground.start();
    const second = await playground.run(["start", "--network", "solo", "--json"]);
    expect(second.code).toBe(4);
    expect(second.json()).toMatchObject({ error: { code: "host-running", params: { pid } } });
    const words = await playground.run(["export", "--words", "--passphrase-file", playground.passphraseFile]);
    expect(words.code).toBe(4);
    expect(words.err).toContain(`Process ${pid} runs on`);
    expect((await playground.run(["inspect", "--json"])).json()).toMatchObject({ mode: "recoverable" });
  });

  it("answers after garbage on its socket", async () => {
    await playground.start();
    await new Promise<void>((resolve) => {
      const connection = connect(join(playground.data, "host.sock"), () => connection.write(randomBytes(65_536)));
      connection.on("error", () => undefined);
      connection.on("close", () => resolve());
      connection.resume();
    });
    const { client } = await attach(locateData(playground.data));
    expect(await client.status.query()).toMatchObject({ network: "solo" });
  });

  it("is on another network than asked for, which is said instead of shown", async () => {
    await playground.start();
    const ended = await playground.run(["status", "--network", "montana", "--json"]);
    expect(ended.json()).toMatchObject({ error: { code: "other-network", params: { running: "solo" } } });
  });

  it("opens the account for the passphrase and closes it again", async () => {
    await playground.start();
    const { client } = await attach(locateData(playground.data));
    const isUnlocked = async () => (await client.status.query()).isAccountUnlocked;
    const wrong = await playground.run(["unlock", "--json"], { environment: { MONTANA_PASSPHRASE: "not the one" } });
    expect([wrong.code, wrong.json()]).toMatchObject([5, { error: { code: "wrong-passphrase" } }]);
    await playground.run(["unlock", "--passphrase-file", playground.passphraseFile]);
    expect(await isUnlocked()).toBe(true);
    await client.lock.mutate();
    expect(await isUnlocked()).toBe(false);
  });

  it("serves metrics and health on loopback where it is asked to, under its own name alone", async () => {
    const { announced } = await playground.start(["--metrics-port", "0"]);
    const { metricsPort } = announced as { metricsPort: number };
    const get = (path: string, host = "localhost"): Promise<{ status: number | undefined; text: string }> =>
      new Promise((resolve, reject) => {
        request({ port: metricsPort, host: "127.0.0.1", path, headers: { host }, agent: false }, (incoming) => {
          let text = "";
          incoming.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          incoming.on("end", () => resolve({ status: incoming.statusCode, text }));
        })
          .on("error", reject)
          .end();
      });
    const { text } = await get("/metrics");
    expect(text).toContain('montana_phase{phase="Active"} 1');
    expect(text).toMatch(/montana_nodejs_eventloop_lag_p99_seconds/);
    // What is not known has no line.
    expect(text).not.toMatch(/^montana_queue_position /m);
    expect((await get("/health")).status).toBe(200);
    expect((await get("/metrics", "attacker.example")).status).toBe(403);
  });
});

describe("the end of a host", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("is clean and quick after %s", async (signal) => {
    const { process, ended } = await playground.start();
    const start = performance.now();
    process.kill(signal);
    const { code, err } = await ended;
    expect([code, /"level":"(error|fatal)".*/.exec(err)]).toEqual([0, null]);
    expect(performance.now() - start).toBeLessThan(STOP_MS_MAX);
    expect([await isThere("host.json"), await isThere("host.sock")]).toEqual([false, false]);
  });

  it("comes with montana stop, which waits for it", async () => {
    const { pid, ended } = await playground.start();
    await playground.run(["unlock", "--passphrase-file", playground.passphraseFile]);
    expect((await playground.run(["stop", "--json"])).json()).toEqual({ pid });
    const { code, err } = await ended;
    expect([code, /"level":"(error|fatal)".*/.exec(err)]).toEqual([0, null]);
    const again = await playground.run(["stop", "--json"]);
    expect([again.code, again.json()]).toMatchObject([3, { error: { code: "host-not-running" } }]);
  });

  it("by kill -9 frees the data directory for the next one, whatever it left lying", async () => {
    const first = await playground.start();
    const network = await readFile(join(playground.data, "networks", "solo", "network.json"), "utf8");
    first.process.kill("SIGKILL");
    expect((await first.ended).signal).toBe("SIGKILL");
    expect(await isThere("host.sock")).toBe(true);
    await expect(attach(locateData(playground.data))).rejects.toMatchObject({ code: "host-not-running" });
    const { pid } = await playground.start();
    expect(await playground.published()).toMatchObject({ pid });
    expect(await readFile(join(playground.data, "networks", "solo", "network.json"), "utf8")).toBe(network);
  });
});

describe("a host that cannot start", () => {
  it("says what is missing and leaves the data directory free", async () => {
    const noIdentity = ["start", "--network", "solo", "--json", "--data-dir", join(playground.folder, "empty")];
    expect((await playground.run(noIdentity)).json()).toMatchObject({ error: { code: "identity-missing" } });
    const noManifest = await playground.run(["start", "--network", "montana", "--json"]);
    expect([noManifest.code, noManifest.json()]).toMatchObject([1, { error: { code: "manifest-needed" } }]);
    await writeFile(join(playground.folder, "net.json"), '{"genesis": {}}');
    const badFile = await playground.run(["start", "--network", "./net.json", "--json"]);
    expect(badFile.json()).toMatchObject({ error: { code: "network-file-invalid" } });
    expect([await isThere("host.json"), await isThere("host.sock")]).toEqual([false, false]);
  });

  it("because the metrics port is taken says so", async () => {
    const { announced } = await playground.start(["--metrics-port", "0"]);
    const { metricsPort } = announced as { metricsPort: number };
    const copy = join(playground.folder, "copy");
    await cp(join(playground.data, "identity"), join(copy, "identity"), { recursive: true });
    const words = ["start", "--network", "solo", "--json", "--data-dir", copy, "--metrics-port", String(metricsPort)];
    expect((await playground.run(words)).json()).toMatchObject({
      error: { code: "port-in-use", params: { port: metricsPort } },
    });
  });
});
