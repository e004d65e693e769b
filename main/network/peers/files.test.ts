import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { sized, type NodeId } from "../../protocol/bytes.ts";
import { formatPeerId } from "../../protocol/identity/peerId.ts";
import { loadCrypto } from "../../native/index.ts";
import { parseMultiaddr } from "./address.ts";
import { journal } from "./journal.ts";
import { memoryKey } from "./memoryCarrier.fixture.ts";
import { formatPeersFile, writePeersFile, type ListedPeer, type PeersFileContent } from "./peersFile.ts";
import { formatState, parseState, readStateFile, writeStateFile, type StoredState } from "./stateFile.ts";
import { peerIdOf } from "../../protocol/identity/peerId.ts";

const { crypto } = loadCrypto();
const peerId = (number: number): string => formatPeerId(peerIdOf(crypto, memoryKey(number)));
const nodeId = (number: number): NodeId => new Uint8Array(32).fill(number) as NodeId;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "peer-files-"));
});
afterEach(() => rm(folder, { recursive: true }));

const state: StoredState = {
  secret: sized(new Uint8Array(32).fill(7), 32),
  anchors: [
    { nodeId: nodeId(1), address: parseMultiaddr("/ip4/8.8.8.8/tcp/8444"), startWindow: 3n, peerId: peerId(1) },
  ],
  bans: [
    { peerId: peerId(2), nodeId: nodeId(2), reason: "too many messages", untilUnixMs: 1_800_000_000_000 },
    { peerId: peerId(3), nodeId: undefined, reason: "", untilUnixMs: 0 },
  ],
  addresses: [
    {
      nodeId: nodeId(4),
      address: parseMultiaddr("/ip6/2a00::1/tcp/1"),
      startWindow: 0n,
      sourceGroup: "manifest",
      isVerified: true,
      lastSeenMinute: 29_000_000n,
    },
  ],
};

describe("the file of the peer manager", () => {
  test("gives back what was written", async () => {
    const path = join(folder, "peers");
    await writeStateFile(path, state);
    expect(await readStateFile(path, () => expect.unreachable())).toEqual(state);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["peers"]);
  });

  test("is never taken for another one when a byte is changed or it is cut", () => {
    const file = formatState(state);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        expect(typeof parseState(file.with(position, file[position]! ^ change))).toBe("string");
        expect(typeof parseState(file.subarray(0, position))).toBe("string");
      }),
    );
  });

  test("takes any text for a reason", () => {
    const odd = { ...state, bans: [{ ...state.bans[0]!, reason: "злой\npeer ".repeat(100) }] };
    const read = parseState(formatState(odd)) as StoredState;
    expect(read.bans[0]!.reason).toMatch(/^[ -~]{255}$/);
  });

  test("is no file at all at first", async () => {
    expect(await readStateFile(join(folder, "none"), () => expect.unreachable())).toBeUndefined();
  });
});

const listed = (number: number, over: Partial<ListedPeer> = {}): ListedPeer => {
  return { peerId: peerId(number), label: "unknown", isConnected: true, lastHeartbeatSecondsAgo: 3, ...over };
};
const content: PeersFileContent = {
  node: "moscow",
  unixMs: 1_778_414_360_123,
  localPeerId: peerId(0),
  status: {
    phase: "Active",
    currentWindow: 34_922n,
    d: 325_000_000n,
    accountTable: 1,
    nodeTable: 1,
    candidatePool: 0,
    balance: 453_388_000_000_000n,
    supply: 453_999_000_000_000n,
  },
  peers: [listed(1, { label: "frankfurt" }), listed(2, { isConnected: false, lastHeartbeatSecondsAgo: undefined })],
};

/** Paths of all fields with their types, as they stand in a file of the chapter's fixture. */
function shapeOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => shapeOf(item, `${path}[]`)))];
  if (typeof value !== "object" || value === null) return [`${path}: ${value === null ? "null" : typeof value}`];
  return Object.entries(value).flatMap(([key, field]) => shapeOf(field, `${path}.${key}`));
}

describe("peers.json", () => {
  /** What chapter 08's fixture files hold, in their order. */
  const SHAPE = [
    ".node: string",
    ".updated: string",
    ".updated_unix: number",
    ".local_peer_id: string",
    ".status.phase: string",
    ".status.current_window: number",
    ".status.d: number",
    ".status.account_table: number",
    ".status.node_table: number",
    ".status.candidate_pool: number",
    ".status.balance_nj: string",
    ".status.supply_nj: string",
    ".peers[].peer_id: string",
    ".peers[].label: string",
    ".peers[].connected: boolean",
    ".peers[].last_heartbeat_seconds_ago: number",
    ".peers[].last_heartbeat_seconds_ago: null",
  ];

  test("has the fields of the chapter's fixture, in their order and types, and no address", () => {
    const json = formatPeersFile(content);
    expect(shapeOf(JSON.parse(json))).toEqual(SHAPE);
    expect(JSON.parse(json)).toMatchObject({ updated: "2026-05-10T11:59:20Z", updated_unix: 1_778_414_360 });
    expect(json).not.toMatch(/\/ip[46]\/|\d+\.\d+\.\d+\.\d+/);
  });

  test("is replaced whole, readable for the group that fetches it", async () => {
    const path = join(folder, "peers.json");
    await writePeersFile(path, content);
    await writePeersFile(path, { ...content, peers: [] });
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ peers: [] });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect(await readdir(folder)).toEqual(["peers.json"]);
  });

  test("stays within 262,144 bytes by leaving out who is not connected", () => {
    const many = Array.from({ length: 3000 }, () => listed(5, { isConnected: false }));
    const json = formatPeersFile({ ...content, peers: [...many, listed(6)] });
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(262_144);
    expect((JSON.parse(json) as { peers: unknown[] }).peers[0]).toMatchObject({ peer_id: peerId(6), connected: true });
  });
});

describe("the journal", () => {
  const peer = "QmSDUqLkLcenkkNw6PUKYXjesEmaDksnrEaCzbs3a5nVzj";
  test.each([
    [
      journal.networkStart(peer, "/ip4/0.0.0.0/tcp/8444", 2),
      `[network] local_peer_id=${peer} listen=/ip4/0.0.0.0/tcp/8444 peers_to_dial=2`,
    ],
    [
      journal.dialing("moscow", "/ip4/1.2.3.4/tcp/1", peer),
      `[network] dialing moscow (/ip4/1.2.3.4/tcp/1/p2p/${peer})`,
    ],
    [journal.listening("/ip4/1.2.3.4/tcp/1", peer), `[network] listening on /ip4/1.2.3.4/tcp/1/p2p/${peer}`],
    [
      journal.established(peer, "moscow", "/ip4/1.2.3.4/tcp/1", true),
      `[network] CONNECTION ESTABLISHED peer=${peer} label=moscow remote=/ip4/1.2.3.4/tcp/1/p2p/${peer}`,
    ],
    [
      journal.established(peer, "unknown", "/ip4/1.2.3.4/tcp/1", false),
      `[network] CONNECTION ESTABLISHED peer=${peer} label=unknown remote=/ip4/1.2.3.4/tcp/1`,
    ],
    [journal.heartbeat(peer, 17n), `[network] heartbeat OK peer=${peer} request_id=17`],
    [
      journal.closed(peer, "moscow", "two\nlines"),
      `[network] connection closed peer=${peer} label=moscow cause=two lines`,
    ],
    [
      journal.dialFailed(peer, "connect-failed"),
      `[network] outgoing connection ERROR peer=Some(PeerId("${peer}")) error=connect-failed`,
    ],
    [journal.broadcast("Proposal", 7n, 2), "[network] broadcast Proposal request_id=7 к 2 peer(s)"],
  ])("%s", (line, expected) => expect(line).toBe(expected));
});
