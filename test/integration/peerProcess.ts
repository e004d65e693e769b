/**
 * A node that is nothing but its peer manager, as a process of its own: exchanges small messages with every peer and reports
 * twice a second. Started by `fork` with a {@link PeerProcessConfig} as its only argument.
 */
import { setInterval } from "node:timers";

import { loadCrypto } from "../../main/native/index.ts";
import { encodeEnvelope } from "../../main/network/messages/envelope.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { noAsnMap } from "../../main/network/peers/asnMap.ts";
import { systemChance, systemClock } from "../../main/network/peers/clock.ts";
import { PeerManager, type PeerStatus } from "../../main/network/peers/manager.ts";
import { PROTOCOLS, type PeerIdText } from "../../main/network/ports.ts";
import { socketCarrier } from "../../main/network/socketCarrier.ts";
import type { ManifestPeer } from "../../main/protocol/genesis/manifest.ts";

export interface PeerProcessConfig {
  /** First byte of the seed of its key. */
  readonly number: number;
  readonly listen: string;
  readonly manifest: readonly ManifestPeer[];
  readonly stateFile?: string;
}

export interface PeerReport {
  readonly listening: string | undefined;
  readonly status: PeerStatus;
  readonly peers: readonly PeerIdText[];
  /** Answers to own messages so far, by peer. */
  readonly exchanged: Readonly<Record<PeerIdText, number>>;
  readonly banned: readonly { readonly peer: string; readonly reason: string }[];
  readonly rssMib: number;
  readonly sockets: number;
}

const EXCHANGE_MS = 100;
const REPORT_MS = 500;

if (process.send !== undefined && process.argv[2] !== undefined)
  await run(JSON.parse(process.argv[2]) as PeerProcessConfig);

async function run({ number, listen, manifest, stateFile }: PeerProcessConfig): Promise<void> {
  const { crypto } = loadCrypto();
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32).fill(number));
  const identity = { publicKey, sign: (digest: Uint8Array) => crypto.mldsa65.sign(secretKey, digest) };
  const banned: { peer: string; reason: string }[] = [];
  const exchanged: Record<PeerIdText, number> = {};
  const manager = new PeerManager({
    crypto,
    publicKey,
    openCarrier: socketCarrier(crypto, identity),
    clock: systemClock,
    chance: systemChance,
    manifest,
    listen,
    allowPrivateAddresses: true,
    asnMap: noAsnMap,
    stateFile,
    journal: () => undefined,
    log: ({ code, params }) => {
      if (code === "peer-banned") banned.push({ peer: String(params["peer"]), reason: String(params["reason"]) });
    },
  });
  await manager.start({ connected: () => undefined, disconnected: () => undefined }, []);
  const request = encodeEnvelope({ msgType: MESSAGE.anchor, requestId: 0n, payload: new Uint8Array(64) });
  const exchange = setInterval(() => {
    for (const peer of manager.peers) {
      peer.request(PROTOCOLS.messages, request).then(
        () => (exchanged[peer.peerId] = (exchanged[peer.peerId] ?? 0) + 1),
        () => undefined,
      );
    }
  }, EXCHANGE_MS);
  const report = setInterval(() => {
    const { listening, status, peers } = manager;
    const sockets = process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
    const rssMib = Math.round(process.memoryUsage.rss() / 2 ** 20);
    const peerIds = peers.map(({ peerId }) => peerId);
    process.send?.({ listening, status, peers: peerIds, exchanged, banned, rssMib, sockets } satisfies PeerReport);
  }, REPORT_MS);
  process.once("message", () => {
    clearInterval(exchange);
    clearInterval(report);
    void manager.stop().then(() => process.disconnect());
  });
}
