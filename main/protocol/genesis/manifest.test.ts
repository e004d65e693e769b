import { describe, expect, it } from "vitest";

import { agreeOnRules, MANIFEST_PEERS_MAX, MANIFEST_SIZE_MAX, parseManifest } from "./manifest.ts";
import { MONTANA_PARAMS } from "./montana.ts";

const ID = "ab".repeat(32);
const peer = {
  label: "moscow",
  multiaddr: "/ip4/192.0.2.1/tcp/8444",
  peer_id: "Qm",
  account_id_hex: ID,
  node_id_hex: ID,
  bootstrap: true,
};
const manifest = { network_name: "montana", peers: [peer] };
const parse = (value: unknown) => parseManifest(JSON.stringify(value));
const without = (value: object, key: string) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

/** The code of the error that the text of a manifest causes. */
function refusalOf(text: string): unknown {
  try {
    parseManifest(text);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
}
const refusal = (value: unknown) => refusalOf(JSON.stringify(value));

describe("a manifest", () => {
  it("names the network, its peers and the one to start with", () => {
    const parsed = parse({ ...manifest, peers: [peer, { ...without(peer, "bootstrap"), label: "helsinki" }] });
    expect(parsed.networkName).toBe("montana");
    expect(parsed.peers.map(({ label, isBootstrap }) => [label, isBootstrap])).toEqual([
      ["moscow", true],
      ["helsinki", false],
    ]);
    expect(parsed.bootstrap.label).toBe("moscow");
    expect(parsed).toMatchObject({ profile: undefined, admission: undefined });
  });

  it("may hold keys that nobody knows", () => {
    expect(refusal({ ...manifest, note: { deep: [1] }, peers: [{ ...peer, colour: "red" }] })).toBeUndefined();
  });

  it.each(["", "{", "null", "[]", '"text"', "network_name = 1"])("is refused as JSON when it is %j", (text) => {
    expect(refusalOf(text)).toBe("json");
  });

  it.each(["network_name", "peers"])("is refused as JSON without %s", (key) => {
    expect(refusal(without(manifest, key))).toBe("json");
  });

  it.each(["label", "multiaddr", "peer_id", "account_id_hex", "node_id_hex"])(
    "is refused as JSON when a peer's %s is missing or no text",
    (key) => {
      for (const broken of [without(peer, key), { ...peer, [key]: 1 }, { ...peer, [key]: null }]) {
        expect(refusal({ ...manifest, peers: [broken] })).toBe("json");
      }
    },
  );

  it("is refused as JSON when a value has another type", () => {
    expect(refusal({ ...manifest, peers: {} })).toBe("json");
    expect(refusal({ ...manifest, peers: ["moscow"] })).toBe("json");
    expect(refusal({ ...manifest, peers: [{ ...peer, bootstrap: "yes" }] })).toBe("json");
    expect(refusal({ ...manifest, profile: 1 })).toBe("json");
  });

  it("does not take a field from what every object inherits", () => {
    expect(refusalOf(`{"network_name":"n","__proto__":{"peers":[]}}`)).toBe("json");
  });

  it("needs peers and exactly one of them to start with, before ids are looked at", () => {
    const short = { ...peer, account_id_hex: "ab" };
    expect(refusal({ ...manifest, peers: [] })).toBe("empty-peers");
    expect(refusal({ ...manifest, peers: [{ ...short, bootstrap: false }] })).toBe("no-bootstrap");
    expect(refusal({ ...manifest, peers: [short, short] })).toBe("multiple-bootstrap");
  });

  it("has ids of 64 characters, the account's looked at first", () => {
    const field = (broken: object): unknown => {
      try {
        parse({ ...manifest, peers: [broken] });
      } catch (error) {
        return (error as { params?: { field?: unknown } }).params?.field;
      }
      return undefined;
    };
    expect(field({ ...peer, account_id_hex: ID.slice(1), node_id_hex: "" })).toBe("account_id_hex");
    expect(field({ ...peer, node_id_hex: `${ID}0` })).toBe("node_id_hex");
  });

  it("is bounded in size and number of peers", () => {
    const text = JSON.stringify(manifest);
    expect(refusalOf(text.padEnd(MANIFEST_SIZE_MAX))).toBeUndefined();
    expect(refusalOf(text.padEnd(MANIFEST_SIZE_MAX + 1))).toBe("manifest-too-large");
    const crowd = (count: number) => [peer, ...new Array<object>(count - 1).fill({ ...peer, bootstrap: false })];
    expect(refusal({ ...manifest, peers: crowd(MANIFEST_PEERS_MAX) })).toBeUndefined();
    expect(refusal({ ...manifest, peers: crowd(MANIFEST_PEERS_MAX + 1) })).toBe("too-many-peers");
  });

  it("refuses a profile or admission rule that this program does not know", () => {
    expect(refusal({ ...manifest, profile: "rc2" })).toBe("unknown-profile");
    expect(refusal({ ...manifest, admission: "lottery" })).toBe("unknown-admission");
  });
});

describe("the rules of a network", () => {
  const rules = (inManifest: object, local: Parameters<typeof agreeOnRules>[2]) => {
    const { profile, admission } = agreeOnRules(MONTANA_PARAMS, parse({ ...manifest, ...inManifest }), local);
    return [profile, admission];
  };

  it("are the defaults where nobody says anything", () => {
    expect(rules({}, {})).toEqual(["spec", "per-window"]);
    expect(rules({ profile: "rc1" }, {})).toEqual(["rc1", "selection"]);
  });

  it("are what either side says", () => {
    expect(rules({}, { profile: "rc1" })).toEqual(["rc1", "selection"]);
    expect(rules({ admission: "selection" }, {})).toEqual(["spec", "selection"]);
    expect(rules({ profile: "spec" }, { profile: "spec", admission: "selection" })).toEqual(["spec", "selection"]);
  });

  it("stop the start where both sides contradict each other", () => {
    expect(() => rules({ profile: "rc1" }, { profile: "spec" })).toThrow("profile-conflict");
    expect(() => rules({ admission: "selection" }, { admission: "per-window" })).toThrow("admission-conflict");
  });
});
