/** The peers of the host's node: who they are by the network's file, where this node listens, what monitors read. */
import { join } from "node:path";

import { parseMultiaddr, reachOf } from "../network/peers/address.ts";
import { noAsnMap } from "../network/peers/asnMap.ts";
import { systemChance, systemClock } from "../network/peers/clock.ts";
import { journal } from "../network/peers/journal.ts";
import { PeerManager } from "../network/peers/manager.ts";
import type { PeerEvent } from "../network/peers/settings.ts";
import { socketCarrier } from "../network/socketCarrier.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { ManifestPeer } from "../protocol/genesis/manifest.ts";
import type { NodeSigner } from "../keystore/signers.ts";
import { GossipTransport } from "../node/gossip/gossipTransport.ts";
import { nobody, type Transport } from "../node/runtime/transport.ts";
import type { NodeContext } from "./host.ts";

const STATE_FILE = "peers.state";

/**
 * Nobody for a network of one node that has no peers and does not listen. `signer` makes the handshakes and is closed by
 * whoever opened it.
 */
export function openTransport(
  { crypto, network: opened, logger, writeLine, listen, announce }: NodeContext,
  signer: NodeSigner,
): Transport {
  const { network, directory } = opened;
  const isAlone = network.peers.length === 0 && network.otherFounders.length === 0 && listen.length === 0;
  if (isAlone) return nobody;
  const identity = { publicKey: signer.publicKey, sign: (digest: Uint8Array) => signer.signScope(digest) };
  const settings = {
    ...{ crypto, publicKey: signer.publicKey, clock: systemClock, chance: systemChance, asnMap: noAsnMap },
    openCarrier: socketCarrier(crypto, identity),
    manifest: network.peers,
    listen: listen[0],
    ...(announce === undefined ? {} : { announce }),
    allowPrivateAddresses: [...network.peers.map(({ multiaddr }) => multiaddr), ...listen].some(isNotPublic),
    keepManifestPeers: network.rules.profile === "rc1",
    stateFile: join(directory, STATE_FILE),
    journal: writeLine,
    log: ({ level, code, params }: PeerEvent) => logger[level](params, code),
  };
  return new GossipTransport({
    crypto,
    network: () => new PeerManager(settings),
    told: (typeName, requestId, peers) => writeLine(journal.broadcast(typeName, requestId, peers)),
  });
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
