/** Chapter 07 §6 item 6. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { toHex, type Bytes, type NodeId } from "../../protocol/bytes.ts";
import { checkDiversity, PEER_RECORDS_MAX, PeerTable, prefixOf, type PeerRecord } from "./table.ts";

const nodeIdOf = (number: number): NodeId => {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, number);
  return id as NodeId;
};

const record = (number: number, change: Partial<PeerRecord> = {}): PeerRecord => ({
  nodeId: nodeIdOf(number),
  ipVersion: 4,
  ip: new Uint8Array([...new Uint8Array(12), number >> 8, number & 0xff, 0, 1]) as Bytes<16>,
  port: 8444,
  startWindow: BigInt(number),
  lastSeenWindow: 0n,
  asn: number,
  prefix16: new Uint8Array(2) as Bytes<2>,
  role: "outbound",
  ...change,
});

const anyRecord = fc
  .record({
    number: fc.nat(30),
    ipVersion: fc.constantFrom(4 as const, 6 as const),
    octet: fc.nat(5),
    startWindow: fc.bigInt(0n, 100n),
    lastSeenWindow: fc.bigInt(0n, 100n),
    asn: fc.option(fc.nat(5), { nil: undefined }),
  })
  .map(({ number, octet, ...fields }) =>
    record(number, {
      ...fields,
      ip: new Uint8Array(16).fill(octet, 12) as Bytes<16>,
      prefix16: new Uint8Array([octet, octet]) as Bytes<2>,
    }),
  );
const anyStep = fc.oneof(
  anyRecord.map((it) => ({ kind: "insert" as const, record: it })),
  fc.nat(30).map((number) => ({ kind: "verify" as const, number })),
  fc.bigInt(0n, 200n).map((window) => ({ kind: "prune" as const, window })),
);

describe("the table of peers", () => {
  test("keeps verified records through every pruning, and only what it holds is verified", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const table = new PeerTable();
        for (const step of steps) {
          if (step.kind === "insert") table.insert(step.record);
          if (step.kind === "verify") table.markVerified(nodeIdOf(step.number));
          if (step.kind !== "prune") continue;
          const [kept, size] = [[...table.records].filter(({ nodeId }) => table.isVerified(nodeId)), table.size];
          expect(size - table.prune(step.window, 1n)).toBe(table.size);
          for (const { nodeId } of kept) expect(table.get(nodeId)).toBeDefined();
        }
        for (let number = 0; number <= 30; number++) {
          if (table.isVerified(nodeIdOf(number))) expect(table.get(nodeIdOf(number))).toBeDefined();
        }
      }),
    );
  });

  test("selects peers of different networks, systems and cohorts, and the first m of m + 1 are the m", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 40 }), fc.nat(8), fc.bigInt(0n, 40n), (records, max, cohort) => {
        const table = new PeerTable();
        for (const it of records) table.insert(it);
        const selected = table.select(max, cohort);
        expect(checkDiversity(selected)).toBeUndefined();
        const cohorts = selected.map(({ startWindow }) => (cohort === 0n ? startWindow : startWindow / cohort));
        expect(new Set(cohorts).size).toBe(selected.length);
        expect(selected.length).toBeLessThanOrEqual(max);
        expect(table.select(max + 1, cohort).slice(0, max)).toEqual(selected);
      }),
    );
  });

  test("never outgrows its bound and gives up unverified records before verified ones, the oldest first", () => {
    const table = new PeerTable();
    for (let i = 0; i < PEER_RECORDS_MAX; i++) table.insert(record(i, { lastSeenWindow: BigInt(i) }));
    table.markVerified(nodeIdOf(0));
    table.insert(record(PEER_RECORDS_MAX, { lastSeenWindow: 0n }));
    expect(table.size).toBe(PEER_RECORDS_MAX);
    expect([0, 1, 2].map((i) => table.get(nodeIdOf(i)) !== undefined)).toEqual([true, false, true]);
    for (let i = 1; i <= PEER_RECORDS_MAX; i++) table.markVerified(nodeIdOf(i));
    table.insert(record(PEER_RECORDS_MAX + 1));
    // Seen in window 0 are two; the lower id goes.
    expect([0, PEER_RECORDS_MAX].map((i) => table.get(nodeIdOf(i)) !== undefined)).toEqual([false, true]);
    expect(table.isVerified(nodeIdOf(0))).toBe(false);
  });

  test("takes no other address for a node that it knows", () => {
    const table = new PeerTable();
    table.insert(record(1, { lastSeenWindow: 5n }));
    table.insert(record(1, { lastSeenWindow: 9n, port: 1, role: "anchor", asn: 7 }));
    expect(table.get(nodeIdOf(1))).toEqual(record(1, { lastSeenWindow: 9n, role: "anchor" }));
  });

  test("forgets what it is told to, its proof too", () => {
    const table = new PeerTable();
    table.insert(record(1));
    table.markVerified(nodeIdOf(1));
    table.remove(nodeIdOf(1));
    table.insert(record(1));
    expect(table.isVerified(nodeIdOf(1))).toBe(false);
  });

  test("names the network of IPv4 by the address and of IPv6 by what was supplied", () => {
    const ip = new Uint8Array([...new Uint8Array(12), 10, 20, 30, 40]) as Bytes<16>;
    const prefix16 = new Uint8Array([0x20, 0x01]) as Bytes<2>;
    expect(prefixOf(record(1, { ip, prefix16 })).toString(16)).toBe("a14");
    expect(prefixOf(record(1, { ip, prefix16, ipVersion: 6 })).toString(16)).toBe("2001");
    expect(toHex(prefix16)).toBe("2001");
  });
});
