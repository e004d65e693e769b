import { describe, expect, it } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, toHex, ZERO_HASH, type Hash32 } from "../bytes.ts";
import { decode, encode } from "../codec/codec.ts";
import type { PublicKey } from "../crypto.ts";
import { accountRecord, nodeRecord } from "../state/records.ts";
import { MONTANA_BINDINGS, MONTANA_PARAMS } from "./montana.ts";
import { protocolParams, specProtocolParams, type ProtocolParams } from "./params.ts";
import { buildGenesis, findGenesisFault, genesisRecords, isFinalized, type GenesisBinding } from "./state.ts";

const { crypto } = loadCrypto();
const keyOf = (byte: number): PublicKey => sized(new Uint8Array(1952).fill(byte), 1952);
const differing = (hash: Hash32): Hash32 =>
  sized(
    Uint8Array.from(hash, (byte) => byte ^ 1),
    32,
  );

describe("the parameter block", () => {
  it("takes 4094 bytes, and 4106 in the form of the specification's text", () => {
    expect(protocolParams.size).toBe(4094);
    expect(specProtocolParams.size).toBe(4106);
  });

  it("reads back what it wrote and refuses bytes in the reserved field", () => {
    const encoded = encode(protocolParams, MONTANA_PARAMS);
    expect(decode(protocolParams, encoded)).toEqual(MONTANA_PARAMS);
    for (let offset = 8; offset < 16; offset++) {
      const changed = encoded.slice();
      changed[offset] = 1;
      expect(() => decode(protocolParams, changed)).toThrow("reserved-not-zero");
    }
  });
});

describe("the network montana", () => {
  it("starts from the released keys", () => {
    expect(toHex(crypto.sha256(MONTANA_PARAMS.bootstrapAccountPubkey))).toBe(
      "2b311ca0691ac0be572de1c7b66359ce00eef3f9b58a09879a094727c417011c",
    );
    expect(toHex(crypto.sha256(MONTANA_PARAMS.bootstrapNodePubkey))).toBe(
      "3998841b7d2b45203067ee65b4167573d978f902868e57f7b552b684f1cb1d6c",
    );
  });

  it.each(["spec", "rc1"] as const)("passes its own check at the start in profile %s", (profile) => {
    const genesis = buildGenesis(crypto, MONTANA_PARAMS, profile);
    expect(findGenesisFault(crypto, genesis, MONTANA_BINDINGS[profile], true)).toBeUndefined();
  });

  it("does not start from the genesis of the other profile", () => {
    const genesis = buildGenesis(crypto, MONTANA_PARAMS, "rc1");
    expect(findGenesisFault(crypto, genesis, MONTANA_BINDINGS.spec, true)).toBe("genesis-roots-differ");
  });

  it("does not start when any parameter is another one", () => {
    const changed: readonly Partial<ProtocolParams>[] = [
      { d0: 1n },
      { emissionMoneta: 1n },
      { targetZero: ZERO_HASH },
      { bootstrapNodePubkey: keyOf(1) },
    ];
    for (const change of changed) {
      const genesis = buildGenesis(crypto, { ...MONTANA_PARAMS, ...change }, "spec");
      expect(findGenesisFault(crypto, genesis, MONTANA_BINDINGS.spec, true)).toBe("parameters-differ");
    }
  });

  it.each(["accountRoot", "nodeRoot", "candidateRoot", "stateRoot", "genesisStateHash"] as const)(
    "does not start when its %s is not the one built in",
    (field) => {
      const genesis = buildGenesis(crypto, MONTANA_PARAMS, "spec");
      const binding = { ...MONTANA_BINDINGS.spec, [field]: differing(MONTANA_BINDINGS.spec[field]) };
      const expected = field === "genesisStateHash" ? "genesis-state-hash-differs" : "genesis-roots-differ";
      expect(findGenesisFault(crypto, genesis, binding, true)).toBe(expected);
    },
  );
});

it("a decree with a blank field is for tests only", () => {
  const params = { ...MONTANA_PARAMS, genesisContentDataHash: ZERO_HASH };
  expect(isFinalized(params)).toBe(false);
  const genesis = buildGenesis(crypto, params, "spec");
  const binding: GenesisBinding = {
    ...genesis.roots,
    paramsSha256: crypto.sha256(encode(protocolParams, params)),
    genesisStateHash: genesis.stateHash,
  };
  expect(findGenesisFault(crypto, genesis, binding, true)).toBe("genesis-not-finalized");
  expect(findGenesisFault(crypto, genesis, binding, false)).toBeUndefined();
});

describe("a test network with several founders", () => {
  const others = [2, 4].map((byte) => ({ accountPubkey: keyOf(byte), nodePubkey: keyOf(byte + 1) }));

  it("gives each the records of the bootstrap pair, which comes first", () => {
    const { accounts, nodes } = genesisRecords(crypto, MONTANA_PARAMS, "spec", others);
    expect(accounts.map((account) => account.currentPubkey)).toEqual([
      MONTANA_PARAMS.bootstrapAccountPubkey,
      keyOf(2),
      keyOf(4),
    ]);
    for (const [i, node] of nodes.entries()) {
      expect(node.operatorAccountId).toEqual(accounts[i]!.accountId);
      expect(node).toMatchObject({ chainLength: 1n, chainLengthSnapshot: 0n, startWindow: 0n });
      expect(accounts[i]).toMatchObject({ balance: 0n, isNodeOperator: true, opHeight: 0 });
    }
  });

  it("is a network of its own, whatever the order of the others", () => {
    const hashOf = (founders: typeof others) => buildGenesis(crypto, MONTANA_PARAMS, "spec", founders).stateHash;
    expect(hashOf(others)).toEqual(hashOf(others.toReversed()));
    expect(hashOf(others)).not.toEqual(hashOf([]));
  });
});

it("the profiles differ in the frontier and in the node's snapshot, and in nothing else", () => {
  const spec = genesisRecords(crypto, MONTANA_PARAMS, "spec");
  const rc1 = genesisRecords(crypto, MONTANA_PARAMS, "rc1");
  const [account] = spec.accounts;
  const [node] = spec.nodes;
  expect(encode(accountRecord, rc1.accounts[0]!)).toEqual(
    encode(accountRecord, { ...account!, frontierHash: ZERO_HASH }),
  );
  expect(encode(nodeRecord, rc1.nodes[0]!)).toEqual(encode(nodeRecord, { ...node!, chainLengthSnapshot: 1n }));
});
