/** Identities, a service that answers by Pong, and pairs of connections, for the tests of this folder. */
import type { Socket } from "node:net";
import { connect } from "node:net";
import { loadCrypto } from "../../native/index.ts";
import { encodeEnvelope, ENVELOPE_SIZE_MAX } from "../messages/envelope.ts";
import { receive } from "../messages/reception.ts";
import { MESSAGE } from "../messages/registry.ts";
import { PROTOCOLS, type Connection, type Served, type TransportIdentity } from "../ports.ts";
import { dial, type DialOptions } from "./dial.ts";
import { listen, type Listener, type ListenOptions } from "./listen.ts";
import { parseMultiaddr } from "./multiaddr.ts";

export const { crypto } = loadCrypto();

export function identityOf(number: number): TransportIdentity {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(number));
  return { publicKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) };
}

/** Answers as the reference does; a message of type 0x01 is answered by itself. */
export const answering: Served = {
  protocol: PROTOCOLS.messages,
  framing: "envelope",
  requestBytesMax: ENVELOPE_SIZE_MAX,
  serve(_from, request) {
    const reception = receive(request, "rc1");
    if (reception.verdict === "reset") return Promise.resolve(undefined);
    const isEchoed = reception.verdict === "hand-on" && reception.message.msgType === MESSAGE.transfer;
    return Promise.resolve(isEchoed ? request : reception.reply);
  },
};

export const echo = (payload: Uint8Array): Uint8Array =>
  encodeEnvelope({ msgType: MESSAGE.transfer, requestId: 1n, payload });
export const ping = encodeEnvelope({ msgType: MESSAGE.ping, requestId: 1n, payload: new Uint8Array(0) });

export interface Listening {
  readonly listener: Listener;
  readonly accepted: Connection[];
  /** Codes of attempts that came to nothing. */
  readonly refused: string[];
  /** Resolves once something has been refused for the `count`th time. */
  refusedTimes(count: number): Promise<void>;
}

export async function startListening(options: Partial<ListenOptions> = {}): Promise<Listening> {
  const accepted: Connection[] = [];
  const refused: string[] = [];
  const waiting: (() => void)[] = [];
  const listener = await listen({
    crypto,
    identity: identityOf(1),
    served: [answering],
    address: "/ip4/127.0.0.1/tcp/0",
    accepted: (connection) => accepted.push(connection),
    refused: (_remote, { code }) => {
      refused.push(code);
      for (const wake of waiting.splice(0)) wake();
    },
    ...options,
  });
  return {
    listener,
    accepted,
    refused,
    async refusedTimes(count) {
      while (refused.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

export function dialTo({ listener }: Listening, options: Partial<DialOptions> = {}): Promise<Connection> {
  return dial({ crypto, identity: identityOf(2), served: [answering], address: listener.address, ...options });
}

/** A bare TCP connection, and the promise of its end. */
export async function connectRaw(
  address: string,
): Promise<{ readonly socket: Socket; readonly closed: Promise<void> }> {
  const socket = connect(parseMultiaddr(address)).on("error", () => undefined);
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once("connect", resolve)), closed]);
  return { socket, closed };
}
