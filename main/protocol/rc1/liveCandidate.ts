/**
 * The rc.1 node process as a lone candidate, L1 to L10 of chapter 05 §8.2: what to compare with, never what to do. It proves a
 * chain, registers and is admitted in its own tables alone; nobody else ever learns of it.
 */
import { ZERO_HASH, type Hash32, type NodeId } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import type { ProtocolParams } from "../genesis/params.ts";
import { rulesOf, type NetworkRules } from "../genesis/rules.ts";
import { genesisRecords, unusedAccount } from "../genesis/state.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../identity/ids.ts";
import type { IdentityKeys } from "../identity/keys.ts";
import { nodeRegistration, TYPE_NODE_REGISTRATION } from "../objects/nodeRegistration.ts";
import { cementedBundleAggregate, lookbackOf } from "../quorum/aggregate.ts";
import { MemoryState } from "../state/memory.ts";
import { StateDraft } from "../state/table.ts";
import { candidateVdfInit } from "../timechain/candidateChain.ts";
import { nextD, PARTICIPATION_FULL_PERMILLE } from "../timechain/difficulty.ts";
import { isEpochBoundary } from "../timechain/epoch.ts";
import { genesisTimechainValue } from "../timechain/genesisValue.ts";
import { vdfStep } from "../timechain/vdf.ts";
import { admitSelected } from "../transition/admitCandidates.ts";
import { applyControlSet } from "../transition/applyControlSet.ts";
import { expireCandidates } from "../transition/expireCandidates.ts";
import {
  freshNodeLifecycle,
  PHASE_ACTIVE,
  PHASE_BOOTSTRAP,
  PHASE_CANDIDATE_VDF,
  PHASE_REGISTERED,
  type NodeLifecycle,
} from "./nodeFiles.ts";

export interface LiveCandidateStart {
  /** The last window processed before; T starts at its genesis value whatever it is. */
  readonly window: bigint;
  /** SHA-256 iterations of a window. */
  readonly d: bigint;
}

export class LiveCandidate {
  readonly state: MemoryState;
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #keys: Pick<IdentityKeys, "account" | "node">;
  readonly #nodeId: NodeId;
  #window: bigint;
  #d: bigint;
  #timechainValue: Hash32;
  #lifecycle: NodeLifecycle;

  /** A fresh data directory of somebody who is not the bootstrap node, with the process's own start state (L6, L10). */
  constructor(
    crypto: Crypto,
    params: ProtocolParams,
    keys: Pick<IdentityKeys, "account" | "node">,
    start: LiveCandidateStart,
  ) {
    this.#crypto = crypto;
    this.#rules = rulesOf(params, "rc1");
    this.#keys = keys;
    this.#nodeId = nodeIdOf(crypto, keys.node.publicKey);
    this.#window = start.window;
    this.#d = start.d;
    this.#timechainValue = genesisTimechainValue(crypto);
    this.#lifecycle = freshNodeLifecycle(keys.node.publicKey, params.bootstrapNodePubkey);
    const genesis = genesisRecords(crypto, params, "rc1");
    const own = unusedAccount(crypto, keys.account.publicKey);
    this.state = new MemoryState().load({ ...genesis, accounts: [...genesis.accounts, own] });
  }

  get nodeId(): NodeId {
    return this.#nodeId;
  }

  /** The last window processed. */
  get window(): bigint {
    return this.#window;
  }

  get timechainValue(): Hash32 {
    return this.#timechainValue;
  }

  get lifecycle(): NodeLifecycle {
    return this.#lifecycle;
  }

  /**
   * One turn of the loop. With the bootstrap node in its table it never is the only node, so it proposes nothing, and its
   * tables change by its own entry alone.
   */
  processWindow(): void {
    const timechainBefore = this.#timechainValue;
    const window = this.#window + 1n;
    this.#timechainValue = vdfStep(this.#crypto, timechainBefore, this.#d);
    const draft = new StateDraft(this.state);
    this.#advanceChain(draft, window, timechainBefore);
    this.#expireAndSelect(draft, window, timechainBefore);
    this.state.apply(draft.changes());
    const { params } = this.#rules;
    if (isEpochBoundary(window, params.tau2Windows)) this.#d = nextD(params, this.#d, PARTICIPATION_FULL_PERMILLE);
    this.#window = window;
  }

  /** L1, L3: the chain starts from T of the moment, one segment is done in the very window in which it starts. */
  #advanceChain(draft: StateDraft, window: bigint, timechainBefore: Hash32): void {
    const { tau2Windows } = this.#rules.params;
    if (this.#lifecycle.phase === PHASE_BOOTSTRAP) {
      this.#lifecycle = {
        ...this.#lifecycle,
        phase: PHASE_CANDIDATE_VDF,
        targetChainLength: tau2Windows,
        wStart: window,
      };
    }
    if (this.#lifecycle.phase !== PHASE_CANDIDATE_VDF) return;
    this.#lifecycle = {
      ...this.#lifecycle,
      candidateProgress: this.#lifecycle.candidateProgress + 1n,
      // Started at T and advanced by D in every window, the chain is the TimeChain.
      candidateEndpoint: this.#timechainValue,
    };
    if (this.#lifecycle.candidateProgress >= tau2Windows) this.#register(draft, window, timechainBefore);
  }

  /** L2, L4: the endpoint is that of no chain, and the registration enters the own pool alone. */
  #register(draft: StateDraft, window: bigint, timechainBefore: Hash32): void {
    const crypto = this.#crypto;
    const { wStart, targetChainLength } = this.#lifecycle;
    const aggregate = cementedBundleAggregate(crypto, lookbackOf(wStart), []);
    const registration = nodeRegistration.sign(crypto, this.#keys.node.secretKey, {
      type: TYPE_NODE_REGISTRATION,
      suiteId: SUITE_MLDSA65,
      nodePubkey: this.#keys.node.publicKey,
      operatorAccountId: accountIdOf(crypto, SUITE_MLDSA65, this.#keys.account.publicKey),
      proofEndpoint: candidateVdfInit(crypto, timechainBefore, aggregate, this.#nodeId),
      wStart,
      vdfChainLength: targetChainLength,
    });
    applyControlSet(crypto, this.#rules, draft, [registration], {
      window,
      timechainValue: timechainBefore,
      aggregate: ZERO_HASH,
      pending: BigInt(draft.candidates.size),
      activeNodes: BigInt(draft.nodes.size),
    });
    this.#lifecycle = {
      ...this.#lifecycle,
      phase: PHASE_REGISTERED,
      registrationWindow: window,
      noderegHash: nodeRegistration.identify(crypto, registration),
    };
  }

  /** L5, L9: with T of the window before and the aggregate of nobody; also right after the registration. */
  #expireAndSelect(draft: StateDraft, window: bigint, timechainBefore: Hash32): void {
    const aggregate = cementedBundleAggregate(this.#crypto, lookbackOf(window), []);
    const activeNodes = BigInt(draft.nodes.size);
    expireCandidates(draft, window);
    admitSelected(this.#crypto, this.#rules, draft, window, timechainBefore, aggregate, activeNodes);
    const isAdmitted = this.#lifecycle.phase === PHASE_REGISTERED && draft.nodes.get(this.#nodeId) !== undefined;
    if (isAdmitted) this.#lifecycle = { ...this.#lifecycle, phase: PHASE_ACTIVE };
  }
}
