import type { Crypto } from "../crypto.ts";
import { emptyTrees, releaseTrees, rootsOf, updateTrees, type StateRoots } from "./roots.ts";
import type { State } from "./table.ts";

/** The roots of whole tables, from nothing: at genesis, and where stored roots are to be doubted. */
export function recomputeRoots(crypto: Crypto, state: State): StateRoots {
  const trees = updateTrees(crypto, emptyTrees(crypto), {
    accounts: Array.from(state.accounts.rows(), (row) => ({ id: row.accountId, row })),
    nodes: Array.from(state.nodes.rows(), (row) => ({ id: row.nodeId, row })),
    candidates: Array.from(state.candidates.rows(), (row) => ({ id: row.nodeId, row })),
  });
  const roots = rootsOf(crypto, trees);
  releaseTrees(trees);
  return roots;
}
