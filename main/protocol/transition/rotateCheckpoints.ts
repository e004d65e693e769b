/** Step 3.6 (chapter 03 §4.6): at a τ₂ boundary every node's checkpoints move on by one epoch. */
import { ProtocolError } from "../errors.ts";
import type { NodeRecord } from "../state/records.ts";
import type { StateDraft } from "../state/table.ts";

/** Halts: `checkpoint-above-chain-length`. */
export function rotateCheckpoints(draft: StateDraft): void {
  for (const node of [...draft.nodes.rows()]) draft.nodes.put(rotated(node));
}

function rotated(node: NodeRecord): NodeRecord {
  const chainLengthCheckpoints = [...node.chainLengthCheckpoints.slice(1), node.chainLength];
  const oldest = chainLengthCheckpoints[0]!;
  if (oldest > node.chainLength) throw new ProtocolError("checkpoint-above-chain-length");
  return { ...node, chainLengthCheckpoints, chainLengthSnapshot: node.chainLength - oldest };
}
