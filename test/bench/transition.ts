/**
 * A window with 10,000 transfers in a state of 1,000,000 accounts: what the whole transition takes, with the signatures
 * checked before and checked within, and where the time goes.
 */
import { loadCrypto } from "../../main/native/index.ts";
import { ZERO_HASH, type AccountId, type NodeId } from "../../main/protocol/bytes.ts";
import { encode, u32 } from "../../main/protocol/codec/codec.ts";
import type { SecretKey } from "../../main/protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../main/protocol/genesis/rules.ts";
import { genesisRecords, unusedAccount } from "../../main/protocol/genesis/state.ts";
import { operation, TYPE_TRANSFER, type Operation } from "../../main/protocol/objects/operations.ts";
import type { Draft } from "../../main/protocol/objects/signed.ts";
import { MemoryState } from "../../main/protocol/state/memory.ts";
import type { AccountRecord } from "../../main/protocol/state/records.ts";
import { emptyTrees, releaseTrees, updateTrees, type StateTrees } from "../../main/protocol/state/roots.ts";
import { genesisEpoch } from "../../main/protocol/transition/adaptEpoch.ts";
import {
  applyWindow,
  type Settled,
  type TransitionStep,
  type WindowInputs,
} from "../../main/protocol/transition/applyWindow.ts";
import type { CementedOperation } from "../../main/protocol/transition/settleOperations.ts";
import type { Measurement, Result } from "./harness.ts";

const { crypto } = loadCrypto();
const isFast = crypto.backEnd === "rust";
const ACCOUNTS = isFast ? 1_000_000 : 10_000;
const TRANSFERS = ACCOUNTS / 100;
const ACCOUNTS_PER_BATCH = 20_000;
const ROUNDS = 3;
const WINDOW = 1n;

const rules = rulesOf(MONTANA_PARAMS, "spec");

interface Prepared {
  readonly settled: Settled;
  readonly inputs: WindowInputs;
}

interface Person {
  readonly account: AccountRecord;
  readonly secretKey: SecretKey;
}

let prepared: Prepared | undefined;

/** Accounts that send have keys of their own; of the others only the record counts, so they share one. */
function prepare(): Prepared {
  if (prepared !== undefined) return prepared;
  const genesis = genesisRecords(crypto, rules.params, "spec");
  const senders = Array.from({ length: TRANSFERS }, (_, i) => personOf(i));
  const state = new MemoryState().load({
    accounts: [...genesis.accounts, ...senders.map(({ account }) => account), ...others(senders[0]!.account)],
    nodes: genesis.nodes,
  });
  const settled = { state, trees: treesOf(state), epoch: genesisEpoch(rules) };
  const winnerId: NodeId = genesis.nodes[0]!.nodeId;
  const operations = senders.map((sender, i) => transferTo(sender, senders[(i + 1) % TRANSFERS]!.account.accountId));
  const inputs: WindowInputs = {
    window: WINDOW,
    timechainValue: ZERO_HASH,
    aggregate: ZERO_HASH,
    bundleSigners: [winnerId],
    operations,
    registrations: [],
    winnerId,
    participationPermille: 1000,
    includedReveals: 1,
  };
  return (prepared = { settled, inputs });
}

function personOf(index: number): Person {
  const { publicKey, secretKey } = crypto.mldsa65.generate(crypto.sha256(encode(u32, index)));
  return { account: { ...unusedAccount(crypto, publicKey), balance: 1_000_000n }, secretKey };
}

function* others(pattern: AccountRecord): Iterable<AccountRecord> {
  for (let i = TRANSFERS; i < ACCOUNTS; i++) {
    yield { ...pattern, accountId: crypto.sha256(encode(u32, i)) as AccountId, balance: BigInt(i) };
  }
}

function treesOf(state: MemoryState): StateTrees {
  const nodes = Array.from(state.nodes.rows(), (row) => ({ id: row.nodeId, row }));
  let trees = updateTrees(crypto, emptyTrees(crypto), { accounts: [], nodes, candidates: [] });
  let accounts: { id: AccountId; row: AccountRecord }[] = [];
  const flush = (): void => {
    const next = updateTrees(crypto, trees, { accounts, nodes: [], candidates: [] });
    releaseTrees(trees);
    trees = next;
    accounts = [];
  };
  for (const row of state.accounts.rows()) {
    accounts.push({ id: row.accountId, row });
    if (accounts.length === ACCOUNTS_PER_BATCH) flush();
  }
  flush();
  return trees;
}

function transferTo({ account, secretKey }: Person, link: AccountId): CementedOperation {
  const { accountId: sender, frontierHash: prevHash, currentPubkey } = account;
  const draft = { type: TYPE_TRANSFER, prevHash, sender, link, amount: 1n } as Draft<Operation>;
  return { operation: operation.sign(crypto, secretKey, draft), verifiedWith: currentPubkey };
}

interface Times {
  readonly ms: number;
  readonly steps: ReadonlyMap<TransitionStep, number>;
}

/** The best of a few rounds. */
function timeWindow(operations: readonly CementedOperation[]): Times {
  const { settled, inputs } = prepare();
  let best: Times | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const steps = new Map<TransitionStep, number>();
    const start = performance.now();
    let last = start;
    const result = applyWindow(
      crypto,
      rules,
      settled,
      { ...inputs, operations },
      {
        onStep(step) {
          const now = performance.now();
          steps.set(step, now - last);
          last = now;
        },
      },
    );
    const ms = performance.now() - start;
    if (result.events.settled.length !== operations.length) throw new Error("the bench's transfers do not settle");
    releaseTrees(result.trees);
    if (best === undefined || ms < best.ms) best = { ms, steps };
  }
  return best!;
}

let excluded: Times | undefined;
const withoutSignatures = (): Times => (excluded ??= timeWindow(prepare().inputs.operations));

function shareOf(step: TransitionStep): Measurement {
  const name = `transition/${step.replace(" ", "-")}`;
  return {
    name,
    measure: () => {
      const { ms, steps } = withoutSignatures();
      return comparison(name, steps.get(step)!, "the window without signature checks", ms);
    },
  };
}

function comparison(name: string, value: number, peer: string, peerValue: number): Result {
  return { name, value, unit: "ms", peer, peerValue, ratio: value / peerValue };
}

/** What the signatures alone cost, checked in one batch. */
function timeVerification(): number {
  const jobs = prepare().inputs.operations.map(({ operation: op, verifiedWith }) => ({
    publicKey: verifiedWith!,
    message: operation.scope(op),
    signature: op.signature,
  }));
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    if (crypto.mldsa65.verifyBatch(jobs).includes(false)) throw new Error("the bench's signatures are not valid");
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

export const benches: Measurement[] = [
  {
    name: "transition/window",
    measure: () => {
      const unchecked = prepare().inputs.operations.map(({ operation: op }) => ({ operation: op }));
      const { ms } = timeWindow(unchecked);
      return comparison("transition/window", ms, "the window without signature checks", withoutSignatures().ms);
    },
  },
  {
    name: "transition/signatures",
    measure: () =>
      comparison(
        "transition/signatures",
        timeVerification(),
        "the window without signature checks",
        withoutSignatures().ms,
      ),
  },
  ...(["settle", "control set", "expiry", "admission", "emission", "presence", "epoch", "roots"] as const).map(shareOf),
];
