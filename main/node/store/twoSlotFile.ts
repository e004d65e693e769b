/**
 * A small value that is replaced often and must survive any crash: two slots, written in turn, each with a sequence number
 * and a checksum. A torn write spoils the older value at most; the other slot still holds the one before.
 *
 * Slot, 4096 bytes: magic "mts1" ‖ length u32 ‖ sequence u64 ‖ value ‖ CRC-32; zeros after it.
 */
import { closeSync, existsSync, fdatasyncSync, openSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";

import { replaceFile, writeFully } from "../../files/blocking.ts";
import { ascii, compareBytes, isAllZero } from "../../protocol/bytes.ts";
import { CHECKSUM_SIZE, isSealIntact, seal } from "./checksum.ts";
import { storeError, type StoreErrorCode } from "./errors.ts";
import { readUpTo } from "./files.ts";

const SLOT_SIZE = 4096;
const HEADER_SIZE = 16;
const MAGIC = ascii("mts1");
const LENGTH_OFFSET = 4;
const SEQUENCE_OFFSET = 8;
export const SLOT_VALUE_SIZE_MAX = SLOT_SIZE - HEADER_SIZE - CHECKSUM_SIZE;

interface Slot {
  readonly index: number;
  readonly sequence: bigint;
  readonly value: Uint8Array;
}

/** What is written next, and where. */
export interface SlotWrite {
  readonly bytes: Uint8Array;
  readonly position: number;
}

export class TwoSlotFile {
  readonly path: string;
  /** Is one slot neither blank nor intact? A torn write leaves that behind, and so does a damaged file. */
  readonly isOneSlotDamaged: boolean;
  readonly #label: number;
  #current: Slot;
  #fd: number | undefined;

  /**
   * Reads the file at `path`, or gives undefined where there is none. `label` says what the file is for: the file of another
   * purpose is damage. Throws `code` where no slot is intact or the length is wrong.
   */
  static open(path: string, label: string, code: StoreErrorCode): TwoSlotFile | undefined {
    if (!existsSync(path)) return undefined;
    const fd = openSync(path, "r+");
    try {
      const content = readUpTo(fd, 2 * SLOT_SIZE + 1, 0);
      const slots = content.length === 2 * SLOT_SIZE ? [0, 1].map((index) => readSlot(content, index, label)) : [];
      const intact = slots.filter((slot) => typeof slot === "object");
      if (intact.length === 0) throw storeError(code, { file: path, length: content.length });
      intact.sort((a, b) => (a.sequence < b.sequence ? 1 : -1));
      return new TwoSlotFile(path, label, intact[0]!, slots.includes("damaged"), fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Makes the file with a first value. It takes its place whole, so that from now on one slot is always intact. */
  static create(path: string, label: string, value: Uint8Array): TwoSlotFile {
    const first: Slot = { index: 0, sequence: 1n, value };
    replaceFile(path, [slotBytes(first, label), new Uint8Array(SLOT_SIZE)]);
    return new TwoSlotFile(path, label, first, false, openSync(path, "r+"));
  }

  private constructor(path: string, label: string, current: Slot, isOneSlotDamaged: boolean, fd: number) {
    this.path = path;
    this.#label = labelKey(label);
    this.#current = current;
    this.isOneSlotDamaged = isOneSlotDamaged;
    this.#fd = fd;
  }

  get value(): Uint8Array {
    return this.#current.value;
  }

  /** Durable on return. At most {@link SLOT_VALUE_SIZE_MAX} bytes. */
  write(value: Uint8Array): void {
    const { slot, bytes, position } = this.#next(value);
    const fd = this.#openFd();
    writeFully(fd, bytes, position);
    fdatasyncSync(fd);
    this.#current = slot;
  }

  /** As {@link write} beside the event loop, through a handle of the caller's on this very file. */
  async writeThrough(handle: FileHandle, value: Uint8Array): Promise<void> {
    const { slot, bytes, position } = this.#next(value);
    await handle.write(bytes, 0, bytes.length, position);
    await handle.datasync();
    this.#current = slot;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #next(value: Uint8Array): SlotWrite & { readonly slot: Slot } {
    const slot: Slot = { index: 1 - this.#current.index, sequence: this.#current.sequence + 1n, value };
    return { slot, bytes: slotBytes(slot, this.#label), position: slot.index * SLOT_SIZE };
  }

  #openFd(): number {
    if (this.#fd === undefined) throw storeError("store-closed", { file: this.path });
    return this.#fd;
  }
}

function labelKey(label: string): number {
  return crc32(ascii(label));
}

function slotBytes({ index, sequence, value }: Slot, label: string | number): Uint8Array {
  if (value.length > SLOT_VALUE_SIZE_MAX) throw new RangeError(`a slot holds ${SLOT_VALUE_SIZE_MAX} bytes at most`);
  const content = new Uint8Array(HEADER_SIZE + value.length);
  const view = new DataView(content.buffer);
  content.set(MAGIC);
  view.setUint32(LENGTH_OFFSET, value.length, true);
  view.setBigUint64(SEQUENCE_OFFSET, sequence, true);
  content.set(value, HEADER_SIZE);
  const slot = new Uint8Array(SLOT_SIZE);
  const key = (typeof label === "string" ? labelKey(label) : label) + index;
  slot.set(seal("slots", key, content));
  return slot;
}

function readSlot(content: Uint8Array, index: number, label: string): Slot | "blank" | "damaged" {
  const slot = content.subarray(index * SLOT_SIZE, (index + 1) * SLOT_SIZE);
  if (isAllZero(slot)) return "blank";
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength);
  const length = view.getUint32(LENGTH_OFFSET, true);
  if (compareBytes(slot.subarray(0, MAGIC.length), MAGIC) !== 0 || length > SLOT_VALUE_SIZE_MAX) return "damaged";
  const sealed = slot.subarray(0, HEADER_SIZE + length + CHECKSUM_SIZE);
  if (!isSealIntact("slots", labelKey(label) + index, sealed)) return "damaged";
  const sequence = view.getBigUint64(SEQUENCE_OFFSET, true);
  return { index, sequence, value: slot.slice(HEADER_SIZE, HEADER_SIZE + length) };
}
