import { describe, expect, test } from "vitest";

import type { Hash32 } from "../protocol/bytes.ts";
import { PRECOMMIT, PREVOTE, type ProposalVote } from "../protocol/objects/consensus.ts";
import { Weights } from "../protocol/quorum/weights.ts";
import { verifyCertificate } from "./certificate.ts";
import { Bench, crypto, members, nodeIds, T0, voteOf } from "./machine.fixture.ts";
import { decodeVote, NIL } from "./objects.ts";
import type { Phase } from "./pools/votes.ts";

const { rules } = new Bench();
const weights = new Weights(
  rules.params,
  nodeIds.slice(0, 4).map((nodeId) => ({ nodeId, chainLength: 10n })),
);
const nodes = {
  get: (nodeId: Uint8Array) => {
    const index = nodeIds.findIndex((each) => each.every((byte, i) => byte === nodeId[i]));
    return index === -1 ? undefined : { suiteId: 1, nodePubkey: members[index]!.publicKey };
  },
};
interface VoteOptions {
  readonly round?: number;
  readonly phase?: Phase;
  readonly hash?: Hash32;
  readonly window?: bigint;
}

function vote(member: number, options: VoteOptions = {}): ProposalVote {
  const { round = 1, phase = PRECOMMIT, hash = T0, window = 5n } = options;
  return decodeVote(voteOf(member, round, phase, hash, window).payload);
}

const verify = (votes: readonly ProposalVote[], hash = T0, window = 5n) =>
  verifyCertificate(crypto, { window, nodes, weights }, hash, votes);

describe("a commit certificate", () => {
  test("is precommits of a quorum for one value in one round", () => {
    expect(verify([0, 1, 2].map((member) => vote(member)))).toBeUndefined();
    expect(verify([3, 1, 0, 2].map((member) => vote(member, { round: 7 })))).toBeUndefined();
  });

  test("counts each node once and weighs only those that are active", () => {
    expect(verify([vote(0), vote(0), vote(1)])).toBe("no-quorum");
    expect(verify([vote(0), vote(1), vote(5)])).toBe("no-quorum");
    expect(verify([])).toBe("no-quorum");
  });

  test("does not mix rounds, phases, windows or values, and is never for nil", () => {
    const two = [vote(0), vote(1)];
    expect(verify([...two, vote(2, { round: 2 })])).toBe("foreign-vote");
    expect(verify([...two, vote(2, { phase: PREVOTE })])).toBe("foreign-vote");
    expect(verify([...two, vote(2, { window: 6n })])).toBe("foreign-vote");
    expect(verify([...two, vote(2, { hash: crypto.sha256(T0) })])).toBe("foreign-vote");
    expect(
      verify(
        [0, 1, 2].map((member) => vote(member, { hash: NIL })),
        NIL,
      ),
    ).toBe("nil-value");
  });

  test("holds no signature that is not its signer's", () => {
    const forged = { ...vote(2), signature: vote(1).signature };
    expect(verify([vote(0), vote(1), forged])).toBe("invalid-signature");
  });
});
