/**
 * A small record on disk that survives any crash: two slots in one file, written in turn, so that the older one is whole
 * while the newer one is written. Each slot is checksummed over its whole length; what does not verify is named, never read
 * as "empty". Meant for one writer, under the host's lock on its data directory.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";

import { ascii, concatBytes, equalBytes, isAllZero } from "../../protocol/bytes.ts";
import { bytes, decode, encode, struct, u16, u64, u8 } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";

/** A page, so that writing one slot never rewrites a part of the other one. */
export const SLOT_SIZE = 4096;
const CHECKSUM_SIZE = 32;
const VERSION = 1;
const MAGIC = ascii("mtsl");

const slotHeader = struct({ magic: bytes(4), version: u8, kind: u8, length: u16, sequence: u64 });
export const SLOT_PAYLOAD_MAX = SLOT_SIZE - slotHeader.size - CHECKSUM_SIZE;

/** What a file is for: a file of one kind is never taken for another. */
export const SLOT_KINDS = { timechainProgress: 1, candidateProgress: 2, awakeLog: 3, lifecycle: 4 } as const;
export type SlotKind = keyof typeof SLOT_KINDS;

/** Why a slot cannot be used. `stale`: it is whole, but a write that came after it is missing. */
export type SlotFault =
  | "truncated"
  | "empty"
  | "checksum-mismatch"
  | "invalid-magic"
  | "unsupported-version"
  | "wrong-kind"
  | "wrong-length"
  | "stale";

interface Slot {
  readonly payload: Uint8Array;
  readonly sequence: bigint;
}

export class SlotFile {
  readonly #crypto: Crypto;
  readonly #path: string;
  readonly #kind: SlotKind;
  #handle: number | undefined;
  /** Where the newest whole record lies; the next one goes to the other slot. */
  #slot = 1;
  #sequence = 0n;

  /** The newest whole record; undefined for a file that does not exist yet. */
  readonly payload: Uint8Array | undefined;
  /**
   * What is wrong with the slot that is not used. It may have held a newer record than {@link payload}, or an older one: a
   * slot that cannot be read does not tell.
   */
  readonly fault: SlotFault | undefined;

  /**
   * Reads what is there; writes nothing. Throws `ProtocolError("slot-file-corrupt")` with the faults of both slots where a
   * file exists but holds no whole record.
   */
  constructor(crypto: Crypto, path: string, kind: SlotKind) {
    this.#crypto = crypto;
    this.#path = path;
    this.#kind = kind;
    if (!existsSync(path)) {
      this.payload = undefined;
      this.fault = undefined;
      return;
    }
    const read = decodeSlots(crypto, kind, basename(path), new Uint8Array(readFileSync(path)));
    this.#slot = read.slot;
    this.#sequence = read.sequence;
    this.payload = read.payload;
    this.fault = read.fault;
  }

  /** Puts a file that is corrupt out of the way, for whoever wants to look at it, and starts a new one. */
  static replace(crypto: Crypto, path: string, kind: SlotKind): SlotFile {
    renameSync(path, `${path}.corrupt`);
    syncFolder(path);
    return new SlotFile(crypto, path, kind);
  }

  /**
   * Returns once `payload` (at most {@link SLOT_PAYLOAD_MAX} bytes) is on disk. Throws what the file system throws; the
   * record before it is then still whole, and the next call writes to the same slot again.
   */
  write(payload: Uint8Array): void {
    const slot = 1 - this.#slot;
    const page = encodeSlot(this.#crypto, this.#kind, payload, this.#sequence + 1n);
    try {
      if (this.#handle === undefined && !existsSync(this.#path)) this.#create(page);
      else {
        this.#handle ??= openSync(this.#path, "r+");
        writeAll(this.#handle, page, slot * SLOT_SIZE);
        fsyncSync(this.#handle);
      }
    } catch (error) {
      // After a failed fsync a handle may claim success for pages that it dropped.
      this.close();
      throw error;
    }
    this.#slot = slot;
    this.#sequence++;
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #create(page: Uint8Array): void {
    const temporary = `${this.#path}.new`;
    writeFileSync(temporary, concatBytes(page, new Uint8Array(SLOT_SIZE)), { mode: 0o600, flush: true });
    renameSync(temporary, this.#path);
    syncFolder(this.#path);
  }
}

/** What a file of two slots holds. */
export interface ReadSlots {
  /** Where the newest whole record lies, 0 or 1. */
  readonly slot: number;
  readonly sequence: bigint;
  readonly payload: Uint8Array;
  readonly fault: SlotFault | undefined;
}

/** `name` is the file's in the params. Throws `ProtocolError("slot-file-corrupt")` with the faults of both slots. */
export function decodeSlots(crypto: Crypto, kind: SlotKind, name: string, file: Uint8Array): ReadSlots {
  const slots = [readSlot(crypto, kind, file, 0), readSlot(crypto, kind, file, 1)] as const;
  const [first, second] = slots;
  if (typeof first === "string" && typeof second === "string") {
    throw new ProtocolError("slot-file-corrupt", { file: name, first, second });
  }
  const slot = sequenceOf(second) > sequenceOf(first) ? 1 : 0;
  const newest = slots[slot] as Slot;
  return { slot, ...newest, fault: faultBeside(newest, slots[1 - slot]!) };
}

/** The bytes of one slot. */
export function encodeSlot(crypto: Crypto, kind: SlotKind, payload: Uint8Array, sequence: bigint): Uint8Array {
  if (payload.length > SLOT_PAYLOAD_MAX) throw new RangeError(`${payload.length} bytes do not fit a slot`);
  const { length } = payload;
  const header = { magic: MAGIC as never, version: VERSION, kind: SLOT_KINDS[kind], length, sequence };
  const page = new Uint8Array(SLOT_SIZE);
  page.set(encode(slotHeader, header));
  page.set(payload, slotHeader.size);
  page.set(checksumOf(crypto, page), SLOT_SIZE - CHECKSUM_SIZE);
  return page;
}

function readSlot(crypto: Crypto, kind: SlotKind, file: Uint8Array, index: number): Slot | SlotFault {
  const page = file.subarray(index * SLOT_SIZE, (index + 1) * SLOT_SIZE);
  if (page.length < SLOT_SIZE) return "truncated";
  if (isAllZero(page)) return "empty";
  const header = decode(slotHeader, page.subarray(0, slotHeader.size));
  if (!equalBytes(checksumOf(crypto, page), page.subarray(SLOT_SIZE - CHECKSUM_SIZE))) return "checksum-mismatch";
  if (!equalBytes(header.magic, MAGIC)) return "invalid-magic";
  if (header.version !== VERSION) return "unsupported-version";
  if (header.kind !== SLOT_KINDS[kind]) return "wrong-kind";
  if (header.length > SLOT_PAYLOAD_MAX) return "wrong-length";
  return {
    payload: Uint8Array.from(page.subarray(slotHeader.size, slotHeader.size + header.length)),
    sequence: header.sequence,
  };
}

function checksumOf(crypto: Crypto, page: Uint8Array): Uint8Array {
  return crypto.sha256(page.subarray(0, SLOT_SIZE - CHECKSUM_SIZE));
}

const sequenceOf = (slot: Slot | SlotFault): bigint => (typeof slot === "string" ? -1n : slot.sequence);

/** A file has an empty second slot until its second write; afterwards the slots are one write apart. */
function faultBeside(newest: Slot, other: Slot | SlotFault): SlotFault | undefined {
  if (typeof other === "string") return other === "empty" && newest.sequence === 1n ? undefined : other;
  return other.sequence === newest.sequence - 1n ? undefined : "stale";
}

function writeAll(handle: number, page: Uint8Array, position: number): void {
  for (let written = 0; written < page.length;) {
    written += writeSync(handle, page, written, page.length - written, position + written);
  }
}

/** Makes the name of a file durable. Windows has no such call and needs none: NTFS logs its names. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(dirname(path), "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
