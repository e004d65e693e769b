/**
 * A confirmer's own decision about foreign candidate chains (chapter 05 §4.3, R10): the registration holds only the last value,
 * so a check costs what the chain cost. Local policy, never part of a transition.
 */
import type { Native } from "../../native/index.ts";
import { byteKey, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { nodeRegistration, type NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { candidateVdfInit } from "../../protocol/timechain/candidateChain.ts";

/** `full` checks what the budget allows and leaves the rest unverified; `none` checks nothing. */
export type CandidateVdfCheck = "none" | "full";

/** `unverified`: taken on trust, and shown as such. `invalid` is `vdf-mismatch`: not to be confirmed. */
export type ProofVerdict = "valid" | "invalid" | "unverified";

/** What seeds a chain: T(W_start), cba(W_start − 2) and D(W_start). */
export interface ChainSeed {
  readonly timechainValue: Hash32;
  readonly aggregate: Hash32;
  readonly d: bigint;
}

export const CANDIDATE_VDF_BUDGET = 2_000_000_000n;
/** As many as may wait to be applied at once (chapter 05 §7.1). */
const VERDICTS_MAX = 1024;

export class CandidateProofs {
  readonly #crypto: Native;
  readonly #check: () => CandidateVdfCheck;
  readonly #budget: bigint;
  readonly #verdicts = new Map<string, { readonly nodeId: NodeId; readonly verdict: ProofVerdict }>();

  constructor(crypto: Native, check: () => CandidateVdfCheck, budget = CANDIDATE_VDF_BUDGET) {
    this.#crypto = crypto;
    this.#check = check;
    this.#budget = budget;
  }

  /**
   * Recomputes the chain on a thread beside the event loop where it is within the budget. `seed` is undefined where this node
   * does not have the history of W_start. Rejects with `ProtocolError("cancelled")` once `signal` is aborted.
   */
  async judge(
    registration: NodeRegistration,
    seed: ChainSeed | undefined,
    signal?: AbortSignal,
  ): Promise<ProofVerdict> {
    const noderegHash = nodeRegistration.identify(this.#crypto, registration);
    const known = this.#verdicts.get(byteKey(noderegHash));
    if (known !== undefined) return known.verdict;
    const verdict = await this.#recompute(registration, seed, signal);
    if (this.#verdicts.size >= VERDICTS_MAX) this.#verdicts.delete(this.#verdicts.keys().next().value!);
    this.#verdicts.set(byteKey(noderegHash), { nodeId: nodeIdOf(this.#crypto, registration.nodePubkey), verdict });
    return verdict;
  }

  /** Candidates whose chain this node let pass without a check, oldest first: for a person to see. */
  get unverified(): readonly NodeId[] {
    return [...this.#verdicts.values()].filter(({ verdict }) => verdict === "unverified").map(({ nodeId }) => nodeId);
  }

  async #recompute(
    { nodePubkey, proofEndpoint, vdfChainLength }: NodeRegistration,
    seed: ChainSeed | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ProofVerdict> {
    if (this.#check() === "none" || seed === undefined) return "unverified";
    const iterations = vdfChainLength * seed.d;
    if (iterations > this.#budget) return "unverified";
    const nodeId = nodeIdOf(this.#crypto, nodePubkey);
    const start = candidateVdfInit(this.#crypto, seed.timechainValue, seed.aggregate, nodeId);
    const segment = { start, iterations: Number(iterations), claimedEnd: proofEndpoint };
    const [isRight] = await this.#crypto.verifySegments([segment], { threads: 1, ...(signal && { signal }) });
    return isRight === true ? "valid" : "invalid";
  }
}
