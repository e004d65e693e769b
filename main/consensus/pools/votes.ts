/** The votes of the open window and what they weigh (chapter 03 §5.5, §6.3). Counting is per value. */
import { byteKey, equalBytes, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { PRECOMMIT, PREVOTE, type ProposalVote } from "../../protocol/objects/consensus.ts";
import type { Weights } from "../../protocol/quorum/weights.ts";
import { VOTE_VALUES_MAX } from "../limits.ts";
import { isNil } from "../objects.ts";

export type Phase = typeof PREVOTE | typeof PRECOMMIT;

/** All votes of one round and phase. */
class Tally {
  readonly byNode = new Map<string, Map<string, ProposalVote>>();
  readonly weightByValue = new Map<string, { readonly value: Hash32; weight: bigint }>();
  /** Of the nodes that voted for anything, each counted once. */
  weight = 0n;

  add(vote: ProposalVote, weight: bigint): void {
    const node = byteKey(vote.nodeId);
    const values = this.byNode.get(node) ?? new Map<string, ProposalVote>();
    if (values.size === 0) this.weight += weight;
    this.byNode.set(node, values);
    const value = byteKey(vote.proposalHash);
    values.set(value, vote);
    const support = this.weightByValue.get(value);
    if (support === undefined) this.weightByValue.set(value, { value: vote.proposalHash, weight });
    else support.weight += weight;
  }
}

export interface Polka {
  readonly value: Hash32;
  readonly round: number;
}

export class VoteBook {
  readonly #weights: Weights;
  readonly #tallies = new Map<string, Tally>();
  readonly #highestRound = new Map<string, { readonly nodeId: NodeId; readonly round: number }>();
  #lastRound = 0;

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  /** `duplicate`: known. `surplus`: the node has voted for too many values already. */
  place(vote: ProposalVote): "new" | "equivocation" | "duplicate" | "surplus" {
    const values = this.#tally(vote.round, vote.phase as Phase)?.byNode.get(byteKey(vote.nodeId));
    if (values === undefined) return "new";
    if (values.has(byteKey(vote.proposalHash))) return "duplicate";
    return values.size < VOTE_VALUES_MAX ? "equivocation" : "surplus";
  }

  add(vote: ProposalVote): void {
    const key = tallyKey(vote.round, vote.phase as Phase);
    let tally = this.#tallies.get(key);
    if (tally === undefined) this.#tallies.set(key, (tally = new Tally()));
    tally.add(vote, this.#weights.of(vote.nodeId));
    if (vote.round > this.highestRoundOf(vote.nodeId)) {
      this.#highestRound.set(byteKey(vote.nodeId), { nodeId: vote.nodeId, round: vote.round });
    }
    this.#lastRound = Math.max(this.#lastRound, vote.round);
  }

  /** 0 where the node has not voted. */
  highestRoundOf(nodeId: NodeId): number {
    return this.#highestRound.get(byteKey(nodeId))?.round ?? 0;
  }

  /** Another vote of the node in the same round and phase: evidence together with `vote`. */
  otherVote(vote: ProposalVote): ProposalVote | undefined {
    const values = this.#tally(vote.round, vote.phase as Phase)?.byNode.get(byteKey(vote.nodeId));
    return [...(values?.values() ?? [])].find((other) => !equalBytes(other.proposalHash, vote.proposalHash));
  }

  weightFor(round: number, phase: Phase, value: Hash32): bigint {
    return this.#tally(round, phase)?.weightByValue.get(byteKey(value))?.weight ?? 0n;
  }

  /** Has a quorum voted in this round and phase, for whatever? */
  isSettled(round: number, phase: Phase): boolean {
    return this.#weights.isQuorum(this.#tally(round, phase)?.weight ?? 0n);
  }

  hasQuorum(round: number, phase: Phase, value: Hash32): boolean {
    return this.#weights.isQuorum(this.weightFor(round, phase, value));
  }

  /** A value other than nil with a quorum. */
  quorumValue(round: number, phase: Phase): Hash32 | undefined {
    for (const { value, weight } of this.#tally(round, phase)?.weightByValue.values() ?? []) {
      if (!isNil(value) && this.#weights.isQuorum(weight)) return value;
    }
    return undefined;
  }

  /** polka(v, r) with the highest r below `round`. */
  highestPolkaBelow(round: number): Polka | undefined {
    for (let r = Math.min(round - 1, this.#lastRound); r > 0; r--) {
      const value = this.quorumValue(r, PREVOTE);
      if (value !== undefined) return { value, round: r };
    }
    return undefined;
  }

  /** Precommits for one value with a quorum, of any round. */
  commit(): Polka | undefined {
    return this.commits()[0];
  }

  /** The latest of each value; more than one only where too much weight is faulty. */
  commits(): Polka[] {
    const commits = new Map<string, Polka>();
    for (let round = 1; round <= this.#lastRound; round++) {
      const value = this.quorumValue(round, PRECOMMIT);
      if (value !== undefined) commits.set(byteKey(value), { value, round });
    }
    return [...commits.values()];
  }

  /** The highest round above `round` that nodes of more than a third of the weight have reached. */
  roundReachedByThird(round: number): number | undefined {
    const ahead = [...this.#highestRound.values()].filter((reached) => reached.round > round);
    ahead.sort((a, b) => b.round - a.round);
    let weight = 0n;
    for (const reached of ahead) {
      weight += this.#weights.of(reached.nodeId);
      if (3n * weight > this.#weights.total) return reached.round;
    }
    return undefined;
  }

  /** Values other than nil that more than a third of the weight names in one round and phase. */
  namedByThird(): Hash32[] {
    return [...this.#tallies.values()].flatMap((tally) =>
      Array.from(tally.weightByValue.values())
        .filter(({ value, weight }) => !isNil(value) && 3n * weight > this.#weights.total)
        .map(({ value }) => value),
    );
  }

  votesFor(round: number, phase: Phase, value: Hash32): ProposalVote[] {
    const key = byteKey(value);
    return [...(this.#tally(round, phase)?.byNode.values() ?? [])].flatMap((values) => values.get(key) ?? []);
  }

  votesFrom(round: number): ProposalVote[] {
    const votes: ProposalVote[] = [];
    for (let r = Math.max(round, 1); r <= this.#lastRound; r++) {
      for (const phase of [PREVOTE, PRECOMMIT] as const) {
        for (const values of this.#tally(r, phase)?.byNode.values() ?? []) votes.push(...values.values());
      }
    }
    return votes;
  }

  #tally(round: number, phase: Phase): Tally | undefined {
    return this.#tallies.get(tallyKey(round, phase));
  }
}

const tallyKey = (round: number, phase: Phase): string => `${round}/${phase}`;
