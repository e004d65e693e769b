import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { sized, toHex, type NodeId } from "../../protocol/bytes.ts";
import { loadCrypto } from "../../native/index.ts";
import { formatMultiaddr, groupOf, parseMultiaddr, reachOf } from "./address.ts";
import { AddressBook, type Claim } from "./addressBook.ts";
import { noAsnMap, parseAsnMap } from "./asnMap.ts";
import { Backoff, backoffMs } from "./backoff.ts";
import { IncomingBudget, OutgoingPace } from "./budget.ts";
import { sample } from "./clock.ts";
import { Conduct } from "./conduct.ts";
import { isDiverse, laxityMax, type Standing } from "./diversity.ts";
import { chooseEvicted, type Inbound } from "./evict.ts";
import { BANS_MAX, BUCKET_SIZE, INBOUND_MAX, NEW_BUCKETS, REQUESTS_UNDER_WAY_MAX, TAU1_MS } from "./limits.ts";
import { seededChance, SimulatedClock } from "./memoryCarrier.fixture.ts";
import { RequestQueue } from "./requestQueue.ts";

const { crypto } = loadCrypto();

describe("an address", () => {
  test.each([
    ["/ip4/8.8.4.4/tcp/8444", "public", "4 0808"],
    ["/ip4/127.0.0.1/tcp/1", "loopback", undefined],
    ["/ip4/10.1.2.3/tcp/1", "private", undefined],
    ["/ip4/100.64.0.1/tcp/1", "private", undefined],
    ["/ip4/0.0.0.0/tcp/1", "unusable", undefined],
    ["/ip4/224.0.0.1/tcp/1", "unusable", undefined],
    ["/ip4/8.8.4.4/tcp/0", "unusable", undefined],
    ["/ip6/2a00:1450:4001:800::1/tcp/8444", "public", "6 2a0014504001"],
    ["/ip6/::1/tcp/1", "loopback", undefined],
    ["/ip6/fe80::1/tcp/1", "private", undefined],
    ["/ip6/fd00::1/tcp/1", "private", undefined],
    ["/ip6/ff02::1/tcp/1", "unusable", undefined],
    ["/ip6/::/tcp/1", "unusable", undefined],
  ])("%s is %s", (text, reach, group) => {
    const address = parseMultiaddr(text);
    expect(reachOf(address)).toBe(reach);
    expect(formatMultiaddr(address)).toBe(text);
    if (group !== undefined) expect(groupOf(address)).toBe(group);
  });

  test("with a wrong prefix before its IPv4 part is unusable, as is a mapped one", () => {
    const { ip } = parseMultiaddr("/ip4/8.8.4.4/tcp/1");
    expect(reachOf({ ipVersion: 4, ip: sized(ip.with(0, 1), 16), port: 1 })).toBe("unusable");
    const mapped = new Uint8Array(16).fill(0xff, 10, 12).fill(8, 12);
    expect(reachOf({ ipVersion: 6, ip: sized(mapped, 16), port: 1 })).toBe("unusable");
  });

  test.each([
    "",
    "/ip4/1.2.3/tcp/1",
    "/ip4/::1/tcp/1",
    "/dns4/a.b/tcp/1",
    "/ip4/1.2.3.4/tcp/65536",
    "/ip4/1.2.3.4/udp/1",
  ])("%s is refused", (text) => expect(() => parseMultiaddr(text)).toThrow("invalid-multiaddr"));

  test("of IPv6 survives being written and read", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 1, max: 65_535 }),
        (bytes, port) => {
          const address = { ipVersion: 6, ip: sized(bytes, 16), port } as const;
          expect(parseMultiaddr(formatMultiaddr(address))).toEqual(address);
        },
      ),
    );
  });
});

describe("a map of autonomous systems", () => {
  test("gives the longest prefix that holds an address", () => {
    const map = parseAsnMap("# operators\n8.0.0.0/8 100\n8.8.0.0/16 200 # inner\n2a00::/16 300\n\n");
    expect(map.size).toBe(3);
    const asnOf = (text: string) => map.asnOf(parseMultiaddr(text));
    expect(asnOf("/ip4/8.8.1.1/tcp/1")).toBe(200);
    expect(asnOf("/ip4/8.9.1.1/tcp/1")).toBe(100);
    expect(asnOf("/ip4/9.9.1.1/tcp/1")).toBeUndefined();
    expect(asnOf("/ip6/2a00:1::1/tcp/1")).toBe(300);
  });

  test.each(["8.0.0.0/33 1", "8.0.0.0 1", "8.0.0.0/8 x", "8.0.0.0/8 4294967296", "nonsense"])("refuses %s", (line) => {
    expect(() => parseAsnMap(`8.0.0.0/8 1\n${line}\n`)).toThrow(expect.objectContaining({ params: { line: 2 } }));
  });
});

describe("a backoff", () => {
  test("doubles from one second, stays within a fifth, and never passes six minutes", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(40), (seed, failures) => {
        const ms = backoffMs(seededChance(seed), failures);
        const plain = Math.min(1000 * 2 ** failures, 300_000);
        expect(ms).toBeGreaterThanOrEqual(0.8 * plain);
        expect(ms).toBeLessThanOrEqual(1.2 * plain);
      }),
    );
  });

  test("begins anew after a connection that lasted", () => {
    const backoff = new Backoff();
    const chance = seededChance(1);
    for (let i = 0; i < 8; i++) backoff.failed(0, chance);
    expect(backoff.notBeforeMs).toBeGreaterThan(100_000);
    backoff.reset(500_000, chance);
    expect(backoff).toMatchObject({ failures: 0 });
    expect(backoff.notBeforeMs).toBeLessThanOrEqual(501_200);
  });
});

const claimOf = (number: number, octet = number): Claim => {
  const nodeId = new Uint8Array(32);
  new DataView(nodeId.buffer).setUint32(0, number);
  const address = parseMultiaddr(`/ip4/${5 + (octet >> 8)}.${octet & 0xff}.${number & 0xff}.1/tcp/8444`);
  return { nodeId: nodeId as NodeId, address, startWindow: 0n };
};

describe("the book of addresses", () => {
  const bookOf = (seed = 1) => {
    const chance = seededChance(seed);
    return new AddressBook(crypto, chance.bytes(32), noAsnMap, chance);
  };

  test("holds no more than the buckets of its source, however many one source tells", () => {
    const book = bookOf();
    for (let i = 0; i < 5000; i++) book.learn(claimOf(i, i % 4), "4 0101", false, 1n);
    expect(book.size).toBeLessThanOrEqual(4 * BUCKET_SIZE);
    for (let i = 0; i < 20_000; i++) book.learn(claimOf(i), `4 ${i}`, false, 1n);
    expect(book.size).toBeLessThanOrEqual(NEW_BUCKETS * BUCKET_SIZE);
  });

  test("never lets a stranger move a proven node, and lets the node move itself", () => {
    const book = bookOf();
    book.verify(claimOf(1, 1), "manifest", 1n);
    book.learn(claimOf(1, 2), "4 0202", false, 2n);
    expect(formatMultiaddr(book.get(claimOf(1).nodeId)!.record)).toBe("/ip4/5.1.1.1/tcp/8444");
    book.learn(claimOf(1, 3), "4 0202", true, 2n);
    expect(book.get(claimOf(1).nodeId)).toMatchObject({ isVerified: false });
    expect(formatMultiaddr(book.get(claimOf(1).nodeId)!.record)).toBe("/ip4/5.3.1.1/tcp/8444");
  });

  test("forgets an unproven address after three failures, and doubts a proven one after ten", () => {
    const book = bookOf();
    book.learn(claimOf(1), "s", false, 1n);
    book.verify(claimOf(2), "s", 1n);
    for (let i = 0; i < 3; i++) book.fail(claimOf(1).nodeId, 0);
    expect(book.get(claimOf(1).nodeId)).toBeUndefined();
    for (let i = 0; i < 9; i++) book.fail(claimOf(2).nodeId, 0);
    expect(book.get(claimOf(2).nodeId)?.isVerified).toBe(true);
    book.fail(claimOf(2).nodeId, 0);
    expect(book.get(claimOf(2).nodeId)?.isVerified).toBe(false);
  });

  test("forgets what nobody mentioned for eight hours unless it is proven", () => {
    const book = bookOf();
    book.learn(claimOf(1), "s", false, 1000n);
    book.learn(claimOf(2), "s", false, 1001n);
    book.verify(claimOf(3), "s", 1n);
    book.prune(1481n);
    expect([...book.entries()].map(({ record }) => record.nodeId)).toEqual([claimOf(2).nodeId, claimOf(3).nodeId]);
    expect(book.draw(({ isVerified }) => !isVerified)?.record.nodeId).toEqual(claimOf(2).nodeId);
  });

  test("draws from both tables, and gives up when nothing fits", () => {
    const book = bookOf();
    for (let i = 0; i < 100; i++) book.learn(claimOf(i), `4 ${i}`, false, 1n);
    book.verify(claimOf(200), "s", 1n);
    const drawn = Array.from({ length: 200 }, () => book.draw(() => true)!.isVerified);
    expect(drawn.filter(Boolean).length).toBeGreaterThan(60);
    expect(drawn.filter(Boolean).length).toBeLessThan(140);
    expect(book.draw(() => false)).toBeUndefined();
  });

  test("keeps table, buckets and counts in step whatever happens", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("learn", "verify", "fail", "remove"), fc.nat(30), fc.nat(3)));
    fc.assert(
      fc.property(steps, fc.nat(), (actions, seed) => {
        const book = bookOf(seed);
        for (const [action, number, octet] of actions) {
          const claim = claimOf(number, octet);
          if (action === "learn") book.learn(claim, `4 ${octet}`, octet === 0, 1n);
          else if (action === "verify") book.verify(claim, "s", 1n);
          else if (action === "fail") book.fail(claim.nodeId, 0);
          else book.remove(claim.nodeId);
        }
        const entries = [...book.entries()];
        expect(entries.length).toBe(book.size);
        expect(entries.filter(({ isVerified }) => isVerified).length).toBe(book.verifiedCount);
        expect(book.sampleVerified(1000).length).toBe(book.verifiedCount);
        expect(new Set(entries.map(({ record }) => toHex(record.nodeId))).size).toBe(entries.length);
      }),
    );
  });
});

describe("diversity", () => {
  const standing = (over: Partial<Standing>): Standing => ({ group: "g", asn: 1, cohort: 0n, isPublic: true, ...over });
  const two = [standing({ group: "a" }), standing({ group: "b" })];

  test("allows one of a network and two of an operator and of an age group, and relaxes in that order's reverse", () => {
    const stranger = { asn: 2, cohort: 1n };
    expect(isDiverse(two, standing({ group: "a", ...stranger }), 2)).toBe(false);
    expect(isDiverse(two, standing({ group: "a", ...stranger }), 3)).toBe(true);
    expect(isDiverse(two, standing({ group: "c", cohort: 1n }), 1)).toBe(false);
    expect(isDiverse(two, standing({ group: "c", cohort: 1n }), 2)).toBe(true);
    expect(isDiverse(two, standing({ group: "c", asn: 2 }), 0)).toBe(false);
    expect(isDiverse(two, standing({ group: "c", asn: 2 }), 1)).toBe(true);
    const four = [0, 1, 2, 3].map(() => standing({ group: "a" }));
    expect(isDiverse(four, standing({ group: "a" }), 3)).toBe(false);
  });

  test("takes unknown ages for one group, and gives way only while peers and addresses are few", () => {
    const unknown = [standing({ group: "a", cohort: undefined }), standing({ group: "b", cohort: undefined })];
    expect(isDiverse(unknown, standing({ group: "c", asn: 2, cohort: undefined }), 0)).toBe(false);
    expect([laxityMax(7, 47), laxityMax(8, 0), laxityMax(0, 48)]).toEqual([3, 0, 0]);
  });
});

describe("inbound eviction", () => {
  const peer = fc.record<Inbound>({
    group: fc.constantFrom("a", "b", "c", "d", "e"),
    sinceMs: fc.nat(10_000),
    pingMs: fc.oneof(fc.nat(500), fc.constant(Infinity)),
    lastObjectMs: fc.oneof(fc.nat(10_000), fc.constant(-Infinity)),
    lastProposalMs: fc.oneof(fc.nat(10_000), fc.constant(-Infinity)),
  });

  test("always finds somebody among more than twenty", () => {
    fc.assert(
      fc.property(fc.array(peer, { minLength: 21, maxLength: INBOUND_MAX }), (peers) => {
        expect(peers).toContain(chooseEvicted(peers));
      }),
    );
  });

  test("never takes the fastest four, the last four that brought objects, or the last four with proposals", () => {
    fc.assert(
      fc.property(fc.array(peer, { maxLength: INBOUND_MAX }), (peers) => {
        const evicted = chooseEvicted(peers);
        if (evicted === undefined) return;
        expect(peers.filter(({ pingMs }) => pingMs < evicted.pingMs).length >= 4 || evicted.pingMs === Infinity).toBe(
          true,
        );
        const later = peers.filter(({ lastObjectMs }) => lastObjectMs > evicted.lastObjectMs).length;
        const isShielded =
          evicted.lastObjectMs > -Infinity &&
          later === 0 &&
          peers.filter((p) => p.lastObjectMs === evicted.lastObjectMs).length === 1;
        expect(isShielded).toBe(false);
      }),
    );
  });

  test("takes the youngest of the largest network, so that a crowd from one network drives out only itself", () => {
    const crowd = Array.from({ length: 31 }, (_, i) => idle("evil", 1000 + i));
    expect(chooseEvicted([idle("good", 5000), ...crowd])).toBe(crowd.at(-1));
    expect(chooseEvicted<Inbound>([])).toBeUndefined();
  });

  function idle(group: string, sinceMs: number): Inbound {
    return { group, sinceMs, pingMs: Infinity, lastObjectMs: -Infinity, lastProposalMs: -Infinity };
  }
});

describe("budgets", () => {
  test("what the pace lets out in any order the budget of the receiver takes", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(60_000), fc.boolean(), fc.nat(200)), { maxLength: 600 }), (sends) => {
        const pace = new OutgoingPace(0);
        const budget = new IncomingBudget(0);
        let nowMs = 0;
        for (const [bytes, isUrgent, pauseMs] of sends) {
          nowMs += pauseMs;
          for (let delayMs = pace.delayMs(bytes, isUrgent, nowMs); delayMs > 0;) {
            nowMs += delayMs;
            delayMs = pace.delayMs(bytes, isUrgent, nowMs);
          }
          expect(budget.admits("other", bytes, nowMs)).toBe(true);
        }
      }),
    );
  });

  test("a megabyte, the longest message, passes at once, and for urgent ones a reserve is kept", () => {
    const pace = new OutgoingPace(0);
    expect(pace.delayMs(1_048_590, false, 0)).toBe(0);
    for (let i = 0; i < 1000; i++) if (pace.delayMs(1, false, 0) > 0) break;
    expect(pace.delayMs(1, false, 0)).toBeGreaterThan(0);
    expect(pace.delayMs(1, true, 0)).toBe(0);
  });

  test("a new connection does not begin with all that the limits allow: the peer may remember the one before", () => {
    const budget = new IncomingBudget(0);
    const sendAtOnce = (nowMs: number) => {
      const pace = new OutgoingPace(nowMs);
      while (pace.delayMs(1000, true, nowMs) === 0) {
        expect(budget.admits("other", 1000, nowMs)).toBe(true);
      }
    };
    for (let i = 0; i < 20; i++) sendAtOnce(i * 1500);
  });

  test("sixty pings and two requests for peers a window are enough", () => {
    const budget = new IncomingBudget(0);
    const taken = (kind: "ping" | "peer-list", nowMs: number) =>
      Array.from({ length: 100 }, () => budget.admits(kind, 14, nowMs)).filter(Boolean).length;
    expect([taken("ping", 0), taken("peer-list", 5000)]).toEqual([60, 2]);
    expect(taken("ping", TAU1_MS + 5000)).toBe(60);
  });
});

describe("the queue to a peer", () => {
  test("keeps at most 45 under way and 256 waiting, lets urgent ones pass, and empties when closed", async () => {
    const clock = new SimulatedClock();
    const queue = new RequestQueue(clock, new OutgoingPace(0), () => REQUESTS_UNDER_WAY_MAX);
    const finish: (() => void)[] = [];
    const order: string[] = [];
    const send = (name: string) => () => {
      order.push(name);
      return new Promise<Uint8Array>((resolve) => finish.push(() => resolve(new Uint8Array(0))));
    };
    const results = Array.from({ length: 301 }, (_, i) =>
      queue.run(1, false, send(`${i}`)).catch((e: unknown) => (e as Error).message),
    );
    await expect(queue.run(1, true, send("late"))).rejects.toThrow("too-many-requests");
    await clock.advance(1000);
    expect(finish.length).toBe(45);
    finish.splice(0, 1)[0]!();
    await clock.advance(0);
    const urgent = queue.run(1, true, send("urgent")).catch((e: unknown) => (e as Error).message);
    finish.splice(0, 1)[0]!();
    await clock.advance(0);
    expect(order.at(-1)).toBe("urgent");
    queue.close();
    for (const end of finish) end();
    const ended = await Promise.all([...results, urgent]);
    expect(ended.filter((result) => result === "connection-closed").length).toBeGreaterThan(200);
    expect(clock.timers).toBe(0);
  });
});

describe("conduct", () => {
  const id = (number: number) => `Qm${number}`;

  test("remembers the thousand bans that last longest", () => {
    const conduct = new Conduct(new SimulatedClock(), []);
    for (let i = 0; i < BANS_MAX + 50; i++) {
      conduct.ban(id(i), claimOf(i).nodeId, undefined, { reason: "test", forMs: 1000 + i });
    }
    expect(conduct.bans.length).toBe(BANS_MAX);
    expect([conduct.isBanned(id(0)), conduct.isBanned(id(50))]).toEqual([false, true]);
    expect([conduct.isNodeBanned(claimOf(0).nodeId), conduct.isNodeBanned(claimOf(50).nodeId)]).toEqual([false, true]);
  });

  test("bans an address behind which four identities were banned, until their bans are over", async () => {
    const clock = new SimulatedClock();
    const conduct = new Conduct(clock, []);
    for (let i = 0; i < 4; i++) {
      expect(conduct.isHostBanned("9.9.9.9")).toBe(false);
      conduct.ban(id(i), undefined, "9.9.9.9", { reason: "test", forMs: 60_000 });
    }
    expect(conduct.isHostBanned("9.9.9.9")).toBe(true);
    await clock.advance(60_000);
    expect(conduct.isHostBanned("9.9.9.9")).toBe(false);
  });

  test("counts the share of invalid messages within the last minute only", async () => {
    const clock = new SimulatedClock();
    const conduct = new Conduct(clock, []);
    const invalid = () => {
      conduct.countMessage(id(1));
      return conduct.penalise(id(1), 0, "test", true);
    };
    for (let i = 0; i < 19; i++) expect(invalid()).toBeUndefined();
    await clock.advance(61_000);
    for (let i = 0; i < 19; i++) expect(invalid()).toBeUndefined();
    for (let i = 0; i < 30; i++) conduct.countMessage(id(1));
    expect(invalid()).toBeUndefined();
    await clock.advance(30_000);
    for (let i = 0; i < 10; i++) expect(invalid()).toBeUndefined();
    expect(invalid()).toMatchObject({ reason: "test" });
  });
});

test("a sample holds each item at most once and every item sometimes", () => {
  const items = [1, 2, 3, 4, 5];
  const chance = seededChance(3);
  const seen = new Set<number>();
  for (let i = 0; i < 50; i++) {
    const taken = sample(chance, items, 2);
    expect(new Set(taken).size).toBe(2);
    for (const item of taken) seen.add(item);
  }
  expect(seen.size).toBe(5);
  expect(sample(chance, items, 9).toSorted()).toEqual(items);
});
