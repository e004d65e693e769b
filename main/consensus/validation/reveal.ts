/** VDF_Reveal (chapter 03 §5.1). */
import { checkReveal, checkRevealStanding } from "../../protocol/validation/reveal.ts";
import { checkSigner } from "../../protocol/validation/signer.ts";
import type { VdfReveal } from "../../protocol/objects/consensus.ts";
import type { NodeState } from "../state.ts";
import { ignore, reject, type Inspection, type Verdict } from "../verdict.ts";
import { factsFor, standingOf } from "./window.ts";

export function inspectReveal(state: NodeState, payload: Uint8Array): Inspection<VdfReveal> {
  const known = state.objects.read("reveal", payload);
  if (known === undefined) return reject("malformed");
  const reveal = known.object;
  const window = reveal.windowIndex;
  const standing = standingOf(state, window);
  if (standing === "past" || standing === "far") return ignore("wrong-window");
  const nodes = factsFor(state, window);
  const signerFailure = checkSigner(nodes, reveal.nodeId);
  if (signerFailure === "unknown-node") return ignore(signerFailure);
  if (signerFailure !== undefined) return reject(signerFailure);
  const failure = judgeReveal(state, reveal);
  if (failure !== undefined && failure !== "unknown-draw") return failure;
  const { identifier } = known;
  const placement = state.reveals.place(reveal, identifier, state.isWanted(identifier));
  if (placement === "duplicate" || placement === "surplus") return ignore(placement);
  return {
    object: reveal,
    identifier,
    signature: {
      publicKey: nodes.get(reveal.nodeId)!.nodePubkey,
      message: known.scope,
      signature: reveal.signature,
    },
  };
}

/**
 * Checks 3, 4, 6 and 7 of a reveal; undefined when it is valid. `unknown-draw` while the window is not open or its T is not
 * known: such a reveal is held.
 */
export function judgeReveal(state: NodeState, reveal: VdfReveal): Verdict | "unknown-draw" | undefined {
  const { crypto, rules } = state;
  const facts = state.chain.factsOf(reveal.windowIndex);
  const timechainValue = state.times.of(reveal.windowIndex);
  if (facts === undefined || timechainValue === undefined) return "unknown-draw";
  const node = facts.get(reveal.nodeId);
  if (node === undefined) return ignore("unknown-node");
  const failure = checkReveal(crypto, reveal, facts, facts.draw(timechainValue), { signature: "assume-valid" });
  if (failure !== undefined) return reject(failure);
  const standing = { node, rules, target: facts.target, isRepeated: false };
  const standingFailure = checkRevealStanding(reveal, standing);
  if (standingFailure === undefined) return undefined;
  return standingFailure === "not-a-candidate" ? reject(standingFailure) : ignore(standingFailure);
}

export const isValidReveal = (state: NodeState, reveal: VdfReveal): boolean => judgeReveal(state, reveal) === undefined;
