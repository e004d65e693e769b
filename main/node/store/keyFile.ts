/**
 * Public keys, 1952 bytes each, in slots of one size in a file that only grows. A record names its key by the slot. Keys are
 * synced before the transaction that names them, so a named slot is always there; what lies behind the last named one was
 * left by a transaction that never happened, and is overwritten or cut off.
 *
 * `keys.bin`: header of 64 bytes, then slots: key ‖ CRC-32 ‖ 4 zero bytes.
 */
import { closeSync, existsSync, fdatasyncSync, fsyncSync, fstatSync, ftruncateSync, openSync } from "node:fs";

import { replaceFile, writeFully } from "../../files/blocking.ts";
import { ascii, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { bytes, decode, encode, hash32, struct, type Infer } from "../../protocol/codec/codec.ts";
import { MLDSA_PUBLIC_KEY_SIZE, type PublicKey } from "../../protocol/crypto.ts";
import { CHECKSUM_SIZE, isSealIntact, seal } from "./checksum.ts";
import { storeError } from "./errors.ts";
import { readUpTo } from "./files.ts";

export const KEY_FILE = "keys.bin";
const MAGIC = ascii("mtkeys01");
const SEALED_SIZE = MLDSA_PUBLIC_KEY_SIZE + CHECKSUM_SIZE;
export const KEY_SLOT_SIZE = SEALED_SIZE + 4;

const header = struct({ magic: bytes(8), networkId: hash32, zeros: bytes(20), checksum: bytes(4) });

export class KeyFile {
  readonly path: string;
  readonly #fd: number;
  #count: number;
  /** Slots of keys that this program has in memory: the same bytes need no second slot. */
  readonly #slots = new WeakMap<Uint8Array, number>();

  /** Makes an empty file, durable. */
  static create(path: string, networkId: Hash32): KeyFile {
    const content = encode(header, {
      magic: MAGIC as Infer<typeof header>["magic"],
      networkId,
      zeros: new Uint8Array(20) as Infer<typeof header>["zeros"],
      checksum: new Uint8Array(4) as Infer<typeof header>["checksum"],
    });
    replaceFile(path, [seal("keys", 0, content.subarray(0, header.size - CHECKSUM_SIZE))]);
    return new KeyFile(path, openSync(path, "r+"), 0);
  }

  /**
   * `named` is the number of slots that the database names. Throws `key-file-missing`, `key-file-corrupted`,
   * `key-file-truncated` or `wrong-network`.
   */
  static open(path: string, networkId: Hash32, named: number): KeyFile {
    if (!existsSync(path)) throw storeError("key-file-missing", { file: path });
    const fd = openSync(path, "r+");
    try {
      const content = readUpTo(fd, header.size, 0);
      if (content.length < header.size || !isSealIntact("keys", 0, content)) {
        throw storeError("key-file-corrupted", { file: path });
      }
      const found = decode(header, content);
      if (!equalBytes(found.magic, MAGIC)) throw storeError("key-file-corrupted", { file: path });
      if (!equalBytes(found.networkId, networkId)) throw storeError("wrong-network", { file: path });
      const { size } = fstatSync(fd);
      const expected = slotStart(named);
      if (size < expected) throw storeError("key-file-truncated", { file: path, size, expected });
      if (size > expected) {
        ftruncateSync(fd, expected);
        fsyncSync(fd);
      }
      return new KeyFile(path, fd, named);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private constructor(path: string, fd: number, count: number) {
    this.path = path;
    this.#fd = fd;
    this.#count = count;
  }

  /** Slots that committed records may name. */
  get count(): number {
    return this.#count;
  }

  /** The key of a slot. Throws `key-slot-corrupted`. */
  read(slot: number): PublicKey {
    const sealed = slot < this.#count ? readUpTo(this.#fd, SEALED_SIZE, slotStart(slot)) : new Uint8Array(0);
    if (sealed.length !== SEALED_SIZE || !isSealIntact("keys", slot + 1, sealed)) {
      throw storeError("key-slot-corrupted", { slot });
    }
    const key = sealed.subarray(0, MLDSA_PUBLIC_KEY_SIZE) as PublicKey;
    this.#slots.set(key, slot);
    return key;
  }

  /** The slot of a key that came from this file in these very bytes. */
  slotOf(key: PublicKey): number | undefined {
    return this.#slots.get(key);
  }

  /**
   * Writes keys behind the committed ones; durable on return. They count only after {@link commit}: if that never comes, the
   * next append takes their place.
   */
  append(keys: readonly PublicKey[]): void {
    if (keys.length === 0) return;
    const content = new Uint8Array(keys.length * KEY_SLOT_SIZE);
    for (const [i, key] of keys.entries()) content.set(seal("keys", this.#count + i + 1, key), i * KEY_SLOT_SIZE);
    writeFully(this.#fd, content, slotStart(this.#count));
    fdatasyncSync(this.#fd);
  }

  /** The transaction that names `keys`, appended before, has happened. */
  commit(keys: readonly PublicKey[]): void {
    for (const [i, key] of keys.entries()) this.#slots.set(key, this.#count + i);
    this.#count += keys.length;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function slotStart(slot: number): number {
  return header.size + slot * KEY_SLOT_SIZE;
}
