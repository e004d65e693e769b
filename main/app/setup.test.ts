/** From an empty data directory to a running node, as a page does it: over the socket of a host that runs all the while. */
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { call, type Client } from "../api/client.ts";
import { keystoreContext } from "../keystore/context.ts";
import { inspectIdentity } from "../keystore/identityStore.ts";
import { loadCrypto } from "../native/index.ts";
import { formatNetworkFile, type Network } from "../node/network/networkFile.ts";
import { soloNetwork } from "../node/network/solo.ts";
import { sized } from "../protocol/bytes.ts";
import { mnemonicWords } from "../protocol/identity/mnemonic.ts";
import { attach } from "./attach.ts";
import { PASSPHRASE, Playground, type Started } from "./cli.fixture.ts";
import { locateData } from "./dataDirectory.ts";

/** A busy machine computes keys and windows as it can. */
const PATIENCE = { timeout: 60_000 };

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.make();
});
afterEach(() => playground.kill());
afterAll(() => playground.remove());

async function host(): Promise<{ readonly started: Started; readonly client: Client }> {
  const started = await playground.startPlainly([]);
  const { client } = await attach(locateData(playground.data));
  return { started, client };
}

const isRunning = (client: Client) =>
  expect.poll(async () => (await client.status.query()).nodeState, PATIENCE).toBe("running");

describe("a host that was started on an empty data directory", () => {
  it("makes an identity and a node, and both are there after a kill", async () => {
    const first = await host();
    expect(first.started.announced).toMatchObject({ network: null });
    const none = { hasIdentity: false, nodeState: "none", nodeFault: null, network: null, phase: "stopped" };
    expect(await first.client.status.query()).toMatchObject(none);
    expect(await first.client.identity.query()).toMatchObject({ exists: false, address: null });
    await expect(call(first.client.startNode.mutate({}))).rejects.toMatchObject({ code: "network-needed" });
    await expect(call(first.client.startNode.mutate({ network: "solo" }))).rejects.toMatchObject({
      code: "identity-missing",
    });
    expect((await first.client.status.query()).nodeFault).toMatchObject({ code: "identity-missing" });
    await expect(call(first.client.time.query())).rejects.toMatchObject({ code: "service-unavailable" });

    const { words } = await first.client.newWords.mutate();
    expect((await first.client.newWords.mutate()).words).not.toEqual(words);
    const swapped = words.with(0, words[1]!).with(1, words[0]!);
    const wrong = call(first.client.makeIdentity.mutate({ words: swapped, passphrase: PASSPHRASE }));
    await expect(wrong).rejects.toMatchObject({ code: "checksum-mismatch" });
    const made = await first.client.makeIdentity.mutate({ words, passphrase: PASSPHRASE });
    expect(made).toMatchObject({ exists: true, fault: null, areWordsConfirmed: true, isUnlocked: false });
    const again = call(first.client.makeIdentity.mutate({ words, passphrase: PASSPHRASE }));
    await expect(again).rejects.toMatchObject({ code: "identity-exists" });

    const starts = await Promise.all([
      first.client.startNode.mutate({ network: "solo" }),
      first.client.startNode.mutate({ network: "solo" }),
    ]);
    expect(starts).toEqual([{}, {}]);
    await isRunning(first.client);
    expect(await first.client.status.query()).toMatchObject({ network: "solo", nodeFault: null, hasIdentity: true });
    const other = call(first.client.startNode.mutate({ network: "montana" }));
    await expect(other).rejects.toMatchObject({ code: "node-running", params: { network: "solo" } });
    await first.client.unlock.mutate({ passphrase: PASSPHRASE, seconds: 60 });
    await expect.poll(async () => (await first.client.status.query()).window, PATIENCE).not.toBeNull();

    first.started.process.kill("SIGKILL");
    await first.started.ended;
    const second = await host();
    await isRunning(second.client);
    expect(await second.client.identity.query()).toMatchObject({ address: made.address, nodeId: made.nodeId });
    expect(await originIn(playground.data)).toBe("created");

    await second.client.stopNode.mutate();
    expect(await second.client.status.query()).toMatchObject({ nodeState: "none", network: null, phase: "stopped" });
    second.started.process.kill("SIGKILL");
    await second.started.ended;
    const third = await host();
    expect(await third.client.status.query()).toMatchObject({ nodeState: "none", nodeFault: null });
    expect((await third.client.networks.query()).chosen).toBe("solo");
    await third.client.startNode.mutate({});
    expect((await third.client.status.query()).network).toBe("solo");
  }, 120_000);
});

it("words that the host has not made restore an identity, whose node keeps quiet at first", async () => {
  const data = join(playground.folder, "restored");
  await playground.startPlainly(["--data-dir", data]);
  const { client } = await attach(locateData(data));
  const words = [...mnemonicWords(loadCrypto().crypto, sized(new Uint8Array(32).fill(7), 32))];
  const typed = words.map((word, i) => (i === 3 ? ` ${word.toUpperCase()} ` : word));
  await expect(call(client.makeIdentity.mutate({ words: typed, passphrase: "short" }))).rejects.toMatchObject({
    code: "passphrase-too-short",
  });
  expect(await client.identity.query()).toMatchObject({ exists: false });
  expect(await client.makeIdentity.mutate({ words: typed, passphrase: PASSPHRASE })).toMatchObject({ exists: true });
  expect(await originIn(data)).toBe("restored");
});

async function originIn(data: string): Promise<string> {
  const context = keystoreContext({ directory: locateData(data).identity, crypto: loadCrypto().crypto });
  return (await inspectIdentity(context)).provenance.origin;
}

it("what joining costs is measured before there is an identity, once for all who ask at the same time", async () => {
  const data = join(playground.folder, "cost");
  await playground.startPlainly(["--data-dir", data]);
  const { client } = await attach(locateData(data));
  const [cost, same] = await Promise.all([client.speedTest.mutate({}), client.speedTest.mutate({})]);
  expect(same).toEqual(cost);
  expect(cost).toMatchObject({ network: "montana", d: 325_000_000, tau2Windows: 20_160, windowSeconds: 60 });
  expect(cost.iterationsPerSecond).toBeGreaterThan(1000);
  expect(cost.segmentSeconds).toBeCloseTo(cost.d / cost.iterationsPerSecond, 3);
  expect(cost.canMakeIt).toBe(cost.hoursPerDay <= 24);
  expect(cost.chainSeconds.full === null).toBe(!cost.canMakeIt);
  expect(cost.energyKwh.low).toBeLessThan(cost.energyKwh.high);
  await expect(call(client.speedTest.mutate({ network: "nowhere" }))).rejects.toMatchObject({
    code: "network-unknown",
  });
});

it("commands show, choose, start and stop the same, and write diagnostics", async () => {
  const where = ["--data-dir", join(playground.folder, "commands")];
  await playground.startPlainly(where);
  const run = async (...words: string[]) => (await playground.run([...words, "--json", ...where])).json();
  expect(await run("network", "list")).toMatchObject({ networks: [{ name: "montana" }, { name: "solo" }] });
  expect(await run("network", "choose", "nowhere")).toMatchObject({ error: { code: "network-unknown" } });
  expect(await run("network")).toMatchObject({ error: { code: "service-unavailable" } });
  const file = join(playground.folder, "diagnostics.txt");
  expect(await run("diagnostics", file)).toEqual({ file });
  expect(await readFile(file, "utf8")).toContain("## status");
}, 120_000);

describe("networks", () => {
  const { crypto } = loadCrypto();
  const keyOf = (seed: number) => crypto.mldsa65.generate(sized(new Uint8Array(32).fill(seed), 32)).publicKey;
  const fileOf = (name: string, d: bigint, tunnel?: Network["tunnel"]) => {
    const network = { ...soloNetwork({ accountPubkey: keyOf(1), nodePubkey: keyOf(2) }, d), name };
    return formatNetworkFile(tunnel === undefined ? network : { ...network, tunnel }, "for a test");
  };

  it("are listed with what is known of them, taken from a text, and chosen", async () => {
    const data = join(playground.folder, "networks");
    await playground.startPlainly(["--data-dir", data]);
    const { client: own } = await attach(locateData(data));
    const names = async () => (await own.networks.query()).networks.map(({ name, origin }) => `${name} ${origin}`);
    expect(await names()).toEqual(["montana built-in", "solo solo"]);
    expect((await own.networks.query()).networks[0]).toMatchObject({
      ...{ isManifestNeeded: true, hasData: false, fault: null, tau2Windows: 20_160, d: 325_000_000 },
    });
    await expect(call(own.addNetwork.mutate({ file: "{" }))).rejects.toMatchObject({ code: "network-file-invalid" });
    await own.addNetwork.mutate({ file: fileOf("tests", 5000n) });
    expect(await names()).toEqual(["montana built-in", "solo solo", "tests entered"]);
    await expect(call(own.addNetwork.mutate({ file: fileOf("tests", 6000n) }))).rejects.toMatchObject({
      code: "network-differs",
    });
    await expect(call(own.chooseNetwork.mutate({ network: "nowhere" }))).rejects.toMatchObject({
      code: "network-unknown",
    });
    expect((await own.chooseNetwork.mutate({ network: "tests" })).chosen).toBe("tests");
    await mkdir(join(playground.folder, "files"), { recursive: true });
    const path = join(playground.folder, "files", "more.json");
    await writeFile(path, fileOf("more", 7000n));
    expect(await own.chooseNetwork.mutate({ network: path })).toMatchObject({ chosen: "more", running: null });
    expect(await names()).toContain("more entered");
  });

  it("bring the tunnel their cities as soon as they are chosen, where they have some", async () => {
    const data = join(playground.folder, "cities");
    await playground.startPlainly(["--data-dir", data]);
    const { client } = await attach(locateData(data));
    const probeUrl = "http://192.0.2.1/204";
    await client.addNetwork.mutate({ file: fileOf("mesh", 5000n, { cities: ["fra"], probeUrl }) });
    await client.addNetwork.mutate({ file: fileOf("plain", 5000n) });
    expect((await client.networks.query()).tunnel).toBe("montana");
    expect((await client.chooseNetwork.mutate({ network: "mesh" })).tunnel).toBe("mesh");
    expect(await client.vpnSettings.query()).toMatchObject({ network: "mesh", probeUrlInForce: probeUrl });
    expect((await client.chooseNetwork.mutate({ network: "plain" })).tunnel).toBe("montana");
  });

  it("that cannot be read are named, and so is a damaged choice", async () => {
    const data = join(playground.folder, "damaged");
    await mkdir(join(data, "networks", "broken"), { recursive: true });
    await writeFile(join(data, "networks", "broken", "network.json"), "{");
    await writeFile(join(data, "node.choice"), "rubbish");
    await playground.startPlainly(["--data-dir", data]);
    const { client } = await attach(locateData(data));
    expect((await client.status.query()).nodeFault).toEqual({ code: "node-choice-damaged", params: {} });
    const broken = (await client.networks.query()).networks.find(({ name }) => name === "broken");
    expect(broken?.fault).toMatchObject({ code: "network-file-invalid" });
    expect(await readFile(join(data, "node.choice.corrupt"), "utf8")).toBe("rubbish");
    await expect(access(join(data, "node.choice"))).rejects.toThrow("ENOENT");
  });
});
