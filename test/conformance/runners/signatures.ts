/**
 * How the vectors of chapter 03 (§12) write signed objects: hash lists may be `{"generated": k}`, `registry` is the content
 * of the Node Table, `signature` is `{sign_seed, xor?, sha256}`, `{same_as_case}` or `{zeros}`.
 */
import { byteKey, equalBytes, sized, type Hash32 } from "../../../main/protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type Signature } from "../../../main/protocol/crypto.ts";
import { nodeIdOf } from "../../../main/protocol/identity/ids.ts";
import type { Draft, Signed, SignedClass } from "../../../main/protocol/objects/signed.ts";
import type { NodeKeys } from "../../../main/protocol/validation/signer.ts";
import type { Input, RunContext } from "../harness.ts";
import { hex, hex32 } from "./inputs.ts";

/** Hash i of a generated list is 28 zero bytes followed by i as u32 big-endian. */
export function hashList(list: Input): Hash32[] {
  if (Array.isArray(list)) return list.map(hex32);
  return Array.from({ length: list.generated }, (_, i) => {
    const hash = new Uint8Array(32);
    new DataView(hash.buffer).setUint32(28, i);
    return sized(hash, 32);
  });
}

export function registryOf(crypto: Crypto, registry: Input): NodeKeys {
  const nodes = new Map<string, ReturnType<NodeKeys["get"]>>();
  for (const { node_seed: seed, suite_id: suiteId } of registry) {
    const { publicKey } = crypto.mldsa65.generate(hex(seed));
    nodes.set(byteKey(nodeIdOf(crypto, publicKey)), { suiteId, nodePubkey: publicKey });
  }
  return { get: (nodeId) => nodes.get(byteKey(nodeId)) };
}

/** The object of a case with its signature, which must have the digest that the vector states, and its `wire` if it has one. */
export function signedObject<T extends Signed>(
  { crypto, inputs }: RunContext,
  input: Input,
  signedClass: SignedClass<T>,
  draftOf: (input: Input) => Draft<T>,
): T {
  const signature = signatureOf(input);
  const object = { ...draftOf(input), signature } as unknown as T;
  const { sha256 } = input.signature;
  if (sha256 !== undefined) demandEqual(crypto.sha256(signature), hex(sha256), "signature");
  if (input.wire !== undefined) demandEqual(signedClass.encode(object), hex(input.wire), "wire");
  return object;

  function signatureOf(of: Input): Signature {
    const { sign_seed: seed, same_as_case: other, zeros, xor = [] } = of.signature;
    if (zeros) return sized(new Uint8Array(MLDSA_SIGNATURE_SIZE), MLDSA_SIGNATURE_SIZE);
    if (other !== undefined) return masked(signatureOf(inputs.get(other)), xor);
    const { secretKey } = crypto.mldsa65.generate(hex(seed));
    return masked(signedClass.sign(crypto, secretKey, draftOf(of)).signature, xor);
  }
}

function masked(signature: Signature, xor: readonly (readonly [number, number])[]): Signature {
  const result = signature.slice();
  for (const [offset, mask] of xor) result[offset]! ^= mask;
  return sized(result, MLDSA_SIGNATURE_SIZE);
}

function demandEqual(actual: Uint8Array, stated: Uint8Array, what: string): void {
  if (!equalBytes(actual, stated)) throw new Error(`the ${what} is not the one that the vector states`);
}
