/**
 * The write-ahead log of everything that this node signed for windows not yet decided (chapter 03 §6.9). Nothing is sent
 * before `append` has returned; after a crash the node finds here what it signed, sends that again and never signs another
 * object for the same key.
 *
 * `signed.log`: header, then records. Record: length u32 ‖ kind u8 ‖ phase u8 ‖ round u8 ‖ 0 ‖ window u64 ‖ object ‖ CRC-32.
 * `signed.mark`: how much of the log has been synced. It is what tells a record that a crash cut off, which was never sent,
 * from a record that was damaged later: only the former may be dropped.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile } from "../../files/blocking.ts";
import { ascii, concatBytes, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { bytes, decode, encode, hash32, struct, u32, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { CHECKSUM_SIZE, isSealIntact, seal } from "./checksum.ts";
import { named, storeError, translateError } from "./errors.ts";
import { fileSize, readUpTo } from "./files.ts";
import { TwoSlotFile } from "./twoSlotFile.ts";

export const SIGNED_LOG_FILE = "signed.log";
export const SIGNED_MARK_FILE = "signed.mark";
const MARK_LABEL = "signed log";
const MAGIC = ascii("mtsignlg");

export type SignedKind = "bundle" | "reveal" | "header" | "vote";
const KINDS: readonly SignedKind[] = ["bundle", "reveal", "header", "vote"];

/** What may be signed once: a bundle or reveal of a window, a header of a depth, a vote of a round and phase. */
export interface SignedKey {
  readonly kind: SignedKind;
  readonly window: bigint;
  /** Fallback depth of a header, round of a vote; 0 otherwise. */
  readonly round: number;
  /** Phase of a vote; 0 otherwise. */
  readonly phase: number;
}

export interface SignedEntry {
  readonly key: SignedKey;
  readonly object: Uint8Array;
}

const header = struct({
  magic: bytes(8),
  networkId: hash32,
  /** Counts the replacements of the file. */
  generation: u32,
  /** Bytes of the file, all synced, when it took its place. */
  initialLength: u64,
  /** Windows below it are decided: nothing is signed for them any more. */
  floor: u64,
  checksum: u32,
});
const HEADER_CONTENT_SIZE = header.size - CHECKSUM_SIZE;

const mark = struct({ generation: u32, length: u64 });

const recordHead = struct({ length: u32, kind: u8, phase: u8, round: u8, zero: u8, window: u64 });
type RecordHead = Infer<typeof recordHead>;

/** More than any signed object takes with what is kept beside it; a longer claim is damage. */
const OBJECT_SIZE_MAX = 2 ** 26;
/** Of decided windows a starting machine wants the newest, and its bundles of as many as an attestation lasts. */
const WINDOWS_KEPT = 1n;
const BUNDLE_WINDOWS_KEPT = 13n;
/** The log is rewritten without decided windows when so much of it is theirs. */
const COMPACTION_BYTES_MIN = 1 << 20;

interface Waiting {
  readonly text: string;
  readonly record: Uint8Array;
  readonly done: PromiseWithResolvers<undefined>;
}

/** One log, open in one process. All methods may be called at any time; appends that wait are synced together. */
export class SignedLog {
  readonly #directory: string;
  readonly #networkId: Hash32;
  readonly #mark: TwoSlotFile;
  #markHandle: FileHandle;
  #handle: FileHandle;
  #generation: number;
  #floor: bigint;
  /** Bytes written and synced. */
  #length: number;
  readonly #entries = new Map<string, SignedEntry & { readonly synced: Promise<void> }>();
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #failure: Error | undefined;
  /** Bytes dropped by {@link SignedLog.open} as a record that a crash had cut off. */
  readonly tornBytes: number;

  /**
   * Opens or creates the log in `directory`. Throws `signed-log-missing`, `signed-log-mark-missing`,
   * `signed-log-mark-corrupted` or `signed-log-corrupted` with the offset, and `wrong-network`.
   */
  static async open(directory: string, networkId: Hash32): Promise<SignedLog> {
    const read = named(() => readLog(directory, networkId) ?? createLog(directory, networkId));
    const handle = await open(join(directory, SIGNED_LOG_FILE), "r+");
    const markHandle = await open(join(directory, SIGNED_MARK_FILE), "r+");
    return new SignedLog(directory, networkId, read, handle, markHandle);
  }

  private constructor(directory: string, networkId: Hash32, read: ReadLog, handle: FileHandle, markHandle: FileHandle) {
    this.#directory = directory;
    this.#networkId = networkId;
    this.#mark = read.mark;
    this.#handle = handle;
    this.#markHandle = markHandle;
    this.#generation = read.generation;
    this.#floor = read.floor;
    this.#length = read.length;
    this.tornBytes = read.tornBytes;
    for (const entry of read.entries) this.#entries.set(keyText(entry.key), { ...entry, synced: Promise.resolve() });
  }

  /** Windows below it are decided. */
  get floor(): bigint {
    return this.#floor;
  }

  /** Everything signed for this window and those after it is here. */
  get completeFrom(): bigint {
    return this.#floor < WINDOWS_KEPT ? 0n : this.#floor - WINDOWS_KEPT;
  }

  /** Windows below it are decided: the floor, or the latest window that something was signed for. */
  get reached(): bigint {
    let reached = this.#floor;
    for (const { key } of this.#entries.values()) if (key.window > reached) reached = key.window;
    return reached;
  }

  /** The object signed for `key`, whether or not it was sent. */
  lookup(key: SignedKey): Uint8Array | undefined {
    return this.#entries.get(keyText(key))?.object;
  }

  /** Everything signed for windows from `floor` − 1 on, and bundles of the 13 windows before `floor`, as they were signed. */
  entries(): SignedEntry[] {
    return Array.from(this.#entries.values(), ({ key, object }) => ({ key, object }));
  }

  /**
   * Makes `object` durable as the one signed for `key`; only then it may be sent. The same object again is no change. Rejects
   * with `already-signed` where another object was signed for the key, with `window-already-decided` below the floor, and
   * with what the disk reports; after a failure of the disk the log takes nothing until it is opened again.
   */
  async append(key: SignedKey, object: Uint8Array): Promise<void> {
    this.#checkUsable();
    const text = keyText(key);
    const known = this.#entries.get(text);
    if (known !== undefined) {
      if (!equalBytes(known.object, object)) throw storeError("already-signed", keyParams(key));
      return known.synced;
    }
    if (key.window < this.#floor) throw storeError("window-already-decided", keyParams(key));
    const done = Promise.withResolvers<undefined>();
    const kept = object.slice();
    this.#entries.set(text, { key, object: kept, synced: done.promise });
    this.#waiting.push({ text, record: recordBytes(key, kept), done });
    this.#work();
    return done.promise;
  }

  /** Says that the windows below `height` are decided: nothing is signed for them any more. The file is rewritten without them when they have become much of it. */
  async decided(height: bigint): Promise<void> {
    this.#checkUsable();
    if (height <= this.#floor) return;
    this.#floor = height;
    for (const [text, { key }] of this.#entries) if (!isKept(key, height)) this.#entries.delete(text);
    if (this.#length < COMPACTION_BYTES_MIN) return;
    await this.compact();
  }

  /** Rewrites the file with nothing but the entries that count, and the floor. */
  async compact(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
    this.#checkUsable();
    const run = this.#guarded(() => this.#rewrite());
    this.#working = run;
    await run;
    this.#working = undefined;
    this.#work();
    this.#checkUsable();
  }

  async close(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
    this.#failure ??= storeError("store-closed");
    await this.#handle.close();
    await this.#markHandle.close();
    this.#mark.close();
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #work(): void {
    if (this.#working !== undefined || this.#waiting.length === 0) return;
    this.#working = this.#guarded(() => this.#flush()).then(() => {
      this.#working = undefined;
      this.#work();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      let position = this.#length;
      for (const { record } of batch) {
        const sealed = sealRecord(record, position);
        await writeAll(this.#handle, sealed, position);
        position += sealed.length;
      }
      await this.#handle.datasync();
      await this.#mark.writeThrough(
        this.#markHandle,
        encode(mark, { generation: this.#generation, length: BigInt(position) }),
      );
      this.#length = position;
      for (const { done } of batch) done.resolve(undefined);
    } catch (error) {
      for (const { done } of batch) done.reject(translateError(error));
      throw error;
    }
  }

  async #rewrite(): Promise<void> {
    const generation = this.#generation + 1;
    const file = fileBytes(this.#networkId, generation, this.#floor, this.#syncedEntries());
    replaceFile(join(this.#directory, SIGNED_LOG_FILE), [file]);
    await this.#handle.close();
    this.#handle = await open(join(this.#directory, SIGNED_LOG_FILE), "r+");
    await this.#mark.writeThrough(this.#markHandle, encode(mark, { generation, length: BigInt(file.length) }));
    this.#generation = generation;
    this.#length = file.length;
  }

  /** Without those that an append still waits for: they follow the rewritten file. */
  #syncedEntries(): SignedEntry[] {
    const waiting = new Set(this.#waiting.map(({ text }) => text));
    return this.entries().filter(({ key }) => !waiting.has(keyText(key)));
  }

  /** A failure ends the log: what is on the disk is known again only after reading it. */
  async #guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#failure = translateError(error);
      for (const { done } of this.#waiting) done.reject(this.#failure);
      this.#waiting = [];
    }
  }
}

interface ReadLog {
  readonly mark: TwoSlotFile;
  readonly generation: number;
  readonly floor: bigint;
  readonly entries: readonly SignedEntry[];
  readonly length: number;
  readonly tornBytes: number;
}

function createLog(directory: string, networkId: Hash32): ReadLog {
  const file = fileBytes(networkId, 0, 0n, []);
  replaceFile(join(directory, SIGNED_LOG_FILE), [file]);
  const first = encode(mark, { generation: 0, length: BigInt(file.length) });
  return {
    mark: TwoSlotFile.create(join(directory, SIGNED_MARK_FILE), MARK_LABEL, first),
    generation: 0,
    floor: 0n,
    entries: [],
    length: file.length,
    tornBytes: 0,
  };
}

/**
 * Copies what is complete of a log that may be in use to another folder, as a log of its own; nothing where there is none.
 * Throws like {@link SignedLog.open}.
 */
export function copySignedLog(from: string, to: string, networkId: Hash32): void {
  const path = join(from, SIGNED_LOG_FILE);
  if (!existsSync(path)) return;
  // The mark first: what it guarantees is in the file that is read after it.
  const marked = TwoSlotFile.open(join(from, SIGNED_MARK_FILE), MARK_LABEL, "signed-log-mark-corrupted");
  if (marked === undefined) throw storeError("signed-log-mark-missing", { file: path });
  const { generation, length } = decode(mark, marked.value);
  marked.close();
  const { content, head } = readContent(path, networkId);
  // A file that was replaced in between is synced as a whole.
  const synced = head.generation === generation ? Number(length) : Number(head.initialLength);
  const { entries } = readRecords(path, content, synced);
  const copy = fileBytes(networkId, 0, head.floor, entries);
  replaceFile(join(to, SIGNED_LOG_FILE), [copy]);
  const first = encode(mark, { generation: 0, length: BigInt(copy.length) });
  TwoSlotFile.create(join(to, SIGNED_MARK_FILE), MARK_LABEL, first).close();
}

/** Undefined where there is no log, or one whose creation was interrupted. */
function readLog(directory: string, networkId: Hash32): ReadLog | undefined {
  const path = join(directory, SIGNED_LOG_FILE);
  const markFile = TwoSlotFile.open(join(directory, SIGNED_MARK_FILE), MARK_LABEL, "signed-log-mark-corrupted");
  try {
    if (!existsSync(path)) {
      if (markFile !== undefined) throw storeError("signed-log-missing", { file: path });
      return undefined;
    }
    const { content, head } = readContent(path, networkId);
    if (markFile === undefined) {
      if (head.generation === 0 && content.length === header.size) return undefined;
      throw storeError("signed-log-mark-missing", { file: path });
    }
    const synced = syncedLength(head, decode(mark, markFile.value));
    if (synced === undefined) throw storeError("signed-log-corrupted", { file: path, offset: 0 });
    const { entries, end } = readRecords(path, content, synced);
    if (end < content.length) truncateDurably(path, end);
    if (end !== synced || decode(mark, markFile.value).generation !== head.generation) {
      markFile.write(encode(mark, { generation: head.generation, length: BigInt(end) }));
    }
    const counted = entries.filter(({ key }) => isKept(key, head.floor));
    const tornBytes = content.length - end;
    return { mark: markFile, generation: head.generation, floor: head.floor, entries: counted, length: end, tornBytes };
  } catch (error) {
    markFile?.close();
    throw error;
  }
}

/** What the mark guarantees. A file one replacement ahead of the mark was synced whole before it took its place. */
function syncedLength(head: Infer<typeof header>, marked: Infer<typeof mark>): number | undefined {
  if (head.generation === marked.generation) return Number(marked.length);
  return head.generation === marked.generation + 1 ? Number(head.initialLength) : undefined;
}

function readContent(
  path: string,
  networkId: Hash32,
): { readonly content: Uint8Array; readonly head: Infer<typeof header> } {
  const fd = openSync(path, "r");
  try {
    const content = readUpTo(fd, fileSize(path), 0);
    const damaged = (): Error => storeError("signed-log-corrupted", { file: path, offset: 0 });
    if (content.length < header.size || !isSealIntact("signedLog", 0, content.subarray(0, header.size)))
      throw damaged();
    const head = decode(header, content.subarray(0, header.size));
    if (!equalBytes(head.magic, MAGIC)) throw damaged();
    if (!equalBytes(head.networkId, networkId)) throw storeError("wrong-network", { file: path });
    return { content, head };
  } finally {
    closeSync(fd);
  }
}

/** All records up to `synced` must be intact and end there; after it the first that is not intact ends the log. */
function readRecords(
  path: string,
  content: Uint8Array,
  synced: number,
): { readonly entries: SignedEntry[]; readonly end: number } {
  const entries: SignedEntry[] = [];
  let offset = header.size;
  while (offset < content.length) {
    const entry = readRecord(content, offset);
    if (entry === undefined) break;
    entries.push(entry);
    offset += recordHead.size + entry.object.length + CHECKSUM_SIZE;
  }
  if (offset < synced) throw storeError("signed-log-corrupted", { file: path, offset, synced });
  return { entries, end: offset };
}

function readRecord(content: Uint8Array, offset: number): SignedEntry | undefined {
  if (content.length - offset < recordHead.size + CHECKSUM_SIZE) return undefined;
  const head = decode(recordHead, content.subarray(offset, offset + recordHead.size));
  const size = recordHead.size + head.length + CHECKSUM_SIZE;
  if (head.length > OBJECT_SIZE_MAX || content.length - offset < size || KINDS[head.kind] === undefined)
    return undefined;
  if (!isSealIntact("signedLog", offset, content.subarray(offset, offset + size))) return undefined;
  return { key: keyOf(head), object: content.slice(offset + recordHead.size, offset + size - CHECKSUM_SIZE) };
}

function truncateDurably(path: string, length: number): void {
  const fd = openSync(path, "r+");
  try {
    ftruncateSync(fd, length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function fileBytes(networkId: Hash32, generation: number, floor: bigint, entries: readonly SignedEntry[]): Uint8Array {
  const records: Uint8Array[] = [];
  let position = header.size;
  for (const { key, object } of entries) {
    const sealed = sealRecord(recordBytes(key, object), position);
    records.push(sealed);
    position += sealed.length;
  }
  const head = encode(header, {
    magic: MAGIC as Infer<typeof header>["magic"],
    networkId,
    generation,
    initialLength: BigInt(position),
    floor,
    checksum: 0,
  });
  return concatBytes(seal("signedLog", 0, head.subarray(0, HEADER_CONTENT_SIZE)), ...records);
}

function recordBytes(key: SignedKey, object: Uint8Array): Uint8Array {
  if (object.length > OBJECT_SIZE_MAX) throw new ProtocolError("payload-too-large", { length: object.length });
  const { window, round, phase } = key;
  const head: RecordHead = { length: object.length, kind: KINDS.indexOf(key.kind), phase, round, zero: 0, window };
  return concatBytes(encode(recordHead, head), object);
}

/** The checksum starts from the offset: a record moved elsewhere in the file is not intact. */
function sealRecord(record: Uint8Array, offset: number): Uint8Array {
  return seal("signedLog", offset, record);
}

function keyOf({ kind, window, round, phase }: RecordHead): SignedKey {
  return { kind: KINDS[kind]!, window, round, phase };
}

function isKept({ kind, window }: SignedKey, floor: bigint): boolean {
  return window + (kind === "bundle" ? BUNDLE_WINDOWS_KEPT : WINDOWS_KEPT) >= floor;
}

function keyText({ kind, window, round, phase }: SignedKey): string {
  return `${kind} ${window} ${round} ${phase}`;
}

function keyParams({ kind, window, round, phase }: SignedKey): {
  kind: string;
  window: bigint;
  round: number;
  phase: number;
} {
  return { kind, window, round, phase };
}

async function writeAll(handle: FileHandle, content: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < content.length;) {
    const { bytesWritten } = await handle.write(content, done, content.length - done, position + done);
    done += bytesWritten;
  }
}
