/** The rules of chapter 03 §6, one at a time, on one machine. Four equal nodes: a quorum is three, a third is two. */
import { describe, expect, test } from "vitest";

import { equalBytes } from "../protocol/bytes.ts";
import { PRECOMMIT, PREVOTE, proposalHeader } from "../protocol/objects/consensus.ts";
import { Bench, bundleOf, crypto, nodeIds, signed, T0, voteOf } from "./machine.fixture.ts";
import { NIL } from "./objects.ts";

const otherHash = crypto.sha256(T0);

describe("a window begins", () => {
  test("with a bundle and a reveal for the T that this node knows", () => {
    const bench = new Bench();
    expect(bench.all("sign").map(({ unsigned }) => unsigned.type)).toEqual(["bundle", "reveal"]);
    expect(bench.all("broadcast").map(({ message }) => message.type)).toEqual(["bundle", "reveal"]);
  });

  test("with the VDF running towards the next T", () => {
    expect(new Bench().last("run-vdf")).toMatchObject({ window: 1n, from: T0, iterations: 64n });
  });

  test("and round 1 when bundles of a quorum are held", () => {
    const bench = new Bench();
    bench.receive(bundleOf(0));
    expect(bench.all("notify").map(({ notice }) => notice.code)).toEqual([]);
    bench.receive(bundleOf(2));
    expect(bench.all("notify").map(({ notice }) => notice.code)).toEqual(["armed", "round"]);
  });

  test("for a node that is not in the Node Table, in silence", () => {
    const bench = new Bench({ nodes: 4, self: 6 });
    bench.arm();
    const { header, body } = bench.proposal();
    bench.receive(header, body);
    bench.expire("propose");
    expect(bench.all("sign")).toEqual([]);
  });
});

describe("prevote", () => {
  test("goes to the valid proposal of the round's leader", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, name } = bench.proposal();
    expect(bench.receive(header)).toEqual(["accept"]);
    expect(bench.ownVotes()).toEqual([]);
    expect(bench.receive(body)).toEqual(["accept"]);
    expect(bench.ownVotes()).toEqual([`1/prevote ${name}`]);
  });

  test("goes to nil when time is up without a proposal", () => {
    const bench = new Bench();
    bench.arm();
    bench.expire("propose");
    expect(bench.ownVotes()).toEqual(["1/prevote nil"]);
  });

  test("does not go to a proposal with a wrong state root", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash } = bench.proposal(1, { accountRoot: otherHash });
    bench.receive(header, body);
    expect(bench.ownVotes()).toEqual([]);
    expect(bench.last("report")?.fault).toEqual({
      code: "invalid-proposal",
      nodeId: nodeIds[0],
      hash,
      failure: "wrong-state-root",
    });
    bench.expire("propose");
    expect(bench.ownVotes()).toEqual(["1/prevote nil"]);
  });

  test("goes to the value of a polka of an earlier round before any fresh proposal", () => {
    const bench = new Bench();
    bench.arm();
    const first = bench.proposal(1);
    bench.expire("propose");
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PREVOTE, first.hash));
    bench.expire("prevote");
    for (const member of [0, 2]) bench.receive(voteOf(member, 1, PRECOMMIT, NIL));
    bench.expire("precommit");
    const second = bench.proposal(2);
    bench.receive(second.header, second.body);
    expect(bench.ownVotes()).toEqual(["1/prevote nil", "1/precommit nil"]);
    bench.receive(first.header, first.body);
    expect(bench.ownVotes().at(-1)).toBe(`2/prevote ${first.name}`);
  });
});

describe("precommit", () => {
  test("follows a polka, and its value with all it is made of is logged", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash, name } = bench.proposal();
    bench.receive(header, body, voteOf(0, 1, PREVOTE, hash), voteOf(2, 1, PREVOTE, hash));
    expect(bench.ownVotes()).toEqual([`1/prevote ${name}`, `1/precommit ${name}`]);
    expect(bench.log.at(-1)!.keep.body?.proposalHash).toEqual(hash);
  });

  test("goes to nil when a quorum prevotes nil", () => {
    const bench = new Bench();
    bench.arm();
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PREVOTE, NIL));
    expect(bench.ownVotes()).toEqual(["1/precommit nil"]);
  });

  test("waits for the prevote timer, which waits for a quorum of prevotes of any kind", () => {
    const bench = new Bench();
    bench.arm();
    const timers = () => bench.all("set-timer").map(({ timer }) => timer.name);
    bench.receive(voteOf(0, 1, PREVOTE, NIL), voteOf(2, 1, PREVOTE, otherHash));
    expect(timers()).not.toContain("prevote");
    bench.receive(voteOf(3, 1, PREVOTE, crypto.sha256(otherHash)));
    expect(timers()).toContain("prevote");
    bench.expire("prevote");
    expect(bench.ownVotes()).toEqual(["1/precommit nil"]);
  });

  test("makes a lock that the next rounds keep", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash, name } = bench.proposal(1);
    bench.receive(header, body, voteOf(0, 1, PREVOTE, hash), voteOf(2, 1, PREVOTE, hash));
    bench.receive(voteOf(2, 1, PRECOMMIT, NIL), voteOf(3, 1, PRECOMMIT, NIL));
    bench.expire("precommit");
    const fresh = bench.proposal(2);
    bench.receive(fresh.header, fresh.body);
    expect(bench.ownVotes().at(-1)).toBe(`2/prevote ${name}`);
  });
});

describe("rounds", () => {
  test("follow each other when the precommit timer expires", () => {
    const bench = new Bench();
    bench.arm();
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, NIL));
    bench.expire("precommit");
    expect(bench.last("notify")?.notice).toMatchObject({ code: "round", round: 2 });
  });

  test("are skipped when more than a third of the weight is further on", () => {
    const bench = new Bench();
    bench.arm();
    bench.receive(voteOf(0, 9, PREVOTE, NIL));
    expect(bench.last("notify")?.notice).toMatchObject({ code: "round", round: 1 });
    bench.receive(voteOf(2, 9, PREVOTE, NIL));
    expect(bench.last("notify")?.notice).toMatchObject({ code: "round", round: 9 });
  });
});

describe("a decision", () => {
  const decided = (options: ConstructorParameters<typeof Bench>[0] = {}) => {
    const bench = new Bench(options);
    bench.arm();
    const proposal = bench.proposal();
    bench.receive(proposal.header, proposal.body);
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, proposal.hash));
    return { bench, proposal };
  };

  test("is a quorum of precommits, also of a round that is over, and is stored with its certificate", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash } = bench.proposal();
    bench.receive(header, body);
    for (const member of [0, 2]) bench.receive(voteOf(member, 3, PREVOTE, NIL));
    expect(bench.last("persist")).toBeUndefined();
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, hash));
    expect(bench.last("persist")?.decided.hash).toEqual(hash);
    expect(bench.last("persist")?.decided.certificate).toHaveLength(3);
  });

  test("opens the next window when it is stored, not before", () => {
    const { bench } = decided();
    expect(bench.window).toBe(0n);
    bench.commit();
    expect(bench.window).toBe(1n);
  });

  test("is asked for by a node that missed the proposal", () => {
    const bench = new Bench();
    bench.arm();
    const { hash } = bench.proposal();
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, hash));
    expect(bench.last("fetch-objects")?.hashes).toEqual([hash]);
  });

  test("of a state that is not found here silences the node", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash } = bench.proposal(1, { nodeRoot: otherHash });
    bench.receive(header, body);
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, hash));
    expect(bench.all("report").map(({ fault }) => fault.code)).toContain("certified-state-differs");
    const before = bench.all("sign").length;
    bench.expire("propose");
    expect(bench.all("sign")).toHaveLength(before);
  });

  test("of more than a third too many is noticed", () => {
    const { bench } = decided();
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 2, PRECOMMIT, otherHash));
    expect(bench.all("report").map(({ fault }) => fault.code)).toContain("two-certificates");
  });
});

describe("after a restart", () => {
  test("what was signed counts and is never contradicted", () => {
    const before = new Bench();
    before.arm();
    before.expire("propose");
    expect(before.ownVotes()).toEqual(["1/prevote nil"]);
    const after = new Bench({ log: before.log });
    expect(after.all("sign")).toEqual([]);
    after.arm();
    const { header, body } = after.proposal();
    after.receive(header, body);
    expect(after.ownVotes()).toEqual([]);
  });

  test("the lock and its proposal are back from the log alone", () => {
    const before = new Bench();
    before.arm();
    const { header, body, hash, name } = before.proposal();
    before.receive(header, body, voteOf(0, 1, PREVOTE, hash), voteOf(2, 1, PREVOTE, hash));
    const after = new Bench({ log: before.log });
    after.arm();
    for (const member of [0, 2]) after.receive(voteOf(member, 2, PREVOTE, NIL));
    expect(after.ownVotes()).toEqual([`2/prevote ${name}`]);
  });

  test("an own signature that the log does not hold is reported and not contradicted", () => {
    const bench = new Bench();
    bench.receive(voteOf(1, 1, PREVOTE, otherHash));
    expect(bench.last("report")?.fault.code).toBe("own-signature-elsewhere");
    bench.arm();
    bench.expire("propose");
    expect(bench.ownVotes()).toEqual([]);
  });
});

describe("of a key that is at work elsewhere", () => {
  test("a signature is reported also when this node has asked for the same one and not got it", () => {
    const bench = new Bench({ isSilent: true });
    bench.arm();
    bench.expire("propose");
    expect(bench.all("sign").map(({ unsigned }) => unsigned.type)).toContain("vote");
    bench.receive(voteOf(1, 1, PREVOTE, NIL));
    expect(bench.last("report")?.fault.code).toBe("own-signature-elsewhere");
  });

  test("a signature that comes in while this node signs something else keeps that from leaving", () => {
    const bench = new Bench({ isSilent: true });
    bench.arm();
    bench.expire("propose");
    const votes = () => bench.all("broadcast").filter(({ message }) => message.type === "vote");
    const elsewhere = voteOf(1, 1, PREVOTE, otherHash);
    bench.receive(elsewhere);
    bench.finishSigning();
    expect(votes().filter(({ message }) => !equalBytes(message.payload, elsewhere.payload))).toEqual([]);
  });
});

describe("time", () => {
  /** Window 1 is open and its T is not known here. */
  const inWindowOne = () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash } = bench.proposal();
    bench.receive(header, body);
    for (const member of [0, 2, 3]) bench.receive(voteOf(member, 1, PRECOMMIT, hash));
    bench.commit();
    return bench;
  };

  test("that a quorum agrees on is adopted, and nothing is published for it", () => {
    const bench = inWindowOne();
    const before = bench.all("sign").length;
    for (const member of [0, 2, 3]) bench.receive(bundleOf(member, 1n, otherHash));
    expect(bench.all("notify").map(({ notice }) => notice.code)).toContain("adopted-time");
    expect(bench.last("run-vdf")).toMatchObject({ window: 2n, from: otherHash });
    expect(bench.all("sign")).toHaveLength(before);
  });

  test("is not adopted from two bundles of one node", () => {
    const bench = inWindowOne();
    bench.receive(bundleOf(0, 1n, otherHash), bundleOf(0, 1n, otherHash, [T0]), bundleOf(2, 1n, otherHash));
    expect(bench.all("notify").map(({ notice }) => notice.code)).not.toContain("adopted-time");
  });

  test("of the own VDF that contradicts an adopted one silences the node", () => {
    const bench = inWindowOne();
    for (const member of [0, 2, 3]) bench.receive(bundleOf(member, 1n, otherHash));
    bench.step({ kind: "ticked", window: 1n, value: T0 });
    expect(bench.last("report")?.fault.code).toBe("adopted-time-differs");
  });

  test("makes bundles that claim another one worthless", () => {
    const bench = inWindowOne();
    expect(bench.receive(bundleOf(0, 1n, otherHash))).toEqual(["accept"]);
    bench.step({ kind: "ticked", window: 1n, value: T0 });
    expect(bench.receive(bundleOf(2, 1n, otherHash))).toEqual(["reject: wrong-endpoint"]);
  });

  test("is not computed past an epoch boundary before the window ahead of it is decided", () => {
    const bench = new Bench();
    bench.step({ kind: "ticked", window: 1n, value: otherHash });
    expect(bench.last("run-vdf")).toMatchObject({ window: 2n });
    bench.step({ kind: "ticked", window: 2n, value: crypto.sha256(otherHash) });
    // τ₂ is 2 here: D after window 2 follows from window 1.
    expect(bench.last("run-vdf")).toMatchObject({ window: 2n });
  });
});

describe("received objects", () => {
  test("are refused, ignored, held or accepted as chapter 03 §5 says", () => {
    const bench = new Bench();
    const garbage = { type: "bundle", payload: new Uint8Array(10) } as const;
    const forged = { ...bundleOf(0), payload: bundleOf(0).payload.with(-1, 1) };
    expect(bench.receive(garbage)).toEqual(["reject: malformed"]);
    expect(bench.receive(forged)).toEqual(["reject: invalid-signature"]);
    expect(bench.receive(bundleOf(5))).toEqual(["ignore: unknown-node"]);
    expect(bench.receive(bundleOf(0, 0n, otherHash))).toEqual(["reject: wrong-endpoint"]);
    expect(bench.receive(bundleOf(0, 2n, otherHash))).toEqual(["hold: window-ahead"]);
    expect(bench.receive(bundleOf(0, 3n, otherHash))).toEqual(["ignore: wrong-window"]);
    expect(bench.receive(bundleOf(0), bundleOf(0))).toEqual(["accept", "ignore: duplicate"]);
    expect(bench.receive(voteOf(0, 0, PREVOTE, NIL))).toEqual(["reject: round-out-of-range"]);
    expect(bench.receive(voteOf(0, 1, PREVOTE, NIL, 1n))).toEqual(["hold: window-ahead"]);
  });

  test("are relayed to everybody but the sender once they are accepted", () => {
    const bench = new Bench();
    const message = bundleOf(0);
    bench.receive(message);
    expect(bench.last("broadcast")).toEqual({ kind: "broadcast", message, except: "peer" });
  });

  test("that contradict each other are kept as evidence: the first bundle counts, votes count for their value", () => {
    const bench = new Bench();
    expect(bench.receive(bundleOf(0), bundleOf(0, 0n, T0, [T0]), bundleOf(0, 0n, T0, [otherHash]))).toEqual([
      "accept",
      "accept",
      "ignore: surplus",
    ]);
    const values = [NIL, T0, otherHash, crypto.sha256(otherHash), crypto.sha256(T0.slice(1))];
    expect(bench.receive(...values.map((value) => voteOf(2, 1, PREVOTE, value)))).toEqual([
      ...Array.from({ length: 4 }, () => "accept"),
      "ignore: surplus",
    ]);
    expect(bench.all("report").map(({ fault }) => fault.code)).toEqual(Array.from({ length: 4 }, () => "equivocation"));
  });

  test("of one leader and depth are two headers at most, and a deep one none", () => {
    const bench = new Bench();
    const headers = [NIL, T0, otherHash].map((winnerEndpoint) => bench.proposal(1, { winnerEndpoint }).header);
    expect(bench.receive(...headers)).toEqual(["accept", "accept", "ignore: surplus"]);
    expect(bench.receive(bench.proposal(9).header)).toEqual(["ignore: surplus"]);
    const foreign = signed(2, { type: "header", object: headerOf(bench, 2) });
    expect(bench.receive(foreign)).toEqual(["reject: proposer-not-canonical"]);
  });

  test("far ahead make the node ask for the windows in between", () => {
    const bench = new Bench();
    bench.receive(bundleOf(0, 40n, otherHash));
    expect(bench.last("fetch-windows")).toMatchObject({ first: 0n, count: 64n });
  });

  test("far ahead are asked about once, and again with the next repetition when nothing came", () => {
    const bench = new Bench();
    bench.receive(bundleOf(0, 40n, otherHash));
    bench.receive(bundleOf(0, 41n, otherHash));
    expect(bench.all("fetch-windows")).toHaveLength(1);
    bench.step({ kind: "timer-expired", timer: { name: "resend", window: 0n, round: 0 } });
    expect(bench.all("fetch-windows")).toHaveLength(2);
  });

  test("that spoil a body are not held against the proposer", () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, name } = bench.proposal();
    // An evidence list in window 0 is wrong, and the header does not commit to it.
    const spoilt = { ...body, payload: spoil(body.payload) };
    bench.receive(header, spoilt);
    expect(bench.all("report")).toEqual([]);
    expect(bench.receive(body)).toEqual(["accept"]);
    expect(bench.ownVotes()).toEqual([`1/prevote ${name}`]);
  });
});

test("the same events in the same order give the same effects", () => {
  const run = () => {
    const bench = new Bench();
    bench.arm();
    const { header, body, hash } = bench.proposal();
    bench.receive(header, body, voteOf(0, 1, PREVOTE, hash), voteOf(3, 1, PREVOTE, hash));
    return bench.effects;
  };
  expect(run()).toEqual(run());
});

test("a node of weight 0 listens and does not vote", () => {
  const bench = new Bench({ chainLengths: [5n, 0n, 5n, 5n] });
  bench.arm();
  bench.expire("propose");
  expect(bench.ownVotes()).toEqual([]);
});

/** One evidence entry, the header's own proposer with an invented bundle, in an empty body. */
function spoil(payload: Uint8Array): Uint8Array {
  const start = 32 + 8 + 2;
  const entry = new Uint8Array([1, 0, ...nodeIds[0]!, ...otherHash]);
  return new Uint8Array([...payload.subarray(0, start), ...entry, ...payload.subarray(start + 2)]);
}

function headerOf(bench: Bench, proposer: number) {
  const { header } = bench.proposal(1);
  return { ...proposalHeader.decode(header.payload), proposerNodeId: nodeIds[proposer]! };
}
