/**
 * The states of a simulated network: one for each decided window, shared by all nodes that decided the same. What a node's
 * state worker would compute again from the same state and the same inputs is computed once; some of it twice, to see that the
 * inputs really determine it.
 */
import { byteKey, equalBytes, type Hash32 } from "../../main/protocol/bytes.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import type { NetworkRules } from "../../main/protocol/genesis/rules.ts";
import { MemoryState } from "../../main/protocol/state/memory.ts";
import type { AccountRecord, NodeRecord } from "../../main/protocol/state/records.ts";
import { emptyTrees, releaseTrees, updateTrees } from "../../main/protocol/state/roots.ts";
import { genesisEpoch } from "../../main/protocol/transition/adaptEpoch.ts";
import type { Settled, WindowInputs, WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import type { TransitionOutcome } from "../../main/consensus/events.ts";
import type { WindowView } from "../../main/consensus/facts.ts";
import type { DecidedWindow } from "../../main/consensus/material.ts";
import { computeTransition, viewOf } from "../../main/consensus/tables.ts";

/** One of so many shared results is computed anew. */
const CHECK_INTERVAL = 64;

export class DifferentStates extends Error {}

interface Computed {
  readonly outcome: TransitionOutcome;
  readonly result: WindowResult | undefined;
}

/** S_{W−1}, and what is known of the transitions from it. */
export class Version {
  readonly settled: Settled & { readonly state: MemoryState };
  /** Of window W. */
  readonly view: WindowView;
  readonly computed = new Map<string, Computed>();
  readonly next = new Map<string, Version>();

  constructor(settled: Settled & { readonly state: MemoryState }, view: WindowView) {
    this.settled = settled;
    this.view = view;
  }
}

export class Ledger {
  readonly genesis: Version;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  #shared = 0;

  constructor(
    crypto: Crypto,
    rules: NetworkRules,
    { accounts, nodes }: { readonly accounts: readonly AccountRecord[]; readonly nodes: readonly NodeRecord[] },
  ) {
    this.#crypto = crypto;
    this.#rules = rules;
    const state = new MemoryState().load({ accounts, nodes });
    const trees = updateTrees(crypto, emptyTrees(crypto), {
      accounts: accounts.map((row) => ({ id: row.accountId, row })),
      nodes: nodes.map((row) => ({ id: row.nodeId, row })),
      candidates: [],
    });
    const epoch = genesisEpoch(rules);
    this.genesis = new Version({ state, trees, epoch }, viewOf(crypto, state, epoch, 0n, undefined));
  }

  compute(version: Version, key: Hash32, inputs: WindowInputs): Computed {
    const name = nameOf(key, inputs);
    const known = version.computed.get(name);
    if (known === undefined) {
      const { outcome, result } = computeTransition(this.#crypto, this.#rules, version.settled, inputs);
      const computed = { outcome, result };
      version.computed.set(name, computed);
      return computed;
    }
    if (++this.#shared % CHECK_INTERVAL === 0) this.#check(version, known, inputs);
    return known;
  }

  /** The state after a decided window. */
  commit(version: Version, decided: DecidedWindow): { readonly version: Version; readonly result: WindowResult } {
    const { key, inputs } = decided;
    const { result } = this.compute(version, key, inputs);
    if (result === undefined) throw new Error("a decided window does not apply");
    const name = nameOf(key, inputs);
    const known = version.next.get(name);
    if (known !== undefined) return { version: known, result };
    const { accounts, nodes, candidates } = version.settled.state;
    const state = new MemoryState().load({
      accounts: accounts.rows(),
      nodes: nodes.rows(),
      candidates: candidates.rows(),
    });
    state.apply(result.changes);
    const settled = { state, trees: result.trees, epoch: result.epoch };
    const view = viewOf(this.#crypto, state, result.epoch, inputs.window + 1n, decided);
    const next = new Version(settled, view);
    version.next.set(name, next);
    return { version: next, result };
  }

  #check(version: Version, { outcome }: Computed, inputs: WindowInputs): void {
    const again = computeTransition(this.#crypto, this.#rules, version.settled, inputs);
    if (again.result !== undefined) releaseTrees(again.result.trees);
    const isSame =
      "roots" in outcome && "roots" in again.outcome
        ? equalBytes(outcome.roots.stateRoot, again.outcome.roots.stateRoot)
        : "failure" in outcome && "failure" in again.outcome;
    if (!isSame) throw new DifferentStates(`window ${inputs.window}: the same inputs lead to two states`);
  }
}

/** Identifiers leave signatures out, and a bad copy of an operation is skipped. */
function nameOf(key: Hash32, { operations, registrations }: WindowInputs): string {
  const signatures = [
    ...operations.map(({ operation }) => operation.signature),
    ...registrations.map((each) => each.signature),
  ];
  return [key, ...signatures.map((signature) => signature.subarray(0, 32))]
    .map((part) => byteKey(part as Hash32))
    .join("");
}
