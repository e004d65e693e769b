/**
 * A Merkle tree as a file, so that a restart need not fold a million leaves: half a minute against two seconds. The file is a
 * copy of what follows from the tables: a missing, damaged or outdated one costs time and nothing else.
 *
 * `tree-TABLE.bin`: header, then chunks of `protocol/merkle/dump.ts`, each behind its length as u32.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { syncDirectory, writeFully } from "../../files/blocking.ts";
import { ascii, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { bytes, decode, encode, hash32, struct, u32, u64, type Infer } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { dumpTree, loadTree } from "../../protocol/merkle/dump.ts";
import type { SparseMerkleTree } from "../../protocol/merkle/tree.ts";
import { readUpTo } from "./files.ts";
import type { TableName } from "./layouts.ts";

const MAGIC = ascii("mttree01");
/** 4096 leaves of 96 bytes, count and digest. */
const CHUNK_SIZE_MAX = 4096 * 96 + 36;

const header = struct({ magic: bytes(8), networkId: hash32, height: u64, root: hash32 });

export function treeFilePath(directory: string, table: TableName): string {
  return join(directory, `tree-${table}.bin`);
}

/**
 * Writes the tree of a table before window `height`, chunk by chunk; gives the number of leaves written after each. The caller
 * holds the tree until it is done. An interrupted write leaves the file of before.
 */
export function* writeTreeFile(
  crypto: Crypto,
  path: string,
  networkId: Hash32,
  height: bigint,
  tree: SparseMerkleTree,
): Generator<number> {
  const temporary = `${path}.tmp`;
  const fd = openSync(temporary, "w", 0o600);
  let isDone = false;
  try {
    const magic = MAGIC as Infer<typeof header>["magic"];
    const head = encode(header, { magic, networkId, height, root: tree.root });
    writeFully(fd, head, 0);
    let position = head.length;
    let leaves = 0;
    for (const chunk of dumpTree(crypto, tree)) {
      writeFully(fd, encode(u32, chunk.length), position);
      writeFully(fd, chunk, position + 4);
      position += 4 + chunk.length;
      leaves += Math.floor(chunk.length / 96);
      yield leaves;
    }
    fsyncSync(fd);
    isDone = true;
  } finally {
    closeSync(fd);
    if (!isDone) rmSync(temporary, { force: true });
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

export interface TreeFile {
  /** First window whose changes are not in the tree. */
  readonly height: bigint;
  readonly root: Hash32;
}

/** What a file claims; undefined where there is none that can be used. */
export function readTreeFile(path: string, networkId: Hash32): TreeFile | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, "r");
  try {
    const head = readUpTo(fd, header.size, 0);
    if (head.length < header.size) return undefined;
    const { magic, networkId: network, height, root } = decode(header, head);
    return equalBytes(magic, MAGIC) && equalBytes(network, networkId) ? { height, root } : undefined;
  } finally {
    closeSync(fd);
  }
}

/** The tree of a file whose leaves lead to `root`, or why there is none: the name of what is wrong with the file. */
export function loadTreeFile(crypto: Crypto, path: string, root: Hash32): SparseMerkleTree | string {
  const fd = openSync(path, "r");
  try {
    return loadTree(crypto, readChunks(fd), root);
  } catch (error) {
    if (error instanceof ProtocolError) return (error as ProtocolError).code;
    throw error;
  } finally {
    closeSync(fd);
  }
}

function* readChunks(fd: number): Iterable<Uint8Array> {
  for (let position = header.size; ;) {
    const length = readUpTo(fd, 4, position);
    if (length.length === 0) return;
    const size = length.length === 4 ? decode(u32, length) : CHUNK_SIZE_MAX + 1;
    if (size > CHUNK_SIZE_MAX) throw new ProtocolError("corrupted-tree");
    yield readUpTo(fd, size, position + 4);
    position += 4 + size;
  }
}
