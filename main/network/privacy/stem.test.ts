/** The node's machine of chapter 07 §4.11. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Hash32 } from "../../protocol/bytes.ts";
import { STEM_SET_WINDOWS, STEM_TIMEOUT_MS, StemPhase } from "./stem.ts";

const idOf = (number: number) => new Uint8Array(32).fill(number) as Hash32;
const id = idOf(1);
const PEERS = ["a", "b", "c", "d", "e", "f", "g", "h"];
/** Draws the first peer of a list; a coin of 0 fluffs, 255 stays on the stem. */
const coin = (value: number) => (n: number) => (n === 256 ? value : 0);

function begin(outbound: readonly string[] = PEERS, toss = 255): StemPhase {
  const phase = new StemPhase(1000n, coin(toss));
  phase.changeOutbound(outbound);
  phase.enterWindow(1001n);
  return phase;
}

describe("an own object", () => {
  test("leaves by a peer of the stem set without a coin toss", () => {
    const phase = begin(PEERS, 0);
    const decision = phase.sendOwn(id, "operation", 0, false);
    expect(decision).not.toBe("fluff");
    expect(phase.stemSet).toContain((decision as { stem: string }).stem);
  });

  test("fluffs when there is nobody to send it to", () => {
    expect(begin([]).sendOwn(id, "registration", 0, false)).toBe("fluff");
  });

  test("that confirms goes to all when time or peers are short", () => {
    const isFluffed = (outbound: readonly string[], isLate: boolean) =>
      begin(outbound).sendOwn(id, "confirmation", 0, isLate) === "fluff";
    expect(isFluffed(PEERS, false)).toBe(false);
    expect(isFluffed(PEERS, true)).toBe(true);
    expect(isFluffed(PEERS.slice(1), false)).toBe(true);
  });

  test("fluffs after half a τ₁ unless it comes back by gossip before", () => {
    const phase = begin();
    phase.sendOwn(id, "operation", 10, false);
    phase.sendOwn(idOf(2), "operation", 20, false);
    phase.seeGossip(idOf(2));
    expect(phase.expire(10 + STEM_TIMEOUT_MS - 1)).toEqual([]);
    expect(phase.expire(10 + STEM_TIMEOUT_MS)).toEqual([id]);
    expect(phase.expire(2 * STEM_TIMEOUT_MS)).toEqual([]);
  });

  test("fluffs at once when its peer refuses it or goes", () => {
    const phase = begin();
    phase.sendOwn(id, "operation", 0, false);
    expect(phase.fail(id)).toBe(true);
    expect(phase.fail(id)).toBe(false);
    const { stem } = phase.sendOwn(id, "operation", 0, false) as { stem: string };
    expect(phase.changeOutbound(PEERS.filter((peer) => peer !== stem))).toEqual([id]);
    expect(phase.waitingCount).toBe(0);
  });
});

describe("an object from the stem", () => {
  test("goes on or fluffs as the coin falls, and fluffs at its second sight", () => {
    expect(begin(PEERS, 25).receive(id, 0, false)).toBe("fluff");
    const phase = begin(PEERS, 26);
    expect(phase.receive(id, 0, false)).toHaveProperty("stem");
    expect(phase.receive(id, 1, false)).toBe("fluff");
    expect(phase.expire(STEM_TIMEOUT_MS)).toEqual([]);
  });

  test("is dropped when gossip has brought it", () => {
    expect(begin().receive(id, 0, true)).toBeUndefined();
  });
});

describe("the stem set", () => {
  test("is two outbound peers, drawn anew after 693 windows or when one goes", () => {
    let draws = 0;
    const phase = new StemPhase(0n, (n) => {
      if (n !== 256) draws++;
      return 0;
    });
    phase.changeOutbound(PEERS);
    const first = phase.stemSet;
    expect(first).toHaveLength(2);
    for (let window = 1n; window < STEM_SET_WINDOWS; window++) phase.enterWindow(window);
    phase.changeOutbound([...PEERS, "i"]);
    expect([phase.stemSet, draws]).toEqual([first, 2]);
    phase.enterWindow(STEM_SET_WINDOWS);
    expect(draws).toBe(4);
    phase.changeOutbound(PEERS.slice(1));
    expect(draws).toBe(6);
    expect(phase.stemSet).not.toContain("a");
  });

  test("is the only place where objects go to, whatever peers do", () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("peers" as const), peers: fc.uniqueArray(fc.constantFrom(...PEERS)) }),
      fc.record({ kind: fc.constant("window" as const) }),
      fc.record({ kind: fc.constant("send" as const), id: fc.nat(5) }),
      fc.record({ kind: fc.constant("receive" as const), id: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (events, chance) => {
        const phase = new StemPhase(0n, (n) => (chance.next().value as number) % n);
        let outbound: readonly string[] = [];
        for (const [i, it] of events.entries()) {
          if (it.kind === "peers") phase.changeOutbound((outbound = it.peers));
          if (it.kind === "window") phase.enterWindow(BigInt(i));
          const decision =
            it.kind === "send"
              ? phase.sendOwn(idOf(it.id), "operation", i, false)
              : it.kind === "receive"
                ? phase.receive(idOf(it.id), i, false)
                : "fluff";
          expect(phase.stemSet).toHaveLength(Math.min(2, outbound.length));
          if (decision !== "fluff") expect(phase.stemSet).toContain(decision?.stem);
        }
        // Whatever went out comes to an end.
        phase.expire(events.length + STEM_TIMEOUT_MS);
        expect(phase.waitingCount).toBe(0);
      }),
    );
  });
});
