import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { toHex } from "../../protocol/bytes.ts";
import { MONTANA_BINDINGS, MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import type { Founder } from "../../protocol/genesis/state.ts";
import { genesisOf } from "./genesis.ts";
import { formatNetworkFile, isAdaptationFrozen, parseNetworkFile } from "./networkFile.ts";
import { openNetwork, type OpenNetworkOptions } from "./openNetwork.ts";
import { measureHashesPerSecond, soloNetwork } from "./solo.ts";

const { crypto } = loadCrypto();
const founder = (byte: number): Founder => ({
  accountPubkey: crypto.mldsa65.generate(new Uint8Array(32).fill(byte)).publicKey,
  nodePubkey: crypto.mldsa65.generate(new Uint8Array(32).fill(byte + 1)).publicKey,
});
const self = founder(1);
const MANIFEST = {
  network_name: "montana",
  peers: [
    {
      label: "moscow",
      multiaddr: "/ip4/192.0.2.1/tcp/8444",
      peer_id: "Qm",
      account_id_hex: "ab".repeat(32),
      node_id_hex: "cd".repeat(32),
      bootstrap: true,
    },
  ],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "montana-network-"));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (asked: string, more: Partial<OpenNetworkOptions> = {}) =>
  openNetwork({ crypto, asked, networksDirectory: join(folder, "networks"), self, soloD: 5000n, ...more });

const textOf = (change: (json: { genesis: Record<string, unknown> } & Record<string, unknown>) => void): string => {
  const json = JSON.parse(formatNetworkFile(soloNetwork(self, 5000n))) as Parameters<typeof change>[0];
  change(json);
  return JSON.stringify(json, undefined, 2);
};
const refusalOf = (text: string): unknown => {
  try {
    parseNetworkFile("test.json", text);
  } catch (error) {
    const { code, params } = error as { code: unknown; params: object };
    return { code, ...params };
  }
  return undefined;
};

describe("a network file", () => {
  it("is read back as it was written", () => {
    const network = {
      ...soloNetwork(self, 5000n),
      otherFounders: [founder(5)],
      peers: parseNetworkFile("m", JSON.stringify(MANIFEST)).peers,
      tunnel: { subscriptionUrl: "http://127.0.0.1:8080/sub", cities: ["Moscow"], probeUrl: undefined },
    };
    expect(parseNetworkFile("test.json", formatNetworkFile(network))).toEqual(network);
  });

  it("names line, column, field and reason of what is wrong", () => {
    const d0 = textOf(({ genesis }) => (genesis["d0"] = -1));
    expect(refusalOf(d0)).toMatchObject({ code: "network-file-invalid", field: "genesis.d0", line: 6, column: 11 });
    const key = textOf(({ genesis }) => (genesis["bootstrap_node_pubkey"] = "ABC"));
    expect(refusalOf(key)).toMatchObject({
      field: "genesis.bootstrap_node_pubkey",
      reason: expect.stringMatching(/3904/) as string,
    });
    const missing = textOf(({ genesis }) => delete genesis["tau2_windows"]);
    expect(refusalOf(missing)).toMatchObject({ field: "genesis.tau2_windows", line: 5 });
  });

  it("is refused where it is no JSON, says something twice or says something unknown", () => {
    expect(refusalOf('{\n  "genesis": {,\n}')).toMatchObject({ code: "network-file-invalid", line: 2 });
    expect(refusalOf('{\n"genesis": {},\n"genesis": {}}')).toMatchObject({ line: 3, field: "genesis" });
    expect(refusalOf("[]")).toMatchObject({ code: "network-file-invalid" });
    expect(refusalOf(textOf((json) => (json["peerz"] = [])))).toMatchObject({
      reason: expect.stringMatching(/peerz/) as string,
    });
  });

  it("may be a manifest of the reference, which stands for the released network", () => {
    const network = parseNetworkFile("genesis-manifest.json", JSON.stringify(MANIFEST));
    expect(network).toMatchObject({ name: "montana", rules: { params: MONTANA_PARAMS, profile: "spec" } });
    expect(network.peers.map(({ label }) => label)).toEqual(["moscow"]);
    expect(refusalOf(JSON.stringify({ ...MANIFEST, network_name: "other" }))).toMatchObject({
      code: "network-genesis-missing",
    });
    expect(refusalOf(JSON.stringify({ ...MANIFEST, peers: [] }))).toMatchObject({
      code: "empty-peers",
      file: "test.json",
    });
  });
});

describe("the network that comes with the program", () => {
  const builtIn = new URL("../../../resources/networks/montana.json", import.meta.url);

  it.each(["spec", "rc1"] as const)("has the genesis of the seed network in profile %s", async (profile) => {
    const network = parseNetworkFile("montana.json", await readFile(builtIn, "utf8"), { profile });
    expect(network.rules.params).toEqual(MONTANA_PARAMS);
    expect(toHex(genesisOf(crypto, network).stateHash)).toBe(toHex(MONTANA_BINDINGS[profile].genesisStateHash));
  });

  it("cannot be entered without a manifest, and is known afterwards", async () => {
    await expect(open("montana")).rejects.toMatchObject({ code: "manifest-needed" });
    const manifest = join(folder, "genesis-manifest.json");
    await writeFile(manifest, JSON.stringify(MANIFEST));
    await open(manifest);
    expect((await open("montana")).network.peers).toHaveLength(1);
  });

  it("cannot be imitated", () => {
    const other = { ...soloNetwork(self, 5000n), name: "montana" };
    expect(() => genesisOf(crypto, other)).toThrow("parameters-differ");
  });
});

describe("solo", () => {
  it("is made once: later starts find the same genesis, whatever the computer measures then", async () => {
    const first = await open("solo");
    const second = await open("solo", { soloD: 7000n });
    expect(second.genesis.stateHash).toEqual(first.genesis.stateHash);
    expect(second.network.rules.params.d0).toBe(5000n);
    expect(isAdaptationFrozen(second.network.rules.params)).toBe(true);
  });

  it("belongs to the identity that made it", async () => {
    await open("solo");
    await expect(open("solo", { self: founder(9) })).rejects.toMatchObject({ code: "solo-of-another-identity" });
  });

  it("gets a D that takes some time", async () => {
    expect(await measureHashesPerSecond(crypto)).toBeGreaterThan(10_000);
  });
});

describe("opening a network", () => {
  it("refuses another network under a name that is taken, and takes new peers for the same one", async () => {
    const file = join(folder, "net.json");
    const name = (json: Record<string, unknown>) => (json["network_name"] = "ours");
    await writeFile(file, textOf(name));
    await open(file);
    await writeFile(
      file,
      textOf((json) => {
        name(json);
        json["peers"] = MANIFEST.peers;
      }),
    );
    expect((await open(file)).network.peers).toHaveLength(1);
    expect((await open("ours")).network.peers).toHaveLength(1);
    await writeFile(
      file,
      textOf((json) => {
        name(json);
        json.genesis["d0"] = 6000;
      }),
    );
    await expect(open(file)).rejects.toMatchObject({ code: "network-differs" });
  });

  it.each(["nowhere", "../x", "no/such.json", ""])("refuses %j, of which it knows nothing", async (asked) => {
    await expect(open(asked)).rejects.toMatchObject({ code: "network-unknown" });
  });

  it("names a file that it cannot read", async () => {
    await expect(open(`${folder}/`)).rejects.toMatchObject({
      code: "network-file-unreadable",
      params: { errno: "EISDIR" },
    });
  });
});
