/**
 * What of a snapshot has been received and verified, in one file that only grows: a joiner that was killed goes on with what
 * lies there. Each record is checksummed, so that one that a crash cut off ends the file, and nothing else is lost.
 *
 * `sync/staged.bin`: header, then records: kind u8 ‖ anchor u64 ‖ index u32 ‖ length u32 ‖ content ‖ CRC-32 of all before.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { createDirectory, writeFully } from "../../files/blocking.ts";
import { ascii, concatBytes, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { bytes, decode, encode, hash32, struct, u32, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import { readUpTo, requireFreeSpace } from "../store/files.ts";

const SYNC_FOLDER = "sync";
const FILE = "staged.bin";
const MAGIC = ascii("mtsync01");
/** The accounts of one prefix: at most 256 parts of 1 MiB. */
const CONTENT_SIZE_MAX = 2 ** 28;

const header = struct({ magic: bytes(8), networkId: hash32 });
const recordHead = struct({ kind: u8, anchor: u64, index: u32, length: u32 });
const CHECKSUM_SIZE = 4;

/**
 * - `anchor`: what the snapshot is of; index 0;
 * - `headers`: of the windows from `index` on, as they follow each other;
 * - `tables`: chunks of Node Table and Candidate Pool, from the last of them on;
 * - `manifest`: subtree roots, by chunk;
 * - `accounts`: those under prefix `index`, as records;
 * - `body`: of window `index`;
 * - `kept`: the accounts under prefix `index` are those of this later anchor, too; no content;
 * - `time`: D of every epoch below the anchor, whose TimeChain has passed the sample;
 * - `probe`: chunk 0, which says how many there are.
 */
const STAGED_KINDS = ["anchor", "headers", "tables", "manifest", "accounts", "body", "kept", "time", "probe"] as const;
export type StagedKind = (typeof STAGED_KINDS)[number];

interface Place {
  readonly position: number;
  readonly length: number;
  readonly anchor: bigint;
}

export class Staging {
  readonly #path: string;
  readonly #fd: number;
  #end: number;
  readonly #places = new Map<StagedKind, Map<number, Place>>();

  /** `directory` is the network's; what lies there of another network or of no use is thrown away. */
  constructor(directory: string, networkId: Hash32) {
    const folder = stagingFolder(directory);
    createDirectory(folder);
    this.#path = join(folder, FILE);
    this.#fd = openSync(this.#path, existsSync(this.#path) ? "r+" : "w+", 0o600);
    const head = encode(header, { magic: MAGIC as Infer<typeof header>["magic"], networkId });
    if (!equalBytes(readUpTo(this.#fd, header.size, 0), head)) {
      ftruncateSync(this.#fd, 0);
      writeFully(this.#fd, head, 0);
    }
    this.#end = this.#recover();
    ftruncateSync(this.#fd, this.#end);
  }

  /** Of `anchor`, or of any. */
  has(kind: StagedKind, index: number, anchor?: bigint): boolean {
    const place = this.#places.get(kind)?.get(index);
    return place !== undefined && (anchor === undefined || place.anchor === anchor);
  }

  /** Of the records of a kind, of `anchor` or of any, ascending. */
  indexes(kind: StagedKind, anchor?: bigint): number[] {
    const found: number[] = [];
    for (const [index, place] of this.#places.get(kind) ?? []) {
      if (anchor === undefined || place.anchor === anchor) found.push(index);
    }
    return found.sort((a, b) => a - b);
  }

  /** Of the last such record. */
  anchorOf(kind: StagedKind, index: number): bigint | undefined {
    return this.#places.get(kind)?.get(index)?.anchor;
  }

  /** Bytes of the content. */
  lengthOf(kind: StagedKind, index: number): number {
    return this.#places.get(kind)?.get(index)?.length ?? 0;
  }

  /** Undefined where there is none. */
  read(kind: StagedKind, index: number, from = 0, length?: number): Uint8Array | undefined {
    const place = this.#places.get(kind)?.get(index);
    if (place === undefined) return undefined;
    return readUpTo(this.#fd, Math.min(length ?? place.length, place.length - from), place.position + from);
  }

  /** A later record of the same kind and index takes the place of the one before. */
  append(kind: StagedKind, anchor: bigint, index: number, content: Uint8Array): void {
    requireFreeSpace(stagingFolderOf(this.#path), content.length, 0);
    const head = encode(recordHead, { kind: STAGED_KINDS.indexOf(kind), anchor, index, length: content.length });
    const checksum = encode(u32, crc32(content, crc32(head)));
    writeFully(this.#fd, concatBytes(head, content, checksum), this.#end);
    this.#note(kind, index, { position: this.#end + head.length, length: content.length, anchor });
    this.#end += head.length + content.length + CHECKSUM_SIZE;
  }

  /** Begins anew. */
  clear(): void {
    this.#places.clear();
    this.#end = header.size;
    ftruncateSync(this.#fd, this.#end);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #note(kind: StagedKind, index: number, place: Place): void {
    let places = this.#places.get(kind);
    if (places === undefined) {
      places = new Map();
      this.#places.set(kind, places);
    }
    places.set(index, place);
    const accounts = kind === "kept" ? this.#places.get("accounts")?.get(index) : undefined;
    if (accounts !== undefined) this.#places.get("accounts")!.set(index, { ...accounts, anchor: place.anchor });
  }

  /** Reads what is whole; gives where that ends. */
  #recover(): number {
    const { size } = fstatSync(this.#fd);
    let position = header.size;
    while (position < size) {
      const head = readUpTo(this.#fd, recordHead.size, position);
      if (head.length < recordHead.size) return position;
      const { kind, anchor, index, length } = decode(recordHead, head);
      const name = STAGED_KINDS[kind];
      const isOfFile = length <= CONTENT_SIZE_MAX && position + head.length + length <= size;
      if (name === undefined || !isOfFile) return position;
      const content = readUpTo(this.#fd, length + CHECKSUM_SIZE, position + head.length);
      if (content.length < length + CHECKSUM_SIZE) return position;
      const stored = decode(u32, content.subarray(length));
      if (stored !== crc32(content.subarray(0, length), crc32(head))) return position;
      this.#note(name, index, { position: position + head.length, length, anchor });
      position += head.length + length + CHECKSUM_SIZE;
    }
    return position;
  }
}

export const stagingFolder = (directory: string): string => join(directory, SYNC_FOLDER);

const stagingFolderOf = (path: string): string => path.slice(0, -FILE.length - 1);

/** Removes what a join left. */
export function removeStaging(directory: string): void {
  rmSync(stagingFolder(directory), { recursive: true, force: true });
}
