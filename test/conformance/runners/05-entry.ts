/** Suites of chapter 05, except registration batches and whole lifecycles, which are in transition.ts. */
import { concatBytes, ZERO_HASH, type Hash32, type NodeId } from "../../../main/protocol/bytes.ts";
import { encode } from "../../../main/protocol/codec/codec.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";
import { requiredVdfLength } from "../../../main/protocol/entry/barrier.ts";
import { isSelectionWindow, rankCandidates, selectionSlots } from "../../../main/protocol/entry/queue.ts";
import { expiryWindow } from "../../../main/protocol/entry/records.ts";
import { registrationSortKey, selectionSortKey } from "../../../main/protocol/entry/sortKeys.ts";
import { validateRegistration } from "../../../main/protocol/entry/validateRegistration.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../../main/protocol/genesis/rules.ts";
import {
  accountIdOf as accountIdOfKey,
  nodeIdOf as nodeIdOfKey,
  SUITE_MLDSA65,
} from "../../../main/protocol/identity/ids.ts";
import { deriveMasterSeed } from "../../../main/protocol/identity/kdf.ts";
import { deriveKeys } from "../../../main/protocol/identity/keys.ts";
import { leafHash } from "../../../main/protocol/merkle/hashing.ts";
import { nodeRegistration } from "../../../main/protocol/objects/nodeRegistration.ts";
import { cementedBundleAggregate, lookbackOf } from "../../../main/protocol/quorum/aggregate.ts";
import { LiveCandidate } from "../../../main/protocol/rc1/liveCandidate.ts";
import { encodeNodeLifecycle } from "../../../main/protocol/rc1/nodeFiles.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import {
  accountRecord,
  candidateRecord,
  nodeRecord,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../../main/protocol/state/records.ts";
import { StateDraft } from "../../../main/protocol/state/table.ts";
import { candidateVdfInit, extendCandidateChain } from "../../../main/protocol/timechain/candidateChain.ts";
import { vdfVerify } from "../../../main/protocol/timechain/vdf.ts";
import { admitSelected } from "../../../main/protocol/transition/admitCandidates.ts";
import { expireCandidates } from "../../../main/protocol/transition/expireCandidates.ts";
import { Beginning, type Input, type Runner } from "../harness.ts";
import {
  accountRecordOf,
  nodeRecordOf,
  publicKeyIn,
  registrationOf,
  syntheticAccount,
  syntheticCandidate,
  syntheticNode,
} from "./descriptors.ts";
import { accountIdOf, big, hex32, nodeIdOf } from "./inputs.ts";

/** The suites describe the reference: `admission` = `selection`. */
const REFERENCE = rulesOf(MONTANA_PARAMS, "rc1", "selection");

export const entryRunners: Readonly<Record<string, Runner>> = {
  "05-entry/hashes": (input, { crypto }) => ({ hash: hashOf(crypto, input) }),

  "05-entry/candidate-vdf": (input, { crypto }) => {
    switch (input.op) {
      case "chain":
        return chainOf(crypto, input);
      case "extend": {
        const d = big(input.d);
        const first = extendCandidateChain(crypto, hex32(input.init), d, big(input.first_length));
        const extended = extendCandidateChain(crypto, first, d, big(input.additional_length));
        return { endpoint_first: first, endpoint_extended: extended };
      }
      case "verify":
        return { valid: vdfVerify(crypto, hex32(input.prev), big(input.d), hex32(input.claim)) };
      default:
        throw new Error(`no such op: ${String(input.op)}`);
    }
  },

  "05-entry/nodereg-encoding": (input, { crypto }) => {
    const registration = registrationOf(crypto, input);
    const scope = nodeRegistration.scope(registration);
    const encoded = nodeRegistration.encode(registration);
    return {
      node_pubkey_sha256: crypto.sha256(registration.nodePubkey),
      node_id: nodeIdOfKey(crypto, registration.nodePubkey),
      signed_scope_len: scope.length,
      signed_scope_sha256: crypto.sha256(scope),
      signature_sha256: crypto.sha256(registration.signature),
      nodereg_hash: nodeRegistration.identify(crypto, registration),
      encoded,
      encoded_len: encoded.length,
      encoded_sha256: crypto.sha256(encoded),
    };
  },

  "05-entry/nodereg-validate": (input, { crypto }) => {
    const registration = registrationOf(crypto, input.registration);
    const tables = tablesNaming(crypto, input);
    const failure = validateRegistration(crypto, registration, tables, REFERENCE, 0n);
    return failure === undefined
      ? { ok: true, node_id: nodeIdOfKey(crypto, registration.nodePubkey) }
      : { error: failure };
  },

  "05-entry/required-vdf-length": (input) => ({
    required: requiredVdfLength(big(input.pending), big(input.active_nodes), big(input.tau2_windows)),
  }),

  "05-entry/records": (input, { crypto }) =>
    input.type === "candidate" ? candidateFacts(crypto, input) : admissionFacts(crypto, input),

  "05-entry/pool-ops": (input, { crypto }) => {
    const state = new MemoryState();
    const steps = input.ops.map((op: Input) => {
      const added = big(op.add_vdf_chain_length ?? 0);
      const candidate = poolCandidate(crypto, input, op.index);
      change(state, ({ candidates }) => {
        if (op.op === "remove") candidates.remove(candidate.nodeId);
        else candidates.put({ ...candidate, vdfChainLength: candidate.vdfChainLength + added });
      });
      return { len: state.candidates.size, candidate_root: recomputeRoots(crypto, state).candidateRoot };
    });
    return {
      steps,
      final_len: state.candidates.size,
      final_root: recomputeRoots(crypto, state).candidateRoot,
      final_ids: idsOf(state.candidates.rows()),
    };
  },

  "05-entry/expiry": (input, { crypto }) => {
    if (input.op === "expiry_window") {
      return { expires: expiryWindow(big(input.registration_window), MONTANA_PARAMS) };
    }
    const state = new MemoryState().load({ candidates: poolOf(crypto, input) });
    const rootBefore = recomputeRoots(crypto, state).candidateRoot;
    const steps = (input.windows ?? [input.current_window]).map((window: Input) => {
      const removed = change(state, (draft) => expireCandidates(draft, big(window)));
      const root = recomputeRoots(crypto, state).candidateRoot;
      return { current_window: window, removed, len: state.candidates.size, candidate_root: root };
    });
    const last = steps.at(-1);
    return {
      steps,
      removed: last.removed,
      remaining: idsOf(state.candidates.rows()),
      root_before: rootBefore,
      root_after: last.candidate_root,
    };
  },

  "05-entry/live-candidate": (input, { crypto }) => liveCandidate(crypto, input),

  "05-entry/selection": (input, { crypto }) => {
    switch (input.op) {
      case "slots":
        return { slots: selectionSlots(big(input.active_nodes), MONTANA_PARAMS.admissionDivisor) };
      case "is_selection_window":
        return { selection: isSelectionWindow(big(input.window), MONTANA_PARAMS.selectionInterval) };
      case "event":
        return selectionEvent(crypto, stateBefore(crypto, input), input, big(input.active_nodes));
      case "event_sequence": {
        const state = stateBefore(crypto, input);
        return {
          steps: input.events.map((event: Input) =>
            selectionEvent(crypto, state, event, activeNodesOf(input, event, state)),
          ),
        };
      }
      default:
        throw new Error(`no such op: ${String(input.op)}`);
    }
  },
};

/** The reference process from a fresh directory, looked at after the given numbers of windows. */
function liveCandidate(crypto: Crypto, input: Input) {
  const keys = deriveKeys(crypto, deriveMasterSeed(crypto, hex32(input.entropy)));
  const start = { window: big(input.start_window), d: big(input.d) };
  const process = new LiveCandidate(crypto, MONTANA_PARAMS, keys, start);
  const accountId = accountIdOfKey(crypto, SUITE_MLDSA65, keys.account.publicKey);
  let processed = 0;
  return {
    account_id: accountId,
    node_id: process.nodeId,
    account_pubkey_sha256: crypto.sha256(keys.account.publicKey),
    node_pubkey_sha256: crypto.sha256(keys.node.publicKey),
    stages: input.stages.map((stage: number) => {
      for (; processed < stage; processed++) process.processWindow();
      const { lifecycle, state } = process;
      return {
        after_windows: stage,
        state: {
          current_window: process.window,
          phase: lifecycle.phase,
          candidate_progress: lifecycle.candidateProgress,
          w_start: lifecycle.wStart,
          candidate_endpoint: lifecycle.candidateEndpoint,
          timechain_value: process.timechainValue,
          registration_window: lifecycle.registrationWindow,
          nodereg_hash: lifecycle.noderegHash,
          node_state_file: encodeNodeLifecycle(lifecycle),
          candidate: describeCandidate(crypto, state.candidates.get(process.nodeId)),
          node: describeNode(crypto, state.nodes.get(process.nodeId)),
          operator_is_node_operator: state.accounts.get(accountId)!.isNodeOperator,
          roots: rootFields(crypto, state),
        },
      };
    }),
  };
}

function describeCandidate(crypto: Crypto, candidate: CandidateRecord | undefined) {
  if (candidate === undefined) return null;
  return {
    proof_endpoint: candidate.proofEndpoint,
    w_start: candidate.wStart,
    vdf_chain_length: candidate.vdfChainLength,
    registration_window: candidate.registrationWindow,
    expires: candidate.expires,
    record_sha256: crypto.sha256(encode(candidateRecord, candidate)),
  };
}

function describeNode(crypto: Crypto, node: NodeRecord | undefined) {
  if (node === undefined) return null;
  return {
    start_window: node.startWindow,
    chain_length: node.chainLength,
    last_confirmation_window: node.lastConfirmationWindow,
    record_sha256: crypto.sha256(encode(nodeRecord, node)),
  };
}

function hashOf(crypto: Crypto, input: Input): Hash32 {
  switch (input.fn) {
    case "node_id":
      return nodeIdOfKey(crypto, publicKeyIn(crypto, input, "node_pubkey"));
    case "account_id":
      return accountIdOfKey(crypto, Number(input.suite_id), publicKeyIn(crypto, input, "pubkey"));
    case "candidate_vdf_init":
      return candidateVdfInit(crypto, hex32(input.t), hex32(input.cba), nodeIdOf(input.node_id));
    case "nr_sort_key":
      return registrationSortKey(crypto, hex32(input.t), hex32(input.cba), publicKeyIn(crypto, input, "node_pubkey"));
    case "selection_sort_key":
      return selectionSortKey(crypto, hex32(input.t), hex32(input.cba), nodeIdOf(input.node_id));
    default:
      throw new Error(`no such fn: ${String(input.fn)}`);
  }
}

const FIRST_VALUES_MAX = 32;

function chainOf(crypto: Crypto, input: Input) {
  const nodeId = nodeIdOfKey(crypto, publicKeyIn(crypto, input, "node_pubkey"));
  const wStart = big(input.w_start);
  const d = big(input.d);
  const length = big(input.vdf_chain_length);
  const signers: NodeId[] = input.confirmers_w_start_minus_2.map(nodeIdOf);
  const cba = cementedBundleAggregate(crypto, lookbackOf(wStart), signers);
  const init = candidateVdfInit(crypto, hex32(input.timechain_value_w_start), cba, nodeId);
  const firstValues: Hash32[] = [];
  for (let value = init; firstValues.length < Math.min(Number(length), FIRST_VALUES_MAX); firstValues.push(value)) {
    value = extendCandidateChain(crypto, value, d, 1n);
  }
  return {
    node_id: nodeId,
    cba,
    init,
    first_values: new Beginning(firstValues),
    proof_endpoint: extendCandidateChain(crypto, init, d, length),
  };
}

/** Tables of which a validation sees the ids and the operator flags alone. */
function tablesNaming(crypto: Crypto, input: Input): MemoryState {
  const nobody = { key_seed: "00".repeat(32), operator: "00".repeat(32) };
  const node = nodeRecordOf(crypto, nobody);
  const candidate = syntheticCandidate(crypto, nobody.key_seed, 0, 0n, 0n);
  return new MemoryState().load({
    nodes: input.node_table.map((id: Input): NodeRecord => ({ ...node, nodeId: nodeIdOf(id) })),
    candidates: input.candidate_pool.map((id: Input): CandidateRecord => ({ ...candidate, nodeId: nodeIdOf(id) })),
    accounts: input.account_table.map((account: Input) =>
      accountRecordOf(crypto, { ...account, key_seed: nobody.key_seed }),
    ),
  });
}

function candidateFacts(crypto: Crypto, input: Input) {
  const candidate: CandidateRecord = {
    nodeId: nodeIdOf(input.node_id),
    nodePubkey: publicKeyIn(crypto, input, "node_pubkey"),
    suiteId: Number(input.suite_id),
    operatorAccountId: accountIdOf(input.operator_account_id),
    proofEndpoint: hex32(input.proof_endpoint),
    wStart: big(input.w_start),
    vdfChainLength: big(input.vdf_chain_length),
    registrationWindow: big(input.registration_window),
    expires: big(input.expires),
  };
  const encoded = encode(candidateRecord, candidate);
  return {
    encoded,
    encoded_len: encoded.length,
    encoded_sha256: crypto.sha256(encoded),
    leaf_hash: leafHash(crypto, encoded),
    single_record_root: recomputeRoots(crypto, new MemoryState().load({ candidates: [candidate] })).candidateRoot,
  };
}

function admissionFacts(crypto: Crypto, input: Input) {
  const base = big(input.registration_base);
  const index = Number(input.index);
  const candidate = syntheticCandidate(crypto, input.pool_seed, index, base, MONTANA_PARAMS.candidateExpiryWindows);
  const state = new MemoryState().load({
    candidates: [candidate],
    accounts: [syntheticAccount(crypto, input.pool_seed, index)],
  });
  const window = big(input.admission_window);
  change(state, (draft) => admitSelected(crypto, DRAW_ALWAYS, draft, window, ZERO_HASH, ZERO_HASH, 1n));
  const node = encode(nodeRecord, state.nodes.get(candidate.nodeId)!);
  const operator = state.accounts.get(candidate.operatorAccountId)!;
  return {
    node_record: node,
    node_record_len: node.length,
    node_record_sha256: crypto.sha256(node),
    operator_account_sha256: crypto.sha256(encode(accountRecord, operator)),
    is_node_operator: operator.isNodeOperator,
    ...rootFields(crypto, state),
  };
}

// Pools and selection events

/** These suites hold an event in any window, whether it is a selection window or not. */
const DRAW_ALWAYS: NetworkRules = rulesOf({ ...MONTANA_PARAMS, selectionInterval: 1n }, "rc1", "selection");

/** Makes a change as a transition does, through a draft. */
function change<T>(state: MemoryState, make: (draft: StateDraft) => T): T {
  const draft = new StateDraft(state);
  const result = make(draft);
  state.apply(draft.changes());
  return result;
}

/** Synthetic candidate `index` of the family that the input names. */
function poolCandidate(crypto: Crypto, input: Input, index: number): CandidateRecord {
  const { candidateExpiryWindows } = MONTANA_PARAMS;
  return syntheticCandidate(crypto, input.pool_seed, index, big(input.registration_base), candidateExpiryWindows);
}

function poolOf(crypto: Crypto, input: Input): CandidateRecord[] {
  return Array.from({ length: Number(input.count) }, (_, i) => poolCandidate(crypto, input, i));
}

/** Which operator accounts of a pool exist. */
const ACCOUNT_RULES: Readonly<Record<string, (index: number) => boolean>> = {
  all: () => true,
  none: () => false,
  "three-of-four": (index) => index % 4 !== 3,
};

function stateBefore(crypto: Crypto, input: Input): MemoryState {
  const candidates = poolOf(crypto, input);
  const exists = ACCOUNT_RULES[input.accounts];
  if (exists === undefined) throw new Error(`no such rule: ${String(input.accounts)}`);
  const accounts = candidates.flatMap((_, i): AccountRecord[] =>
    exists(i) ? [syntheticAccount(crypto, input.pool_seed, i)] : [],
  );
  const preset = input.preset_nodes ?? { count: 0 };
  const nodes = Array.from({ length: Number(preset.count) }, (_, i) => syntheticNode(crypto, preset.seed, i));
  return new MemoryState().load({ accounts, candidates, nodes });
}

/** A number, or in words: as many as the Node Table holds. */
function activeNodesOf(input: Input, event: Input, state: MemoryState): bigint {
  const given: unknown = event.active_nodes ?? input.active_nodes;
  return /^\d+$/.test(String(given)) ? big(given) : BigInt(state.nodes.size);
}

function selectionEvent(crypto: Crypto, state: MemoryState, event: Input, activeNodes: bigint) {
  const timechainValue = hex32(event.timechain_value_w);
  const aggregate = hex32(event.cba_w_minus_2);
  const ranked = rankCandidates(crypto, state.candidates.rows(), timechainValue, aggregate);
  const { admitted } = change(state, (draft) =>
    admitSelected(crypto, DRAW_ALWAYS, draft, big(event.window), timechainValue, aggregate, activeNodes),
  );
  const accounts = [...state.accounts.rows()];
  return {
    slots: selectionSlots(activeNodes, MONTANA_PARAMS.admissionDivisor),
    ranked_ids_sha256: crypto.sha256(concatBytes(...idsOf(ranked))),
    activated: idsOf(admitted),
    node_table_len: state.nodes.size,
    pool_len: state.candidates.size,
    account_table_len: accounts.length,
    operators_flagged: accounts.filter(({ isNodeOperator }) => isNodeOperator).length,
    roots: rootFields(crypto, state),
  };
}

function idsOf(rows: Iterable<{ readonly nodeId: NodeId }>): NodeId[] {
  return Array.from(rows, ({ nodeId }) => nodeId);
}

function rootFields(crypto: Crypto, state: MemoryState) {
  const roots = recomputeRoots(crypto, state);
  return {
    node_root: roots.nodeRoot,
    candidate_root: roots.candidateRoot,
    account_root: roots.accountRoot,
    state_root: roots.stateRoot,
  };
}
