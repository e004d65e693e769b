/**
 * Validation of expanded ML-DSA-65 secret keys from outside (chapter 01 §4.4): the library derives a public key without
 * looking at t0. The arithmetic of FIPS 204 Algorithm 6, lines 3 to 10, on the library's own transform.
 */
import { shake256 } from "@noble/hashes/sha3.js";
import { genCrystals, XOF128 } from "@noble/post-quantum/_crystals.js";
import { compareBytes } from "../../protocol/bytes.ts";

const Q = 8380417;
const N = 256;
/** Rows and columns of the matrix A. */
const ROWS = 6;
const COLUMNS = 5;
/** Bound of the secret coefficients. */
const ETA = 4;
/** Bits that Power2Round drops from t. */
const D = 13;

const PUBLIC_KEY_SIZE = 1952;
const TR = 64;
const S1 = 128;
const S2 = S1 + COLUMNS * 128;
const T0 = S2 + ROWS * 128;
const SEED_SIZE = 32;
const T1_POLYNOMIAL_SIZE = 320;
const T0_POLYNOMIAL_SIZE = 416;

type Polynomial = Int32Array;

const { NTT, mod, bitsCoder } = genCrystals<Polynomial>({
  N,
  Q,
  F: 8347681, // 256^-1
  ROOT_OF_UNITY: 1753,
  newPoly: (length) => new Int32Array(length),
  isKyber: false,
  brvBits: 8,
});

const identity = (value: number): number => value;
const secretCoder = bitsCoder(4, { encode: identity, decode: (stored) => ETA - stored });
const t0Coder = bitsCoder(D, { encode: (t0) => (1 << (D - 1)) - t0, decode: identity });
const t1Coder = bitsCoder(10, { encode: identity, decode: identity });

/** The public key that belongs to a secret key, or `undefined` unless s1 and s2 are in range and t0 and tr follow from them. */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array | undefined {
  if (!secretsInRange(secretKey)) return undefined;
  const rho = secretKey.subarray(0, SEED_SIZE);
  const s1 = secrets(secretKey, S1, COLUMNS);
  const s2 = secrets(secretKey, S2, ROWS);
  for (const polynomial of s1) NTT.encode(polynomial);

  const publicKey = new Uint8Array(PUBLIC_KEY_SIZE);
  publicKey.set(rho);
  const matrix = XOF128(rho);
  const secret: Polynomial[] = [...s1, ...s2];
  let consistent = true;
  for (let row = 0; row < ROWS; row++) {
    const t = new Int32Array(N);
    for (let column = 0; column < COLUMNS; column++) {
      const a = uniform(matrix.get(column, row));
      for (let i = 0; i < N; i++) t[i] = mod(t[i]! + a[i]! * s1[column]![i]!);
    }
    NTT.decode(t);
    const t1 = new Int32Array(N);
    const t0 = new Int32Array(N);
    for (let i = 0; i < N; i++) {
      const sum = mod(t[i]! + s2[row]![i]!);
      t1[i] = (sum + (1 << (D - 1)) - 1) >> D;
      t0[i] = sum - (t1[i]! << D);
    }
    publicKey.set(t1Coder.encode(t1), SEED_SIZE + row * T1_POLYNOMIAL_SIZE);
    const stored = secretKey.subarray(T0 + row * T0_POLYNOMIAL_SIZE, T0 + (row + 1) * T0_POLYNOMIAL_SIZE);
    if (compareBytes(t0Coder.encode(t0), stored) !== 0) consistent = false;
    secret.push(t, t0);
  }
  matrix.clean();
  for (const polynomial of secret) polynomial.fill(0);
  const tr = shake256(publicKey, { dkLen: S1 - TR });
  return consistent && compareBytes(tr, secretKey.subarray(TR, S1)) === 0 ? publicKey : undefined;
}

/** Whether every coefficient of s1 and s2 is in [-4, 4]. */
export function secretsInRange(secretKey: Uint8Array): boolean {
  let above = 0;
  for (let i = S1; i < T0; i++) {
    // Stored as 4 - s, so in 0 to 8; a difference is negative for anything larger.
    above |= (2 * ETA - (secretKey[i]! & 15)) | (2 * ETA - (secretKey[i]! >> 4));
  }
  return above >= 0;
}

function secrets(secretKey: Uint8Array, offset: number, count: number): Polynomial[] {
  const size = secretCoder.bytesLen;
  return Array.from({ length: count }, (_, i) =>
    secretCoder.decode(secretKey.subarray(offset + i * size, offset + (i + 1) * size)),
  );
}

/** FIPS 204 Algorithm 30 (RejNTTPoly): one polynomial of A, from the public ρ; blocks are a multiple of three bytes long. */
function uniform(nextBlock: () => Uint8Array): Polynomial {
  const polynomial = new Int32Array(N);
  for (let filled = 0; filled < N;) {
    const block = nextBlock();
    for (let i = 0; i < block.length && filled < N; i += 3) {
      const candidate = block[i]! | (block[i + 1]! << 8) | ((block[i + 2]! & 0x7f) << 16);
      if (candidate < Q) polynomial[filled++] = candidate;
    }
  }
  return polynomial;
}
