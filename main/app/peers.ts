/** The peers of the host's node: who they are by the network's file, where this node listens, what monitors read. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { parseMultiaddr, reachOf } from "../network/peers/address.ts";
import { ASN_FILE_SIZE_MAX, noAsnMap, parseAsnMap, type AsnMap } from "../network/peers/asnMap.ts";
import { systemChance, systemClock } from "../network/peers/clock.ts";
import { journal } from "../network/peers/journal.ts";
import { PeerManager } from "../network/peers/manager.ts";
import type { PeerEvent, PeerSettings } from "../network/peers/settings.ts";
import { socketCarrier } from "../network/socketCarrier.ts";
import type { Crypto, PublicKey } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { ManifestPeer } from "../protocol/genesis/manifest.ts";
import { formatPeerId, peerIdOf } from "../protocol/identity/peerId.ts";
import type { NodeSigner } from "../keystore/signers.ts";
import { GossipTransport } from "../node/gossip/gossipTransport.ts";
import { nobody, type Transport } from "../node/runtime/transport.ts";
import type { NodeContext } from "./host.ts";

const STATE_FILE = "peers.state";
/** For the collector of a mesh (chapter 08 §3.3). */
const PEERS_FILE = "peers.json";
const LABEL = /^[a-z][a-z0-9-]{0,31}$/;

/** What the peers' side is told of the node, which is made after it. */
export type OwnFacts = Required<Pick<PeerSettings, "startWindowOf" | "windowSeconds" | "onSilence">> &
  Pick<NonNullable<PeerSettings["peersFile"]>, "status">;

/**
 * Nobody for a network of one node that has no peers and does not listen. `signer` makes the handshakes and is closed by
 * whoever opened it.
 */
export function openTransport(
  { crypto, network: opened, logger, writeLine, listen, announce }: NodeContext,
  signer: NodeSigner,
  { own, asnMap }: { readonly own: OwnFacts; readonly asnMap: AsnMap },
): Transport {
  const { network, directory } = opened;
  const isAlone = network.peers.length === 0 && network.otherFounders.length === 0 && listen.length === 0;
  if (isAlone) return nobody;
  const identity = { publicKey: signer.publicKey, sign: (digest: Uint8Array) => signer.signScope(digest) };
  const settings = {
    ...{ crypto, publicKey: signer.publicKey, clock: systemClock, chance: systemChance, asnMap },
    openCarrier: socketCarrier(crypto, identity),
    manifest: network.peers,
    listen: listen[0],
    ...(announce === undefined ? {} : { announce }),
    allowPrivateAddresses: [...network.peers.map(({ multiaddr }) => multiaddr), ...listen].some(isNotPublic),
    keepManifestPeers: network.rules.profile === "rc1",
    stateFile: join(directory, STATE_FILE),
    ...{ startWindowOf: own.startWindowOf, windowSeconds: own.windowSeconds, onSilence: own.onSilence },
    peersFile: {
      path: join(directory, PEERS_FILE),
      node: labelOf(crypto, network.peers, signer.publicKey),
      status: own.status,
    },
    journal: writeLine,
    log: ({ level, code, params }: PeerEvent) => logger[level](params, code),
  };
  return new GossipTransport({
    crypto,
    network: () => new PeerManager(settings),
    told: (typeName, requestId, peers) => writeLine(journal.broadcast(typeName, requestId, peers)),
  });
}

/** Throws `ProtocolError<AsnMapErrorCode | "asn-map-unreadable">`. */
export async function readAsnMap(file: string | undefined): Promise<AsnMap> {
  if (file === undefined) return noAsnMap;
  let text: string;
  try {
    if ((await stat(file)).size > ASN_FILE_SIZE_MAX) throw new ProtocolError("asn-map-too-large", { line: 0 });
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError("asn-map-unreadable", { file, reason: String((error as NodeJS.ErrnoException).code) });
  }
  return parseAsnMap(text);
}

/** Of this node in the manifest, where it has a label there that a collector takes. */
function labelOf(crypto: Crypto, peers: readonly ManifestPeer[], publicKey: PublicKey): string {
  const ownId = formatPeerId(peerIdOf(crypto, publicKey));
  const label = peers.find(({ peerId }) => peerId === ownId)?.label.toLowerCase();
  return label !== undefined && LABEL.test(label) ? label : "node";
}

/** Of a network on one machine or in one house; there nobody has other addresses. */
function isNotPublic(multiaddr: ManifestPeer["multiaddr"]): boolean {
  try {
    const reach = reachOf(parseMultiaddr(multiaddr));
    return reach === "loopback" || reach === "private";
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}
