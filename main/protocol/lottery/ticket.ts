/** What a node weighs in the lottery, and its ticket (chapter 03 §4.6, §4.11). Lower tickets win. */
import type { Hash32 } from "../bytes.ts";
import { U128_MAX } from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";
import type { NodeRecord } from "../state/records.ts";
import { lnQ64 } from "./integerLog.ts";

const SENIORITY_DIVISOR = 13n;

/**
 * Windows of presence within the last five to six epochs, live from the settled record. The stored snapshot is not used:
 * it would let a new node weigh nothing until its first boundary (decision E7). Halts: `checkpoint-above-chain-length`.
 */
export function liveSnapshot(node: Pick<NodeRecord, "chainLength" | "chainLengthCheckpoints">): bigint {
  const snapshot = node.chainLength - node.chainLengthCheckpoints[0]!;
  if (snapshot < 0n) throw new ProtocolError("checkpoint-above-chain-length");
  return snapshot;
}

/** At most as much again as the snapshot. */
export function seniority(chainLength: bigint, snapshot: bigint): bigint {
  const whole = chainLength / SENIORITY_DIVISOR;
  return whole < snapshot ? whole : snapshot;
}

export function lotteryWeight(chainLength: bigint, snapshot: bigint): bigint {
  return snapshot + seniority(chainLength, snapshot);
}

/** −ln(endpoint) / weight; 2^128 − 1, which is below no target, for weight 0. */
export function weightedTicket(endpoint: Hash32, weight: bigint): bigint {
  return weight === 0n ? U128_MAX : lnQ64(endpoint) / weight;
}
