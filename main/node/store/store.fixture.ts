/** Stores over generated histories, for tests: real files in a folder of their own, headers with the right roots. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import type { Signature } from "../../protocol/crypto.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { operation as operationClass } from "../../protocol/objects/operations.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../../protocol/state/records.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import type { State } from "../../protocol/state/table.ts";
import { genesisEpoch } from "../../protocol/transition/adaptEpoch.ts";
import { applyWindow, type WindowInputs, type WindowResult } from "../../protocol/transition/applyWindow.ts";
import { History, type WindowPlan } from "../../protocol/transition/history.fixture.ts";
import type { ArchivedObject } from "./archive.ts";
import { createStore } from "./builder.ts";
import { historyOf } from "./history.ts";
import { finish, Store, type StoreOptions } from "./store.ts";

export const { crypto } = loadCrypto();
export const NETWORK = crypto.sha256(new Uint8Array([1, 2, 3]));
const NO_SIGNATURE = new Uint8Array(3309) as Signature;

/** A folder that goes with the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "montana-store-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function headerOf(
  window: bigint,
  prevProposalHash: Hash32,
  roots: StateRoots,
  timechainValue: Hash32 = ZERO_HASH,
): ProposalHeader {
  return {
    prevProposalHash,
    windowIndex: window,
    protocolVersion: 1,
    controlRoot: ZERO_HASH,
    ...roots,
    timechainValue,
    includedBundlesRoot: ZERO_HASH,
    includedRevealsRoot: ZERO_HASH,
    winnerEndpoint: ZERO_HASH,
    winnerId: ZERO_HASH as never,
    proposerNodeId: ZERO_HASH as never,
    target: 0n,
    fallbackDepth: 1,
    signature: NO_SIGNATURE,
  };
}

/** One chain twice: in memory as the model, and in a store. */
export class StoredHistory {
  readonly model = new History(crypto, "per-window");
  readonly options: StoreOptions;
  store: Store;

  constructor(directory: string, options: Partial<StoreOptions> = {}) {
    const { rules } = this.model;
    this.options = { directory, crypto, rules, networkId: NETWORK, ...options };
    const { accounts, nodes } = this.model.state;
    createStore(this.options, { accounts: [...accounts.rows()], nodes: [...nodes.rows()] }, genesisEpoch(rules));
    this.store = finish(Store.open(this.options));
  }

  evaluate(inputs: WindowInputs): WindowResult {
    return applyWindow(crypto, this.model.rules, this.store.settled, inputs);
  }

  /** Decides one window of the plan on both. */
  step(plan: WindowPlan): void {
    const inputs = this.model.inputs(plan);
    this.model.commit(this.model.evaluate(inputs));
    const result = this.evaluate(inputs);
    commit(this.store, this.model.rules, inputs, result);
  }

  reopen(): void {
    this.store.close();
    this.store = finish(Store.open(this.options));
  }
}

export function commit(
  store: Store,
  rules: History["rules"],
  inputs: WindowInputs,
  result: WindowResult,
): ProposalHeader {
  const header = headerOf(inputs.window, store.proposalHash, result.roots, inputs.timechainValue);
  const objects = inputs.operations.map(({ operation }): ArchivedObject => {
    return {
      kind: "operation",
      id: operationClass.identify(crypto, operation),
      bytes: operationClass.encode(operation),
    };
  });
  store.commit({ header, result, objects, history: historyOf(crypto, rules, inputs, result.events) });
  return header;
}

export const hashOf = (header: ProposalHeader): Hash32 => proposalHeader.identify(crypto, header);

/** All records of a state, in the order of its tables. */
export function recordsOf(state: State): readonly Uint8Array[][] {
  return [
    Array.from(state.accounts.rows(), (row) => encode(accountRecord, row)),
    Array.from(state.nodes.rows(), (row) => encode(nodeRecord, row)),
    Array.from(state.candidates.rows(), (row) => encode(candidateRecord, row)),
  ];
}

/** The code of the error that `run` ends with, undefined where it ends without. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}

/** A window in which people pay each other and everybody is present. */
export const busyWindow: WindowPlan = {
  operations: [
    { do: "create", from: 0, to: 1, percent: 30 },
    { do: "transfer", from: 0, to: 1, percent: 10 },
    { do: "create", from: 1, to: 2, percent: 50 },
    { do: "change-key", from: 1, to: 3 },
    { do: "anchor", from: 2, to: 4 },
  ],
  registrations: [{ machine: 1, operator: "self", startsBack: 2, length: 100_000 }],
  present: 0xff,
  winner: 0,
  participation: 1000,
  reveals: 1,
};
