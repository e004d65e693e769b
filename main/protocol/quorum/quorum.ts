/** How much weight decides (chapter 03 §4.14). */
import { U64_MAX } from "../codec/codec.ts";
import type { ProtocolParams } from "../genesis/params.ts";

/** 67 / 100 on every network of today. */
export type QuorumParams = Pick<ProtocolParams, "confirmationQuorumNum" | "confirmationQuorumDen">;

/** The least sum that is a quorum of `activeWeight`: its share rounded up, in u64 arithmetic that saturates. */
export function quorum(params: QuorumParams, activeWeight: bigint): bigint {
  const denominator = BigInt(params.confirmationQuorumDen);
  const product = saturate(BigInt(params.confirmationQuorumNum) * activeWeight);
  return saturate(product + denominator - 1n) / denominator;
}

/**
 * Whether supporters of weight `sum` cement an object, a set of bundles or a proposal. With no active weight everything
 * would be: `Weights` halts before it comes to that.
 */
export function isCemented(params: QuorumParams, sum: bigint, activeWeight: bigint): boolean {
  return sum >= quorum(params, activeWeight);
}

function saturate(value: bigint): bigint {
  return value < U64_MAX ? value : U64_MAX;
}
