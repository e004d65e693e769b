/** −ln(e / 2^256) in fixed point with 64 fractional bits, in integers only (chapter 03 §4.10). */
import type { Hash32 } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";

/* Half the magnitudes of the coefficients of a cubic for log2(1 + y), in units of 2^-64. */
const B0 = 0x0014_e086_ec98_2d63n;
const B1 = 0xb59d_dde5_2a69_d000n;
const B2 = 0x49df_5c3b_fd9c_ec00n;
const B3 = 0x1441_7e56_d333_1800n;
const LN2 = 0xb172_17f7_d1cf_79abn;

/**
 * `endpoint` is read big-endian. 2^128 − 1 for zero; 0 for the largest 0.043 % of endpoints. Non-increasing
 * but for rounding: a larger endpoint may give up to 4 units (of 2^-64) more.
 */
export function lnQ64(endpoint: Hash32): bigint {
  const log2 = log2Q64(endpoint);
  return log2 === U128_MAX ? U128_MAX : (log2 * LN2) >> 64n;
}

export function log2Q64(endpoint: Hash32): bigint {
  const value = bigEndian(endpoint);
  if (value === 0n) return U128_MAX;
  const lead = leadingZeroBits(endpoint);
  const msb = 255 - lead;
  const mantissa = msb >= 127 ? value >> BigInt(msb - 127) : value << BigInt(127 - msb);
  const x = (mantissa - 2n ** 127n) >> 63n;
  const t2 = B2 - ((B3 * x) >> 64n);
  const t4 = B1 - ((t2 * x) >> 64n);
  const half = B0 + ((t4 * x) >> 64n);
  // May exceed 2^64 by a little, so the difference saturates at 0.
  const fraction = 2n * half;
  const log2 = (BigInt(lead + 1) << 64n) - fraction;
  return log2 < 0n ? 0n : log2;
}

function leadingZeroBits(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return 8 * first + Math.clz32(bytes[first]!) - 24;
}

function bigEndian(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let offset = 0; offset < bytes.length; offset += 8) value = (value << 64n) | view.getBigUint64(offset);
  return value;
}
