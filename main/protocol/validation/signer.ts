/** The first two checks of every object that a node signs (chapter 03 §5). */
import type { NodeId } from "../bytes.ts";
import { SUITE_MLDSA65 } from "../identity/ids.ts";
import type { NodeRecord } from "../state/records.ts";

/** What a signature is checked with; the Node Table is one. */
export interface NodeKeys {
  get(nodeId: NodeId): Pick<NodeRecord, "suiteId" | "nodePubkey"> | undefined;
}

export type SignerFailure = "unknown-node" | "unsupported-suite";

/** Asked alone where the values for the checks after it are not known yet: such an object is held. */
export function checkSigner(nodes: NodeKeys, nodeId: NodeId): SignerFailure | undefined {
  const node = nodes.get(nodeId);
  if (node === undefined) return "unknown-node";
  return node.suiteId === SUITE_MLDSA65 ? undefined : "unsupported-suite";
}
