/** The Ed25519 key that the reference derives for its networking library (chapter 01 §4.6, D10). It proves nothing here. */
import { ed25519 } from "@noble/curves/ed25519.js";

import { formatPeerId, legacyPeerIdOf } from "../protocol/identity/peerId.ts";

/** The `12D3Koo…` text that the reference's `inspect` prints for a 32-byte `transportSeed`; never a node's network name. */
export function legacyPeerIdText(transportSeed: Uint8Array): string {
  return formatPeerId(legacyPeerIdOf(ed25519.getPublicKey(transportSeed)));
}
