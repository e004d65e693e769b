/** What the wallet asks of the rest of the program, as the host wires it: the settled state, the node, the keys. */
import type { AccountId, Hash32 } from "../protocol/bytes.ts";
import type { PublicKey } from "../protocol/crypto.ts";
import type { BundledConfirmation, ProposalHeader } from "../protocol/objects/consensus.ts";
import type { Operation } from "../protocol/objects/operations.ts";
import type { AccountRecord, NodeRecord } from "../protocol/state/records.ts";
import type { AccountSigner } from "../keystore/signers.ts";

/** The settled state and the archive; answered by the state worker. */
export interface WalletChain {
  /** Records of one and the same state, in the order asked; undefined for an account that it does not hold. */
  accounts(ids: readonly AccountId[]): Promise<SettledAccounts>;
  /** At most `count` lines of a subject, newest first, from before `cursor` on. */
  history(subject: Hash32, count: number, cursor?: number): Promise<readonly HistoryLine[]>;
  /** A settled operation that the archive holds. */
  operation(opHash: Hash32): Promise<Operation | undefined>;
  /** A decided header that the archive holds. */
  header(window: bigint): Promise<ProposalHeader | undefined>;
  /** What proves that the bundles of `window` attest an anchor; undefined where it is not at hand (any more). */
  anchorMaterial(anchor: AnchorPlace): Promise<AnchorMaterial | undefined>;
}

export interface SettledAccounts {
  /** The last decided window; undefined before the first. */
  readonly window: bigint | undefined;
  readonly records: readonly (AccountRecord | undefined)[];
}

/** As the store's history index has it. */
export interface HistoryLine {
  readonly kind:
    "sent" | "received" | "created" | "activated" | "key-changed" | "anchored" | "reward" | "welcome-bonus";
  readonly window: bigint;
  /** Grows with time, over all subjects. */
  readonly cursor: number;
  /** Zeros for emission. */
  readonly opHash: Hash32;
  /** The other account; of an anchor its application or, in the application's history, its sender; zeros for emission. */
  readonly counterparty: Hash32;
  /** nɈ. */
  readonly amount: bigint;
}

export interface AnchorPlace {
  readonly opHash: Hash32;
  readonly sender: AccountId;
  /** Of the bundles that list it: the one before it settled. */
  readonly window: bigint;
}

/** Chapter 04 §4.14, points 3 to 5, and the sender's key. */
export interface AnchorMaterial {
  readonly headerBefore: ProposalHeader;
  readonly header: ProposalHeader;
  /** As `encodeProof` writes it: the sender's record in the state before the window. */
  readonly senderProof: Uint8Array;
  /** The whole Node Table before the window. */
  readonly nodes: readonly NodeRecord[];
  /** All of the window that list the anchor. */
  readonly bundles: readonly BundledConfirmation[];
}

export interface WalletNode {
  /** Gives an operation to the own node, which checks and relays it; one that it has already is accepted. */
  submit(operation: Operation): Promise<Submission>;
}

/**
 * `accepted` also where the node only holds it, until the state it saw is that of the wallet. `unavailable`: no node runs, or it is still
 * catching up; try again later.
 */
export type Submission =
  { readonly verdict: "accepted" | "unavailable" } | { readonly verdict: "refused"; readonly failure: string };

/** What the node tells about a window that it decided. */
export interface WindowDecided {
  readonly window: bigint;
  /** False while it catches up: then nobody could have confirmed what was sent in the meantime. */
  readonly isLive: boolean;
  readonly skipped: readonly { readonly opHash: Hash32; readonly failure: string }[];
}

/** The public part of the identity. */
export interface PersonKeys {
  readonly accountPublicKey: PublicKey;
  readonly nodePublicKey: PublicKey;
}

/** What the passphrase opens; `UnlockedAccount` of the keystore is one. */
export interface OpenedSigners {
  readonly account: AccountSigner;
  readonly nodeAccount: AccountSigner;
}
