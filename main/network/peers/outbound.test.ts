/** What takes days: feelers, rotation, leaving the manifest's peers, giving way to few addresses. No manager, only its choices. */
import { expect, test } from "vitest";

import { toHex, type NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { ManifestPeer } from "../../protocol/genesis/manifest.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import { loadCrypto } from "../../native/index.ts";
import type { Connection } from "../ports.ts";
import { formatMultiaddr, hostOf, parseMultiaddr, reachOf } from "./address.ts";
import { AddressBook } from "./addressBook.ts";
import { parseAsnMap } from "./asnMap.ts";
import { OutgoingPace } from "./budget.ts";
import { FEELER_PERIOD_MS, OUTBOUND_MAX, TAU2_MS, TICK_MS } from "./limits.ts";
import { memoryKey, seededChance, SimulatedClock } from "./memoryCarrier.fixture.ts";
import { Outbound, type Dial } from "./outbound.ts";
import { PeerSession, type Purpose } from "./session.ts";

const { crypto } = loadCrypto();
const OWN = 0;
const SILENT: Pick<Connection, "request" | "close" | "closed"> = {
  request: () => Promise.reject(new ProtocolError("request-timeout")),
  close: () => undefined,
  closed: new Promise(() => undefined),
};

/** The choices of one node in a world where every dial succeeds at once unless it is made to fail. */
class Bench {
  readonly clock = new SimulatedClock();
  readonly book: AddressBook;
  readonly sessions: PeerSession[] = [];
  readonly dials: Dial[] = [];
  readonly released: PeerSession[] = [];
  readonly cohorts = new Map<string, bigint>();
  readonly unreachable = new Set<string>();
  readonly outbound: Outbound;

  constructor(manifest: readonly ManifestPeer[] = [], seed = 1, asnText = "") {
    const chance = seededChance(seed);
    this.book = new AddressBook(crypto, chance.bytes(32), parseAsnMap(asnText), chance);
    const { clock, book, sessions } = this;
    this.outbound = new Outbound(
      {
        clock,
        chance,
        book,
        sessions,
        self: { peerId: peerIdOfNumber(OWN), nodeId: nodeIdOfNumber(OWN) },
        keepManifestPeers: false,
        isBanned: () => false,
        isAddressAllowed: (address) => reachOf(address) === "public",
        startWindowOf: (nodeId) => this.cohorts.get(toHex(nodeId)),
        connect: (multiaddr) => this.#connect(multiaddr),
        take: (_, dial) => this.#take(dial),
        dialing: (dial) => this.dials.push(dial),
        dialFailed: () => undefined,
        release: (session) => {
          this.released.push(session);
          sessions.splice(sessions.indexOf(session), 1);
        },
        invalidManifestPeer: () => undefined,
      },
      manifest,
      [],
    );
  }

  know(
    number: number,
    over: { readonly isVerified?: boolean; readonly cohort?: bigint; readonly ip?: string } = {},
  ): void {
    const address = parseMultiaddr(over.ip ?? multiaddrOf(number));
    const claim = { nodeId: nodeIdOfNumber(number), address, startWindow: 0n };
    if (over.cohort !== undefined) this.cohorts.set(toHex(claim.nodeId), over.cohort * 20_160n);
    if (over.isVerified === true) this.book.verify(claim, `4 ${number}`, 1n);
    else this.book.learn(claim, `4 ${number}`, false, 1n);
  }

  /** A peer that is there without having been dialled. */
  admit(number: number, purpose?: Purpose): PeerSession {
    const publicKey = memoryKey(number);
    const connection = {
      ...SILENT,
      peerId: peerIdOfNumber(number),
      publicKey,
      isDialer: purpose !== undefined,
      remote: multiaddrOf(number),
    };
    const link = { connection, purpose, sinceMs: this.clock.nowMs() };
    const session = new PeerSession(this.clock, nodeIdOfNumber(number), link, new OutgoingPace(0), () => undefined);
    this.sessions.push(session);
    return session;
  }

  async tick(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.outbound.tick();
      await this.clock.advance(TICK_MS);
    }
  }

  #connect(multiaddr: string): Promise<Connection> {
    return this.unreachable.has(multiaddr)
      ? Promise.reject(new ProtocolError("connect-failed"))
      : Promise.resolve({ ...SILENT } as Connection);
  }

  #take({ address, purpose, nodeId }: Dial): "taken" {
    const number = Number(hostOf(address).split(".")[1]);
    if (purpose === "feeler") this.book.verify({ nodeId: nodeId!, address, startWindow: 0n }, "s", 1n);
    else this.admit(number, purpose);
    return "taken";
  }
}

const nodeIdOfNumber = (number: number): NodeId => nodeIdOf(crypto, memoryKey(number));
const peerIdOfNumber = (number: number): string => formatPeerId(peerIdOf(crypto, memoryKey(number)));
const multiaddrOf = (number: number): string => `/ip4/5.${number}.0.1/tcp/8444`;
const manifestOf = (...numbers: number[]): ManifestPeer[] =>
  numbers.map((number) => ({
    label: `node${number}`,
    multiaddr: multiaddrOf(number),
    peerId: peerIdOfNumber(number),
    accountIdHex: "",
    nodeIdHex: toHex(nodeIdOfNumber(number)),
    isBootstrap: false,
  }));
const purposes = ({ sessions }: Bench, purpose: Purpose): number =>
  sessions.filter((session) => session.purpose === purpose).length;

test("takes 24 outbound peers where there are enough of different age, and no more", async () => {
  const bench = new Bench();
  for (let number = 1; number <= 60; number++) bench.know(number, { cohort: BigInt(number) });
  await bench.tick(10);
  expect(bench.sessions.length).toBe(OUTBOUND_MAX);
});

test("takes eight peers of one age group in a young network, however many addresses it knows", async () => {
  for (const known of [20, 200]) {
    const bench = new Bench();
    for (let number = 1; number <= known; number++) bench.know(number, { cohort: 0n });
    await bench.tick(10);
    expect(bench.sessions.length).toBe(8);
  }
});

test("takes two peers of one operator, one of one network, four of it at last", async () => {
  const operator = new Bench([], 1, "5.0.0.0/8 7\n");
  for (let number = 1; number <= 60; number++) operator.know(number, { cohort: BigInt(number) });
  for (let number = 1; number <= 100; number++) {
    operator.know(1000 + number, { cohort: 100n + BigInt(number), ip: `/ip4/6.${number}.0.1/tcp/1` });
  }
  await operator.tick(20);
  const ofOperator = operator.sessions.filter(({ remote }) => hostOf(remote).startsWith("5."));
  expect(operator.dials.length).toBe(OUTBOUND_MAX);
  expect(operator.dials.filter(({ address }) => hostOf(address).startsWith("5.")).length).toBe(2);
  expect(ofOperator.length).toBeGreaterThanOrEqual(2);

  const network = new Bench();
  for (let number = 1; number <= 20; number++) network.know(number, { ip: `/ip4/5.5.${number}.1/tcp/1` });
  await network.tick(10);
  expect(network.dials.length).toBe(4);
});

test("goes to three of a long manifest at first and leaves them once thirteen others are there", async () => {
  const bench = new Bench(manifestOf(1, 2, 3, 4, 5, 6));
  await bench.tick(3);
  expect(purposes(bench, "manifest")).toBe(3);
  for (let number = 20; number < 33; number++) bench.admit(number, "selected");
  await bench.tick();
  expect(bench.released.map(({ purpose }) => purpose)).toEqual(["manifest", "manifest", "manifest"]);
  await bench.tick(5);
  expect(purposes(bench, "manifest")).toBe(0);
});

test("stays with the whole manifest where it is of it", async () => {
  const bench = new Bench(manifestOf(OWN, 1, 2, 3, 4, 5, 6));
  await bench.tick(3);
  for (let number = 20; number < 36; number++) bench.admit(number, "selected");
  await bench.tick(3);
  expect(purposes(bench, "manifest")).toBe(6);
  expect(bench.dials.map(({ label }) => label)).toEqual(["node1", "node2", "node3", "node4", "node5", "node6"]);
});

test("never stops dialling a manifest peer that is away, with pauses up to five minutes", async () => {
  const bench = new Bench(manifestOf(OWN, 1));
  bench.unreachable.add(multiaddrOf(1));
  await bench.tick(600);
  const early = bench.dials.length;
  await bench.tick(3600);
  expect(bench.dials.length - early).toBeGreaterThanOrEqual(10);
  expect(bench.dials.length - early).toBeLessThanOrEqual(16);
});

test("tries one new address every ten windows, and three failures remove it", async () => {
  const bench = new Bench();
  for (let number = 40; number < 40 + OUTBOUND_MAX; number++) bench.admit(number, "selected");
  bench.know(1);
  bench.know(2);
  bench.unreachable.add(multiaddrOf(2));
  for (let period = 0; period < 8; period++) {
    await bench.clock.advance(FEELER_PERIOD_MS);
    await bench.tick(2);
  }
  expect(bench.dials.every(({ purpose }) => purpose === "feeler")).toBe(true);
  expect(bench.dials.length).toBe(4);
  expect(bench.book.get(nodeIdOfNumber(1))?.isVerified).toBe(true);
  expect(bench.book.get(nodeIdOfNumber(2))).toBeUndefined();
});

test("replaces once in two weeks a peer that brought no proposal while others did", async () => {
  const bench = new Bench();
  for (let number = 40; number < 40 + OUTBOUND_MAX; number++) bench.admit(number, "selected").proposals = 1;
  const idle = bench.sessions[7]!;
  idle.proposals = 0;
  for (let number = 80; number < 90; number++) bench.know(number, { cohort: BigInt(number) });
  await bench.tick();
  await bench.clock.advance(TAU2_MS);
  await bench.tick(2);
  expect(bench.released).toEqual([idle]);
  expect(bench.sessions.length).toBe(OUTBOUND_MAX);
  expect(bench.sessions.every(({ proposals }) => proposals === 0)).toBe(true);
});

test("proves the address that a connected peer says, though it needs nobody", async () => {
  const bench = new Bench();
  bench.admit(1);
  bench.know(1);
  bench.outbound.advertised(nodeIdOfNumber(1));
  await bench.tick(2);
  expect(bench.dials.map(({ purpose, address }) => [purpose, formatMultiaddr(address)])).toEqual([
    ["feeler", multiaddrOf(1)],
  ]);
});

test("dials nobody where thousands of addresses are known and none of them fits", async () => {
  const bench = new Bench();
  for (let number = 0; number < 5000; number++) {
    bench.know(number, { cohort: 0n, ip: `/ip4/5.${(number >> 6) & 0xff}.${number & 63}.1/tcp/1` });
  }
  for (let number = 100; number < 110; number++) bench.admit(number, "selected");
  expect(bench.book.size).toBeGreaterThan(2500);
  await bench.tick(3);
  expect(bench.dials).toEqual([]);
});
