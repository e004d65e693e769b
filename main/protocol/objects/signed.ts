/** What all signed objects share (chapter 01 §4.12, rules R1 and R2). */
import type { Hash32 } from "../bytes.ts";
import { decode, encode, type Codec } from "../codec/codec.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type PublicKey, type SecretKey, type Signature } from "../crypto.ts";
import { taggedHash, type HashTag } from "../hash.ts";

export interface Signed {
  readonly signature: Signature;
}

/** An object without its signature: what one fills in before signing. */
export type Draft<T extends Signed> = Omit<T, "signature">;

const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;

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
    const bytes = encode(this.#scopeCodec, { ...object, signature: NO_SIGNATURE } as unknown as T);
    return bytes.subarray(0, bytes.length - MLDSA_SIGNATURE_SIZE);
  }

  identify(crypto: Crypto, object: Draft<T>): Hash32 {
    return taggedHash(crypto, this.tag, this.scope(object));
  }

  sign(crypto: Crypto, secretKey: SecretKey, draft: Draft<T>): T {
    return { ...draft, signature: crypto.mldsa65.sign(secretKey, this.scope(draft)) } as unknown as T;
  }

  verify(crypto: Crypto, publicKey: PublicKey, object: T): boolean {
    return crypto.mldsa65.verify(publicKey, this.scope(object), object.signature);
  }
}
