/** The draw of a window: endpoints and tickets that everybody can compute for everybody (chapter 03 §4.9, §4.11). */
import type { Hash32, NodeId } from "../bytes.ts";
import { encode, u64 } from "../codec/codec.ts";
import type { Crypto } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { taggedHash } from "../hash.ts";
import { isActive } from "../state/lifecycle.ts";
import type { NodeRecord } from "../state/records.ts";
import { liveSnapshot, lotteryWeight, weightedTicket } from "./ticket.ts";
import type { Candidate } from "./winner.ts";

export interface Draw {
  readonly window: bigint;
  /** T_W. */
  readonly timechainValue: Hash32;
  /** cba(W−2). */
  readonly aggregate: Hash32;
}

export interface Entrant {
  readonly nodeId: NodeId;
  readonly chainLength: bigint;
  /** The live snapshot; the reference's function takes any. */
  readonly snapshot: bigint;
}

export interface DrawnTicket extends Candidate {
  readonly endpoint: Hash32;
}

export function lotteryEndpoint(crypto: Crypto, draw: Draw, nodeId: NodeId): Hash32 {
  return taggedHash(crypto, "mt-lottery", draw.timechainValue, draw.aggregate, nodeId, encode(u64, draw.window));
}

export function drawTicket(crypto: Crypto, draw: Draw, entrant: Entrant): DrawnTicket {
  const { nodeId, chainLength, snapshot } = entrant;
  const endpoint = lotteryEndpoint(crypto, draw, nodeId);
  return { nodeId, endpoint, ticket: weightedTicket(endpoint, lotteryWeight(chainLength, snapshot)) };
}

/** Who takes part in the draw of `window`: the nodes active in it, as of S_(window − 1). One that weighs 0 is no candidate. */
export function entrantsOf(nodes: Iterable<NodeRecord>, window: bigint, rules: NetworkRules): Entrant[] {
  const entrants: Entrant[] = [];
  for (const node of nodes) {
    const snapshot = liveSnapshot(node);
    if (snapshot > 0n && isActive(node, window, rules)) {
      entrants.push({ nodeId: node.nodeId, chainLength: node.chainLength, snapshot });
    }
  }
  return entrants;
}
