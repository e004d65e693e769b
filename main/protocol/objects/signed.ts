/** What all signed objects share (chapter 01 §4.12, rules R1 and R2). */
import type { Hash32 } from "../bytes.ts";
import { decode, encode, type Codec } from "../codec/codec.ts";
import { Writer } from "../codec/writer.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type PublicKey, type SecretKey, type Signature } from "../crypto.ts";
import { taggedHash, type HashTag } from "../hash.ts";

export interface Signed {
  readonly signature: Signature;
}

/** An object without its signature: what one fills in before signing. */
export type Draft<T extends Signed> = Omit<T, "signature">;

/** Stands in the signature's place while a scope is written. */
const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;

/** Leaves that out: a scope has a hundred bytes, and with its signature thirty times as many to fill and to collect. */
class ScopeWriter extends Writer {
  override bytes(value: Uint8Array): void {
    if (value !== NO_SIGNATURE) super.bytes(value);
  }
}

/**
 * One class of signed objects: its layout, whose last field is the signature, and the tag of its identifier.
 * The signature is over the scope itself, neither hashed nor tagged; the identifier never covers the signature.
 */
export class SignedClass<T extends Signed> {
  readonly tag: HashTag;
  readonly codec: Codec<T>;
  readonly #scopeCodec: Codec<T>;

  /** `scopeCodec` writes the same bytes as `codec` but also those of objects that `codec` refuses, for checks of them. */
  constructor(tag: HashTag, codec: Codec<T>, scopeCodec: Codec<T> = codec) {
    this.tag = tag;
    this.codec = codec;
    this.#scopeCodec = scopeCodec;
  }

  encode(object: T): Uint8Array {
    return encode(this.codec, object);
  }

  /** Throws `ProtocolError<CodecErrorCode>`. */
  decode(bytes: Uint8Array): T {
    return decode(this.codec, bytes);
  }

  /** All canonical bytes before the signature. */
  scope(object: Draft<T>): Uint8Array {
    const writer = new ScopeWriter(this.#scopeCodec.minSize - MLDSA_SIGNATURE_SIZE);
    this.#scopeCodec.write(writer, { ...object, signature: NO_SIGNATURE } as unknown as T);
    return writer.finish();
  }

  identify(crypto: Crypto, object: Draft<T>): Hash32 {
    return this.identifyByScope(crypto, this.scope(object));
  }

  /** As {@link identify}, for who needs the scope as well. */
  identifyByScope(crypto: Crypto, scope: Uint8Array): Hash32 {
    return taggedHash(crypto, this.tag, scope);
  }

  sign(crypto: Crypto, secretKey: SecretKey, draft: Draft<T>): T {
    return { ...draft, signature: crypto.mldsa65.sign(secretKey, this.scope(draft)) } as unknown as T;
  }

  verify(crypto: Crypto, publicKey: PublicKey, object: T): boolean {
    return crypto.mldsa65.verify(publicKey, this.scope(object), object.signature);
  }
}
