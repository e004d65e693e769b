/** The transport over loopback, both sides in one process: connecting, and messages in both directions. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { loadCrypto } from "../../main/native/index.ts";
import { ENVELOPE_SIZE_MAX, encodeEnvelope } from "../../main/network/messages/envelope.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { PROTOCOLS, type Served, type TransportIdentity } from "../../main/network/ports.ts";
import { dial, type DialOptions } from "../../main/network/transport/dial.ts";
import { listen } from "../../main/network/transport/listen.ts";
import type { Bench } from "./harness.ts";

const { crypto } = loadCrypto();
const HANDSHAKES = 20;
const ENVELOPES = 300;
const AT_ONCE = 30;
/** A vote, an operation and a header are of this order. */
const PAYLOAD_SIZE = 3722;

function identityOf(number: number): TransportIdentity & { readonly secretKey: Uint8Array } {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(number));
  return { publicKey, secretKey, sign: (digest) => crypto.mldsa65.sign(secretKey, digest) };
}

const dialing = identityOf(2);
const listening = identityOf(1);

const echoing: Served = {
  protocol: PROTOCOLS.messages,
  framing: "envelope",
  requestBytesMax: ENVELOPE_SIZE_MAX,
  serve: (_from, request) => Promise.resolve(request),
};

async function startListening(): Promise<{ readonly options: DialOptions; readonly close: () => void }> {
  const listener = await listen({
    crypto,
    identity: listening,
    served: [echoing],
    address: "/ip4/127.0.0.1/tcp/0",
    accepted: () => undefined,
  });
  const options = { crypto, identity: dialing, served: [echoing], address: listener.address };
  return { options, close: () => listener.close() };
}

/** What neither side of a handshake can do without; the rest of a connection is what the path adds. */
function cryptographyOfHandshake(): void {
  const digest = new Uint8Array(32);
  for (const { publicKey, secretKey } of [dialing, listening]) {
    const ephemeral = crypto.mlkem768.generate(new Uint8Array(64));
    const { ciphertext } = crypto.mlkem768.encapsulate(ephemeral.publicKey, new Uint8Array(32));
    crypto.mlkem768.decapsulate(ephemeral.secretKey, ciphertext);
    crypto.mldsa65.verify(publicKey, digest, crypto.mldsa65.sign(secretKey, digest));
  }
}
const handshake: Bench = {
  name: "network/handshake",
  unit: "connections/s",
  async prepare() {
    const { options, close } = await startListening();
    return {
      subject: {
        name: "dial and accept",
        async run() {
          for (let i = 0; i < HANDSHAKES; i++) {
            const connection = await dial(options);
            connection.close("done");
            await connection.closed;
          }
          return HANDSHAKES;
        },
      },
      peer: {
        name: "its cryptography alone",
        run() {
          for (let i = 0; i < HANDSHAKES; i++) cryptographyOfHandshake();
          return HANDSHAKES;
        },
      },
      close,
    };
  },
};

const envelopes: Bench = {
  name: "network/envelopes",
  unit: "bytes/s",
  async prepare() {
    const { options, close } = await startListening();
    const connection = await dial(options);
    const bare = await connectBare();
    const envelope = encodeEnvelope({
      msgType: MESSAGE.proposal,
      requestId: 1n,
      payload: new Uint8Array(PAYLOAD_SIZE),
    });
    return {
      subject: {
        name: "requests answered by themselves",
        async run() {
          for (let sent = 0; sent < ENVELOPES; sent += AT_ONCE) {
            const requests = Array.from({ length: AT_ONCE }, () => connection.request(PROTOCOLS.messages, envelope));
            await Promise.all(requests);
          }
          return ENVELOPES * envelope.length;
        },
      },
      peer: {
        name: "the same bytes over bare TCP",
        async run() {
          for (let sent = 0; sent < ENVELOPES; sent += AT_ONCE) {
            for (let i = 0; i < AT_ONCE; i++) bare.socket.write(envelope);
            await bare.echoed(AT_ONCE * envelope.length);
          }
          return ENVELOPES * envelope.length;
        },
      },
      close() {
        connection.close("done");
        bare.close();
        close();
      },
    };
  },
};

async function connectBare() {
  const server = createServer({ noDelay: true }, (socket: Socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return {
    socket,
    async echoed(count: number) {
      for (let left = count; left > 0;) {
        const [bytes] = (await once(socket, "data")) as [Buffer];
        left -= bytes.length;
      }
    },
    close() {
      socket.destroy();
      server.close();
    },
  };
}

export const benches: readonly Bench[] = [handshake, envelopes];
