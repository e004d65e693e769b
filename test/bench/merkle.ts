/**
 * The sparse Merkle tree (chapter 02 §4.2) against its bound: the node hashes that the work needs, at the speed at which this
 * machine hashes such messages in batches. What lies below 1 is the program's own doing, what lies above comes from hashing
 * empty siblings in one go.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { loadCrypto } from "../../main/native/index.ts";
import type { Hash32 } from "../../main/protocol/bytes.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import { SparseMerkleTree, type LeafChange } from "../../main/protocol/merkle/tree.ts";
import type { Bench, Side } from "./harness.ts";

const { crypto } = loadCrypto();
const isFast = crypto.backEnd === "rust";

const LEAVES = isFast ? 1_000_000 : 10_000;
const UPDATES = LEAVES / 100;
const RESIDENT_MB_MAX = (256 * LEAVES) / 1_000_000;

const NODE_MESSAGE_SIZE = 79;
const NODE_MESSAGES = 4096;
const BATCHES = Math.ceil((UPDATES * 240) / NODE_MESSAGES);

let hashes = 0;

/** The back end in use, which also counts the node hashes that it is asked for. */
const counting: Crypto = {
  ...crypto,
  sha256Batch(messages, messageLength, digests) {
    hashes += messages.length / messageLength;
    crypto.sha256Batch(messages, messageLength, digests);
  },
  foldLoneLeaves(keys, folded, fromLevels, toLevels) {
    for (let i = 0; i < fromLevels.length; i++) hashes += toLevels[i]! - fromLevels[i]!;
    crypto.foldLoneLeaves(keys, folded, fromLevels, toLevels);
  },
};

function hashesOf(work: () => void): number {
  const before = hashes;
  work();
  return hashes - before;
}

/** Slices as long as an update's, so that both sides suffer alike from what else the machine does. */
function bound(): Side {
  const messages = new Uint8Array(NODE_MESSAGES * NODE_MESSAGE_SIZE);
  const digests = new Uint8Array(NODE_MESSAGES * 32);
  return {
    name: "batches of node messages",
    run() {
      for (let i = 0; i < BATCHES; i++) crypto.sha256Batch(messages, NODE_MESSAGE_SIZE, digests);
      return BATCHES * NODE_MESSAGES;
    },
  };
}

function digestsOf(messages: Uint8Array, messageLength: number): Uint8Array {
  const digests = new Uint8Array((messages.length / messageLength) * 32);
  crypto.sha256Batch(messages, messageLength, digests);
  return digests;
}

const at = (flat: Uint8Array, index: number): Hash32 => flat.subarray(32 * index, 32 * index + 32) as Hash32;

interface Million {
  /** The latest version. */
  tree: SparseMerkleTree;
  readonly keys: Uint8Array;
  readonly leaves: Uint8Array;
  readonly nodeHashes: number;
  readonly ms: number;
  readonly residentMb: number;
}

let million: Million | undefined;

/** Building takes some ten seconds, so that all benches share one tree. */
function builtMillion(): Million {
  if (million !== undefined) return million;
  const keys = digestsOf(new Uint8Array(Uint32Array.from({ length: LEAVES }, (_, i) => i).buffer), 4);
  const leaves = digestsOf(keys, 32);
  const changes: LeafChange[] = Array.from({ length: LEAVES }, (_, i) => ({ key: at(keys, i), leaf: at(leaves, i) }));
  const residentBefore = residentMb();
  const start = performance.now();
  let tree = SparseMerkleTree.empty(counting);
  const nodeHashes = hashesOf(() => (tree = tree.update(changes)));
  const ms = performance.now() - start;
  return (million = { tree, keys, leaves, nodeHashes, ms, residentMb: residentMb() - residentBefore });
}

/** Of the whole process, after what is no longer used has been collected. */
function residentMb(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage.rss() / 1e6;
}

export const benches: Bench[] = [
  {
    name: "merkle/build",
    async measure() {
      const { nodeHashes, ms } = builtMillion();
      const peer = bound();
      let peerValue = 0;
      for (let round = 0; round < 9; round++) {
        const start = performance.now();
        const count = await peer.run();
        peerValue = Math.max(peerValue, (count * 1000) / (performance.now() - start));
      }
      const value = (nodeHashes * 1000) / ms;
      return { name: "merkle/build", value, unit: "hashes/s", peer: peer.name, peerValue, ratio: value / peerValue };
    },
  },
  {
    name: "merkle/memory",
    measure() {
      const { residentMb: value } = builtMillion();
      const ratio = value / RESIDENT_MB_MAX;
      return { name: "merkle/memory", value, unit: "MB", peer: "limit", peerValue: RESIDENT_MB_MAX, ratio };
    },
  },
  {
    name: "merkle/update",
    unit: "hashes/s",
    prepare() {
      const built = builtMillion();
      const { keys, leaves } = built;
      let next = 0;
      const subject = {
        name: "updates of random leaves",
        run() {
          const changes: LeafChange[] = [];
          for (let i = 0; i < UPDATES; i++) {
            // A prime step visits the leaves, whose keys are random, without meeting one twice.
            next = (next + 7919) % LEAVES;
            changes.push({ key: at(keys, next), leaf: at(leaves, (next + 1 + changes.length) % LEAVES) });
          }
          const old = built.tree;
          const count = hashesOf(() => (built.tree = old.update(changes)));
          old.release();
          return count;
        },
      };
      return { subject, peer: bound() };
    },
  },
];
