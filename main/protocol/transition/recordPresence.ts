/** Step 3.5 (chapter 03 §4.6): a bundle included by the proposal is one window of presence for its signer. */
import { byteKey, type NodeId } from "../bytes.ts";
import { U64_MAX } from "../codec/codec.ts";
import { ProtocolError } from "../errors.ts";
import type { StateDraft } from "../state/table.ts";

/** `signers` are taken as a set; ids that are not in the Node Table count for nothing. Halts: `chain-length-overflow`. */
export function recordPresence(draft: StateDraft, signers: readonly NodeId[], window: bigint): void {
  for (const nodeId of new Map(signers.map((id) => [byteKey(id), id])).values()) {
    const node = draft.nodes.get(nodeId);
    if (node === undefined) continue;
    if (node.chainLength === U64_MAX) throw new ProtocolError("chain-length-overflow");
    draft.nodes.put({ ...node, chainLength: node.chainLength + 1n, lastConfirmationWindow: window });
  }
}
