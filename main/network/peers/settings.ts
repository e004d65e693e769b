/** What a peer manager is made of. */
import type { Crypto, PublicKey } from "../../protocol/crypto.ts";
import type { NodeId } from "../../protocol/bytes.ts";
import type { ErrorParams } from "../../protocol/errors.ts";
import type { ManifestPeer } from "../../protocol/genesis/manifest.ts";
import type { AsnMap } from "./asnMap.ts";
import type { OpenCarrier } from "./carrier.ts";
import type { Chance, Clock } from "./clock.ts";
import type { NodeStatus } from "./peersFile.ts";

export interface PeerSettings {
  readonly crypto: Crypto;
  /** The node key's. */
  readonly publicKey: PublicKey;
  readonly openCarrier: OpenCarrier;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Of the network file; the own entry may be among them. */
  readonly manifest: readonly ManifestPeer[];
  /** Multiaddr to listen on; undefined for a node that only dials. */
  readonly listen: string | undefined;
  /** Multiaddr that others reach this node at, where that is not what it listens on. */
  readonly announce?: string;
  /** Loopback and private addresses count as addresses: in test networks and `local`. */
  readonly allowPrivateAddresses: boolean;
  /** Stay with the manifest's peers, however many others there are: a follower of an rc.1 producer has to. */
  readonly keepManifestPeers?: boolean;
  readonly asnMap: AsnMap;
  /** Start window of a node that the Node Table knows; a claim of a stranger counts for less. */
  readonly startWindowOf?: (nodeId: NodeId) => bigint | undefined;
  /** Mean length of the last windows; undefined until one was measured. */
  readonly windowSeconds?: () => number | undefined;
  /** A peer fell silent, or answers again. */
  readonly onSilence?: () => void;
  /** Where addresses, anchors and bans are kept; undefined keeps them in memory. */
  readonly stateFile: string | undefined;
  /** Where `peers.json` goes, and what the node says of itself in it. */
  readonly peersFile?: {
    readonly path: string;
    readonly node: string;
    readonly status: () => Promise<NodeStatus | undefined>;
  };
  /** Takes the lines that monitors read; they hold addresses. */
  readonly journal: (line: string) => void;
  readonly log: (event: PeerEvent) => void;
}

/** What an operator is told, without addresses. */
export interface PeerEvent {
  readonly level: "info" | "warn" | "error";
  readonly code: PeerEventCode;
  readonly params: ErrorParams;
}

export type PeerEventCode =
  /** `peer`, `reason`, `minutes`. */
  | "peer-banned"
  /** `peer`: connected under its own key to itself. */
  | "dialed-itself"
  /** `peer`, `label`: its address or PeerId cannot be read. */
  | "manifest-peer-invalid"
  /** `fault`, `file`: set aside, the manifest's peers are the start. */
  | "network-state-corrupt"
  /** `file`, `reason`. */
  | "network-state-not-written"
  | "peers-file-not-written"
  /** `peer`: a handler of the program rejected; a defect. */
  | "handler-failed"
  /** `peer`: refused, for all places are taken by better ones. */
  | "inbound-full"
  | "peer-evicted";
