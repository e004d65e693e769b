/** Signatures, key encapsulation and batch hashing of the back end in use, against @noble. */
import { loadCrypto, loadFallback, type Native } from "../../main/native/index.ts";
import type { Bench } from "./harness.ts";

const { crypto } = loadCrypto();
const noble = loadFallback();

/** A length that an account operation may have. */
const message = new Uint8Array(256).fill(1);
const seed = new Uint8Array(32).fill(2);
const kemSeed = new Uint8Array(64).fill(3);
const signer = crypto.mldsa65.generate(seed);
const signature = crypto.mldsa65.sign(signer.secretKey, message);
const receiver = crypto.mlkem768.generate(kemSeed);
const { ciphertext } = crypto.mlkem768.encapsulate(receiver.publicKey, seed);

/** An account record behind its tag, the leaf of chapter 02 §4.2. */
const LEAF_SIZE = 2074;
const LEAVES = 256;
const leaves = new Uint8Array(LEAF_SIZE * LEAVES);
const leafHashes = new Uint8Array(32 * LEAVES);

const FOLDED = 512;
const FOLDED_LEVELS = 236;
const foldedKeys = new Uint8Array(32 * FOLDED).map((_, i) => (i * 167) & 255);
const foldedHashes = new Uint8Array(32 * FOLDED).fill(4);
const fromLevels = new Uint16Array(FOLDED);
const toLevels = new Uint16Array(FOLDED).fill(FOLDED_LEVELS);

/** `subjectCalls` and `peerCalls` make a slice of some 20 ms; a call does `operations`. */
function againstNoble(
  name: string,
  unit: string,
  call: (native: Native) => unknown,
  [subjectCalls, peerCalls]: [number, number],
  operations = 1,
): Bench {
  const side = (native: Native, calls: number): { name: string; run: () => number } => ({
    name: "@noble",
    run() {
      for (let i = 0; i < calls; i++) call(native);
      return calls * operations;
    },
  });
  return {
    name,
    unit,
    prepare: () => ({
      subject: side(crypto, crypto.backEnd === "rust" ? subjectCalls : peerCalls),
      peer: side(noble, peerCalls),
    }),
  };
}

export const benches: Bench[] = [
  againstNoble(
    "mldsa/verify",
    "signatures/s",
    (native) => native.mldsa65.verify(signer.publicKey, message, signature),
    [300, 15],
  ),
  againstNoble("mldsa/sign", "signatures/s", (native) => native.mldsa65.sign(signer.secretKey, message), [100, 5]),
  againstNoble("mldsa/generate", "keys/s", (native) => native.mldsa65.generate(seed), [200, 10]),
  againstNoble("mlkem/generate", "keys/s", (native) => native.mlkem768.generate(kemSeed), [1000, 40]),
  againstNoble(
    "mlkem/encapsulate",
    "secrets/s",
    (native) => native.mlkem768.encapsulate(receiver.publicKey, seed),
    [1000, 40],
  ),
  againstNoble(
    "mlkem/decapsulate",
    "secrets/s",
    (native) => native.mlkem768.decapsulate(receiver.secretKey, ciphertext),
    [1000, 40],
  ),
  againstNoble(
    "sha256/batch",
    "bytes/s",
    (native) => {
      native.sha256Batch(leaves, LEAF_SIZE, leafHashes);
    },
    [50, 5],
    leaves.length,
  ),
  againstNoble(
    "sha256/fold",
    "nodes/s",
    (native) => {
      native.foldLoneLeaves(foldedKeys, foldedHashes, fromLevels, toLevels);
    },
    [5, 1],
    FOLDED * FOLDED_LEVELS,
  ),
];
