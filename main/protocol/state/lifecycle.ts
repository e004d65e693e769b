/** Who takes part and who has been away too long (chapter 02 §4.8, chapter 03 §4.14, chapter 05 §4.11). */
import type { NetworkRules } from "../genesis/rules.ts";
import type { NodeRecord } from "./records.ts";
import type { NodeTable } from "./table.ts";

const ACTIVE_EPOCHS = 2n;
const EVICTION_EPOCHS = 8n;

/** The fields of a node that say when it was there. */
export type Presence = Pick<NodeRecord, "startWindow" | "lastConfirmationWindow">;

/** Does the node count in `window`: for quorum, weights and pressure? At most 2 τ₂ of silence. */
export function isActive(node: Presence, window: bigint, rules: NetworkRules): boolean {
  const horizon = ACTIVE_EPOCHS * rules.params.tau2Windows;
  if (rules.activity === "literal") return window - node.lastConfirmationWindow <= horizon;
  return wasPresent(node) && window - referenceWindow(node) <= horizon;
}

/** `window` is that of the decision; the table is the one settled before it. */
export function countActiveNodes(nodes: NodeTable, window: bigint, rules: NetworkRules): bigint {
  let count = 0n;
  for (const node of nodes.rows()) if (isActive(node, window, rules)) count++;
  return count;
}

/** Is the node removed at the τ₂ boundary `window`? More than 8 τ₂ of silence; nobody where the literal predicate rules. */
export function isEvictable(node: Presence, window: bigint, rules: NetworkRules): boolean {
  if (rules.activity === "literal") return false;
  return window - referenceWindow(node) > EVICTION_EPOCHS * rules.params.tau2Windows;
}

/** An admission stores 0 as last confirmation, so idle time cannot start there (decision E3). */
function referenceWindow({ startWindow, lastConfirmationWindow }: Presence): bigint {
  return startWindow > lastConfirmationWindow ? startWindow : lastConfirmationWindow;
}

/** Genesis nodes count from the start, others from their first included bundle on. */
function wasPresent({ startWindow, lastConfirmationWindow }: Presence): boolean {
  return lastConfirmationWindow !== 0n || startWindow === 0n;
}
