/** What survives a crash of a simulated node: everything that was written with fsync, and nothing else. */
import type { Hash32 } from "../../main/protocol/bytes.ts";
import type { Crypto } from "../../main/protocol/crypto.ts";
import type { NetworkRules } from "../../main/protocol/genesis/rules.ts";
import { MemoryState } from "../../main/protocol/state/memory.ts";
import { emptyTrees, releaseTrees, updateTrees, type StateTrees } from "../../main/protocol/state/roots.ts";
import type { AccountRecord, NodeRecord } from "../../main/protocol/state/records.ts";
import { genesisEpoch } from "../../main/protocol/transition/adaptEpoch.ts";
import type { Settled, WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import type { Started } from "../../main/consensus/events.ts";
import type { WindowView } from "../../main/consensus/facts.ts";
import type { DecidedWindow, LoggedObject, PastWindow } from "../../main/consensus/material.ts";
import { viewOf } from "../../main/consensus/tables.ts";

const PAST_WINDOWS = 3;
const ATTESTATION_WINDOWS = 13n;

export class Disk {
  readonly state: MemoryState;
  settled: Settled;
  view: WindowView;
  past: PastWindow[] = [];
  /** All decided windows: what a server of catch-up offers. */
  readonly archive: DecidedWindow[] = [];
  log: LoggedObject[] = [];
  times = new Map<bigint, Hash32>();
  readonly #crypto: Crypto;

  constructor(
    crypto: Crypto,
    rules: NetworkRules,
    genesis: { readonly accounts: readonly AccountRecord[]; readonly nodes: readonly NodeRecord[] },
  ) {
    this.#crypto = crypto;
    this.state = new MemoryState().load(genesis);
    const trees: StateTrees = updateTrees(crypto, emptyTrees(crypto), {
      accounts: genesis.accounts.map((row) => ({ id: row.accountId, row })),
      nodes: genesis.nodes.map((row) => ({ id: row.nodeId, row })),
      candidates: [],
    });
    this.settled = { state: this.state, trees, epoch: genesisEpoch(rules) };
    this.view = viewOf(crypto, this.state, this.settled.epoch, 0n, undefined);
  }

  /** One atomic step: tables, header, body, certificate, epoch data, and what the log no longer needs. */
  commit(decided: DecidedWindow, result: WindowResult): void {
    const window = decided.header.windowIndex;
    const { header, body, bundles } = decided;
    this.past.push({ view: this.view, header, body, bundles: bundles.filter((each) => each.windowIndex === window) });
    this.past.splice(0, this.past.length - PAST_WINDOWS);
    this.state.apply(result.changes);
    releaseTrees(this.settled.trees);
    this.settled = { state: this.state, trees: result.trees, epoch: result.epoch };
    this.view = viewOf(this.#crypto, this.state, result.epoch, window + 1n, decided);
    this.archive.push(decided);
    this.log = this.log.filter(({ signed }) => {
      const age = window - signed.object.windowIndex;
      return age <= 0n || (signed.type === "bundle" && age <= ATTESTATION_WINDOWS);
    });
    for (const known of this.times.keys()) if (known <= window) this.times.delete(known);
  }

  /** What a starting machine is told. */
  started(): Started {
    const { view, past, log } = this;
    const times = Array.from(this.times, ([window, value]) => ({ window, value }));
    return { kind: "started", view, past: [...past], log: [...log], times };
  }
}
