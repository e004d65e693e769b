/** Suites about whole windows: 02 transitions, 03 settle-sequence, 04 settlement and sequences, 05 batches and lifecycle. */
import { applyOperation } from "../../../main/protocol/accounts/apply.ts";
import { validateOperation } from "../../../main/protocol/accounts/validate.ts";
import {
  ascii,
  byteKey,
  compareBytes,
  toHex,
  ZERO_HASH,
  type AccountId,
  type NodeId,
} from "../../../main/protocol/bytes.ts";
import { encode } from "../../../main/protocol/codec/codec.ts";
import type { Crypto, PublicKey } from "../../../main/protocol/crypto.ts";
import { isSelectionWindow } from "../../../main/protocol/entry/queue.ts";
import { registrationSortKey } from "../../../main/protocol/entry/sortKeys.ts";
import { validateRegistration } from "../../../main/protocol/entry/validateRegistration.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { genesisRecords, unusedAccount } from "../../../main/protocol/genesis/state.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import type { ProtocolParams } from "../../../main/protocol/genesis/params.ts";
import { rulesOf, type NetworkRules } from "../../../main/protocol/genesis/rules.ts";
import {
  accountIdOf as accountIdOfKey,
  appIdOf,
  nodeIdOf as nodeIdOfKey,
} from "../../../main/protocol/identity/ids.ts";
import { operation as operationClass, type Operation } from "../../../main/protocol/objects/operations.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import {
  candidateRecord,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../../main/protocol/state/records.ts";
import {
  emptyTrees,
  rootsOf,
  updateTrees,
  type StateRoots,
  type StateTrees,
} from "../../../main/protocol/state/roots.ts";
import { StateDraft } from "../../../main/protocol/state/table.ts";
import { genesisEpoch } from "../../../main/protocol/transition/adaptEpoch.ts";
import { applyControlSet } from "../../../main/protocol/transition/applyControlSet.ts";
import { applyWindow, type WindowInputs, type WindowResult } from "../../../main/protocol/transition/applyWindow.ts";
import { recordPresence } from "../../../main/protocol/transition/recordPresence.ts";
import { settleOperations } from "../../../main/protocol/transition/settleOperations.ts";
import type { Input, Runner } from "../harness.ts";
import { big, hex32, nodeIdOf } from "./inputs.ts";
import {
  accountRecordOf,
  nodeRecordOf,
  operationOf,
  publicKeyOf,
  registrationOf,
  syntheticAccount,
  syntheticCandidate,
  syntheticIdentity,
  syntheticRegistration,
} from "./descriptors.ts";
import { accountFrom, candidateFrom, nodeFrom } from "./stateInputs.ts";

export const transitionRunners: Readonly<Record<string, Runner>> = {
  "02-state/transitions": (input, { crypto }) => {
    const rules = referenceRules(input);
    const replay = new Replay(crypto, rules, {
      accounts: input.accounts.map((record: Input) => accountFrom(crypto, record)),
      nodes: input.nodes.map((record: Input) => nodeFrom(crypto, record)),
      candidates: input.candidates.map((record: Input) => candidateFrom(crypto, record)),
    });
    return {
      after: untilHalt(input.steps, (step) => {
        const { roots } = replay.close({
          window: big(step.window),
          winnerId: nodeIdOf(step.winner_id),
          bundleSigners: step.cemented_confirmers.map(nodeIdOf),
        });
        return {
          ...rootFields(roots),
          balances: Array.from(replay.state.accounts.rows(), ({ balance }) => balance),
          nodes: Array.from(replay.state.nodes.rows(), (node) => ({
            chain_length: node.chainLength,
            snapshot: node.chainLengthSnapshot,
            checkpoints: node.chainLengthCheckpoints,
            last_confirmation_window: node.lastConfirmationWindow,
          })),
        };
      }),
    };
  },

  "03-consensus/settle-sequence": (input, { crypto }) => {
    const keyOf = (byte: number) => new Uint8Array(1952).fill(byte) as PublicKey;
    const accounts = input.nodes.map((node: Input) => {
      const publicKey = keyOf(node.operator_pubkey_byte);
      const balance = big(node.operator_balance ?? 0);
      return { ...unusedAccount(crypto, publicKey), balance, isNodeOperator: true };
    }) as AccountRecord[];
    const nodes = input.nodes.map((node: Input, i: number) => {
      const nodePubkey = keyOf(node.node_pubkey_byte);
      return {
        ...blankNode(nodeIdOfKey(crypto, nodePubkey), nodePubkey, accounts[i]!.accountId),
        chainLength: big(node.chain_length),
      };
    }) as NodeRecord[];
    const replay = new Replay(crypto, referenceRules(input), {
      accounts,
      nodes,
    });
    let candidateRoot = replay.roots().candidateRoot;
    const after = input.steps.map((step: Input) => {
      const { roots } = replay.close({
        window: big(step.window),
        winnerId: step.winner_id === undefined ? nodes[step.winner]!.nodeId : nodeIdOf(step.winner_id),
        bundleSigners: step.confirmers.map((i: number) => nodes[i]!.nodeId),
      });
      candidateRoot = roots.candidateRoot;
      return {
        window: step.window,
        ...rootFields(roots),
        balances: accounts.map(({ accountId }) => replay.state.accounts.get(accountId)?.balance ?? null),
        nodes: nodes.map(({ nodeId }) => {
          const node = replay.state.nodes.get(nodeId)!;
          return [node.chainLength, node.chainLengthSnapshot, node.lastConfirmationWindow, node.chainLengthCheckpoints];
        }),
      };
    });
    return { candidate_root: candidateRoot, after };
  },

  "04-account/settle-order": (input, { crypto }) => {
    const accounts = input.accounts.map((account: Input) => accountRecordOf(crypto, account)) as AccountRecord[];
    const replay = new Replay(crypto, referenceRules(input), { accounts });
    const operations = input.ops.map((op: Input) => operationOf(crypto, op)) as Operation[];
    const { settled, roots } = replay.settle(operations, big(input.window));
    return {
      apply_order_op_hashes: settled,
      account_root: roots.accountRoot,
      balances: accounts.map(({ accountId }) => replay.state.accounts.get(accountId)!.balance),
      sum: replay.state.accounts.totalBalance,
    };
  },

  "04-account/apply-proposal": (input, { crypto }) => {
    const { accounts, nodes } = tablesOf(crypto, input);
    const replay = new Replay(crypto, referenceRules(input.params), { accounts, nodes });
    const before = nodes.map(({ nodeId }) => replay.state.nodes.get(nodeId)!);
    const { roots } = replay.close({
      window: big(input.window),
      winnerId: nodeIdOf(input.winner_id),
      bundleSigners: input.confirmers.map(nodeIdOf),
    });
    return {
      ...rootFields(roots),
      balances: accounts.map(({ accountId }) => replay.state.accounts.get(accountId)!.balance),
      nodes_changed: before.flatMap((node, i) => {
        const now = replay.state.nodes.get(node.nodeId)!;
        return now === node ? [] : [{ node: i, ...nodeFields(now) }];
      }),
    };
  },

  "04-account/collisions": (input, { crypto }) =>
    input.ops === undefined ? duplicateConfirmers(crypto, input) : collidingOperations(crypto, input),

  "04-account/sequences-ops": replaySequence,
  "04-account/sequences-tau2": replaySequence,
  "04-account/sequences-full": replaySequence,
  "04-account/sequences-bonus": replaySequence,

  "05-entry/nodereg-batch": (input, { crypto }) => {
    const pool = input.initial_pool;
    const rules = rulesOf(MONTANA_PARAMS, "rc1");
    const replay = new Replay(crypto, rules, {
      candidates: Array.from({ length: pool.count }, (_, i) =>
        syntheticCandidate(crypto, pool.pool_seed, i, big(pool.registration_base), rules.params.candidateExpiryWindows),
      ),
    });
    const before = replay.roots().candidateRoot;
    const registrations = input.registrations.map((one: Input) => syntheticRegistration(crypto, one));
    const context = {
      window: big(input.w_p),
      timechainValue: hex32(input.timechain_value_w_p),
      aggregate: hex32(input.cba_w_p_minus_2),
      pending: big(input.pending_baseline),
      activeNodes: big(input.active_nodes),
    };
    const { outcome, roots } = replay.draft((draft) => applyControlSet(crypto, rules, draft, registrations, context));
    const sortKey = (publicKey: PublicKey) =>
      registrationSortKey(crypto, context.timechainValue, context.aggregate, publicKey);
    const sorted = (registrations as { nodePubkey: PublicKey }[])
      .map(({ nodePubkey }) => ({ nodeId: nodeIdOfKey(crypto, nodePubkey), key: sortKey(nodePubkey) }))
      .sort((a, b) => compareBytes(a.key, b.key));
    return {
      sorted_node_ids: sorted.map(({ nodeId }) => nodeId),
      applied: outcome.registered,
      rejected: outcome.refused.map(({ nodeId }) => nodeId),
      records: outcome.registered.map((nodeId) => {
        const candidate = replay.state.candidates.get(nodeId)!;
        return {
          node_id: nodeId,
          operator_account_id: candidate.operatorAccountId,
          registration_window: candidate.registrationWindow,
          expires: candidate.expires,
          record_sha256: crypto.sha256(encode(candidateRecord, candidate)),
        };
      }),
      pool_len: replay.state.candidates.size,
      candidate_root: roots.candidateRoot,
      candidate_root_before: before,
    };
  },

  "05-entry/lifecycle": (input, { crypto }) => {
    const rules = referenceRules(input.params);
    const bootstrap = syntheticIdentity(crypto, input.bootstrap_seed, 0);
    const keys = { bootstrapAccountPubkey: bootstrap.operatorPubkey, bootstrapNodePubkey: bootstrap.nodePubkey };
    const genesis = genesisRecords(crypto, { ...rules.params, ...keys }, "spec");
    const { accounts } = input;
    const others = Array.from({ length: accounts.count }, (_, i) =>
      syntheticAccount(crypto, accounts.seed, i, accounts.balance === undefined ? undefined : big(accounts.balance)),
    );
    const replay = new Replay(crypto, rules, { accounts: [...genesis.accounts, ...others], nodes: genesis.nodes });
    const initialRoots = rootFields(replay.roots());
    const windows = input.windows.map((one: Input) => {
      const window = big(one.window);
      const registrations = one.registrations.map((registration: Input) => registrationOf(crypto, registration));
      const validation: (string | undefined)[] = registrations.map((registration: never) =>
        validateRegistration(crypto, registration, replay.state, rules, window),
      );
      const { events, roots } = replay.close({
        window,
        timechainValue: hex32(one.timechain_value),
        aggregate: hex32(one.cba_w_minus_2),
        activeNodes: big(one.active_nodes),
        registrations: registrations.filter((_: unknown, i: number) => validation[i] === undefined),
        winnerId: nodeIdOf(one.winner_id),
        bundleSigners: one.cemented_confirmers.map(nodeIdOf),
      });
      return {
        validation: validation.map((failure) => failure ?? "ok"),
        applied: events.registered,
        rejected: events.refused.map(({ nodeId }) => nodeId),
        expired: events.expired,
        selection_window: isSelectionWindow(window, rules.params.selectionInterval),
        activated: events.admitted.map(({ nodeId }) => nodeId),
        pool_len: replay.state.candidates.size,
        node_count: replay.state.nodes.size,
        balance_sum: replay.state.accounts.totalBalance,
        roots: rootFields(roots),
        state_root: roots.stateRoot,
      };
    });
    return {
      initial_roots: initialRoots,
      windows,
      final_roots: rootFields(replay.roots()),
      final_nodes: Array.from(replay.state.nodes.rows(), (node) => ({
        node_id: node.nodeId,
        ...nodeFields(node),
        record_sha256: crypto.sha256(encode(nodeRecord, node)),
      })),
      final_accounts: Array.from(replay.state.accounts.rows(), (account) => ({
        account_id: account.accountId,
        balance: account.balance,
        is_node_operator: account.isNodeOperator,
      })),
    };
  },
};

// A chain of windows over tables in memory

interface Rows {
  readonly accounts?: readonly AccountRecord[];
  readonly nodes?: readonly NodeRecord[];
  readonly candidates?: readonly CandidateRecord[];
}

class Replay {
  readonly state = new MemoryState();
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  #trees: StateTrees;

  constructor(crypto: Crypto, rules: NetworkRules, rows: Rows) {
    this.#crypto = crypto;
    this.#rules = rules;
    this.#trees = emptyTrees(crypto);
    this.draft((draft) => {
      for (const account of rows.accounts ?? []) draft.accounts.put(account);
      for (const node of rows.nodes ?? []) draft.nodes.put(node);
      for (const candidate of rows.candidates ?? []) draft.candidates.put(candidate);
    });
  }

  roots(): StateRoots {
    return rootsOf(this.#crypto, this.#trees);
  }

  /** One whole window; what is left out is empty, or zero where the suite does not look at it. */
  close(inputs: Pick<WindowInputs, "window" | "winnerId" | "bundleSigners"> & Partial<WindowInputs>): WindowResult {
    const settled = { state: this.state, trees: this.#trees, epoch: genesisEpoch(this.#rules) };
    const result = applyWindow(this.#crypto, this.#rules, settled, {
      timechainValue: ZERO_HASH,
      aggregate: ZERO_HASH,
      operations: [],
      registrations: [],
      participationPermille: 1000,
      includedReveals: 0,
      ...inputs,
    });
    this.state.apply(result.changes);
    this.#trees = result.trees;
    return result;
  }

  /** Any change of the tables by the steps that `work` takes. */
  draft<T>(work: (draft: StateDraft) => T): { readonly outcome: T; readonly roots: StateRoots } {
    const draft = new StateDraft(this.state);
    const outcome = work(draft);
    const changes = draft.changes();
    this.#trees = updateTrees(this.#crypto, this.#trees, changes);
    this.state.apply(changes);
    return { outcome, roots: this.roots() };
  }

  settle(operations: readonly Operation[], window: bigint) {
    const { outcome, roots } = this.draft((draft) =>
      settleOperations(
        this.#crypto,
        this.state.accounts,
        draft,
        operations.map((operation) => ({ operation })),
        window,
        this.#rules.params.tau2Windows,
      ),
    );
    return { ...outcome, roots };
  }
}

/** Runs the steps until one halts; the halt is the last entry. */
function untilHalt(steps: readonly Input[], run: (step: Input) => unknown): unknown[] {
  const after: unknown[] = [];
  for (const step of steps) {
    try {
      after.push(run(step));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      after.push({ error: error.code });
      break;
    }
  }
  return after;
}

// Collisions (04): what the reference's batch functions do, unchecked, beside what is required

function collidingOperations(crypto: Crypto, input: Input) {
  const rules = referenceRules(input);
  const window = big(input.window);
  const accounts = input.accounts.map((account: Input) => accountRecordOf(crypto, account)) as AccountRecord[];
  const operations = input.ops.map((op: Input) => operationOf(crypto, op)) as Operation[];

  const required = new Replay(crypto, rules, { accounts });
  const sumBefore = required.state.accounts.totalBalance;
  const { skipped, roots } = required.settle(operations, window);

  const unchecked = new Replay(crypto, rules, { accounts });
  const [reference] = untilHalt([undefined], () => {
    const { roots: uncheckedRoots } = unchecked.draft((draft) => {
      const named = operations.map((op) => ({ op, opHash: operationClass.identify(crypto, op) }));
      named.sort((a, b) => compareBytes(a.opHash, b.opHash));
      for (const { op, opHash } of named) applyOperation(op, opHash, draft.accounts, window);
    });
    const balanceOf = (id: AccountId | undefined) =>
      id === undefined ? undefined : unchecked.state.accounts.get(id)?.balance;
    const [first] = operations;
    return {
      receiver_balance: balanceOf(first !== undefined && "receiver" in first ? first.receiver : undefined),
      sender_balance: balanceOf(first?.sender),
      sum_before: sumBefore,
      sum_after: unchecked.state.accounts.totalBalance,
      account_root: uncheckedRoots.accountRoot,
    };
  });
  return {
    reference,
    required: {
      account_root: roots.accountRoot,
      sum_after: required.state.accounts.totalBalance,
      skipped: skipped.map(({ opHash, failure }) => ({ op_hash: opHash, error: failure })),
    },
  };
}

function duplicateConfirmers(crypto: Crypto, input: Input) {
  const rules = referenceRules(input);
  const tables = tablesOf(crypto, input);
  const window = big(input.window);
  const winnerId = nodeIdOf(input.winner_id);
  const confirmers: NodeId[] = input.confirmers.map(nodeIdOf);
  const outcome = (replay: Replay) => ({
    node: { node_id: winnerId, ...nodeFields(replay.state.nodes.get(winnerId)!) },
    state_root: replay.roots().stateRoot,
  });

  const required = new Replay(crypto, rules, tables);
  required.close({ window, winnerId, bundleSigners: confirmers });

  const counted = new Replay(crypto, rules, tables);
  counted.close({ window, winnerId, bundleSigners: [] });
  for (const confirmer of confirmers) counted.draft((draft) => recordPresence(draft, [confirmer], window));
  return { reference: outcome(counted), required: outcome(required) };
}

// Sequences (04 §9)

function replaySequence(input: Input, { crypto }: { readonly crypto: Crypto }) {
  const sequence = new Sequence(crypto, input);
  return {
    initial_state_root: sequence.replay.roots().stateRoot,
    windows: input.windows.map((window: Input) => sequence.close(window)),
    final_accounts: sequence.finalAccounts(),
    final_nodes: sequence.finalNodes(),
    final_sum: sequence.replay.state.accounts.totalBalance,
  };
}

class Sequence {
  readonly replay: Replay;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #keys: readonly string[];
  readonly #accountIds: readonly AccountId[];
  readonly #nodeIds: readonly NodeId[];
  readonly #nodeKeys: readonly PublicKey[];
  readonly #seedOfKey = new Map<string, string>();

  constructor(crypto: Crypto, input: Input) {
    this.#crypto = crypto;
    const params = paramsWith(input.params);
    this.#rules =
      input.welcome_bonus === true ? { ...rulesOf(params, "spec"), tau2Maintenance: false } : rulesOf(params, "rc1");
    this.#keys = input.keys;
    const publicKeys = this.#keys.map((seed) => publicKeyOf(crypto, seed));
    for (const [i, publicKey] of publicKeys.entries()) this.#seedOfKey.set(byteKey(publicKey), this.#keys[i]!);
    this.#accountIds = publicKeys.map((publicKey) => accountIdOfKey(crypto, 1, publicKey));
    this.#nodeKeys = input.node_keys.map((seed: string) => publicKeyOf(crypto, seed));
    this.#nodeIds = this.#nodeKeys.map((publicKey) => nodeIdOfKey(crypto, publicKey));
    this.replay = new Replay(crypto, this.#rules, {
      accounts: input.initial.accounts.map((account: Input) =>
        accountRecordOf(crypto, { ...account, key_seed: this.#keys[account.key] }),
      ),
      nodes: input.initial.nodes.map((node: Input) => ({
        ...nodeRecordOf(crypto, { ...node, key_seed: input.node_keys[node.key], operator: 0 }, [
          unusedAccount(crypto, publicKeys[node.operator]!),
        ]),
      })),
    });
  }

  close(one: Input) {
    const { state } = this.replay;
    const window = big(one.w);
    const descriptors: Input[] = one.ops ?? [];
    const operations = descriptors.map((op) => this.#operation(op));
    const failures = operations.map((operation) =>
      validateOperation(this.#crypto, operation, state.accounts, window, this.#rules.params.tau2Windows),
    );
    const { events, roots } = this.replay.close({
      window,
      ...(one.timechain_value === undefined ? {} : { timechainValue: hex32(one.timechain_value) }),
      ...(one.bundle_aggregate === undefined ? {} : { aggregate: hex32(one.bundle_aggregate) }),
      ...(one.active_nodes === undefined ? {} : { activeNodes: big(one.active_nodes) }),
      operations: operations
        .filter((_, i) => failures[i] === undefined && descriptors[i].cemented !== false)
        .map((operation) => ({ operation })),
      registrations: (one.registrations ?? []).map((registration: Input) => ({
        ...syntheticRegistration(this.#crypto, {
          ...registration,
          node_pubkey_fill: 0,
          operator_account_id: "00".repeat(32),
        }),
        nodePubkey: this.#nodeKeys[registration.node]!,
        operatorAccountId: this.#accountIds[registration.operator]!,
      })),
      winnerId: this.#nodeIds[one.winner] ?? (ZERO_HASH as NodeId),
      bundleSigners: one.confirmers.map((i: number) => this.#nodeIds[i]!),
    });
    return {
      w: one.w,
      results: failures.map((failure) => failure ?? "ok"),
      ...rootFields(roots),
      balances: this.#accountIds.map((id) => state.accounts.get(id)?.balance ?? null),
      registrations_applied: this.#nodeIndices(events.registered),
      registrations_rejected: this.#nodeIndices(events.refused.map(({ nodeId }) => nodeId)),
      expired: this.#nodeIndices(events.expired),
      admitted: this.#nodeIndices(events.admitted.map(({ nodeId }) => nodeId)),
    };
  }

  finalAccounts() {
    return this.#accountIds.map((id) => {
      const account = this.replay.state.accounts.get(id);
      return account === undefined
        ? null
        : {
            frontier: account.frontierHash,
            op_height: account.opHeight,
            chain_length: account.accountChainLength,
            last_op: account.lastOpWindow,
            last_activation: account.lastActivationWindow,
            operator: account.isNodeOperator,
          };
    });
  }

  finalNodes() {
    return this.#nodeIds.map((id) => {
      const node = this.replay.state.nodes.get(id);
      return node === undefined
        ? null
        : {
            chain_length: node.chainLength,
            snapshot: node.chainLengthSnapshot,
            checkpoints: node.chainLengthCheckpoints,
            last_confirmation: node.lastConfirmationWindow,
          };
    });
  }

  #nodeIndices(ids: readonly NodeId[]): number[] {
    return ids.map((id) => this.#nodeIds.findIndex((other) => compareBytes(id, other) === 0));
  }

  #operation(op: Input): Operation {
    const sender = this.#accountIds[op.from]!;
    const record = this.replay.state.accounts.get(sender);
    const currentSeed = record === undefined ? undefined : this.#seedOfKey.get(byteKey(record.currentPubkey));
    const toSeed = this.#keys[op.to];
    const descriptor = {
      type: op.t,
      prev_hash: op.prev ?? toHex(record?.frontierHash ?? ZERO_HASH),
      sender: toHex(sender),
      signer_seed: op.signer === undefined ? (currentSeed ?? this.#keys[op.from]) : this.#keys[op.signer],
      amount: op.amount,
    };
    switch (op.t) {
      case "transfer":
        return operationOf(this.#crypto, { ...descriptor, receiver: toHex(this.#accountIds[op.to]!) });
      case "create": {
        const suiteId: number = op.suite_id ?? 1;
        const receiver = accountIdOfKey(this.#crypto, suiteId, publicKeyOf(this.#crypto, toSeed!));
        return operationOf(this.#crypto, {
          ...descriptor,
          receiver: toHex(receiver),
          suite_id: suiteId,
          receiver_key_seed: toSeed,
        });
      }
      case "change-key":
        return operationOf(this.#crypto, {
          ...descriptor,
          new_suite_id: op.suite_id ?? 1,
          new_key_seed: this.#keys[op.new_key],
        });
      default:
        return operationOf(this.#crypto, {
          ...descriptor,
          app_id: toHex(appIdOf(this.#crypto, "montana-notary")),
          data_hash: toHex(this.#crypto.sha256(ascii(op.text))),
        });
    }
  }
}

// Notation

/** Steps 0, 1, 3a, 3b, 2, 3.5, 3.6, 4 as the reference has them; parameters not given are the genesis parameters. */
function referenceRules(overrides: Input): NetworkRules {
  return rulesOf(paramsWith(overrides), "rc1");
}

const PARAMETER_NAMES: Readonly<Record<string, keyof ProtocolParams>> = {
  tau2_windows: "tau2Windows",
  emission_moneta: "emissionMoneta",
  selection_interval: "selectionInterval",
  admission_divisor: "admissionDivisor",
  candidate_expiry_windows: "candidateExpiryWindows",
};

function paramsWith(overrides: Input): ProtocolParams {
  const given = Object.entries(PARAMETER_NAMES).filter(([name]) => overrides?.[name] !== undefined);
  return { ...MONTANA_PARAMS, ...Object.fromEntries(given.map(([name, key]) => [key, big(overrides[name])])) };
}

function tablesOf(crypto: Crypto, input: Input) {
  const accounts = input.accounts.map((account: Input) => accountRecordOf(crypto, account)) as AccountRecord[];
  const nodes = input.nodes.map((node: Input) => nodeRecordOf(crypto, node, accounts)) as NodeRecord[];
  return { accounts, nodes };
}

function blankNode(nodeId: NodeId, nodePubkey: PublicKey, operatorAccountId: AccountId): NodeRecord {
  return {
    nodeId,
    nodePubkey,
    suiteId: 1,
    operatorAccountId,
    startWindow: 0n,
    chainLength: 0n,
    chainLengthSnapshot: 0n,
    chainLengthCheckpoints: [0n, 0n, 0n, 0n, 0n, 0n],
    lastConfirmationWindow: 0n,
  };
}

function rootFields(roots: StateRoots) {
  return {
    node_root: roots.nodeRoot,
    candidate_root: roots.candidateRoot,
    account_root: roots.accountRoot,
    state_root: roots.stateRoot,
  };
}

function nodeFields(node: NodeRecord) {
  return {
    start_window: node.startWindow,
    chain_length: node.chainLength,
    chain_length_snapshot: node.chainLengthSnapshot,
    chain_length_checkpoints: node.chainLengthCheckpoints,
    last_confirmation_window: node.lastConfirmationWindow,
  };
}
