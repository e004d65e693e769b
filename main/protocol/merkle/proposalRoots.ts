/** The three trees that a proposal commits to besides the tables (chapter 02 §4.4, chapter 03 §4.16). */
import { concatBytes, type Hash32 } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import type { NamedHash } from "../objects/consensus.ts";
import { nodeRegistration, type NodeRegistration } from "../objects/nodeRegistration.ts";
import { rootOf } from "./tree.ts";

/** included_bundles_root or included_reveals_root: at most one entry a node, in any order. */
export function includedRoot(crypto: Crypto, entries: readonly NamedHash[]): Hash32 {
  return rootOf(
    crypto,
    entries.map(({ nodeId, hash }) => ({ key: nodeId, record: concatBytes(nodeId, hash) })),
  );
}

/** control_root: the whole bytes of each registration, signature included, under its identifier. */
export function controlRoot(crypto: Crypto, registrations: readonly NodeRegistration[]): Hash32 {
  return rootOf(
    crypto,
    registrations.map((registration) => ({
      key: nodeRegistration.identify(crypto, registration),
      record: nodeRegistration.encode(registration),
    })),
  );
}
