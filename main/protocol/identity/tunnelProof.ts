/** What a client signs to prove itself to a server or a mesh peer (chapter 01 §4.2, chapter 06 §3.9). */
import type { Hash32, NodeId } from "../bytes.ts";
import { encode, u64 } from "../codec/codec.ts";
import { prefixedMessage } from "../hash.ts";

/** Windows in one slot of a proof. */
const SLOT_WINDOWS = 2n;

/** Names a slot of two windows: a proof of either window is a proof of the slot. */
function proofSlot(window: bigint): bigint {
  return window / SLOT_WINDOWS;
}

/** 88 bytes, signed as they are by the node key or the account key of the client. `nonce` is fresh per connection. */
export function onlineProofMessage(serverNodeId: NodeId, window: bigint, nonce: Hash32): Uint8Array {
  return prefixedMessage("mt-tunnel-online", serverNodeId, encode(u64, proofSlot(window)), nonce);
}

/** 86 bytes, over the window that the sender had cached; never verifies as an online proof, nor the reverse. */
export function meshProofMessage(peerNodeId: NodeId, cachedWindow: bigint, nonce: Hash32): Uint8Array {
  return prefixedMessage("mt-tunnel-mesh", peerNodeId, encode(u64, proofSlot(cachedWindow)), nonce);
}
