/** This transport against a running reference node; README.md says how to call it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { concatBytes, fromHex } from "../../main/protocol/bytes.ts";
import type { ProtocolError } from "../../main/protocol/errors.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { decodeEnvelope, encodeEnvelope } from "../../main/network/messages/envelope.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { PROTOCOLS, type Connection } from "../../main/network/ports.ts";
import { dial, type DialOptions } from "../../main/network/transport/dial.ts";
import { listen } from "../../main/network/transport/listen.ts";
import { answering, newIdentity, ping, peerIdTextOf } from "./peer.ts";
import { cpuSecondsOf, RcNode, usageOf, type Usage } from "./rcNode.ts";

const PING_PERIOD_MS = 5000;
const RATE_MS = 1500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "10" }, reconnects: { type: "string", default: "100" } },
});
const [binary] = positionals;
if (binary === undefined) throw new Error("usage: node test/interop/main.ts BINARY [--minutes 10] [--reconnects 100]");

const { crypto } = loadCrypto();
const folder = mkdtempSync(join(tmpdir(), "montana-interop-"));
const say = (what: string, seen: unknown): void => console.log(`${what}: ${JSON.stringify(seen)}`);
const options = (address: string): DialOptions => ({
  crypto,
  identity: newIdentity(crypto),
  served: [answering(() => undefined)],
  address,
});

const accepted = Promise.withResolvers<Connection>();
const pinged = { accepted: 0, dialed: 0 };
const listening = newIdentity(crypto);
const listener = await listen({
  crypto,
  identity: listening,
  served: [answering(() => pinged.accepted++)],
  address: "/ip4/127.0.0.1/tcp/0",
  accepted: accepted.resolve,
});
const listeningPeer = { label: "ours", multiaddr: listener.address, peer_id: peerIdTextOf(crypto, listening) };
const node = await RcNode.start(binary, join(folder, "node"), [listeningPeer]);
let peer: ChildProcess | undefined;
try {
  const inbound = await accepted.promise;
  const dialing = newIdentity(crypto);
  const outbound = await dial({
    ...options(node.address),
    identity: dialing,
    served: [answering(() => pinged.dialed++)],
  });
  await node.line(new RegExp(`CONNECTION ESTABLISHED peer=${listeningPeer.peer_id} label=ours`));
  await node.line(new RegExp(`CONNECTION ESTABLISHED peer=${peerIdTextOf(crypto, dialing)} label=unknown`));
  say(
    "established, dialled by it and dialled by us",
    node.lines.filter((line) => line.includes("ESTABLISHED")),
  );

  await sendMessages();
  await pingBothWays([inbound, outbound], Number(values.minutes) * 60_000);
  await reconnect(Number(values.reconnects));

  peer = fork(fileURLToPath(new URL("peer.ts", import.meta.url)), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [own] = (await once(peer, "message")) as [string];
  say("handshakes per second, one after the other", await compare(own, handshakes));
  say("Pings per second, one after the other", await compare(own, (address) => pings(address, 1)));
  // No more: about 128 frames in one turn make the reference send one of them twice (docs/interop.md).
  say("Pings per second, 8 at once", await compare(own, (address) => pings(address, 8)));
  say("MiB per second in messages of 1 MiB, 4 at once", await compare(own, mebibytes));
  inbound.close("done");
  outbound.close("done");
} finally {
  peer?.kill();
  listener.close();
  await node.stop();
  rmSync(folder, { recursive: true });
}

/** Every case of the suite over one connection; `handed_to_consensus` cannot be seen from outside. */
async function sendMessages(): Promise<void> {
  const path = new URL("../conformance/vectors/07-network/rc1-node-replies.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: ReplyCase[] };
  const opening = Promise.withResolvers<Uint8Array>();
  const connection = await dial({ ...options(node.address), served: [answering(opening.resolve)] });
  const { msgType, payload } = decodeEnvelope(await opening.promise);
  say("it opens with", { msgType, payloadLength: payload.length });
  const different: string[] = [];
  for (const { name, input, expect } of cases.filter((one) => "msg_type" in one.input)) {
    const seen = await connection
      .request(PROTOCOLS.messages, rawEnvelope(input))
      .then((reply) => decodeEnvelope(reply))
      .catch((error: unknown) => (error as ProtocolError).code);
    const isAsExpected =
      typeof seen === "string"
        ? expect.error === "stream-failed" && seen === "stream-reset"
        : expect.reply === "pong" &&
          seen.msgType === MESSAGE.pong &&
          seen.requestId === BigInt(expect.request_id!) &&
          seen.payload.length === 0;
    if (!isAsExpected) different.push(`${name}: ${String(typeof seen === "string" ? seen : seen.msgType)}`);
  }
  say("replies of suite rc1-node-replies", { cases: cases.length, different });
  connection.close("done");
}

async function pingBothWays(connections: readonly Connection[], milliseconds: number): Promise<void> {
  const before = { ...pinged, ok: node.count(/heartbeat OK/) };
  let sent = 0;
  let answered = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end;) {
    sent += connections.length;
    const replies = await Promise.allSettled(connections.map((connection) => ping(connection)));
    answered += replies.filter(({ status }) => status === "fulfilled").length;
    await new Promise((resolve) => setTimeout(resolve, PING_PERIOD_MS));
  }
  say("Pings", {
    minutes: milliseconds / 60_000,
    sent,
    answered,
    receivedFromItsDial: pinged.accepted - before.accepted,
    receivedOnOurDial: pinged.dialed - before.dialed,
    itLoggedHeartbeats: node.count(/heartbeat OK/) - before.ok,
    itLoggedEnds: node.count(/connection closed/),
  });
}

async function reconnect(times: number): Promise<void> {
  const usages = (): { ours: Usage; its: Usage } => ({ ours: usageOf(process.pid), its: node.usage });
  const before = usages();
  for (let i = 0; i < times; i++) {
    const connection = await dial(options(node.address));
    await ping(connection);
    connection.close("done");
    await connection.closed;
  }
  await new Promise((resolve) => setTimeout(resolve, 2000));
  say(`${times} reconnects`, { before, after: usages() });
}

/**
 * By turns, and the best of each: what disturbs a slice only ever makes it slower. The processor time of the side that is
 * asked suffers less from other work on the machine.
 */
async function compare(own: string, measure: (address: string) => Promise<Rate>): Promise<object> {
  const sides = [
    { name: "ours", address: own, cpuSeconds: () => cpuSecondsOf(peer!.pid!) },
    { name: "its", address: node.address, cpuSeconds: () => node.cpuSeconds },
  ].map((side) => ({ ...side, perSecond: 0, cpuMicrosecondsEach: Infinity }));
  for (let round = 0; round < 3; round++) {
    for (const side of sides) {
      const before = side.cpuSeconds();
      const { perSecond, count } = await measure(side.address);
      side.perSecond = Math.max(side.perSecond, perSecond);
      const each = ((side.cpuSeconds() - before) * 1e6) / count;
      side.cpuMicrosecondsEach = Math.min(side.cpuMicrosecondsEach, each);
    }
  }
  return Object.fromEntries(
    sides.map(({ name, perSecond, cpuMicrosecondsEach }) => [
      name,
      { perSecond: Math.round(perSecond), cpuMicrosecondsEach: Math.round(cpuMicrosecondsEach) },
    ]),
  );
}

interface Rate {
  readonly perSecond: number;
  readonly count: number;
}

async function handshakes(address: string): Promise<Rate> {
  return rate(1, async () => {
    (await dial(options(address))).close("done");
  });
}

async function pings(address: string, atOnce: number): Promise<Rate> {
  const connection = await dial(options(address));
  const measured = await rate(atOnce, () => Promise.all(Array.from({ length: atOnce }, () => ping(connection))));
  connection.close("done");
  return measured;
}

async function mebibytes(address: string): Promise<Rate> {
  const atOnce = 4;
  const connection = await dial(options(address));
  const message = encodeEnvelope({ msgType: MESSAGE.transfer, requestId: 0n, payload: new Uint8Array(1_048_576) });
  const measured = await rate(atOnce, () =>
    Promise.all(Array.from({ length: atOnce }, () => connection.request(PROTOCOLS.messages, message))),
  );
  connection.close("done");
  return measured;
}

/** `work` does `each` of what is counted. */
async function rate(each: number, work: () => Promise<unknown>): Promise<Rate> {
  const start = performance.now();
  let count = 0;
  for (; performance.now() - start < RATE_MS; count += each) await work();
  return { count, perSecond: (count * 1000) / (performance.now() - start) };
}

interface ReplyCase {
  readonly name: string;
  readonly input: RawEnvelope;
  readonly expect: { readonly error?: string; readonly reply?: string; readonly request_id?: number | string };
}

interface RawEnvelope {
  readonly msg_type: number;
  readonly request_id: number | string;
  readonly payload: string | { readonly repeat: string; readonly len: number };
}

/** Also of what an honest encoder refuses. */
function rawEnvelope({ msg_type, request_id, payload }: RawEnvelope): Uint8Array {
  const bytes =
    typeof payload === "string" ? fromHex(payload)! : new Uint8Array(payload.len).fill(Number(`0x${payload.repeat}`));
  const header = new Uint8Array(14);
  const view = new DataView(header.buffer);
  view.setUint8(0, msg_type);
  view.setUint8(1, 1);
  view.setBigUint64(2, BigInt(request_id), true);
  view.setUint32(10, bytes.length, true);
  return concatBytes(header, bytes);
}
