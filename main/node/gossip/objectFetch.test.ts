/** The asking side against peers that answer as a test wants. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Message } from "../../consensus/objects.ts";
import {
  decodeFetchRequest,
  encodeFetchReply,
  type FetchReply,
  type FetchRequest,
} from "../../network/messages/objectFetch.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import type { Peer, RequestFailure } from "../../network/ports.ts";
import { loadCrypto } from "../../native/index.ts";
import type { Hash32, NodeId } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { taggedHash } from "../../protocol/hash.ts";
import { Member, Testnet } from "../runtime/testnet.fixture.ts";
import { ObjectFetch } from "./objectFetch.ts";
import { toGossip } from "./objects.ts";

const { crypto } = loadCrypto();
type Reply = (request: FetchRequest) => Partial<FetchReply> | RequestFailure;

function reveal(number: number): { readonly object: FetchReply["objects"][number]; readonly id: Hash32 } {
  const bytes = new Uint8Array(3381).fill(number);
  return {
    object: { msgType: MESSAGE.vdfReveal, bytes },
    id: taggedHash(crypto, "mt-vdf-reveal", bytes.subarray(0, 72)),
  };
}

class Bench {
  readonly asked: string[] = [];
  readonly penalties: string[] = [];
  readonly found: { readonly from: string; readonly message: Message }[] = [];
  nowMs = 0;
  readonly fetch: ObjectFetch;

  constructor(replies: Readonly<Record<string, Reply>>) {
    const peers = Object.entries(replies).map(([peerId, reply]): Peer => ({
      ...{ peerId, nodeId: new Uint8Array(32) as NodeId, isOutbound: true },
      request: (_, request) => {
        this.asked.push(peerId);
        const answer = reply(decodeFetchRequest(request));
        if (typeof answer === "string") return Promise.reject(new ProtocolError(answer));
        return Promise.resolve(encodeFetchReply({ more: false, nextCursor: 0, objects: [], ...answer }));
      },
    }));
    this.fetch = new ObjectFetch({
      ...{ crypto, peers: () => peers, nowMs: () => this.nowMs },
      penalise: (peer) => this.penalties.push(peer),
    });
  }

  objects(...ids: Hash32[]): Promise<void> {
    return this.fetch.objects(ids, (from, message) => this.found.push({ from, message }));
  }
}

const [one, two] = [reveal(1), reveal(2)];

test("what one peer does not have the next one is asked for, and only that", async () => {
  const asked: number[] = [];
  const bench = new Bench({
    a: () => ({ objects: [one.object] }),
    b: (request) => {
      asked.push(request.kind === 1 ? request.ids.length : 0);
      return { objects: [two.object] };
    },
  });
  await bench.objects(one.id, two.id);
  expect(bench.found.map(({ from }) => from)).toEqual(["a", "b"]);
  expect(asked).toEqual([1]);
});

test("another peer is the first to be asked each time", async () => {
  const all = () => ({ objects: [one.object] });
  const bench = new Bench({ a: all, b: all, c: all });
  for (let i = 0; i < 4; i++) await bench.objects(one.id);
  expect(bench.asked).toEqual(["a", "b", "c", "a"]);
});

test("a peer with more to come is asked again for what is missing", async () => {
  const bench = new Bench({
    a: (request) =>
      request.kind === 1 && request.ids.length === 2
        ? { more: true, objects: [one.object] }
        : { objects: [two.object] },
  });
  await bench.objects(one.id, two.id);
  expect(bench.found).toHaveLength(2);
});

test("who does not serve objects is not asked for τ₂, who was late not for τ₁ while there are others", async () => {
  let isLate = true;
  const bench = new Bench({
    old: () => "protocol-not-served",
    slow: () => (isLate ? "request-timeout" : {}),
    quick: () => ({}),
  });
  await bench.objects(one.id);
  expect(bench.asked.splice(0)).toEqual(["old", "slow", "quick"]);
  await bench.objects(one.id);
  expect(bench.asked.splice(0)).toEqual(["quick"]);
  isLate = false;
  bench.nowMs = 60_000;
  await bench.objects(one.id);
  expect(bench.asked.splice(0).toSorted()).toEqual(["quick", "slow"]);
  bench.nowMs = 20_160 * 60_000;
  await bench.objects(one.id);
  expect(bench.asked.toSorted()).toEqual(["old", "quick", "slow"]);
  expect(bench.penalties).toEqual([]);
});

test("who was late is asked all the same when there is nobody else", async () => {
  const bench = new Bench({ slow: () => "request-timeout" });
  await bench.objects(one.id);
  await bench.objects(one.id);
  expect(bench.asked).toEqual(["slow", "slow"]);
});

test.each<[string, Reply]>([
  ["an object that nobody asked for", () => ({ objects: [two.object] })],
  ["an object of another type than its bytes", () => ({ objects: [{ ...one.object, msgType: MESSAGE.anchor }] })],
  ["more to come and nothing now", () => ({ more: true })],
])("%s is a lie: it is penalised and another peer asked", async (_, lie) => {
  const bench = new Bench({ liar: lie, honest: () => ({ objects: [one.object] }) });
  await bench.objects(one.id);
  expect(bench.penalties).toEqual(["liar"]);
  expect(bench.found.at(-1)!.from).toBe("honest");
});

test("a range that never ends is a lie, and an empty one only somebody who has no more", async () => {
  const bench = new Bench({ liar: () => ({ more: true, nextCursor: 0 }), behind: () => ({}) });
  expect(await bench.fetch.windows(5n, 64n)).toEqual({ from: "behind", windows: [] });
  expect(bench.penalties).toEqual(["liar"]);
});

test("nobody answers when there is nobody", async () => {
  expect(await new Bench({}).fetch.windows(5n, 64n)).toBeUndefined();
});

describe("a range of many pages", () => {
  const FIRST = 2n;
  const WINDOWS = 4;
  const founder = new Member("founder");
  const net = new Testnet({ founders: [founder], tau2Windows: 100n, d: 50_000n });
  let objects: FetchReply["objects"];
  let pageOfThird: number;

  beforeAll(async () => {
    const node = await net.start(founder);
    await node.untilWindow(Number(FIRST) + WINDOWS);
    const range = { first: FIRST, last: FIRST + BigInt(WINDOWS) - 1n, cursor: 0, bytesMax: 2 ** 20 };
    const stream = (await node.node.state.ask("range", range)).objects;
    objects = stream.map(toGossip).map(({ type, payload }) => ({ msgType: type, bytes: payload }));
    pageOfThird = [...stream.entries()].filter(([, { type }]) => type === "header")[2]![0];
  });
  afterAll(() => net.end());

  /** An object a page; `last` answers for all pages from that number on. */
  const upTo =
    (end: number, last: Reply): Reply =>
    (request) => {
      const cursor = request.kind === 2 ? request.cursor : 0;
      if (cursor >= end) return last(request);
      return { objects: [objects[cursor]!], more: cursor + 1 < objects.length, nextCursor: cursor + 1 };
    };

  test.each<[string, Reply, string[]]>([
    ["falls silent", () => "request-timeout", []],
    ["is gone", () => "connection-closed", []],
    ["lies", () => ({ objects: [one.object], more: true, nextCursor: 99 }), ["a"]],
  ])("is worth its whole windows where the peer %s before the end", async (_, end, penalties) => {
    const bench = new Bench({ a: upTo(pageOfThird + 1, end), b: upTo(objects.length, () => ({})) });
    const answer = await bench.fetch.windows(FIRST, BigInt(WINDOWS));
    expect(answer).toMatchObject({ from: "a" });
    expect(answer!.windows.map(({ header }) => header.windowIndex)).toEqual([FIRST, FIRST + 1n]);
    expect(bench.penalties).toEqual(penalties);
  });

  test("is asked of another peer where none of its windows came whole", async () => {
    const bench = new Bench({ a: upTo(1, () => "request-timeout"), b: upTo(objects.length, () => ({})) });
    const answer = await bench.fetch.windows(FIRST, BigInt(WINDOWS));
    expect(answer).toMatchObject({ from: "b" });
    expect(answer!.windows).toHaveLength(WINDOWS);
  });
});
