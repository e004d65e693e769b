/**
 * The canonical codec (chapter 01 §3.1, §4.13). A layout is declared once, as the chapters' tables have it, and gives the
 * type, the size, the writer and the reader:
 *
 *     const vdfReveal = struct({ nodeId: nodeIdBytes, windowIndex: u64, endpoint: hash32, signature });
 *     type VdfReveal = Infer<typeof vdfReveal>;
 *
 * u8 to u32 are `number`, u64 and u128 are `bigint`. Encoding is a bijection: `encode(decode(b)) = b` for every accepted b,
 * `decode(encode(v)) = v` for every v in range. A value out of range is refused before a byte is written.
 */
import { compareBytes, isAllZero, type AccountId, type Bytes, type Hash32, type NodeId } from "../bytes.ts";
import type { PublicKey, Signature } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { Reader, type CodecErrorCode } from "./reader.ts";
import { Writer } from "./writer.ts";

export interface Codec<T> {
  /** The fewest bytes that a value takes; equal to {@link FixedCodec.size} where the size is fixed. */
  readonly minSize: number;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

export interface FixedCodec<T> extends Codec<T> {
  readonly size: number;
}

export type Infer<C> = C extends Codec<infer T> ? T : never;

/** The canonical bytes of `value`. Throws `ProtocolError("value-out-of-range")` where a field does not fit its type. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer(codec.minSize);
  codec.write(writer, value);
  return writer.finish();
}

/** The value whose canonical bytes are exactly `bytes`. Throws `ProtocolError<CodecErrorCode>`. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

function fixed<T>(size: number, write: (writer: Writer, value: T) => void, read: (reader: Reader) => T): FixedCodec<T> {
  return { size, minSize: size, write, read };
}

function outOfRange(value: number | bigint, bits: number): ProtocolError<CodecErrorCode> {
  return new ProtocolError<CodecErrorCode>("value-out-of-range", { value, bits });
}

function uint(bits: 8 | 16 | 32, write: (w: Writer, value: number) => void, read: (r: Reader) => number) {
  const limit = 2 ** bits;
  return fixed<number>(
    bits / 8,
    (writer, value) => {
      if (!Number.isInteger(value) || value < 0 || value >= limit) throw outOfRange(value, bits);
      write(writer, value);
    },
    read,
  );
}

function bigUint(bits: 64 | 128, write: (w: Writer, value: bigint) => void, read: (r: Reader) => bigint) {
  const limit = 1n << BigInt(bits);
  return fixed<bigint>(
    bits / 8,
    (writer, value) => {
      if (value < 0n || value >= limit) throw outOfRange(value, bits);
      write(writer, value);
    },
    read,
  );
}

export const U64_MAX = 2n ** 64n - 1n;
export const U128_MAX = 2n ** 128n - 1n;

export const u8 = uint(
  8,
  (w, v) => w.u8(v),
  (r) => r.u8(),
);
export const u16 = uint(
  16,
  (w, v) => w.u16(v),
  (r) => r.u16(),
);
export const u32 = uint(
  32,
  (w, v) => w.u32(v),
  (r) => r.u32(),
);
export const u64 = bigUint(
  64,
  (w, v) => w.u64(v),
  (r) => r.u64(),
);
export const u128 = bigUint(
  128,
  (w, v) => w.u128(v),
  (r) => r.u128(),
);

export const flag: FixedCodec<boolean> = fixed(
  1,
  (writer, value) => writer.u8(value ? 1 : 0),
  (reader) => {
    const byte = reader.u8();
    if (byte > 1) throw new ProtocolError<CodecErrorCode>("non-canonical-flag", { value: byte });
    return byte === 1;
  },
);

export function bytes<N extends number>(length: N): FixedCodec<Bytes<N>> {
  return fixed<Bytes<N>>(
    length,
    (writer, value) => {
      if (value.length !== length) {
        throw new ProtocolError<CodecErrorCode>("value-out-of-range", { bytes: value.length, expected: length });
      }
      writer.bytes(value);
    },
    (reader) => reader.bytes(length),
  );
}

export const hash32: FixedCodec<Hash32> = bytes(32);
export const accountId = hash32 as FixedCodec<AccountId>;
export const nodeId = hash32 as FixedCodec<NodeId>;
export const publicKey: FixedCodec<PublicKey> = bytes(1952);
export const signature: FixedCodec<Signature> = bytes(3309);

/** Bytes that must be zero: on the wire they are checked, in values they stay visible as zeros. */
export function reserved<N extends number>(length: N): FixedCodec<Bytes<N>> {
  const plain = bytes(length);
  const check = (value: Bytes<N>): Bytes<N> => {
    if (!isAllZero(value)) throw new ProtocolError<CodecErrorCode>("reserved-not-zero");
    return value;
  };
  return fixed<Bytes<N>>(
    length,
    (writer, value) => plain.write(writer, check(value)),
    (reader) => check(plain.read(reader)),
  );
}

/** A constant first byte, as in polymorphic slots; another byte is `unknown-type`. */
export function typeByte<B extends number>(byte: B): FixedCodec<B> {
  return fixed<B>(
    1,
    (writer, value) => {
      if (value !== byte) throw outOfRange(value, 8);
      writer.u8(value);
    },
    (reader) => {
      const found = reader.u8();
      if (found !== byte) throw new ProtocolError<CodecErrorCode>("unknown-type", { type: found });
      return byte;
    },
  );
}

type Fields = Readonly<Record<string, Codec<unknown>>>;
type FixedFields = Readonly<Record<string, FixedCodec<unknown>>>;
type StructOf<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

/** Fields in declared order, nothing between them. */
export function struct<F extends FixedFields>(fields: F): FixedCodec<StructOf<F>>;
export function struct<F extends Fields>(fields: F): Codec<StructOf<F>>;
export function struct(fields: Fields): Codec<unknown> {
  const entries = Object.entries(fields);
  const minSize = entries.reduce((sum, [, codec]) => sum + codec.minSize, 0);
  const codec: Codec<unknown> = {
    minSize,
    write(writer, value) {
      const record = value as Readonly<Record<string, unknown>>;
      for (const [name, field] of entries) field.write(writer, record[name]);
    },
    read(reader) {
      const record: Record<string, unknown> = {};
      for (const [name, field] of entries) record[name] = field.read(reader);
      return record;
    },
  };
  const isFixed = entries.every(([, field]) => "size" in field);
  return isFixed ? Object.assign(codec, { size: minSize }) : codec;
}

/** `count` equal elements without a count field. */
export function tuple<T>(element: FixedCodec<T>, count: number): FixedCodec<readonly T[]> {
  return fixed<readonly T[]>(
    element.size * count,
    (writer, values) => {
      if (values.length !== count) {
        throw new ProtocolError<CodecErrorCode>("value-out-of-range", { elements: values.length, expected: count });
      }
      for (const value of values) element.write(writer, value);
    },
    (reader) => Array.from({ length: count }, () => element.read(reader)),
  );
}

/**
 * A count (u16 unless another is given) and that many elements. `key` demands strictly ascending order of the given bytes,
 * which also excludes duplicates. A count that the rest of the input cannot hold is refused before anything is allocated.
 */
export function list<T>(
  element: Codec<T>,
  options: { readonly count?: FixedCodec<number>; readonly key?: (value: T) => Uint8Array } = {},
): Codec<readonly T[]> {
  const count = options.count ?? u16;
  const { key } = options;
  const checkOrder = (values: readonly T[]): void => {
    if (key === undefined) return;
    for (let i = 1; i < values.length; i++) {
      if (compareBytes(key(values[i - 1]!), key(values[i]!)) >= 0) {
        throw new ProtocolError<CodecErrorCode>("non-canonical-order", { index: i });
      }
    }
  };
  return {
    minSize: count.size,
    write(writer, values) {
      checkOrder(values);
      count.write(writer, values.length);
      for (const value of values) element.write(writer, value);
    },
    read(reader) {
      const length = count.read(reader);
      reader.require(length * element.minSize);
      const values: T[] = [];
      for (let i = 0; i < length; i++) values.push(element.read(reader));
      checkOrder(values);
      return values;
    },
  };
}

/** The order of a list of hashes by the hashes themselves. */
export const byItself = (value: Uint8Array): Uint8Array => value;
