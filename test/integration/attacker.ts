/**
 * What a hostile machine does to a listening node, each attack bounded in count and time. Works against anything that speaks the
 * transport: a peer manager, or a whole node.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

import { loadCrypto } from "../../main/native/index.ts";
import { encodeEnvelope } from "../../main/network/messages/envelope.ts";
import { MESSAGE, type MessageType } from "../../main/network/messages/registry.ts";
import { PROTOCOLS, type Connection, type PeerIdText, type TransportIdentity } from "../../main/network/ports.ts";
import { dial } from "../../main/network/transport/dial.ts";
import { parseMultiaddr } from "../../main/network/transport/multiaddr.ts";
import { SECURITY_PROTOCOL, Upgrade, type Upgraded } from "../../main/network/transport/upgrade.ts";
import { formatPeerId, peerIdOf } from "../../main/protocol/identity/peerId.ts";

const { crypto } = loadCrypto();
const SOCKETS_AT_ONCE = 50;
/** The victim lets a handshake take ten seconds; a busy machine is late with that. */
const HELD_MS_MAX = 60_000;
const REQUESTS_AT_ONCE = 40;
const MSG1_SIZE = 1184;

/** Other machines, as far as loopback can tell. */
const HOSTILE_HOST = "127.0.0.66";
const SILENT_HOST = "127.0.0.67";
const GARBAGE_HOST = "127.0.0.68";
/** Elsewhere they have to be made first; the attacker then shares the honest peers' address. */
const HAS_WHOLE_LOOPBACK = process.platform === "linux";

export interface Figures {
  readonly attempts: number;
  /** Ended by the victim before the attacker was done. */
  readonly refused: number;
}

export interface Attacker {
  readonly identity: TransportIdentity;
  readonly peerId: PeerIdText;
}

/** With keys of its own; `number` 0 … 255 makes them reproducible. */
export function makeAttacker(number: number): Attacker {
  const seed = new Uint8Array(32).fill(0xa7);
  seed[0] = number;
  const { publicKey, secretKey } = crypto.mldsa65.generate(seed);
  const identity = { publicKey, sign: (digest: Uint8Array) => crypto.mldsa65.sign(secretKey, digest) };
  return { identity, peerId: formatPeerId(peerIdOf(crypto, publicKey)) };
}

/** Connections that are opened and dropped. */
export function floodConnections(target: string, attempts: number): Promise<Figures> {
  return inBatches(attempts, SOCKETS_AT_ONCE, async () => {
    const socket = openSocket(target);
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    return !isOpen;
  });
}

/** Connections that stay silent for as long as they are let. */
export function holdConnections(target: string, attempts: number): Promise<Figures> {
  return inBatches(attempts, attempts, () => untilEnded(openSocket(target, SILENT_HOST)));
}

/** Streams of random bytes. */
export function sendGarbage(target: string, attempts: number): Promise<Figures> {
  return inBatches(attempts, attempts, () => {
    const socket = openSocket(target, GARBAGE_HOST);
    socket.write(randomBytes(4096));
    return untilEnded(socket);
  });
}

/** Handshakes that make the victim sign and encapsulate, and then are left alone. */
export function floodHandshakes(target: string, attempts: number): Promise<Figures> {
  const { publicKey } = crypto.mlkem768.generate(randomBytes(64));
  const opening = Buffer.concat([negotiation("/multistream/1.0.0"), negotiation(SECURITY_PROTOCOL), publicKey]);
  if (publicKey.length !== MSG1_SIZE) throw new Error("not a first message");
  return inBatches(attempts, attempts, () => {
    const socket = openSocket(target);
    socket.write(opening);
    return untilEnded(socket);
  });
}

/** Proper handshakes, and then anything but frames of the muxer. */
export function breakMuxer(target: string, attempts: number, { identity }: Attacker): Promise<Figures> {
  return inBatches(attempts, 2, async () => {
    const socket = openSocket(target);
    const upgraded = await upgrade(socket, identity);
    if (upgraded !== undefined) for (const frame of upgraded.sealer.seal(randomBytes(64_000))) socket.write(frame);
    return untilEnded(socket);
  });
}

/** Messages that announce more than anybody may send. */
export function sendOversized(target: string, attempts: number, attacker: Attacker): Promise<Figures> {
  const request = encodeEnvelope({ msgType: MESSAGE.anchor, requestId: 0n, payload: randomBytes(64) });
  request.fill(0xff, 10, 14);
  return sendMany(target, attempts, attacker, () => request);
}

/** Messages in proper form that nobody needs. */
export function sendUseless(
  target: string,
  attempts: number,
  attacker: Attacker,
  msgType: MessageType = MESSAGE.anchor,
  payloadSize = 3438,
): Promise<Figures> {
  const payload = randomBytes(payloadSize);
  return sendMany(target, attempts, attacker, (i) => encodeEnvelope({ msgType, requestId: BigInt(i), payload }));
}

/** One connection for each of `attackers`, kept open; the caller ends them. */
export async function occupyPlaces(target: string, attackers: readonly Attacker[]): Promise<Connection[]> {
  const connections: Connection[] = [];
  for (const { identity } of attackers) {
    const connection = await dial({ crypto, identity, served: [], address: target }).catch(() => undefined);
    if (connection !== undefined) connections.push(connection);
  }
  return connections;
}

async function sendMany(
  target: string,
  attempts: number,
  { identity }: Attacker,
  requestOf: (index: number) => Uint8Array,
): Promise<Figures> {
  const connection = await dial({ crypto, identity, served: [], address: target }).catch(() => undefined);
  if (connection === undefined) return { attempts, refused: attempts };
  let index = 0;
  const figures = await inBatches(attempts, REQUESTS_AT_ONCE, () =>
    connection.request(PROTOCOLS.messages, requestOf(index++)).then(
      () => false,
      () => true,
    ),
  );
  connection.close("attack over");
  return figures;
}

async function inBatches(attempts: number, atOnce: number, attempt: () => Promise<boolean>): Promise<Figures> {
  let refused = 0;
  for (let done = 0; done < attempts; done += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, attempts - done) }, attempt);
    refused += (await Promise.all(batch)).filter(Boolean).length;
  }
  return { attempts, refused };
}

function openSocket(target: string, localAddress = HOSTILE_HOST): Socket {
  const { host, port } = parseMultiaddr(target);
  const socket = connect({ host, port, noDelay: true, ...(HAS_WHOLE_LOOPBACK ? { localAddress } : {}) });
  return socket.on("error", () => undefined);
}

/** Whether the victim ends it within its own time limits. */
async function untilEnded(socket: Socket): Promise<boolean> {
  const ended = new Promise<boolean>((resolve) => socket.once("close", () => resolve(true)));
  socket.resume().on("end", () => socket.destroy());
  const isEnded = await Promise.race([ended, wait(HELD_MS_MAX, false, { ref: false })]);
  socket.destroy();
  return isEnded;
}

function upgrade(socket: Socket, identity: TransportIdentity): Promise<Upgraded | undefined> {
  const randomness = { ephemeralSeed: randomBytes(64), encapsulation: randomBytes(32) };
  const send = (bytes: Uint8Array) => socket.write(bytes);
  const steps = new Upgrade(true, { crypto, identity, randomness, check: () => undefined, send });
  return new Promise((resolve) => {
    socket.once("close", () => resolve(undefined));
    socket.on("data", (bytes) => {
      try {
        const upgraded = steps.receive(bytes);
        if (upgraded !== undefined) resolve(upgraded);
      } catch {
        resolve(undefined);
      }
    });
    steps.receive(new Uint8Array(0));
  });
}

function negotiation(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length + 1), Buffer.from(`${text}\n`)]);
}
