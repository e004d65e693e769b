import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { byteKey, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import { PRECOMMIT, PREVOTE, type ProposalVote } from "../../protocol/objects/consensus.ts";
import { Weights } from "../../protocol/quorum/weights.ts";
import { NIL } from "../objects.ts";
import { VoteBook } from "./votes.ts";

const id = (index: number) => new Uint8Array(32).fill(index + 1) as NodeId;
const value = (index: number): Hash32 => (index === 0 ? NIL : (new Uint8Array(32).fill(100 + index) as Hash32));
const QUORUM = { confirmationQuorumNum: 67, confirmationQuorumDen: 100 };

interface Cast {
  readonly node: number;
  readonly round: number;
  readonly phase: number;
  readonly value: number;
}

const cast = fc.record<Cast>({
  node: fc.nat(5),
  round: fc.integer({ min: 1, max: 4 }),
  phase: fc.constantFrom(PREVOTE, PRECOMMIT),
  value: fc.nat(2),
});
const weightsOf = (chainLengths: readonly number[]) =>
  new Weights(
    QUORUM,
    chainLengths.map((length, i) => ({ nodeId: id(i), chainLength: BigInt(length) })),
  );
const anyWeights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 6, maxLength: 6 });

function bookOf(weights: Weights, casts: readonly Cast[]): VoteBook {
  const book = new VoteBook(weights);
  for (const { node, round, phase, value: of } of casts) {
    const vote = { nodeId: id(node), windowIndex: 0n, round, phase, proposalHash: value(of) } as ProposalVote;
    const placement = book.place(vote);
    if (placement === "new" || placement === "equivocation") book.add(vote);
  }
  return book;
}

describe("votes", () => {
  test("count once a node for each value it signed, whatever the order and repetition", () => {
    fc.assert(
      fc.property(anyWeights, fc.array(cast, { maxLength: 60 }), (chainLengths, casts) => {
        const weights = weightsOf(chainLengths);
        const book = bookOf(weights, [...casts, ...casts.toReversed()]);
        for (const round of [1, 2, 3, 4]) {
          for (const phase of [PREVOTE, PRECOMMIT] as const) {
            const here = casts.filter((each) => each.round === round && each.phase === phase);
            for (const of of [0, 1, 2]) {
              const voters = here.filter((each) => each.value === of).map(({ node }) => id(node));
              expect(book.weightFor(round, phase, value(of))).toBe(weights.sumOf(voters));
              expect(book.votesFor(round, phase, value(of))).toHaveLength(new Set(voters.map(byteKey)).size);
            }
            const all = weights.sumOf(here.map(({ node }) => id(node)));
            expect(book.isSettled(round, phase)).toBe(weights.isQuorum(all));
          }
        }
      }),
    );
  });

  test("of more than a third in rounds ahead show the highest round that they reached together", () => {
    fc.assert(
      fc.property(anyWeights, fc.array(cast, { maxLength: 30 }), (chainLengths, casts) => {
        const weights = weightsOf(chainLengths);
        const reached = bookOf(weights, casts).roundReachedByThird(1);
        const isReached = (round: number) => {
          const nodes = casts.filter((each) => each.round >= round).map(({ node }) => id(node));
          return 3n * weights.sumOf(nodes) > weights.total;
        };
        expect(reached).toBe([4, 3, 2].find(isReached));
      }),
    );
  });

  test("give at most one value a quorum while less than 34 % of the weight votes twice", () => {
    const honest = fc.uniqueArray(cast, {
      maxLength: 60,
      selector: (each) => `${each.node}/${each.round}/${each.phase}`,
    });
    fc.assert(
      fc.property(anyWeights, honest, fc.nat(5), (chainLengths, casts, liar) => {
        const weights = weightsOf(chainLengths);
        fc.pre(100n * weights.of(id(liar)) < 34n * weights.total);
        const lies = [1, 2, 3, 4].flatMap((round) =>
          [PREVOTE, PRECOMMIT].flatMap((phase) => [0, 1, 2].map((of) => ({ node: liar, round, phase, value: of }))),
        );
        const book = bookOf(weights, [...lies, ...casts]);
        for (const round of [1, 2, 3, 4]) {
          const values = [0, 1, 2].filter((of) => book.hasQuorum(round, PREVOTE, value(of)));
          expect(values.length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
