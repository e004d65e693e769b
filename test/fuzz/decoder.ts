/** What the fuzzer knows of one decoder. */
import type { Random } from "./random.ts";
import { bytesOf, textOf } from "./text.ts";

/** At most `base + perByte × length of the input`. */
export interface Bound {
  readonly base: number;
  readonly perByte: number;
}

export interface Decoder<T> {
  readonly name: string;
  /** The exports that this exercises. */
  readonly of: readonly unknown[];
  /** Every `ProtocolError.code` that it may throw. All of them are met in a run, or the run does not reach deep enough. */
  readonly errors: readonly string[];
  /** Bytes of typed arrays, and 8 for each array element, that decoding allocates. */
  readonly allocation: Bound;
  /** Bytes that decoding hashes; none where absent. */
  readonly hashing?: Bound;
  /** `one`: encode ∘ decode is the identity. `several`: it gives the canonical one, which is a fixed point. */
  readonly notations: "one" | "several";
  /** The value is documented to hold a view of the input. */
  readonly keepsInput?: true;
  readonly isText?: true;
  /** Byte strings that mean something in the format. */
  readonly tokens?: readonly Uint8Array[];
  /** Inputs, not necessarily valid, that generated values do not lead to. */
  readonly corpus?: readonly Uint8Array[];
  decode(input: Uint8Array): T;
  encode(value: T): Uint8Array;
  /** Any value that has an encoding, its extremes more often than others. */
  generate(random: Random): T;
  /** Makes right what would be wrong about every changed input, a checksum for instance. */
  repair?(input: Uint8Array): Uint8Array;
}

export type AnyDecoder = Decoder<unknown>;

/** A decoder of text; see `text.ts` for the bytes that stand for one. */
export function textDecoder<T>(
  decoder: Omit<Decoder<T>, "decode" | "encode" | "tokens" | "corpus" | "isText"> & {
    readonly tokens?: readonly string[];
    readonly corpus?: readonly string[];
    readonly decode: (text: string) => T;
    readonly encode: (value: T) => string;
  },
): Decoder<T> {
  const { tokens = [], corpus = [], decode, encode, ...rest } = decoder;
  return {
    ...rest,
    isText: true,
    tokens: [...tokens, ...EXOTIC_TEXT].map(bytesOf),
    corpus: corpus.map(bytesOf),
    decode: (input) => decode(textOf(input)),
    encode: (value) => bytesOf(encode(value)),
  };
}

/** Spaces that are none, letters that change their length with their case, a lone surrogate, an emoji, an inherited name. */
const EXOTIC_TEXT = [
  ...Array.from(" \t\n\u0000\u0085\u00a0\u200b\u2028\u3000\ufeff\u0130\u212a\ufb01\u0660\uff11"),
  ...["\ud800", "\udc00", "😀", "__proto__", "constructor", "\u0065\u0301"],
];
