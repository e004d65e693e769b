/** Real nodes whose messages go through envelopes, flooding and object fetch, over peers of one process. */
import { afterEach, expect, test } from "vitest";

import { encodeEnvelope } from "../../network/messages/envelope.ts";
import { encodeFetchReply, encodeFetchRequest } from "../../network/messages/objectFetch.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import { PROTOCOLS } from "../../network/ports.ts";
import { crypto, Member, Testnet, type TestNode } from "../runtime/testnet.fixture.ts";
import { GossipTransport } from "./gossipTransport.ts";
import { MemoryMesh } from "./memoryNetwork.fixture.ts";

const D = 100_000n;
const nets: Testnet[] = [];
afterEach(async () => {
  for (const net of nets.splice(0)) await net.end();
});

function cohort(size: number): {
  net: Testnet;
  mesh: MemoryMesh;
  members: Member[];
  start: (i: number) => Promise<TestNode>;
} {
  const members = Array.from({ length: size }, (_, i) => new Member(`member ${i}`));
  const net = new Testnet({ founders: members, tau2Windows: 1000n, d: D });
  nets.push(net);
  const mesh = new MemoryMesh();
  const start = (i: number): Promise<TestNode> => {
    const member = members[i]!;
    const network = () => mesh.network(member.name);
    return net.start(member, { transport: new GossipTransport({ crypto, network }) });
  };
  return { net, mesh, members, start };
}

async function expectSameChain(nodes: readonly TestNode[], windows: number): Promise<void> {
  await Promise.all(nodes.map((node) => node.untilWindow(windows - 1)));
  const chains = await Promise.all(nodes.map(({ node }) => node.state.ask("headers", { first: 0n, count: windows })));
  for (const chain of chains) expect(chain).toEqual(chains[0]);
  expect(chains[0]).toHaveLength(windows);
}

test("four founders decide the same windows, and nobody has to be punished", async () => {
  const { mesh, start } = cohort(4);
  const nodes = await Promise.all([0, 1, 2, 3].map(start));
  await expectSameChain(nodes, 12);
  expect(mesh.penalties).toEqual([]);
  expect(mesh.praise.some(({ what }) => what === "valid-proposal")).toBe(true);
  expect((await nodes[0]!.node.status()).peers).toBe(3);
}, 120_000);

test("whoever watches the status learns of peers that come and go", async () => {
  const { start } = cohort(2);
  const [one, two] = await Promise.all([0, 1].map(start));
  const untilPeers = (count: number) => one!.until(async () => (await one!.node.status()).peers === count);
  await untilPeers(1);
  await two!.stop();
  await untilPeers(0);
}, 120_000);

test("three of four go on without the fourth, which catches up when it comes back", async () => {
  const { mesh, start } = cohort(4);
  const nodes = await Promise.all([0, 1, 2, 3].map(start));
  await Promise.all(nodes.map((node) => node.untilWindow(3)));
  await nodes[3]!.stop();
  const { window } = await nodes[0]!.node.status();
  await nodes[0]!.untilWindow(window! + 20);
  nodes[3] = await start(3);
  await expectSameChain(nodes, window! + 30);
  expect(mesh.penalties).toEqual([]);
}, 120_000);

test("a stranger's garbage is answered, costs it what the chapter says, and disturbs nobody", async () => {
  const { mesh, start } = cohort(2);
  const nodes = await Promise.all([0, 1].map(start));
  mesh.stranger("stranger");
  const say = (type: number, payload: Uint8Array, protocol: "messages" | "consensus" = "messages") =>
    mesh.request(
      "stranger",
      "member 0",
      PROTOCOLS[protocol],
      encodeEnvelope({ msgType: type as typeof MESSAGE.ping, requestId: 7n, payload }),
    );
  const pong = encodeEnvelope({ msgType: MESSAGE.pong, requestId: 7n, payload: new Uint8Array(0) });
  expect(await say(MESSAGE.ping, new Uint8Array(0))).toEqual(pong);
  expect(await say(MESSAGE.bundledConfirmation, new Uint8Array(100))).toEqual(pong);
  const forged = new Uint8Array(3422);
  forged[0] = 2;
  expect(await say(MESSAGE.transfer, forged)).toEqual(pong);
  expect(await say(MESSAGE.anchor, forged)).toEqual(pong);
  expect(await say(MESSAGE.proposalBody, new Uint8Array(47), "consensus")).toEqual(pong);
  await expect(mesh.request("stranger", "member 0", PROTOCOLS.messages, new Uint8Array(13))).rejects.toMatchObject({
    code: "stream-reset",
  });
  await expect(mesh.request("stranger", "member 0", PROTOCOLS.objects, new Uint8Array(3))).rejects.toMatchObject({
    code: "stream-reset",
  });
  const { window } = await nodes[0]!.node.status();
  await expectSameChain(nodes, (window ?? 0) + 5);
  expect(mesh.penalties.every(({ of }) => of === "stranger")).toBe(true);
  expect(mesh.penalties.map(({ points }) => points)).toContain(1);
}, 120_000);

test("a peer that serves neither consensus nor objects is asked once and gets no votes", async () => {
  const { mesh, start } = cohort(2);
  const asked: string[] = [];
  mesh.intercept = (_, to, protocol) => {
    if (to !== "old") return undefined;
    asked.push(protocol);
    return protocol === PROTOCOLS.messages ? undefined : "protocol-not-served";
  };
  mesh.stranger("old");
  const nodes = await Promise.all([0, 1].map(start));
  await expectSameChain(nodes, 8);
  expect(asked.filter((protocol) => protocol === PROTOCOLS.consensus).length).toBeLessThan(10);
  expect(asked.filter((protocol) => protocol === PROTOCOLS.messages).length).toBeGreaterThan(20);
}, 120_000);

test("a peer that serves invented windows is penalised, and the others are asked", async () => {
  const { mesh, start } = cohort(4);
  mesh.intercept = (_, to, protocol) => {
    if (to !== "liar" || protocol !== PROTOCOLS.objects) return undefined;
    const garbage = { msgType: MESSAGE.vdfReveal, bytes: new Uint8Array(3381) };
    return encodeFetchReply({ more: false, nextCursor: 0, objects: [garbage] });
  };
  mesh.stranger("liar");
  const nodes = await Promise.all([0, 1, 2, 3].map(start));
  await nodes[3]!.untilWindow(3);
  await nodes[3]!.stop();
  const { window } = await nodes[0]!.node.status();
  await nodes[0]!.untilWindow(window! + 5);
  nodes[3] = await start(3);
  await expectSameChain(nodes, window! + 10);
  expect(mesh.penalties.length).toBeGreaterThan(0);
  expect(mesh.penalties.every(({ of, points }) => of === "liar" && points >= 25)).toBe(true);
}, 120_000);

test("a range is served in pages that together give the whole, and objects by their identifiers", async () => {
  const { mesh, start } = cohort(1);
  const node = await start(0);
  await node.untilWindow(9);
  mesh.stranger("asker");
  const range = { kind: 2, first: 2n, last: 9n, cursor: 0 } as const;
  const reply = await mesh.request("asker", "member 0", PROTOCOLS.objects, encodeFetchRequest(range));
  expect(reply[0]).toBe(0);
  const pages = [];
  for (let cursor = 0; ;) {
    const page = await node.node.state.ask("range", { ...range, cursor, bytesMax: 9000 });
    expect(page.objects.length).toBeGreaterThan(0);
    pages.push(...page.objects);
    cursor = page.nextCursor;
    expect(cursor).toBe(pages.length);
    if (!page.more) break;
  }
  const whole = await node.node.state.ask("range", { ...range, bytesMax: 2 ** 20 });
  expect(pages).toEqual(whole.objects);
  expect(whole.objects.filter(({ type }) => type === "header")).toHaveLength(8);
}, 120_000);
