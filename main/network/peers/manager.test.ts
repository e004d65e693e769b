import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { encodeEnvelope } from "../messages/envelope.ts";
import { MESSAGE, type MessageType } from "../messages/registry.ts";
import { PROTOCOLS, type Peer, type Served } from "../ports.ts";
import { memoryKey } from "./memoryCarrier.fixture.ts";
import { World, type TestNode } from "./world.fixture.ts";

const NOTHING = new Uint8Array(0);
const message = (msgType: MessageType, payload: Uint8Array = NOTHING, requestId = 7n): Uint8Array =>
  encodeEnvelope({ msgType, requestId, payload });

const connectedTo = (node: TestNode): readonly string[] => node.manager.peers.map(({ peerId }) => peerId).sort();
const peerOf = (node: TestNode, other: TestNode): Peer =>
  node.manager.peers.find(({ peerId }) => peerId === other.manager.peerId)!;

let world: World;
beforeEach(() => {
  world = new World();
});

async function pair(): Promise<[TestNode, TestNode]> {
  const manifest = world.manifestOf(1, 2);
  const one = await world.start(world.make(1, { manifest }));
  const two = await world.start(world.make(2, { manifest }));
  await world.clock.advance(30_000);
  return [one, two];
}

describe("the nodes of a manifest", () => {
  test("form a full mesh of single connections though all dial all", async () => {
    const manifest = world.manifestOf(1, 2, 3, 4);
    const nodes = [1, 2, 3, 4].map((number) => world.make(number, { manifest }));
    await Promise.all(nodes.map((node) => world.start(node)));
    await world.clock.advance(60_000);
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node).map(({ manager }) => manager.peerId);
      expect(connectedTo(node)).toEqual(others.sort());
      expect([...node.connected].sort()).toEqual(others.sort());
    }
    expect(world.network.connections.size).toBe(12);
  });

  test("find a node again that was away for an hour", async () => {
    const [one, two] = await pair();
    world.network.kill(two.manager.peerId);
    await world.clock.advance(1000);
    expect(one.connected).toEqual([]);
    await world.clock.advance(3_600_000);
    const dialsBefore = world.network.dials;
    await world.clock.advance(3_600_000);
    expect(world.network.dials - dialsBefore).toBeLessThan(40);
  });

  test("keep the connection that the lower node_id dialed when both dial at once", async () => {
    const manifest = world.manifestOf(1, 2);
    const nodes = [world.make(1, { manifest }), world.make(2, { manifest })];
    await Promise.all(nodes.map((node) => world.start(node)));
    await world.clock.advance(1000);
    expect(world.network.connections.size).toBe(4);
    await world.clock.advance(10_000);
    expect(world.network.connections.size).toBe(2);
    const [lower, higher] = nodes.sort((a, b) => Buffer.compare(a.manager.nodeId, b.manager.nodeId));
    expect(peerOf(lower!, higher!).isOutbound).toBe(true);
    expect(peerOf(higher!, lower!).isOutbound).toBe(false);
    expect([lower!.connected.length, higher!.connected.length]).toEqual([1, 1]);
  });
});

describe("an rc.1 node", () => {
  /** Answers everything with Pong and serves nothing else. */
  test("is recognised by its Pong to a request for peers", async () => {
    const manifest = world.manifestOf(1, 2);
    const one = await world.start(world.make(1, { manifest }));
    await new FakeRc1(world, 2).listen();
    await world.clock.advance(20_000);
    expect(one.manager.peers.map(({ isLikeRc1 }) => isLikeRc1)).toEqual([true]);
  });

  test("never loses just one of two connections: both go, and one comes back", async () => {
    const manifest = world.manifestOf(1, 2);
    const old = await new FakeRc1(world, 2).listen();
    const one = world.make(1, { manifest });
    await world.start(one);
    await old.dial(one.address);
    await world.clock.advance(3000);
    expect(old.open).toBe(2);
    const seen: number[] = [];
    for (let second = 0; second < 60; second++) {
      await world.clock.advance(1000);
      if (seen.at(-1) !== old.open) seen.push(old.open);
    }
    expect(seen).toEqual([2, 0, 1]);
  });
});

describe("requests at once", () => {
  /** How many of 20 leave before anything is answered. */
  async function underWay(node: TestNode): Promise<number> {
    const [connection] = [...world.network.connections].filter(({ owner }) => owner.peerId === node.manager.peerId);
    let count = 0;
    connection!.request = () => {
      count++;
      return new Promise(() => undefined);
    };
    const [peer] = node.manager.peers;
    for (let i = 0; i < 20; i++)
      void peer!.request(PROTOCOLS.messages, message(MESSAGE.transfer)).catch(() => undefined);
    await world.clock.advance(0);
    return count;
  }

  test("are eight to an rc.1 node, which survives no more, and more to others", async () => {
    const one = await world.start(world.make(1, { manifest: world.manifestOf(1, 2) }));
    await new FakeRc1(world, 2).listen();
    await world.clock.advance(20_000);
    expect(await underWay(one)).toBe(8);
    world = new World();
    expect(await underWay((await pair())[0])).toBe(20);
  });

  test("that end its connection in a Yamux violation are no fault of an rc.1 node: it is dialed again, and not banned", async () => {
    const one = await world.start(world.make(1, { manifest: world.manifestOf(1, 2) }));
    await new FakeRc1(world, 2).listen();
    await world.clock.advance(20_000);
    for (let i = 0; i < 5; i++) {
      for (const connection of world.network.connections) connection.close("yamux-violation");
      await world.clock.advance(0);
      expect(one.manager.peers).toEqual([]);
      await world.clock.advance(90_000);
      expect(one.manager.peers.length).toBe(1);
    }
    expect(one.events.filter(({ code }) => code === "peer-banned")).toEqual([]);
  });
});

describe("liveness", () => {
  test("pings every five seconds and writes the line that monitors read", async () => {
    const [one, two] = await pair();
    const before = one.journal.filter((line) => line.includes("heartbeat OK")).length;
    await world.clock.advance(60_000);
    const lines = one.journal.filter((line) => line.includes("heartbeat OK"));
    expect(lines.length - before).toBe(12);
    expect(lines.at(-1)).toMatch(new RegExp(`^\\[network\\] heartbeat OK peer=${two.manager.peerId} request_id=\\d+$`));
  });

  test("pings once a window where windows are short, and never so often that it is taken for a flood", async () => {
    const settings = { manifest: world.manifestOf(1, 2), windowSeconds: () => 0.2 };
    const one = await world.start(world.make(1, settings));
    await world.start(world.make(2, settings));
    await world.clock.advance(3_600_000);
    const lines = one.journal.filter((line) => line.includes("heartbeat OK"));
    expect(lines.length).toBeGreaterThan(2900);
    expect(lines.length).toBeLessThan(3100);
    expect(one.manager.status.bans).toBe(0);
  });

  test("knows within two windows of a second that a peer says nothing, for how long, and when it is back", async () => {
    const told: (number | undefined)[] = [];
    const settings = { manifest: world.manifestOf(1, 2), windowSeconds: () => 1 };
    const onSilence = () => told.push(one.manager.peers[0]?.silentMs);
    const one: TestNode = world.make(1, { ...settings, onSilence });
    await world.start(one);
    await world.start(world.make(2, settings));
    await world.clock.advance(30_000);
    for (const connection of world.network.connections) connection.isMute = true;
    await world.clock.advance(2500);
    expect(told.length).toBe(1);
    expect(one.manager.peers[0]!.silentMs).toBeGreaterThan(1000);
    expect(one.manager.peers[0]!.silentMs).toBeLessThanOrEqual(3700);
    for (const connection of world.network.connections) connection.isMute = false;
    await world.clock.advance(2500);
    expect(told.at(-1)).toBeUndefined();
    expect(told.length).toBe(2);
  });

  test("ends a connection that swallows everything after three windows, and dials anew", async () => {
    const [one, two] = await pair();
    for (const connection of world.network.connections) connection.isMute = true;
    await world.clock.advance(175_000);
    expect(connectedTo(one)).toEqual([two.manager.peerId]);
    await world.clock.advance(20_000);
    expect(one.journal.some((line) => line.includes("cause=no reply for three minutes"))).toBe(true);
    await world.clock.advance(60_000);
    expect(connectedTo(one)).toEqual([two.manager.peerId]);
  });

  test("says Bye to everybody and is gone within five seconds", async () => {
    const [one, two] = await pair();
    await world.stop(two);
    expect(connectedTo(one)).toEqual([]);
    expect(one.connected).toEqual([]);
    expect(two.connected).toEqual([]);
    expect(world.network.connections.size).toBe(0);
    expect(one.journal.at(-1)).toMatch(/^\[network\] (outgoing connection ERROR|connection closed|dialing)/);
  });

  test("leaves no timer behind", async () => {
    const [one, two] = await pair();
    await world.stop(one, two);
    await world.clock.advance(60_000);
    expect(world.clock.timers).toBe(0);
  });
});

describe("what a peer sends", () => {
  const replyTo = async (request: Uint8Array, served: readonly Served<Peer>[] = []): Promise<Uint8Array | string> => {
    const manifest = world.manifestOf(1, 2);
    const one = await world.start(world.make(1, { manifest }));
    const two = await world.start(world.make(2, { manifest }), served);
    await world.clock.advance(15_000);
    return peerOf(one, two)
      .request(PROTOCOLS.messages, request)
      .catch((error: unknown) => (error as { code: string }).code);
  };

  test("gets a Pong when nobody here serves it", async () => {
    expect(await replyTo(message(MESSAGE.fastSyncRequest, new Uint8Array(16)))).toEqual(message(MESSAGE.pong));
    const unknown = message(MESSAGE.ping).with(0, 0x02);
    world = new World();
    expect(await replyTo(unknown)).toEqual(message(MESSAGE.pong));
  });

  test("goes to the handler that serves the rest of the protocol", async () => {
    const seen: Uint8Array[] = [];
    const handler: Served<Peer> = {
      protocol: PROTOCOLS.messages,
      framing: "envelope",
      requestBytesMax: 100,
      serve: (_, request) => Promise.resolve((seen.push(request), message(MESSAGE.fastSyncError))),
    };
    const request = message(MESSAGE.fastSyncRequest, new Uint8Array(16));
    expect(await replyTo(request, [handler])).toEqual(message(MESSAGE.fastSyncError));
    expect(seen).toEqual([request]);
  });

  test("of another version gets error 3 and a Bye", async () => {
    const reply = await replyTo(message(MESSAGE.ping).with(1, 2));
    expect([(reply as Uint8Array)[0], (reply as Uint8Array)[14]]).toEqual([MESSAGE.fastSyncError, 3]);
    await world.clock.advance(3000);
    expect(world.network.connections.size).toBe(0);
  });

  test("that answers nothing counts against the peer", async () => {
    const [one, two] = await pair();
    const link = one.manager.peers[0]!.inUse!.connection;
    const unasked = message(MESSAGE.peerListResponse, new Uint8Array(2));
    for (let i = 0; i < 21; i++) {
      await link.request(PROTOCOLS.messages, unasked).catch(() => undefined);
    }
    expect(two.events.map(({ code }) => code)).toContain("peer-banned");
  });

  test("beyond its share is dropped, and in the end the peer is banned", async () => {
    const [one, two] = await pair();
    const link = one.manager.peers[0]!.inUse!.connection;
    const replies = await Promise.allSettled(
      Array.from({ length: 300 }, () => link.request(PROTOCOLS.messages, message(MESSAGE.anchor))),
    );
    const dropped = replies.filter(({ status }) => status === "rejected").length;
    expect(dropped).toBeGreaterThanOrEqual(44);
    expect(two.manager.status.bans).toBe(0);
    await Promise.allSettled(
      Array.from({ length: 300 }, () => link.request(PROTOCOLS.messages, message(MESSAGE.anchor))),
    );
    expect(two.events.filter(({ code }) => code === "peer-banned")).toEqual([
      {
        level: "warn",
        code: "peer-banned",
        params: { peer: one.manager.peerId, reason: "too many messages", minutes: 24 },
      },
    ]);
    await world.clock.advance(5000);
    expect(connectedTo(two)).toEqual([]);
  });

  test("is spaced by the sender so that no honest peer meets the limit", async () => {
    const manifest = world.manifestOf(1, 2);
    const one = await world.start(world.make(1, { manifest }));
    const two = await world.start(world.make(2, { manifest }));
    await world.clock.advance(15_000);
    let answered = 0;
    for (let burst = 0; burst < 20; burst++) {
      for (let i = 0; i < 100; i++) {
        void peerOf(one, two)
          .request(PROTOCOLS.messages, message(MESSAGE.anchor))
          .then(() => answered++)
          .catch(() => undefined);
      }
      await world.clock.advance(1000);
    }
    await world.clock.advance(10_000);
    expect(answered).toBeGreaterThan(1000);
    expect(two.events.filter(({ code }) => code === "peer-banned")).toEqual([]);
  });
});

describe("a ban", () => {
  test("comes at a hundred points, ends the connection, holds for 24 windows and is over then", async () => {
    const [one, two] = await pair();
    one.manager.penalise(two.manager.peerId, 99, "test");
    expect(one.manager.status.bans).toBe(0);
    one.manager.penalise(two.manager.peerId, 1, "bad signatures");
    expect(one.events.at(-1)).toMatchObject({ code: "peer-banned", params: { reason: "bad signatures" } });
    await world.clock.advance(23 * 60_000);
    expect(connectedTo(one)).toEqual([]);
    await world.clock.advance(8 * 60_000);
    expect(connectedTo(one)).toEqual([two.manager.peerId]);
  });

  test("comes for two weeks when most of twenty messages were invalid", async () => {
    const [one, two] = await pair();
    for (let i = 0; i < 20; i++) one.manager.penalise(two.manager.peerId, 1, "malformed");
    expect(one.events.at(-1)).toMatchObject({ code: "peer-banned", params: { minutes: 20_160 } });
  });

  test("forgets points after a window", async () => {
    const [one, two] = await pair();
    for (let i = 0; i < 12; i++) {
      one.manager.penalise(two.manager.peerId, 90, "test");
      await world.clock.advance(61_000);
    }
    expect(one.manager.status.bans).toBe(0);
  });
});

describe("peer exchange", () => {
  test("lets a newcomer that knows one node find all that can be reached", async () => {
    const manifest = world.manifestOf(0);
    const nodes: TestNode[] = [];
    for (let number = 0; number < 8; number++) {
      nodes.push(await world.start(world.make(number, { manifest, startWindowOf: () => BigInt(number) * 20_160n })));
      await world.clock.advance(10_000);
    }
    await world.clock.advance(20 * 60_000);
    for (const node of nodes) expect(node.connected.length, `node ${node.number}`).toBe(7);
  });

  test("never tells of a node that only dials", async () => {
    const manifest = world.manifestOf(0);
    const listeners = [0, 1].map((number) => world.make(number, { manifest }));
    for (const node of listeners) await world.start(node);
    const shy = await world.start(world.make(2, { manifest, listen: undefined }));
    await world.clock.advance(30 * 60_000);
    expect(shy.manager.status.reachability).toBe("outbound-only");
    expect(shy.connected.length).toBe(2);
    expect(listeners[0]!.manager.status).toMatchObject({ addresses: 1, reachability: "inbound-seen" });
  });

  test("fills 24 places where the network has them, each of another network", async () => {
    const manifest = world.manifestOf(0);
    const startWindowOf = () => undefined;
    const cohort = new Map<string, bigint>();
    const nodes: TestNode[] = [];
    for (let number = 0; number < 27; number++) {
      const node = world.make(number, {
        manifest,
        startWindowOf: (id) => cohort.get(Buffer.from(id).toString("hex")) ?? startWindowOf(),
      });
      cohort.set(Buffer.from(node.manager.nodeId).toString("hex"), BigInt(number) * 20_160n);
      nodes.push(await world.start(node));
      await world.clock.advance(2000);
    }
    await world.clock.advance(6 * 60_000);
    const degrees = nodes.map(({ manager }) => manager.status.outbound + manager.status.inbound);
    expect(Math.min(...degrees)).toBeGreaterThanOrEqual(24);
    for (const { manager } of nodes) expect(manager.status.inbound).toBeLessThanOrEqual(32);
  });
});

describe("what is kept over a restart", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "peers-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("is enough to come back without the manifest", async () => {
    const stateFile = join(folder, "peers.state");
    const first = world.make(1, { manifest: world.manifestOf(2), stateFile });
    const two = await world.start(world.make(2));
    await world.start(first);
    await world.clock.advance(15_000);
    first.manager.penalise(world.peerId(9), 100, "test");
    await world.stop(first);
    await first.manager.stop();
    const again = await world.start(world.make(1, { manifest: [], stateFile }));
    await world.clock.advance(5000);
    expect(connectedTo(again)).toEqual([two.manager.peerId]);
    expect(again.manager.status).toMatchObject({ bans: 1, verifiedAddresses: 1 });
  });

  test("is set aside and named when it is damaged", async () => {
    const stateFile = join(folder, "peers.state");
    const first = await world.start(world.make(1, { stateFile }));
    await world.stop(first);
    await first.manager.stop();
    const content = await readFile(stateFile);
    await writeFile(stateFile, content.with(10, content[10]! ^ 1));
    const again = await world.start(world.make(1, { stateFile, manifest: world.manifestOf(2) }));
    expect(again.events).toMatchObject([{ code: "network-state-corrupt", params: { fault: "checksum" } }]);
    expect((await stat(`${stateFile}.corrupt`)).size).toBe(content.length);
  });
});

/** An rc.1 node in a few lines: Pong to everything, no redial. */
class FakeRc1 {
  readonly #world: World;
  readonly #number: number;
  #open = 0;
  readonly #carrier;

  constructor(world: World, number: number) {
    this.#world = world;
    this.#number = number;
    const open = world.network.carrierOf(memoryKey(number), world.peerId(number), `/ip4/5.${number}.0.1`);
    const messages: Served = {
      protocol: PROTOCOLS.messages,
      framing: "envelope",
      requestBytesMax: 1_048_590,
      serve: (_, request) => Promise.resolve(message(MESSAGE.pong).with(2, request[2]!)),
    };
    this.#carrier = open({
      served: [messages],
      admits: () => true,
      accepted: ({ closed }) => this.#count(closed),
      violated: () => undefined,
    });
  }

  get open(): number {
    return this.#open;
  }

  async listen(): Promise<this> {
    await this.#carrier.listen(this.#world.multiaddr(this.#number));
    return this;
  }

  async dial(address: string): Promise<void> {
    const { closed } = await this.#carrier.dial(address, undefined, new AbortController().signal);
    this.#count(closed);
  }

  #count(closed: Promise<string>): void {
    this.#open++;
    void closed.then(() => this.#open--);
  }
}
