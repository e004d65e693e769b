/** Turns the notations of vector files into values. Only notation lives here, never protocol logic. */
import { fromHex, sized, type AccountId, type Hash32, type NodeId } from "../../../main/protocol/bytes.ts";

/** Lower-case hex as bytes; what is not hex is a broken vector file. */
export function hex(text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? fromHex(text) : undefined;
  if (bytes === undefined) throw new Error(`not hex: ${String(text)}`);
  return bytes;
}

export const hex32 = (text: unknown): Hash32 => sized(hex(text), 32);
export const accountIdOf = (text: unknown): AccountId => hex32(text) as AccountId;
export const nodeIdOf = (text: unknown): NodeId => hex32(text) as NodeId;

/** An integer given as a number or as a decimal string. */
export function big(value: unknown): bigint {
  if (typeof value === "number" || typeof value === "string" || typeof value === "bigint") return BigInt(value);
  throw new Error(`not an integer: ${String(value)}`);
}

/** Hex, or `{repeat, len}`: one byte, so many times. */
export function bytesOf(notation: unknown): Uint8Array {
  if (typeof notation === "string") return hex(notation);
  const { repeat, len } = notation as { readonly repeat: unknown; readonly len: unknown };
  return new Uint8Array(Number(len)).fill(hex(repeat)[0]!);
}
