/** Suites about the sparse Merkle tree and the roots made with it: 02 §9 merkle-*, *-roots; 03 proposal-roots; 04 account-proof. */
import { ascii, concatBytes, equalBytes, type Hash32 } from "../../../main/protocol/bytes.ts";
import { encode, u16, u32 } from "../../../main/protocol/codec/codec.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type Signature } from "../../../main/protocol/crypto.ts";
import { emptySubtree, leafHash, leafHashes, nodeHash } from "../../../main/protocol/merkle/hashing.ts";
import { encodeProof, prove, verifyProof, type MerkleProof } from "../../../main/protocol/merkle/proof.ts";
import { controlRoot, includedRoot } from "../../../main/protocol/merkle/proposalRoots.ts";
import { rootOf, SparseMerkleTree, type LeafChange } from "../../../main/protocol/merkle/tree.ts";
import {
  nodeRegistration,
  TYPE_NODE_REGISTRATION,
  type NodeRegistration,
} from "../../../main/protocol/objects/nodeRegistration.ts";
import { accountRecord } from "../../../main/protocol/state/records.ts";
import { stateRoot } from "../../../main/protocol/state/roots.ts";
import type { Input, Runner } from "../harness.ts";
import { accountRecordOf } from "./descriptors.ts";
import { accountIdOf, big, hex, hex32, nodeIdOf } from "./inputs.ts";
import { publicKeyFrom } from "./stateInputs.ts";

export const merkleRunners: Readonly<Record<string, Runner>> = {
  "02-state/merkle-hash": (input, { crypto }) => ({ hash: runHash(crypto, input) }),

  "02-state/merkle-ops": (input, { crypto }) => {
    let tree = SparseMerkleTree.empty(crypto);
    const versions = input.ops.map((op: Input) => (tree = tree.update(changesOf(crypto, op, input.seed))));
    return {
      roots: versions.map((version: SparseMerkleTree) => version.root),
      leaf_counts: versions.map((version: SparseMerkleTree) => version.size),
    };
  },

  "02-state/merkle-prove": (input, { crypto }) => {
    const tree = SparseMerkleTree.empty(crypto).update(leavesToProve(crypto, input));
    const claim = input.claim === null ? undefined : hex(input.claim);
    const proof = prove(tree, hex32(input.key), claim);
    const encoded = encodeProof(proof);
    return {
      root: tree.root,
      sibling_count: proof.siblings.length,
      encoded_len: encoded.length,
      encoded,
      encoded_sha256: crypto.sha256(encoded),
      verifies: verifyProof(crypto, tree.root, proof),
    };
  },

  "02-state/merkle-verify": ({ root, proof }, { crypto }) => ({
    valid: verifyProof(crypto, hex32(root), {
      key: hex32(proof.key),
      leafValue: hex(proof.leaf_value),
      siblingBitmap: hex32(proof.sibling_bitmap),
      siblings: proof.siblings.map(hex32),
    }),
  }),

  "02-state/merkle-subtrees": ({ seed, count, delete_step: step, depth }, { crypto }) => {
    let tree = SparseMerkleTree.empty(crypto).update(rangeOf(crypto, seed, 0, count, 1, "val"));
    if (step > 0) tree = tree.update(rangeOf(crypto, seed, 0, count, step, undefined));
    return { subtree_roots: tree.subtreeRoots(depth), root: tree.root };
  },

  "02-state/state-root": (input, { crypto }) => ({
    state_root: stateRoot(crypto, hex32(input.node_root), hex32(input.candidate_root), hex32(input.account_root)),
  }),

  "02-state/proposal-roots": ({ root, items }, { crypto }) => {
    if (root !== "control_root") {
      const entries = items.map(([node, hash]: Input) => ({ nodeId: nodeIdOf(node), hash: hex32(hash) }));
      return { root: includedRoot(crypto, entries) };
    }
    const registrations: NodeRegistration[] = items.map((item: Input) => registrationIn(crypto, item));
    return {
      root: controlRoot(crypto, registrations),
      nodereg_hashes: registrations.map((registration) => nodeRegistration.identify(crypto, registration)),
    };
  },

  "03-consensus/proposal-roots": ({ entries, records }, { crypto }) => {
    if (records !== undefined) {
      const byKey = records.map((item: Input) => ({ key: hex32(item.key), record: hex(item.canonical_bytes) }));
      return { root: rootOf(crypto, byKey) };
    }
    const named = entries.map((entry: Input) => ({ nodeId: nodeIdOf(entry.node_id), hash: hex32(entry.hash) }));
    return { root: includedRoot(crypto, named) };
  },

  "04-account/account-proof": (input, { crypto }) => {
    const accounts = input.key_seeds.map((key_seed: string, i: number) =>
      accountRecordOf(crypto, { key_seed, balance: input.balances[i] }),
    );
    const records: Uint8Array[] = accounts.map((account: Input) => encode(accountRecord, account));
    const leaves = leafHashes(crypto, records);
    const key = hex32(input.key);
    const tree = SparseMerkleTree.empty(crypto).update(
      accounts.map(({ accountId }: Input, i: number) => ({ key: accountId, leaf: leaves[i] })),
    );
    const position = accounts.findIndex(({ accountId }: Input) => equalBytes(accountId, key));
    const proof = tamper(prove(tree, key, input.present ? records[position] : undefined), input.tamper);
    const encoded = encodeProof(proof);
    return {
      account_root: tree.root,
      valid: verifyProof(crypto, tree.root, proof),
      leaf_length: proof.leafValue.length,
      sibling_bitmap: proof.siblingBitmap,
      siblings: proof.siblings,
      encoded_len: encoded.length,
      encoded_sha256: crypto.sha256(encoded),
    };
  },
};

function runHash(crypto: Crypto, input: Input): Hash32 {
  switch (input.fn) {
    case "leaf":
      return leafHash(crypto, recordIn(input));
    case "internal":
      return nodeHash(crypto, hex(input.left), hex(input.right));
    case "empty":
      return emptySubtree(crypto, Number(input.level));
    default:
      throw new Error(`no such function: ${String(input.fn)}`);
  }
}

function recordIn({ record, record_fill: fill, record_len: length }: Input): Uint8Array {
  return record === undefined ? new Uint8Array(length).fill(hex(fill)[0]!) : hex(record);
}

function changesOf(crypto: Crypto, op: Input, seed: string): LeafChange[] {
  switch (op.op) {
    case "put":
      return [{ key: hex32(op.key), leaf: leafHash(crypto, hex(op.value)) }];
    case "put-leaf":
      return [{ key: hex32(op.key), leaf: hex32(op.leaf) }];
    case "del":
      return [{ key: hex32(op.key), leaf: undefined }];
    case "put-range":
      return rangeOf(crypto, seed, op.from, op.to, op.step, op.label);
    case "del-range":
      return rangeOf(crypto, seed, op.from, op.to, op.step, undefined);
    default:
      throw new Error(`no such operation: ${String(op.op)}`);
  }
}

/** The derived keys of a range of indexes, with the derived values of a label, or without any to remove them. */
function rangeOf(crypto: Crypto, seed: string, from: number, to: number, step: number, label: string | undefined) {
  const changes: LeafChange[] = [];
  for (let i = from; i < to; i += step) {
    const leaf = label === undefined ? undefined : leafHash(crypto, derived(crypto, seed, label, i));
    changes.push({ key: derived(crypto, seed, "key", i), leaf });
  }
  return changes;
}

function derived(crypto: Crypto, seed: string, label: string, index: number): Hash32 {
  return crypto.sha256(concatBytes(hex(seed), ascii(label), encode(u32, index)));
}

function leavesToProve(crypto: Crypto, { leaves, seed, count, base }: Input): LeafChange[] {
  if (leaves !== undefined) {
    return leaves.map(([key, value]: Input) => ({ key: hex32(key), leaf: leafHash(crypto, hex(value)) }));
  }
  if (seed !== undefined) return rangeOf(crypto, seed, 0, count, 1, "val");
  const star = [{ key: hex32(base), leaf: leafHash(crypto, ascii("centre")) }];
  for (let bit = 0; bit < 256; bit++) {
    const key = hex32(base);
    key[bit >> 3]! ^= 1 << (bit & 7);
    star.push({ key, leaf: leafHash(crypto, encode(u16, bit)) });
  }
  return star;
}

function registrationIn(crypto: Crypto, item: Input): NodeRegistration {
  return {
    type: TYPE_NODE_REGISTRATION,
    suiteId: item.suite_id,
    nodePubkey: publicKeyFrom(crypto, item.node_pubkey),
    operatorAccountId: accountIdOf(item.operator_account_id),
    proofEndpoint: hex32(item.proof_endpoint),
    wStart: big(item.w_start),
    vdfChainLength: big(item.vdf_chain_length),
    signature: new Uint8Array(MLDSA_SIGNATURE_SIZE).fill(hex(item.signature_fill)[0]!) as Signature,
  };
}

const SURPLUS_SIBLING = new Uint8Array(32).fill(9) as Hash32;

function tamper(proof: MerkleProof, kind: string | undefined): MerkleProof {
  switch (kind) {
    case undefined:
      return proof;
    case "leaf":
      return { ...proof, leafValue: xorOne(proof.leafValue, 40) };
    case "sibling":
      return { ...proof, siblings: [xorOne(proof.siblings[0]!, 0) as Hash32, ...proof.siblings.slice(1)] };
    case "extra-sibling":
      return { ...proof, siblings: [...proof.siblings, SURPLUS_SIBLING] };
    case "missing-sibling":
      return { ...proof, siblings: proof.siblings.slice(0, -1) };
    case "bitmap":
      return { ...proof, siblingBitmap: xorOne(proof.siblingBitmap, 0) as Hash32 };
    case "key":
      return { ...proof, key: xorOne(proof.key, 0) as Hash32 };
    case "as-absent":
      return { ...proof, leafValue: new Uint8Array(0) };
    default:
      throw new Error(`no such tampering: ${kind}`);
  }
}

function xorOne(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  copy[index]! ^= 1;
  return copy;
}
