/** What a proposal commits the tables to (chapter 02 §4.4), and the trees that make it cheap to compute once a window. */
import type { Hash32 } from "../bytes.ts";
import { encode, type Codec } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import { taggedHash } from "../hash.ts";
import { leafHashes } from "../merkle/hashing.ts";
import { SparseMerkleTree, type LeafChange } from "../merkle/tree.ts";
import { accountRecord, candidateRecord, nodeRecord } from "./records.ts";
import type { Change, StateChanges } from "./table.ts";

export interface StateRoots {
  readonly accountRoot: Hash32;
  readonly nodeRoot: Hash32;
  readonly candidateRoot: Hash32;
  readonly stateRoot: Hash32;
}

/** One version of each table's tree. */
export interface StateTrees {
  readonly accounts: SparseMerkleTree;
  readonly nodes: SparseMerkleTree;
  readonly candidates: SparseMerkleTree;
}

/** The order of the three is binding. */
export function stateRoot(crypto: Crypto, nodeRoot: Hash32, candidateRoot: Hash32, accountRoot: Hash32): Hash32 {
  return taggedHash(crypto, "mt-state-root", nodeRoot, candidateRoot, accountRoot);
}

export function emptyTrees(crypto: Crypto): StateTrees {
  return {
    accounts: SparseMerkleTree.empty(crypto),
    nodes: SparseMerkleTree.empty(crypto),
    candidates: SparseMerkleTree.empty(crypto),
  };
}

/** New versions with the changes of a window; `trees` stay valid until {@link releaseTrees}. */
export function updateTrees(crypto: Crypto, trees: StateTrees, changes: StateChanges): StateTrees {
  return {
    accounts: trees.accounts.update(leafChanges(crypto, accountRecord, changes.accounts)),
    nodes: trees.nodes.update(leafChanges(crypto, nodeRecord, changes.nodes)),
    candidates: trees.candidates.update(leafChanges(crypto, candidateRecord, changes.candidates)),
  };
}

function leafChanges<Row>(crypto: Crypto, codec: Codec<Row>, changes: readonly Change<Hash32, Row>[]): LeafChange[] {
  const leaves = leafHashes(crypto, encodedRows(codec, changes)).values();
  return changes.map(({ id, row }) => ({ key: id, leaf: row === undefined ? undefined : leaves.next().value }));
}

function* encodedRows<Row>(codec: Codec<Row>, changes: readonly Change<Hash32, Row>[]): Iterable<Uint8Array> {
  for (const { row } of changes) if (row !== undefined) yield encode(codec, row);
}

export function releaseTrees(trees: StateTrees): void {
  trees.accounts.release();
  trees.nodes.release();
  trees.candidates.release();
}

export function rootsOf(crypto: Crypto, trees: StateTrees): StateRoots {
  const accountRoot = trees.accounts.root;
  const nodeRoot = trees.nodes.root;
  const candidateRoot = trees.candidates.root;
  return {
    accountRoot,
    nodeRoot,
    candidateRoot,
    stateRoot: stateRoot(crypto, nodeRoot, candidateRoot, accountRoot),
  };
}
