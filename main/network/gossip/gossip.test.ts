import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { MESSAGE } from "../messages/registry.ts";
import { Gossip } from "./gossip.ts";
import { FAR_AHEAD_MAX, HELD_OBJECTS_MAX, IDENTIFIERS_MAX, OUTSTANDING_MAX, QUEUE_OBJECTS_MAX } from "./limits.ts";
import type { GossipObject } from "./object.ts";
import { RequestCount } from "./requestCount.ts";

const { crypto } = loadCrypto();

function put(payload: Uint8Array, at: number, window: bigint): Uint8Array {
  new DataView(payload.buffer).setBigUint64(at, window, true);
  return payload;
}

/** `copy` changes the signature alone. */
function reveal(author: number, window: bigint, { variant = 0, copy = 0 } = {}): GossipObject {
  const payload = put(new Uint8Array(3381), 32, window);
  payload[0] = author;
  payload[1] = author >> 8;
  payload[40] = variant;
  payload[3380] = copy;
  return { type: MESSAGE.vdfReveal, payload };
}

function vote(author: number, window: bigint, value = 0): GossipObject {
  const payload = put(new Uint8Array(3383), 32, window);
  payload[0] = author;
  payload[42] = value;
  return { type: MESSAGE.proposalVote, payload };
}

function header(depth: number, window: bigint, variant = 0): GossipObject {
  const payload = put(new Uint8Array(3722), 32, window);
  payload[412] = depth;
  payload[44] = variant;
  return { type: MESSAGE.proposal, payload };
}

function operation(sender: number, variant: number): GossipObject {
  const payload = new Uint8Array(3422);
  payload[0] = 2;
  payload[33] = sender;
  payload[1] = variant;
  payload[2] = variant >> 8;
  return { type: MESSAGE.transfer, payload };
}

const ACCEPT = { verdict: "accept" } as const;
const FORGED = { verdict: "reject", code: "invalid-signature" } as const;
let gossip: Gossip;
beforeEach(() => {
  gossip = new Gossip(crypto, { window: 10n, round: 1 });
  for (const peer of ["a", "b", "c"]) gossip.connect(peer);
});

/** What goes to a peer, each answered at once. */
function drain(peer: string): GossipObject[] {
  const sent: GossipObject[] = [];
  for (let object = gossip.next(peer); object !== undefined; object = gossip.next(peer)) {
    gossip.settled(peer, object, false);
    sent.push(object);
  }
  return sent;
}

describe("what is looked at", () => {
  test("a garbage copy that comes first does not hide the real object, and is not looked at twice", () => {
    const garbage = reveal(1, 10n, { copy: 1 });
    const real = reveal(1, 10n);
    expect(gossip.receive("a", garbage)).toEqual({ take: true });
    expect(gossip.judged("a", garbage, FORGED)).toBe(5);
    expect(gossip.receive("b", real)).toEqual({ take: true });
    expect(gossip.judged("b", real, ACCEPT)).toBe(0);
    expect(gossip.receive("c", real)).toEqual({ take: false, refusal: "duplicate", points: 0 });
    gossip.moveTo({ window: 11n, round: 0 });
    const again = reveal(2, 10n, { copy: 1 });
    gossip.judged("a", again, FORGED);
    expect(gossip.receive("a", again)).toEqual({ take: false, refusal: "refused-before", points: 5 });
  });

  test("what was ignored may come again", () => {
    const early = vote(1, 12n);
    expect(gossip.receive("a", early)).toEqual({ take: true });
    gossip.judged("a", early, { verdict: "ignore", code: "wrong-window" });
    expect(gossip.receive("a", early)).toEqual({ take: true });
  });

  test("a peer may show so many objects of an author and window, repetitions not counted, and again in the next window", () => {
    for (const variant of [1, 2, 1, 2]) expect(gossip.receive("a", reveal(1, 10n, { variant })).take).toBe(true);
    expect(gossip.receive("a", reveal(1, 10n, { variant: 3 }))).toMatchObject({ refusal: "over-budget", points: 1 });
    expect(gossip.receive("b", reveal(1, 10n, { variant: 3 })).take).toBe(true);
    expect(gossip.receive("a", reveal(2, 10n, { variant: 3 })).take).toBe(true);
    gossip.moveTo({ window: 11n, round: 0 });
    expect(gossip.receive("a", reveal(1, 10n, { variant: 3 })).take).toBe(true);
  });

  test("two operations of a sender are its budget, whatever they are", () => {
    expect(gossip.receive("a", operation(1, 1)).take).toBe(true);
    expect(gossip.receive("a", operation(1, 2)).take).toBe(true);
    expect(gossip.receive("a", operation(1, 3)).take).toBe(false);
    expect(gossip.receive("a", operation(2, 3)).take).toBe(true);
  });

  test("old windows and deep headers are dropped without penalty, far windows after a few", () => {
    expect(gossip.receive("a", reveal(1, 7n))).toEqual({ take: false, refusal: "wrong-window", points: 0 });
    expect(gossip.receive("a", header(4, 10n))).toEqual({ take: false, refusal: "wrong-depth", points: 0 });
    expect(gossip.receive("a", header(3, 10n)).take).toBe(true);
    const far = Array.from({ length: FAR_AHEAD_MAX + 1 }, (_, i) => gossip.receive("a", reveal(i, 1000n + BigInt(i))));
    expect(far.filter(({ take }) => take)).toHaveLength(FAR_AHEAD_MAX);
    expect(far.at(-1)).toMatchObject({ points: 0 });
  });

  test("what is too short for its type costs a point", () => {
    const short = { type: MESSAGE.proposal, payload: new Uint8Array(3721) } as const;
    expect(gossip.receive("a", short)).toEqual({ take: false, refusal: "malformed", points: 1 });
  });

  test("a peer with too much that waits for its context brings nothing more of that kind for three windows", () => {
    for (let i = 0; i < HELD_OBJECTS_MAX; i++) {
      const held = operation(i & 255, i);
      gossip.judged("a", held, { verdict: "hold", code: "invalid-prev-hash" });
    }
    expect(gossip.receive("a", operation(0, 9999))).toMatchObject({ refusal: "held-too-much", points: 0 });
    expect(gossip.receive("a", reveal(1, 10n)).take).toBe(true);
    gossip.moveTo({ window: 14n, round: 0 });
    expect(gossip.receive("a", operation(0, 9999)).take).toBe(true);
  });
});

describe("who gets what", () => {
  test("each object goes to a peer once, not to whom it came from nor to whom it is known", () => {
    const object = reveal(1, 10n);
    gossip.receive("a", object);
    gossip.judged("a", object, ACCEPT);
    gossip.receive("b", reveal(1, 10n));
    expect(gossip.broadcast(object, "a")).toEqual(["c"]);
    expect(drain("c")).toHaveLength(1);
    expect(gossip.broadcast(object, "a")).toEqual([]);
  });

  test("what this node told before goes out again when it is repeated", () => {
    const own = vote(9, 10n);
    expect(gossip.broadcast(own)).toEqual(["a", "b", "c"]);
    drain("a");
    expect(gossip.broadcast(own)).toEqual(["a", "b", "c"]);
    expect(drain("a")).toHaveLength(1);
    expect(drain("b")).toHaveLength(1);
  });

  test("an object of another node that was held goes once to those without it", () => {
    const held = vote(1, 11n);
    gossip.receive("a", held);
    gossip.judged("a", held, { verdict: "hold", code: "window-ahead" });
    gossip.moveTo({ window: 11n, round: 1 });
    expect(gossip.broadcast({ ...held, payload: held.payload.slice() })).toEqual(["b", "c"]);
  });

  test("what a peer brings itself while it waits is not sent to it, unless it is repeated", () => {
    const object = reveal(1, 10n);
    gossip.judged("a", object, ACCEPT);
    gossip.broadcast(object, "a");
    gossip.receive("b", object);
    expect(drain("b")).toEqual([]);
    gossip.broadcast(object);
    gossip.receive("c", object);
    expect(drain("c")).toHaveLength(1);
  });

  test("a peer that does not serve consensus gets neither votes nor bodies", () => {
    gossip.refusesConsensus("b");
    expect(gossip.broadcast(vote(1, 10n))).toEqual(["a", "c"]);
    expect(gossip.broadcast(header(1, 10n))).toEqual(["a", "b", "c"]);
  });

  test("an object that was lost on the way may go again", () => {
    const object = reveal(1, 10n);
    gossip.judged("a", object, ACCEPT);
    gossip.broadcast(object, "a");
    drain("c");
    const sent = gossip.next("b")!;
    gossip.settled("b", sent, true);
    expect(gossip.broadcast(object, "a")).toEqual(["b"]);
  });

  test("votes and headers overtake bundles, and these operations", () => {
    const objects = [operation(1, 1), reveal(1, 10n), vote(1, 10n), header(1, 10n)];
    for (const object of objects) gossip.send("a", object);
    expect(drain("a").map(({ type }) => type)).toEqual([0x24, 0x22, 0x21, 0x01]);
  });

  test("what became stale while it waited is not sent", () => {
    gossip.send("a", reveal(1, 10n));
    gossip.moveTo({ window: 13n, round: 0 });
    expect(drain("a")).toEqual([]);
  });

  test("a peer that does not answer gets no more than so many requests", () => {
    for (let i = 0; i < 2 * OUTSTANDING_MAX; i++) gossip.send("a", reveal(i, 10n));
    const sent: GossipObject[] = [];
    for (let object = gossip.next("a"); object !== undefined; object = gossip.next("a")) sent.push(object);
    expect(sent).toHaveLength(OUTSTANDING_MAX);
    gossip.settled("a", sent[0]!, false);
    expect(gossip.next("a")).toBeDefined();
  });

  test("a full queue gives up operations for votes, the oldest first, and takes no operation then", () => {
    let size = 0;
    while (gossip.broadcast(operation(size & 255, size)).includes("a")) size++;
    expect(size).toBeLessThanOrEqual(QUEUE_OBJECTS_MAX);
    expect(gossip.broadcast(vote(1, 10n))).toContain("a");
    const sent = drain("a");
    expect(sent[0]!.type).toBe(MESSAGE.proposalVote);
    expect(sent[1]!.payload).toEqual(operation(1, 1).payload);
    expect(sent).toHaveLength(size);
  });

  test("nothing is sent twice to a peer without a repetition, and everything accepted reaches everybody", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom("a", "b", "c"))), (arrivals) => {
        gossip = new Gossip(crypto, { window: 10n, round: 1 });
        for (const peer of ["a", "b", "c"]) gossip.connect(peer);
        for (const [author, from] of arrivals) {
          const object = reveal(author, 10n);
          if (!gossip.receive(from, object).take) continue;
          gossip.judged(from, object, ACCEPT);
          gossip.broadcast(object, from);
        }
        const authors = new Set(arrivals.map(([author]) => author));
        for (const peer of ["a", "b", "c"]) {
          const got = drain(peer).map(({ payload }) => payload[0]!);
          const brought = arrivals.filter(([, from]) => from === peer).map(([author]) => author);
          expect(new Set(got).size).toBe(got.length);
          expect(new Set([...got, ...brought])).toEqual(authors);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test("no more identifiers are remembered than the bound", () => {
  const forgotten = reveal(0, 10n);
  gossip.judged("a", forgotten, ACCEPT);
  for (let i = 1; i <= IDENTIFIERS_MAX; i++)
    gossip.judged("a", { type: MESSAGE.proposalBody, payload: bodyOf(i) }, ACCEPT);
  expect(gossip.receive("b", forgotten).take).toBe(true);
});

function bodyOf(number: number): Uint8Array {
  return put(new Uint8Array(48), 0, BigInt(number));
}

test("so many requests pass in a window, and again in the next or after τ₁", () => {
  const count = new RequestCount(2, 0);
  expect([count.take(1), count.take(2), count.take(3)]).toEqual([true, true, false]);
  count.windowOpened(4);
  expect(count.take(5)).toBe(true);
  expect([count.take(6), count.take(7)]).toEqual([true, false]);
  expect(count.take(60_004)).toBe(true);
});
