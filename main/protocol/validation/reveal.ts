/** Checks of a VDF_Reveal in the reference's order (chapter 03 §5.1). */
import type { ValidationOptions } from "../accounts/validate.ts";
import { equalBytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import type { NetworkRules } from "../genesis/rules.ts";
import { lotteryEndpoint, type Draw } from "../lottery/draw.ts";
import { mayReveal } from "../lottery/target.ts";
import { liveSnapshot, lotteryWeight, weightedTicket } from "../lottery/ticket.ts";
import { vdfReveal, type VdfReveal } from "../objects/consensus.ts";
import { isActive } from "../state/lifecycle.ts";
import type { NodeRecord } from "../state/records.ts";
import { checkSigner, type NodeKeys, type SignerFailure } from "./signer.ts";

export type RevealFailure = SignerFailure | "wrong-window" | "wrong-endpoint" | "invalid-signature";

/** Checks 1 to 5. `draw` is that of the window being collected, `nodes` the Node Table before it. */
export function checkReveal(
  crypto: Crypto,
  reveal: VdfReveal,
  nodes: NodeKeys,
  draw: Draw,
  options: ValidationOptions = {},
): RevealFailure | undefined {
  const signerFailure = checkSigner(nodes, reveal.nodeId);
  if (signerFailure !== undefined) return signerFailure;
  if (reveal.windowIndex !== draw.window) return "wrong-window";
  if (!equalBytes(reveal.endpoint, lotteryEndpoint(crypto, draw, reveal.nodeId))) return "wrong-endpoint";
  if (options.signature === "assume-valid") return undefined;
  return vdfReveal.verify(crypto, nodes.get(reveal.nodeId)!.nodePubkey, reveal) ? undefined : "invalid-signature";
}

export type RevealStandingFailure = "inactive-node" | "not-a-candidate" | "duplicate";

export interface RevealStanding {
  /** Record of the author before the reveal's window. */
  readonly node: NodeRecord;
  readonly rules: NetworkRules;
  /** Lottery target in force in the reveal's window. */
  readonly target: bigint;
  /** Another reveal of this node for this window was valid before. */
  readonly isRepeated: boolean;
}

/** Checks 6 to 8, which the reference lacks, of a reveal that passed those before. */
export function checkRevealStanding(reveal: VdfReveal, standing: RevealStanding): RevealStandingFailure | undefined {
  const { node, rules, target, isRepeated } = standing;
  if (!isActive(node, reveal.windowIndex, rules)) return "inactive-node";
  const weight = lotteryWeight(node.chainLength, liveSnapshot(node));
  if (!mayReveal(weightedTicket(reveal.endpoint, weight), target)) return "not-a-candidate";
  return isRepeated ? "duplicate" : undefined;
}
