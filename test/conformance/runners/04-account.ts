/** Suites of chapter 04 about single operations and the Anchor proof; those about whole windows are in transition.ts. */
import { countAttestation, verifyAnchor, type AnchorEvidence } from "../../../main/protocol/accounts/anchorProof.ts";
import { applyOperation } from "../../../main/protocol/accounts/apply.ts";
import { validateOperation } from "../../../main/protocol/accounts/validate.ts";
import { compareBytes, toHex, type Hash32 } from "../../../main/protocol/bytes.ts";
import { hash32, list, nodeId, signature, struct, u64 } from "../../../main/protocol/codec/codec.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type Signature } from "../../../main/protocol/crypto.ts";
import { ProtocolError } from "../../../main/protocol/errors.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { nodeIdOf as nodeIdOfKey } from "../../../main/protocol/identity/ids.ts";
import {
  proposalHeader,
  type BundledConfirmation,
  type ProposalHeader,
} from "../../../main/protocol/objects/consensus.ts";
import {
  operation,
  textCreate,
  TYPE_TRANSFER,
  type Anchor,
  type Operation,
} from "../../../main/protocol/objects/operations.ts";
import { SignedClass, type Draft, type Signed } from "../../../main/protocol/objects/signed.ts";
import { quorum } from "../../../main/protocol/quorum/quorum.ts";
import { Weights } from "../../../main/protocol/quorum/weights.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { recomputeRoots } from "../../../main/protocol/state/recomputeRoots.ts";
import type { AccountRecord, NodeRecord } from "../../../main/protocol/state/records.ts";
import { AccountTableDraft } from "../../../main/protocol/state/table.ts";
import { vdfVerify } from "../../../main/protocol/timechain/vdf.ts";
import { checkHeader } from "../../../main/protocol/validation/header.ts";
import type { Input, RunContext, Runner } from "../harness.ts";
import {
  accountIdOfSeed,
  accountRecordOf,
  keyPairOf,
  nodeRecordOf,
  operationDraftOf,
  operationOf,
  publicKeyOf,
} from "./descriptors.ts";
import { big, hex32, nodeIdOf } from "./inputs.ts";
import { transitionRunners } from "./transition.ts";

export const accountRunners: Readonly<Record<string, Runner>> = {
  "04-account/op-encoding": (input, { crypto }) => encodingOf(crypto, operation, operationOf(crypto, input)),

  "04-account/mode-b-spec": (input, { crypto }) => {
    const draft = operationDraftOf(crypto, input);
    const { secretKey } = keyPairOf(crypto, input.signer_seed);
    const inText = textCreate.sign(crypto, secretKey, { ...draft, type: TYPE_TRANSFER } as Draft<TextCreate>);
    return {
      ...encodingOf(crypto, textCreate, inText),
      differs_from_0a_op_hash: operation.identify(crypto, draft),
    };
  },

  "04-account/validate": (input, { crypto, inputs }) => {
    const shared = sharedInput(inputs, "accounts");
    const state = stateOf(crypto, input.accounts ?? shared.accounts);
    if (input.op === undefined) return { account_root: recomputeRoots(crypto, state).accountRoot };
    const op = operationOf(crypto, input.op);
    const window = big(input.current_window ?? shared.current_window);
    const tau2Windows = big(input.tau2_windows ?? shared.tau2_windows);
    const failure = validateOperation(crypto, op, state.accounts, window, tau2Windows);
    return failure === undefined ? { ok: true, op_hash: operation.identify(crypto, op) } : { error: failure };
  },

  "04-account/cooldown": (input, { crypto }) => {
    const sender = { key_seed: SENDER_SEED, balance: 1, last_activation_window: input.last_activation_window };
    const create = operationDraftOf(crypto, {
      type: "create",
      prev_hash: "00".repeat(32),
      sender: toHex(accountIdOfSeed(crypto, SENDER_SEED)),
      receiver: toHex(accountIdOfSeed(crypto, RECEIVER_SEED)),
      receiver_key_seed: RECEIVER_SEED,
      amount: 1,
    });
    const op = { ...create, signature: NO_SIGNATURE } as Operation;
    const { accounts } = stateOf(crypto, [sender]);
    const [window, tau2Windows] = [big(input.current_window), big(input.tau2_windows)];
    const failure = validateOperation(crypto, op, accounts, window, tau2Windows, { signature: "assume-valid" });
    return failure === undefined ? { ok: true } : { error: failure };
  },

  "04-account/apply-op": (input, { crypto }) => {
    const state = stateOf(crypto, input.accounts);
    const before = recomputeRoots(crypto, state).accountRoot;
    const opHash = applyTo(crypto, state, input);
    return {
      op_hash: opHash,
      account_root_before: before,
      account_root_after: recomputeRoots(crypto, state).accountRoot,
      accounts_after: accountsInOrder(crypto, state, input).map((account) => describeAccount(crypto, account)),
    };
  },

  "04-account/halts": (input, context) => {
    if (input.kind === "apply-proposal") return closeOfWindow(input, context);
    const state = stateOf(context.crypto, input.accounts);
    applyTo(context.crypto, state, input);
    return { ok: true, account_root: recomputeRoots(context.crypto, state).accountRoot };
  },

  "04-account/anchor-proof": (input, context) => {
    if (input.kind === "header") return headerVerdict(context.crypto, input);
    return input.bundles === undefined ? sharedFacts(context.crypto, input) : attestationOf(input, context);
  },
};

/** Chapter 02's names of what chapter 04 names otherwise (README, "One thing, several names"). */
const CHAPTER_04_NAMES: Readonly<Record<string, string>> = {
  "winner-not-in-node-table": "unknown-winner",
  "operator-account-missing": "missing-operator-account",
  "chain-length-overflow": "node-chain-length-overflow",
  "checkpoint-above-chain-length": "checkpoint-exceeds-chain-length",
};

async function closeOfWindow(input: Input, context: RunContext): Promise<object> {
  try {
    const outcome = await transitionRunners["04-account/apply-proposal"]!({ params: {}, ...input }, context);
    return { ok: true, ...(outcome as object) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { error: CHAPTER_04_NAMES[error.code] ?? error.code };
  }
}

type TextCreate = Parameters<typeof textCreate.encode>[0];

const SENDER_SEED = "01".repeat(32);
const RECEIVER_SEED = "02".repeat(32);
const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;

const SCOPE_HEAD = 97;
const SCOPE_TAIL = 32;

/** What the encoding suites state of a signed object. */
function encodingOf<T extends Signed>(crypto: Crypto, signedClass: SignedClass<T>, object: T) {
  const scope = signedClass.scope(object);
  const wire = signedClass.encode(object);
  return {
    type_byte: wire[0],
    scope_len: scope.length,
    scope,
    scope_sha256: crypto.sha256(scope),
    scope_head_97: scope.subarray(0, SCOPE_HEAD),
    scope_tail_32: scope.subarray(scope.length - SCOPE_TAIL),
    op_hash: signedClass.identify(crypto, object),
    signature: object.signature,
    signature_sha256: crypto.sha256(object.signature),
    wire,
    wire_len: wire.length,
    wire_sha256: crypto.sha256(wire),
  };
}

/** The case, usually the first, whose `field` all others use. */
function sharedInput(inputs: RunContext["inputs"], field: string): Input {
  for (const input of inputs.values()) if (Object.hasOwn(input, field)) return input;
  throw new Error(`no case has "${field}"`);
}

function stateOf(crypto: Crypto, accounts: Input): MemoryState {
  return new MemoryState().load({ accounts: accounts.map((account: Input) => accountRecordOf(crypto, account)) });
}

/** Applies the operation of a case to `state` without validating it and gives its identifier. */
function applyTo(crypto: Crypto, state: MemoryState, input: Input): Hash32 {
  const op = operationOf(crypto, input.op);
  const opHash = operation.identify(crypto, op);
  const draft = new AccountTableDraft(state.accounts);
  applyOperation(op, opHash, draft, big(input.window));
  state.accounts.apply(draft.changes());
  return opHash;
}

/** The accounts of the input in its order, then a created one. */
function accountsInOrder(crypto: Crypto, state: MemoryState, input: Input): AccountRecord[] {
  const given: AccountRecord[] = input.accounts.map((account: Input) => accountRecordOf(crypto, account));
  const ids = given.map(({ accountId }) => accountId);
  const created = [...state.accounts.rows()].filter((row) => !ids.some((id) => compareBytes(id, row.accountId) === 0));
  return [...ids.map((id) => state.accounts.get(id)!), ...created];
}

function describeAccount(crypto: Crypto, account: AccountRecord) {
  return {
    account_id: account.accountId,
    balance: account.balance,
    suite_id: account.suiteId,
    is_node_operator: account.isNodeOperator,
    frontier_hash: account.frontierHash,
    op_height: account.opHeight,
    account_chain_length: account.accountChainLength,
    account_chain_length_snapshot: account.accountChainLengthSnapshot,
    current_pubkey_sha256: crypto.sha256(account.currentPubkey),
    creation_window: account.creationWindow,
    last_op_window: account.lastOpWindow,
    last_activation_window: account.lastActivationWindow,
  };
}

// Anchor proof

/** A bundle whose lists may be in any order, as only a faulty node encodes one. */
const unorderedBundle = new SignedClass<BundledConfirmation>(
  "mt-bundle",
  struct({ nodeId, endpoint: hash32, windowIndex: u64, opHashes: list(hash32), revealHashes: list(hash32), signature }),
);

function nodesOf(crypto: Crypto, seeds: readonly string[], chainLengths: readonly number[] = []): NodeRecord[] {
  const nobody = "00".repeat(32);
  return seeds.map((seed, i) =>
    nodeRecordOf(crypto, { key_seed: seed, operator: nobody, chain_length: chainLengths[i] ?? 0 }),
  );
}

function evidenceOf(crypto: Crypto, shared: Input): AnchorEvidence & { readonly records: readonly NodeRecord[] } {
  const anchor = operationOf(crypto, shared.anchor) as Anchor;
  const opHash = verifyAnchor(crypto, anchor, publicKeyOf(crypto, shared.anchor.signer_seed));
  if (opHash === undefined) throw new Error("the anchor is not signed by its sender");
  const records = nodesOf(crypto, shared.node_key_seeds, shared.node_chain_lengths);
  return {
    opHash,
    window: big(shared.window),
    timechainValue: hex32(shared.timechain_value),
    nodes: new MemoryState().load({ nodes: records }).nodes,
    weights: new Weights(MONTANA_PARAMS, records),
    records,
  };
}

function sharedFacts(crypto: Crypto, shared: Input) {
  const { opHash, timechainValue, weights } = evidenceOf(crypto, shared);
  return {
    anchor_op_hash: opHash,
    active_chain_length: weights.total,
    quorum: quorum(MONTANA_PARAMS, weights.total),
    timechain_step_valid: vdfVerify(crypto, hex32(shared.previous_timechain_value), big(shared.d), timechainValue),
  };
}

function attestationOf(input: Input, { crypto, inputs }: RunContext) {
  const shared = sharedInput(inputs, "anchor");
  const evidence = evidenceOf(crypto, shared);
  const bundles: BundledConfirmation[] = input.bundles.map((bundle: Input) =>
    bundleOf(crypto, bundle, shared, evidence),
  );
  const { bundleFailures, weight, isCemented } = countAttestation(crypto, evidence, bundles);
  return {
    bundles: bundles.map((bundle, i) => ({
      bundle_hash: unorderedBundle.identify(crypto, bundle),
      bundle_validation: bundleFailures[i] ?? "ok",
      signature_sha256: crypto.sha256(bundle.signature),
    })),
    counted_chain_length: weight,
    cemented: isCemented,
  };
}

function bundleOf(
  crypto: Crypto,
  bundle: Input,
  shared: Input,
  { opHash, records }: ReturnType<typeof evidenceOf>,
): BundledConfirmation {
  const listed: Hash32[] = shared.other_op_hashes.map(hex32);
  if (bundle.contains_anchor) listed.push(opHash);
  listed.sort(compareBytes);
  if (bundle.reverse_op_hashes) listed.reverse();
  const { secretKey } = keyPairOf(crypto, shared.node_key_seeds[bundle.signer ?? bundle.node]);
  return unorderedBundle.sign(crypto, secretKey, {
    nodeId: records[bundle.node]!.nodeId,
    endpoint: hex32(bundle.endpoint ?? shared.timechain_value),
    windowIndex: big(bundle.window_index ?? shared.window),
    opHashes: listed,
    revealHashes: [],
  });
}

function headerVerdict(crypto: Crypto, input: Input) {
  const { fields } = input;
  const seeds: readonly string[] = input.node_key_seeds;
  const draft: Draft<ProposalHeader> = {
    prevProposalHash: hex32(fields.prev_proposal_hash),
    windowIndex: big(fields.window_index),
    protocolVersion: Number(fields.protocol_version),
    controlRoot: hex32(fields.control_root),
    nodeRoot: hex32(fields.node_root),
    candidateRoot: hex32(fields.candidate_root),
    accountRoot: hex32(fields.account_root),
    stateRoot: hex32(fields.state_root),
    timechainValue: hex32(fields.timechain_value),
    includedBundlesRoot: hex32(fields.included_bundles_root),
    includedRevealsRoot: hex32(fields.included_reveals_root),
    winnerEndpoint: hex32(fields.winner_endpoint),
    winnerId: nodeIdOf(fields.winner_id),
    proposerNodeId: nodeIdOfKey(crypto, publicKeyOf(crypto, seeds[input.proposer]!)),
    target: big(fields.target),
    fallbackDepth: Number(fields.fallback_depth),
  };
  const header = proposalHeader.sign(crypto, keyPairOf(crypto, seeds[input.signer]!).secretKey, draft);
  const previous = {
    windowIndex: big(input.previous_window_index),
    protocolVersion: Number(input.previous_protocol_version),
  };
  const { nodes } = new MemoryState().load({ nodes: nodesOf(crypto, seeds) });
  const failure = checkHeader(crypto, header, previous, nodes, Number(input.max_supported_version));
  if (failure !== undefined) return { error: failure };
  const encoded = proposalHeader.encode(header);
  return {
    ok: true,
    proposal_hash: proposalHeader.identify(crypto, header),
    header_sha256: crypto.sha256(encoded),
    header_len: encoded.length,
  };
}
