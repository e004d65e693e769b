/** Candidates, registrations and rules for the tests of this room; keys are stand-ins unless something is signed. */
import { loadCrypto } from "../../native/index.ts";
import { sized, type AccountId, type Hash32 } from "../bytes.ts";
import type { PublicKey } from "../crypto.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import { rulesOf } from "../genesis/rules.ts";
import { unusedAccount } from "../genesis/state.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION, type NodeRegistration } from "../objects/nodeRegistration.ts";
import type { AccountRecord, CandidateRecord } from "../state/records.ts";

export const { crypto } = loadCrypto();
export const PER_WINDOW = rulesOf(MONTANA_PARAMS, "spec");
export const SELECTION = rulesOf(MONTANA_PARAMS, "rc1");

export const hashOf = (seed: number | string): Hash32 => crypto.sha256(new TextEncoder().encode(String(seed)));

export function keyOf(seed: number): PublicKey {
  const key = new Uint8Array(1952);
  key.set(hashOf(`key ${seed}`));
  return sized(key, 1952);
}

export const selfKeyed = (key: PublicKey): AccountId => accountIdOf(crypto, SUITE_MLDSA65, key);

/** Candidate `seed`, registered in window 100, whose operator account is that of its node key. */
export function candidateOf(seed: number, fields: Partial<CandidateRecord> = {}): CandidateRecord {
  const nodePubkey = keyOf(seed);
  return {
    nodeId: nodeIdOf(crypto, nodePubkey),
    nodePubkey,
    suiteId: SUITE_MLDSA65,
    operatorAccountId: selfKeyed(nodePubkey),
    proofEndpoint: hashOf(seed),
    wStart: 0n,
    vdfChainLength: 20_160n,
    registrationWindow: 100n,
    expires: 60_580n,
    ...fields,
  };
}

/** An account that nobody used, of the person behind `key`. */
export function accountOf(key: PublicKey, fields: Partial<AccountRecord> = {}): AccountRecord {
  return { ...unusedAccount(crypto, key), ...fields };
}

const node = crypto.mldsa65.generate(new Uint8Array(32).fill(0xc0));
export const NODE_KEY = node.publicKey;

/** A signed registration of {@link NODE_KEY} for its own account, at the latest start that R8 allows in window 50 000. */
export function registrationOf(fields: Partial<NodeRegistration> = {}): NodeRegistration {
  return nodeRegistration.sign(crypto, node.secretKey, {
    type: TYPE_NODE_REGISTRATION,
    suiteId: SUITE_MLDSA65,
    nodePubkey: NODE_KEY,
    operatorAccountId: selfKeyed(NODE_KEY),
    proofEndpoint: hashOf("endpoint"),
    wStart: 50_000n - 20_160n,
    vdfChainLength: 20_160n,
    ...fields,
  });
}
