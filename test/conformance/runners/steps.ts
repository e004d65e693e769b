/** Suites whose cases are steps on one thing, or name what is done. */
import { concatBytes, sized, type Hash32 } from "../../../main/protocol/bytes.ts";
import { encode, u64 } from "../../../main/protocol/codec/codec.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import type { Input, Runner } from "../harness.ts";

/** Runs the steps of a case one after the other on what `step` was made with. */
export const sequence =
  (begin: (input: Input) => (step: Input) => unknown): Runner =>
  (input) => {
    const step = begin(input);
    return { results: (input.steps as Input[]).map((it) => step(it)) };
  };

/** A suite whose cases name what is done with them, as `op` or `kind`. */
export function byOperation(operations: Readonly<Record<string, Runner>>): Runner {
  return (input, context) => {
    const run = operations[String(input.op ?? input.kind)];
    if (run === undefined) throw new Error(`no such operation: ${String(input.op ?? input.kind)}`);
    return run(input, context);
  };
}

export function describeBytes(crypto: Crypto, bytes: Uint8Array) {
  return { bytes, len: bytes.length, bytes_sha256: crypto.sha256(bytes) };
}

/** A number as u64 at the beginning of a hash. */
export function numbered(number: bigint): Hash32 {
  return sized(concatBytes(encode(u64, number), new Uint8Array(24)), 32);
}
