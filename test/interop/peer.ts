/** A peer that answers everything by Pong, as the reference does; started as a process it says its address and serves. */
import { randomBytes } from "node:crypto";
import type { Native } from "../../main/native/index.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { formatPeerId, peerIdOf } from "../../main/protocol/identity/peerId.ts";
import { encodeEnvelope, ENVELOPE_SIZE_MAX } from "../../main/network/messages/envelope.ts";
import { receive } from "../../main/network/messages/reception.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { PROTOCOLS, type Connection, type Served, type TransportIdentity } from "../../main/network/ports.ts";
import { listen } from "../../main/network/transport/listen.ts";

export function newIdentity(crypto: Native): TransportIdentity {
  const { publicKey, secretKey } = crypto.mldsa65.generate(randomBytes(32));
  return { publicKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) };
}

export function peerIdTextOf(crypto: Native, { publicKey }: TransportIdentity): string {
  return formatPeerId(peerIdOf(crypto, publicKey));
}

export function answering(seen: (request: Uint8Array) => void): Served {
  return {
    protocol: PROTOCOLS.messages,
    framing: "envelope",
    requestBytesMax: ENVELOPE_SIZE_MAX,
    serve(_from, request) {
      seen(request);
      const reception = receive(request, "rc1");
      return Promise.resolve(reception.verdict === "reset" ? undefined : reception.reply);
    },
  };
}

export function ping(connection: Connection): Promise<Uint8Array> {
  const request = encodeEnvelope({ msgType: MESSAGE.ping, requestId: 1n, payload: new Uint8Array(0) });
  return connection.request(PROTOCOLS.messages, request);
}

if (import.meta.main) {
  const { crypto } = loadCrypto();
  const listener = await listen({
    crypto,
    identity: newIdentity(crypto),
    served: [answering(() => undefined)],
    address: "/ip4/127.0.0.1/tcp/0",
    accepted: () => undefined,
  });
  process.send!(listener.address);
}
