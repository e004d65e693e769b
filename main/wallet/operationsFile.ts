/**
 * The own operations that are under way, in one small file: replaced whole, durable before anything it says is acted upon.
 *
 *     magic "mtwo" ‖ version u8 ‖ network id 32 ‖ u16 count ‖ operations ‖ SHA-256 of all before
 *
 * It holds nothing secret: signed operations, which are meant for everybody.
 */
import { join } from "node:path";

import { ascii, concatBytes, equalBytes, ZERO_HASH, type Hash32 } from "../protocol/bytes.ts";
import {
  bytes,
  decode,
  encode,
  flag,
  hash32,
  list,
  struct,
  u32,
  u64,
  u8,
  type Codec,
  type FixedCodec,
} from "../protocol/codec/codec.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { operation } from "../protocol/objects/operations.ts";
import { prepareDirectory, readOwnerFile, removeTemporaries, writeOwnerFile } from "../keystore/ownerFiles.ts";
import { walletError } from "./errors.ts";
import { ROLES } from "./person.ts";
import { OPERATION_STATES, type TrackedOperation } from "./trackedOperation.ts";

export const OPERATIONS_FILE = "operations.bin";
const MAGIC = ascii("mtwo");
const VERSION = 2;
const DIGEST_SIZE = 32;
/** Two full queues, what is kept of the past, and room; each operation has 5,376 bytes at most. */
const FILE_BYTES_MAX = 1 << 20;
const REASON_LENGTH_MAX = 64;

const choice = <T extends string>(values: readonly T[]): FixedCodec<T> => ({
  size: 1,
  minSize: 1,
  write: (writer, value) => u8.write(writer, values.indexOf(value)),
  read: (reader) => {
    const place = u8.read(reader);
    const value = values[place];
    if (value === undefined) throw new ProtocolError("value-out-of-range", { value: place });
    return value;
  },
});

const letters = list(u8);
const reason: Codec<string> = {
  minSize: letters.minSize,
  write: (writer, text) => letters.write(writer, [...ascii(text.slice(0, REASON_LENGTH_MAX))]),
  read: (reader) => String.fromCharCode(...letters.read(reader)),
};

const fields = {
  id: hash32,
  opHash: hash32,
  role: choice(ROLES),
  state: choice(OPERATION_STATES),
  isPublished: flag,
  isWithdrawn: flag,
  isContradicted: flag,
  since: u64,
  quietWindows: u32,
  stateWindow: u64,
  reason,
  cancels: hash32,
};

const contentOf = <T>(tracked: Codec<T>) =>
  struct({ magic: bytes(4), version: u8, networkId: hash32, operations: list(tracked) });
const content = contentOf<TrackedOperation>(struct({ ...fields, order: hash32, operation: operation.codec }));
/** Version 1 knew no orders. */
const contentBefore = contentOf(struct({ ...fields, operation: operation.codec }));

export class OperationsFile {
  readonly path: string;
  readonly #crypto: Crypto;
  readonly #networkId: Hash32;

  private constructor(crypto: Crypto, networkId: Hash32, path: string) {
    this.#crypto = crypto;
    this.#networkId = networkId;
    this.path = path;
  }

  /**
   * Reads what `directory` holds; a directory without the file is that of a new wallet. Throws "wallet-file-damaged",
   * "wallet-file-newer", "wallet-file-of-another-network", and "file-failed" where the system refuses.
   */
  static async open(
    crypto: Crypto,
    networkId: Hash32,
    directory: string,
  ): Promise<{ readonly file: OperationsFile; readonly operations: readonly TrackedOperation[] }> {
    await prepareDirectory(directory);
    await removeTemporaries(directory);
    const file = new OperationsFile(crypto, networkId, join(directory, OPERATIONS_FILE));
    return { file, operations: await file.#read() };
  }

  /** Durable when it resolves; when it rejects, the file says what it said before. */
  async write(operations: readonly TrackedOperation[]): Promise<void> {
    const fields = { magic: MAGIC as never, version: VERSION, networkId: this.#networkId, operations };
    const encoded = encode(content, fields);
    await writeOwnerFile(this.path, concatBytes(encoded, this.#crypto.sha256(encoded)));
  }

  async #read(): Promise<readonly TrackedOperation[]> {
    const sealed = await this.#bytes();
    if (sealed === undefined) return [];
    const damaged = (why: string) => walletError("wallet-file-damaged", { file: this.path, reason: why });
    if (sealed.length < content.minSize + DIGEST_SIZE) throw damaged("size");
    if (!equalBytes(sealed.subarray(0, MAGIC.length), MAGIC)) throw damaged("magic");
    const encoded = sealed.subarray(0, -DIGEST_SIZE);
    if (!equalBytes(sealed.subarray(-DIGEST_SIZE), this.#crypto.sha256(encoded))) throw damaged("checksum");
    const version = encoded[MAGIC.length]!;
    if (version > VERSION) throw walletError("wallet-file-newer", { file: this.path, version });
    try {
      const { networkId, operations } = version === 1 ? readBefore(encoded) : decode(content, encoded);
      if (!equalBytes(networkId, this.#networkId)) {
        throw walletError("wallet-file-of-another-network", { file: this.path });
      }
      return operations;
    } catch (error) {
      const isForeign = error instanceof ProtocolError && error.code === "wallet-file-of-another-network";
      throw error instanceof ProtocolError && !isForeign ? damaged("fields") : error;
    }
  }

  async #bytes(): Promise<Uint8Array | undefined> {
    try {
      return (await readOwnerFile(this.path, FILE_BYTES_MAX))?.bytes;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "key-file-damaged") {
        throw walletError("wallet-file-damaged", { file: this.path, reason: "size" });
      }
      throw error;
    }
  }
}

function readBefore(encoded: Uint8Array) {
  const { networkId, operations } = decode(contentBefore, encoded);
  return { networkId, operations: operations.map((tracked): TrackedOperation => ({ ...tracked, order: ZERO_HASH })) };
}
