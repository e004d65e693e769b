/** Transitions are computed by the owner of the tables, each once a window, whoever proposed it. */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import type { WindowInputs } from "../../protocol/transition/applyWindow.ts";
import type { Effect } from "../effects.ts";
import type { NodeState } from "../state.ts";

export function askForTransition(state: NodeState, out: Effect[], key: Hash32, inputs: WindowInputs): void {
  if (state.transitions.has(byteKey(key))) return;
  state.transitions.set(byteKey(key), "asked");
  out.push({ kind: "compute-transition", key, inputs });
}
