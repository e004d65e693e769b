/** The peer manager on real sockets of 127.0.0.1, with time that runs faster for it than for the sockets. */
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";

import { afterEach, expect, test } from "vitest";

import { toHex } from "../../protocol/bytes.ts";
import type { ManifestPeer } from "../../protocol/genesis/manifest.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import { loadCrypto } from "../../native/index.ts";
import { encodeEnvelope } from "../messages/envelope.ts";
import { PROTOCOLS, type Connection, type TransportIdentity } from "../ports.ts";
import { socketCarrier } from "../socketCarrier.ts";
import { dial } from "../transport/dial.ts";
import { noAsnMap } from "./asnMap.ts";
import { systemChance, type Clock } from "./clock.ts";
import { PeerManager } from "./manager.ts";

const { crypto } = loadCrypto();
const FASTER = 20;
const fastClock: Clock = {
  nowMs: () => performance.now() * FASTER,
  unixMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs / FASTER);
    return () => clearTimeout(timer);
  },
};

interface Node {
  readonly manager: PeerManager;
  readonly identity: TransportIdentity;
  readonly journal: string[];
}

const started: Node[] = [];
afterEach(() => Promise.all(started.splice(0).map(({ manager }) => manager.stop())));

function identityOf(number: number): TransportIdentity {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(number));
  return { publicKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) };
}

function manifestEntry(number: number, multiaddr: string): ManifestPeer {
  const { publicKey } = identityOf(number);
  return {
    label: `node${number}`,
    multiaddr,
    peerId: formatPeerId(peerIdOf(crypto, publicKey)),
    accountIdHex: "00".repeat(32),
    nodeIdHex: toHex(nodeIdOf(crypto, publicKey)),
    isBootstrap: number === 1,
  };
}

async function start(
  number: number,
  manifest: readonly ManifestPeer[],
  listen = "/ip4/127.0.0.1/tcp/0",
): Promise<Node> {
  const identity = identityOf(number);
  const journal: string[] = [];
  const manager = new PeerManager({
    crypto,
    publicKey: identity.publicKey,
    openCarrier: socketCarrier(crypto, identity),
    clock: fastClock,
    chance: systemChance,
    manifest,
    listen,
    allowPrivateAddresses: true,
    asnMap: noAsnMap,
    stateFile: undefined,
    journal: (line) => journal.push(line),
    log: () => undefined,
  });
  await manager.start({ connected: () => undefined, disconnected: () => undefined }, []);
  const node = { manager, identity, journal };
  started.push(node);
  return node;
}

/** Resolves when it holds; the test's own timeout says when that takes too long. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

const message = (msgType: 0x04 | 0xf0): Uint8Array =>
  encodeEnvelope({ msgType, requestId: 1n, payload: new Uint8Array(0) });

test("five nodes that know one of them become a full mesh of one connection each", async () => {
  const first = await start(1, []);
  const manifest = [manifestEntry(1, first.manager.listening!)];
  const nodes = [first, ...(await Promise.all([2, 3, 4, 5].map((number) => start(number, manifest))))];
  await until(() => nodes.every(({ manager }) => manager.peers.length === 4));
  await until(() => nodes.every(({ manager }) => manager.peers.every(({ links }) => links.length === 1)));
  for (const { manager } of nodes) expect(new Set(manager.peers.map(({ peerId }) => peerId)).size).toBe(4);
});

test("two nodes that dial each other at once end with one and the same connection", async () => {
  const one = await start(1, []);
  const two = await start(2, [manifestEntry(1, one.manager.listening!)]);
  await until(() => one.manager.peers.length === 1);
  await one.manager.stop();
  started.splice(0, 1);
  const [first, second] = [one.manager.listening!, two.manager.listening!];
  await two.manager.stop();
  started.splice(0);
  const manifest = [manifestEntry(1, first), manifestEntry(2, second)];
  const both = await Promise.all([start(1, manifest, first), start(2, manifest, second)]);
  await until(() => {
    const links = both.map(({ manager }) => manager.peers.flatMap((peer) => peer.links));
    const [one = [], other = []] = links;
    return one.length === 1 && other.length === 1 && one[0]!.connection.isDialer !== other[0]!.connection.isDialer;
  });
  await expect(both[0].manager.peers[0]!.request(PROTOCOLS.messages, message(0x04))).resolves.toHaveLength(14);
  await expect(both[1].manager.peers[0]!.request(PROTOCOLS.messages, message(0x04))).resolves.toHaveLength(14);
});

test("a hundred losses are each followed by a new connection and leave nothing open", async () => {
  const one = await start(1, []);
  const two = await start(2, [manifestEntry(1, one.manager.listening!)]);
  await until(() => two.manager.peers.length === 1);
  const resources = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
  const before = resources();
  const ended = new Set<Connection>();
  for (let i = 0; i < 100; i++) {
    for (const link of two.manager.peers.flatMap(({ links }) => links)) {
      // As if it had lived for a minute: then the next attempt comes at once.
      Object.assign(link, { sinceMs: link.sinceMs - 60_000 });
      ended.add(link.connection);
      link.connection.close("test");
    }
    await until(() => two.manager.peers.some(({ inUse }) => inUse !== undefined && !ended.has(inUse.connection)));
  }
  await until(() => one.manager.peers.length === 1);
  await until(() => resources() <= before);
  // The side that accepts may not have got to know of one that was closed as soon as it stood.
  expect(two.journal.filter((line) => line.includes("CONNECTION ESTABLISHED")).length).toBeGreaterThanOrEqual(101);
  expect(two.manager.peers[0]!.links.length).toBe(1);
});

test("a peer that sends what cannot be read is banned and named, and may not come back", async () => {
  const one = await start(1, []);
  const address = one.manager.listening!;
  const identity = identityOf(66);
  const connection = await dial({ crypto, identity, served: [], address });
  const oversized = message(0x04).fill(0xff, 10, 14);
  const garbage = Array.from({ length: 30 }, () =>
    connection.request(PROTOCOLS.messages, oversized).then(
      () => "answered",
      () => "refused",
    ),
  );
  expect(new Set(await Promise.all(garbage))).toEqual(new Set(["refused"]));
  await connection.closed;
  expect(one.manager.status.bans).toBe(1);
  const again = await dial({ crypto, identity, served: [], address });
  expect(await again.closed).not.toBe("");
  expect(one.manager.peers).toEqual([]);
});
