/** TimeChain values: own ones, those that a quorum vouches for, and what the VDF is to compute next (chapter 03 §6.5, §6.10). */
import { byteKey, equalBytes, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { Effect } from "./effects.ts";
import type { Ticked } from "./events.ts";
import type { NodeState } from "./state.ts";
import type { TimeSource } from "./time.ts";
import { isValidReveal } from "./validation/reveal.ts";

export function takeTick(state: NodeState, out: Effect[], { window, value }: Ticked): void {
  if (learnTime(state, window, value, "computed") === "contradiction") state.fallSilent(out, "adopted-time-differs");
}

/** T_`window` is known from now on: what claims another one goes, and what was there in time is noted. */
export function learnTime(
  state: NodeState,
  window: bigint,
  value: Hash32,
  source: TimeSource,
): "new" | "known" | "contradiction" {
  const result = state.times.record(window, value, source);
  if (result !== "new") return result;
  const before = state.bundles.firsts(window - 1n).map(({ object }) => byteKey(object.nodeId));
  state.heldAtTick.set(window, new Set(before));
  dropWrongEndpoints(state, window);
  return result;
}

/** Bundles and reveals of `window` were taken in before its T, or its Node Table, was known. */
export function dropWrongEndpoints(state: NodeState, window: bigint): void {
  const value = state.times.of(window);
  const facts = state.chain.factsOf(window);
  if (value === undefined) return;
  state.bundles.retain(window, ({ endpoint, nodeId }) => {
    const isMember = facts === undefined || facts.get(nodeId) !== undefined;
    return isMember && equalBytes(endpoint, value);
  });
  if (facts !== undefined) state.reveals.retain(window, (reveal) => isValidReveal(state, reveal));
}

/** §6.10: bundles of a quorum carry the same T_W, and the own VDF is not there yet. */
export function adoptTime(state: NodeState, out: Effect[]): boolean {
  const { window, chain } = state;
  if (!state.isOpen || state.timechainValue !== undefined) return false;
  const { weights } = chain.facts;
  const signers = new Map<string, { readonly value: Hash32; readonly nodeIds: NodeId[] }>();
  for (const { object } of state.bundles.all(window)) {
    const key = byteKey(object.endpoint);
    const known = signers.get(key);
    if (known === undefined) signers.set(key, { value: object.endpoint, nodeIds: [object.nodeId] });
    else known.nodeIds.push(object.nodeId);
  }
  for (const { value, nodeIds } of signers.values()) {
    if (!weights.isQuorum(weights.sumOf(nodeIds))) continue;
    learnTime(state, window, value, "adopted");
    out.push({ kind: "notify", notice: { code: "adopted-time", window, value } });
    return true;
  }
  return false;
}

/** The TimeChain never waits for the network, but for D of an epoch whose data are not decided. */
export function runVdf(state: NodeState, out: Effect[]): void {
  const { times, chain } = state;
  const from = times.of(times.head);
  const target = times.head + 1n;
  if (from === undefined || state.vdfTarget === target || state.isHalted) return;
  const iterations = chain.iterationsAfter(times.head);
  if (iterations === undefined) return;
  state.vdfTarget = target;
  out.push({ kind: "run-vdf", window: target, from, iterations });
}
