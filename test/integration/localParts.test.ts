/** What the practice network consists of, part by part; the whole is `test/soak/story.slow.test.ts`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { FIRST_CITIES } from "../../main/local/cities.ts";
import { Local, sharesOf } from "../../main/local/local.ts";
import { networkFileOf } from "../../main/local/networkFile.ts";
import { joinAll } from "../../main/local/nodes.ts";
import { freePorts } from "../../main/local/ports.ts";
import { Processes } from "../../main/local/processes.ts";
import { Program } from "../../main/local/program.ts";
import { LocalDirectory, readRecord, writeRecord, type LocalRecord } from "../../main/local/record.ts";
import { register } from "../../main/local/registration.ts";
import { runSites } from "../../main/local/sites.ts";
import { isAdaptationFrozen, parseNetworkFile } from "../../main/node/network/networkFile.ts";
import { makeCertificate } from "../../main/xray/certificate.ts";
import { identifyProcess } from "../../main/xray/processes.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "local-"));
  folders.push(folder);
  return folder;
}

const identity = {
  ...{ accountId: "1".repeat(64), nodeId: "2".repeat(64), peerId: "QmUG8Brv4TsVkoyv91uAobVDedgQsKYtjpDc1nsgSUrPS1" },
  ...{ accountPublicKey: "ab".repeat(1952), nodePublicKey: "cd".repeat(1952) },
};
const record: LocalRecord = {
  ...{ version: 1, tau2Windows: 120, d: 5000, ports: { decoy: 1001, site: 1002, public: 1003 }, stage: "stopped" },
  cities: FIRST_CITIES.map((city, i) => ({ ...city, exitPort: 2000 + i, nodePort: city.nodePort && 3000 + i })).map(
    (city) => ({ ...city, identity: city.nodePort === null ? null : identity }),
  ),
};

test("three chains take at most half of the cores, and a candidate's is quicker than the network's", () => {
  for (let cores = 1; cores <= 256; cores++) {
    const { time, candidate } = sharesOf(cores);
    expect(3 * candidate).toBeLessThanOrEqual(50 * cores);
    expect(time).toBeLessThan(candidate);
  }
});

test("the network's file is one that nodes take: its own founder, D for good, and what clients need", () => {
  const { name, rules, peers, tunnel } = parseNetworkFile("network.json", networkFileOf(record));
  expect(name).toBe("local");
  expect(isAdaptationFrozen(rules.params)).toBe(true);
  expect(rules.params).toMatchObject({ d0: 5000n, tau2Windows: 120n, vdfEntryWindows: 120n });
  expect(peers.map(({ label, isBootstrap }) => [label, isBootstrap])).toEqual([
    ["moscow", true],
    ["frankfurt", false],
    ["helsinki", false],
  ]);
  expect(tunnel).toEqual({
    subscriptionUrl: "http://127.0.0.1:1003/vpn/sub",
    cities: ["msk", "fra", "fin", "ist"],
    probeUrl: "http://my-city.montana.example:1002/204",
    watchSeconds: 1,
  });
});

test("a record comes back as it was written, and one that was changed by hand is named", () => {
  const file = join(makeFolder(), "local.json");
  expect(readRecord(file)).toBeUndefined();
  writeRecord(file, record);
  expect(readRecord(file)).toEqual(record);
  writeFileSync(file, "{}\n");
  expect(() => readRecord(file)).toThrow(expect.objectContaining({ code: "local-record-damaged" }));
});

test("ports stay as long as nobody else listens on them", async () => {
  const server = createServer();
  const taken = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  const [free = 0] = await freePorts([0]);
  const [first, second] = await freePorts([free, taken]);
  expect(first).toBe(free);
  expect(second).not.toBe(taken);
  await new Promise((resolve) => server.close(resolve));
});

test("a command that crashes is no answer, and is told by its error instead of the version of Node", async () => {
  const crash = [process.execPath, "-e", "throw new TypeError('the cause')", "--"];
  const program = new Program(new LocalDirectory(makeFolder()), crash);
  await expect(program.run(z.unknown(), ["status"])).rejects.toMatchObject({
    code: "local-part-failed",
    params: { part: "montana status", reason: "TypeError: the cause" },
  });
});

test("candidates that a slow command finds admitted already have joined", async () => {
  const root = makeFolder();
  // Stands in for `montana`: told too late to begin together, its candidates are asked to leave and begin anew, and are nodes by then.
  const script = `
    const { existsSync, mkdirSync, writeFileSync } = require("node:fs");
    const [what] = process.argv.slice(1);
    const folder = process.argv[process.argv.indexOf("--data-dir") + 1];
    const [joined, left] = ["joined", "left"].map((name) => folder + "/" + name);
    mkdirSync(folder, { recursive: true });
    const isNode = what === "join" && existsSync(left);
    if (what === "join") writeFileSync(joined, "");
    if (what === "leave") writeFileSync(left, "");
    const window = existsSync(joined) ? 2000 : 1000;
    const status = { phase: "CandidateVdf", window, balance: null, supply: null, peers: 1, progress: null, candidate: null };
    console.log(JSON.stringify(isNode ? { error: { code: "already-a-node", params: {} } } : status));
    process.exitCode = isNode ? 1 : 0;
  `;
  const local = new Local({ dataRoot: root, program: [process.execPath, "-e", script, "--"], onStep: () => undefined });
  mkdirSync(local.directory.root);
  writeRecord(local.directory.record, record);
  await joinAll(local);
  const cities = local.record.cities.filter(({ identity: own }) => own !== null);
  expect(cities.map(({ hasJoined }) => hasJoined)).toEqual([true, true, true]);
});

describe("the processes", () => {
  const make = (): { directory: LocalDirectory; processes: Processes } => {
    const directory = new LocalDirectory(makeFolder());
    return { directory, processes: new Processes(directory, [process.execPath, "-e"]) };
  };

  test("are only those that a note names by id and start time: nobody else's is ended", async () => {
    const { directory, processes } = make();
    const run = join(directory.root, "run-0123456789ab");
    mkdirSync(run);
    const own = (await identifyProcess(process.pid))!;
    writeFileSync(join(run, "other.json"), JSON.stringify({ ...own, startTime: "another" }));
    expect([...(await processes.running()).keys()]).toEqual([]);
    // Were it taken for one of them, this would be the end of the test.
    expect(await processes.endAll()).toBe(0);
    expect(await processes.running()).toEqual(new Map());
  });

  test("say with their own error why they did not start", async () => {
    const { processes } = make();
    const error = { error: { code: "x", params: {}, sentence: "The port is taken." } };
    const words = [`console.log(${JSON.stringify(JSON.stringify(error))})`];
    await expect(processes.start({ name: "part", words, announces: true })).rejects.toMatchObject({
      code: "local-part-failed",
      params: { part: "part", reason: "The port is taken." },
    });
  });

  test("that come after the end of their run are told to end", async () => {
    const { directory, processes } = make();
    const run = join(directory.root, "run-0123456789ab");
    mkdirSync(run);
    expect(await register(join(run, "early.json"))).toBe(true);
    expect([...(await processes.running()).keys()]).toEqual(["early"]);
    rmSync(join(run, "early.json"));
    await processes.endAll();
    expect(await register(join(run, "late.json"))).toBe(false);
  });

  test("are not started any more once it was closed", async () => {
    const { processes } = make();
    await processes.close();
    await expect(processes.start({ name: "part", words: ["1"], announces: false })).rejects.toMatchObject({
      code: "local-not-running",
    });
  });
});

describe.skipIf(process.platform !== "linux")("the site", () => {
  test("names the city whose address asks, in the language of the visitor", async () => {
    const directory = new LocalDirectory(makeFolder());
    mkdirSync(directory.logs);
    const [decoyPort = 0, sitePort = 0] = await freePorts([0, 0]);
    const cities = FIRST_CITIES.map(({ code, name, leavesFrom }) => ({ code, name, address: leavesFrom }));
    const sites = { decoyPort, sitePort, ...makeCertificate("www.decoy.example"), cities };
    writeFileSync(directory.sites, JSON.stringify(sites));
    const stopping = new AbortController();
    let ended: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      ended = runSites(directory, stopping.signal, resolve);
    });
    const ask = (path: string, localAddress: string, language = "en"): Promise<string> =>
      askFrom(sitePort, path, localAddress, language);
    expect(JSON.parse(await ask("/city.json", "127.0.0.12"))).toEqual({
      code: "fra",
      name: { en: "Frankfurt", ru: "Франкфурт" },
    });
    expect(await ask("/", "127.0.0.13", "ru-RU")).toContain("Хельсинки");
    expect(await ask("/", "127.0.0.1")).toContain("You came through no city");
    expect(JSON.parse(await ask("/city.json", "127.0.0.1"))).toBeNull();
    stopping.abort();
    await ended;
  });
});

function askFrom(port: number, path: string, localAddress: string, language: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, localAddress, headers: { "accept-language": language } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(body));
    })
      .on("error", reject)
      .end();
  });
}
