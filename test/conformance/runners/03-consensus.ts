/** Suites of chapter 03, except those of the Merkle trees and of the window transition. */
import { ZERO_HASH, type NodeId } from "../../../main/protocol/bytes.ts";
import { MONTANA_PARAMS } from "../../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../../main/protocol/genesis/rules.ts";
import { genesisRecords } from "../../../main/protocol/genesis/state.ts";
import { nodeIdOf as nodeIdOfKey } from "../../../main/protocol/identity/ids.ts";
import { fallbackProposer } from "../../../main/protocol/lottery/cascade.ts";
import { drawTicket, lotteryEndpoint, type Draw } from "../../../main/protocol/lottery/draw.ts";
import { lnQ64, log2Q64 } from "../../../main/protocol/lottery/integerLog.ts";
import { calibrateTarget } from "../../../main/protocol/lottery/target.ts";
import { lotteryWeight, seniority, weightedTicket } from "../../../main/protocol/lottery/ticket.ts";
import { inCandidateOrder, winnerOf, type Candidate } from "../../../main/protocol/lottery/winner.ts";
import {
  bundledConfirmation,
  proposalHeader,
  vdfReveal,
  type BundledConfirmation,
  type ProposalHeader,
  type VdfReveal,
} from "../../../main/protocol/objects/consensus.ts";
import type { Draft, Signed, SignedClass } from "../../../main/protocol/objects/signed.ts";
import { cementedBundleAggregate, lookbackOf } from "../../../main/protocol/quorum/aggregate.ts";
import { cementedHashes } from "../../../main/protocol/quorum/cementing.ts";
import { checkControlSet, controlSet, type CementedControl } from "../../../main/protocol/quorum/controlSet.ts";
import { isCemented, quorum } from "../../../main/protocol/quorum/quorum.ts";
import { Weights } from "../../../main/protocol/quorum/weights.ts";
import {
  checkSingletonHeader,
  deriveSingletonWindow,
  type SingletonWindow,
} from "../../../main/protocol/rc1/singleton.ts";
import { isActive } from "../../../main/protocol/state/lifecycle.ts";
import { MemoryState } from "../../../main/protocol/state/memory.ts";
import { emptyTrees, updateTrees } from "../../../main/protocol/state/roots.ts";
import { nextD } from "../../../main/protocol/timechain/difficulty.ts";
import { genesisTimechainValue } from "../../../main/protocol/timechain/genesisValue.ts";
import { vdfStep, vdfVerify } from "../../../main/protocol/timechain/vdf.ts";
import { genesisEpoch } from "../../../main/protocol/transition/adaptEpoch.ts";
import {
  checkBundlesThreshold,
  checkIncludedReveals,
  checkProposer,
  checkWinner,
} from "../../../main/protocol/validation/acceptance.ts";
import { checkBundle } from "../../../main/protocol/validation/bundle.ts";
import { checkHeader } from "../../../main/protocol/validation/header.ts";
import { checkReveal } from "../../../main/protocol/validation/reveal.ts";
import type { Input, RunContext, Runner } from "../harness.ts";
import { headerFieldsFrom } from "./stateInputs.ts";
import { big, hex, hex32, nodeIdOf } from "./inputs.ts";
import { hashList, registryOf, signedObject } from "./signatures.ts";

export const consensusRunners: Readonly<Record<string, Runner>> = {
  "03-consensus/vdf-step": ({ prev, d }, { crypto }) => ({ out: vdfStep(crypto, hex32(prev), big(d)) }),

  "03-consensus/vdf-verify": ({ prev, d, claim }, { crypto }) => ({
    valid: vdfVerify(crypto, hex32(prev), big(d), hex32(claim)),
  }),

  "03-consensus/timechain-chain": ({ start, d_per_window: dPerWindow }, { crypto }) => {
    const first = start === "genesis" ? genesisTimechainValue(crypto) : hex32(start);
    let value = first;
    return { t_0: first, t: dPerWindow.map((d: Input) => (value = vdfStep(crypto, value, big(d)))) };
  },

  "03-consensus/next-d": (input) => ({
    next_d: nextD(MONTANA_PARAMS, big(input.current_d), Number(input.median_permille)),
  }),

  "03-consensus/next-d-sequence": (input) => {
    let d = big(input.start_d);
    return { d_after_each: input.medians_permille.map((m: Input) => (d = nextD(MONTANA_PARAMS, d, Number(m)))) };
  },

  "03-consensus/bundle-aggregate": ({ window, node_ids: ids }, { crypto }) => ({
    aggregate: cementedBundleAggregate(crypto, big(window), ids.map(nodeIdOf)),
  }),

  "03-consensus/active-predicate": (input) => {
    const rules = rulesOf({ ...MONTANA_PARAMS, tau2Windows: big(input.tau2_windows) }, "rc1");
    const presence = { startWindow: 0n, lastConfirmationWindow: big(input.last_confirmation_window) };
    return { active: isActive(presence, big(input.window), rules) };
  },

  "03-consensus/integer-log": ({ endpoint }) => ({
    log2_q64: log2Q64(hex32(endpoint)),
    ln_q64: lnQ64(hex32(endpoint)),
  }),

  "03-consensus/lottery-weight": (input) => {
    const chainLength = big(input.chain_length);
    const snapshot = big(input.snapshot);
    return { seniority: seniority(chainLength, snapshot), weight: lotteryWeight(chainLength, snapshot) };
  },

  "03-consensus/weighted-ticket": (input) => {
    const weight = lotteryWeight(big(input.chain_length), big(input.snapshot));
    return { weighted_ticket: weightedTicket(hex32(input.endpoint), weight) };
  },

  "03-consensus/lottery-endpoint": (input, { crypto }) => ({
    endpoint: lotteryEndpoint(crypto, drawOf(input), nodeIdOf(input.node_id)),
  }),

  "03-consensus/winner": (input) => {
    const candidates = candidatesOf(input.candidates);
    const winner = winnerOf(candidates);
    return {
      winner: winner === undefined ? null : { node_id: winner.nodeId, ticket: winner.ticket },
      order: idsOf(inCandidateOrder(candidates)),
    };
  },

  "03-consensus/window-lottery": (input, { crypto }) => {
    const window = big(input.window);
    const signers = input.cemented_node_ids_w_minus_2.map(nodeIdOf);
    const aggregate = cementedBundleAggregate(crypto, lookbackOf(window), signers);
    const draw: Draw = { window, timechainValue: hex32(input.timechain_value), aggregate };
    const tickets = input.nodes.map((node: Input) =>
      drawTicket(crypto, draw, {
        nodeId: nodeIdOf(node.node_id),
        chainLength: big(node.chain_length),
        snapshot: big(node.snapshot),
      }),
    ) as ReturnType<typeof drawTicket>[];
    return {
      bundle_aggregate: aggregate,
      per_node: tickets.map(({ endpoint, ticket }) => ({ endpoint, weighted_ticket: ticket })),
      winner: winnerOf(tickets)?.nodeId ?? null,
      order: idsOf(inCandidateOrder(tickets)),
    };
  },

  "03-consensus/target-calibration": (input) => ({
    target_new: calibrateTarget(big(input.target_old), big(input.total_reveals), big(input.tau2_windows)),
  }),

  "03-consensus/quorum": (input) => ({ quorum: quorum(MONTANA_PARAMS, big(input.active_chain_length)) }),

  "03-consensus/cemented": (input) => {
    const sum = big(input.cemented_sum);
    const active = big(input.active_chain_length);
    const cemented = isCemented(MONTANA_PARAMS, sum, active);
    return {
      cemented,
      proposal_status: cemented ? "cemented" : "rejected",
      bundles_threshold: checkBundlesThreshold(MONTANA_PARAMS, sum, active) ?? "ok",
    };
  },

  "03-consensus/cement-objects": (input) => {
    const nodes = hashList({ generated: input.chain_lengths.length }) as NodeId[];
    const weights = new Weights(
      MONTANA_PARAMS,
      nodes.map((nodeId, i) => ({ nodeId, chainLength: big(input.chain_lengths[i]) })),
    );
    const listings = input.bundles.map((bundle: Input) => ({
      nodeId: nodes[bundle.confirmer]!,
      hashes: hashList(bundle.hashes),
    })) as Parameters<typeof cementedHashes>[1];
    const bundleWeight = weights.sumOf(idsOf(listings));
    return {
      active_chain_length: weights.total,
      quorum: quorum(MONTANA_PARAMS, weights.total),
      bundle_weight: bundleWeight,
      bundles_ok: weights.isQuorum(bundleWeight),
      cemented_hashes: cementedHashes(weights, listings),
    };
  },

  "03-consensus/proposer": (input) => {
    const proposer = (fallbackDepth: number): NodeId => fallbackProposerOf({ ...input, fallback_depth: fallbackDepth });
    return {
      canonical: proposer(1),
      by_depth: PROPOSER_DEPTHS.map((depth) => ({ fallback_depth: depth, proposer: proposer(depth) })),
    };
  },

  "03-consensus/control-set": (input) => {
    const expected = controlSet(controlsOf(input.cemented), big(input.previous_window), big(input.window));
    if (input.proposed !== undefined) return verdict(checkControlSet(controlsOf(input.proposed), expected));
    return {
      control_set: expected.map(({ hash, cementedWindow }) => ({ op_hash: hash, cemented_window: cementedWindow })),
    };
  },

  "03-consensus/reveal-encoding": (input, { crypto }) => {
    const { publicKey } = crypto.mldsa65.generate(hex(input.node_seed));
    const nodeId = nodeIdOfKey(crypto, publicKey);
    const endpoint = lotteryEndpoint(crypto, drawOf(input), nodeId);
    const encoding = encodingOf(crypto, input, vdfReveal, { nodeId, windowIndex: big(input.window), endpoint });
    return { ...encoding, node_id: nodeId, endpoint, reveal_hash: encoding.identifier };
  },

  "03-consensus/bundle-encoding": (input, { crypto }) => {
    const { publicKey } = crypto.mldsa65.generate(hex(input.node_seed));
    const nodeId = nodeIdOfKey(crypto, publicKey);
    const encoding = encodingOf(crypto, input, bundledConfirmation, { ...bundleOf(input), nodeId });
    return { ...encoding, node_id: nodeId, bundle_hash: encoding.identifier };
  },

  "03-consensus/header-encoding": (input, { crypto }) => {
    const encoding = encodingOf(crypto, input, proposalHeader, headerFieldsFrom(input.header));
    return { ...encoding, proposal_hash: encoding.identifier };
  },

  "03-consensus/reveal-validate": (input, context) => {
    const { crypto } = context;
    const reveal = signedObject<VdfReveal>(context, input, vdfReveal, ({ object }) => ({
      nodeId: nodeIdOf(object.node_id),
      windowIndex: big(object.window),
      endpoint: hex32(object.endpoint),
    }));
    const draw = drawOf({ ...input, window: input.current_window });
    return verdict(checkReveal(crypto, reveal, registryOf(crypto, input.registry), draw));
  },

  "03-consensus/bundle-validate": (input, context) => {
    const { crypto } = context;
    const bundle = signedObject<BundledConfirmation>(context, input, bundledConfirmation, ({ object }) => ({
      ...bundleOf(object),
      nodeId: nodeIdOf(object.node_id),
    }));
    return verdict(checkBundle(crypto, bundle, registryOf(crypto, input.registry), hex32(input.expected_endpoint)));
  },

  "03-consensus/header-validate": (input, context) => {
    const { crypto } = context;
    const header = signedObject<ProposalHeader>(context, input, proposalHeader, (of) => headerFieldsFrom(of.header));
    const previous =
      (input.prev_window_index ?? null) === null
        ? undefined
        : { windowIndex: big(input.prev_window_index), protocolVersion: Number(input.prev_protocol_version) };
    const nodes = registryOf(crypto, input.registry);
    return verdict(checkHeader(crypto, header, previous, nodes, Number(input.max_supported_version)));
  },

  "03-consensus/acceptance": (input) => {
    switch (input.check) {
      case "proposer": {
        const designated = fallbackProposerOf(input);
        return {
          ...verdict(checkProposer(nodeIdOf(input.proposer_node_id), designated)),
          penalised_if_rejected: designated,
        };
      }
      case "winner":
        return verdict(checkWinner(nodeIdOf(input.winner_id), candidatesOf(input.candidates_w_minus_1)));
      case "included-reveals":
        return verdict(checkIncludedReveals(input.proposed.map(hex32), input.cemented.map(hex32)));
      default:
        throw new Error(`no such check: ${String(input.check)}`);
    }
  },

  "03-consensus/singleton-chain": (input, { crypto }) => {
    const account = crypto.mldsa65.generate(hex(input.account_seed));
    const node = crypto.mldsa65.generate(hex(input.node_seed));
    const params = {
      ...MONTANA_PARAMS,
      d0: big(input.d),
      tau2Windows: big(input.tau2_windows),
      bootstrapAccountPubkey: account.publicKey,
      bootstrapNodePubkey: node.publicKey,
    };
    const rules = rulesOf(params, "rc1");
    const { accounts, nodes } = genesisRecords(crypto, params, "rc1");
    const [accountId, nodeId] = [accounts[0]!.accountId, nodes[0]!.nodeId];
    const state = new MemoryState().load({ accounts, nodes });
    let trees = updateTrees(crypto, emptyTrees(crypto), {
      accounts: accounts.map((row) => ({ id: row.accountId, row })),
      nodes: nodes.map((row) => ({ id: row.nodeId, row })),
      candidates: [],
    });
    let epoch = genesisEpoch(rules);
    let timechainValue = genesisTimechainValue(crypto);
    let prevProposalHash = ZERO_HASH;
    let derived: SingletonWindow | undefined;
    const headers = Array.from({ length: input.windows }, (_, index) => {
      if (input.restart_before_windows.includes(index)) prevProposalHash = ZERO_HASH;
      const window = { window: BigInt(index), timechainValue, prevProposalHash, producer: nodeId };
      derived = deriveSingletonWindow(crypto, rules, { state, trees, epoch }, window);
      const header = proposalHeader.sign(crypto, node.secretKey, derived.header);
      const failure = checkSingletonHeader(crypto, header, derived.header, node.publicKey);
      if (failure !== undefined) throw new Error(`the follower refuses window ${index}: ${failure}`);
      state.apply(derived.changes);
      ({ trees, epoch } = derived);
      timechainValue = vdfStep(crypto, timechainValue, epoch.d);
      prevProposalHash = proposalHeader.identify(crypto, header);
      const wire = proposalHeader.encode(header);
      return {
        ...snakeCase(header),
        window: header.windowIndex,
        d_to_next: epoch.d,
        bundle_aggregate: derived.aggregate,
        reveal_hash: derived.revealHash,
        bundle_hash: derived.bundleHash,
        proposal_hash: prevProposalHash,
        wire,
        wire_len: wire.length,
        wire_sha256: crypto.sha256(wire),
        operator_balance: state.accounts.get(accountId)!.balance,
        chain_length: state.nodes.get(nodeId)!.chainLength,
      };
    });
    const { candidateRoot, controlRoot } = derived!.header;
    return {
      node_id: nodeId,
      account_id: accountId,
      candidate_root: candidateRoot,
      control_root: controlRoot,
      headers,
    };
  },
};

/** A record under the names of the vectors. */
function snakeCase(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

/** The depths that the suite asks for; they stand in `expect` only. */
const PROPOSER_DEPTHS = [0, 1, 2, 3, 4, 5, 254, 255];

function verdict(failure: string | undefined): { readonly ok: true } | { readonly error: string } {
  return failure === undefined ? { ok: true } : { error: failure };
}

function drawOf(input: Input): Draw {
  return {
    window: big(input.window),
    timechainValue: hex32(input.timechain_value),
    aggregate: hex32(input.bundle_aggregate_w_minus_2),
  };
}

function candidatesOf(list: Input): Candidate[] {
  return list.map((entry: Input) => ({ nodeId: nodeIdOf(entry.node_id), ticket: big(entry.ticket) }));
}

function idsOf(entries: readonly { readonly nodeId: NodeId }[]): NodeId[] {
  return entries.map(({ nodeId }) => nodeId);
}

function fallbackProposerOf(input: Input): NodeId {
  return fallbackProposer(
    big(input.window),
    idsOf(candidatesOf(input.sorted_candidates_w_minus_2)),
    Number(input.fallback_depth),
    nodeIdOf(input.bootstrap_node_id),
  );
}

function controlsOf(list: Input): CementedControl[] {
  return list.map((entry: Input) => ({ hash: hex32(entry.op_hash), cementedWindow: big(entry.cemented_window) }));
}

function bundleOf(object: Input): Omit<Draft<BundledConfirmation>, "nodeId"> {
  return {
    endpoint: hex32(object.endpoint),
    windowIndex: big(object.window),
    opHashes: hashList(object.op_hashes),
    revealHashes: hashList(object.reveal_hashes),
  };
}

/** What the encoding suites state of an object signed by the key of `node_seed`. */
function encodingOf<T extends Signed>(
  crypto: RunContext["crypto"],
  input: Input,
  signedClass: SignedClass<T>,
  draft: Draft<T>,
) {
  const { secretKey } = crypto.mldsa65.generate(hex(input.node_seed));
  const object = signedClass.sign(crypto, secretKey, draft);
  const wire = signedClass.encode(object);
  const scope = signedClass.scope(draft);
  return {
    identifier: signedClass.identify(crypto, draft),
    signed_scope: scope,
    signed_scope_sha256: crypto.sha256(scope),
    signature_sha256: crypto.sha256(object.signature),
    wire,
    wire_len: wire.length,
    wire_sha256: crypto.sha256(wire),
  };
}
