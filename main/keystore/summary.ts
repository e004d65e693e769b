/** What everybody may know of an identity: read without any secret. */
import { toHex, type AccountId, type NodeId } from "../protocol/bytes.ts";
import type { Crypto, PublicKey } from "../protocol/crypto.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { accountFingerprint, recoveryFingerprint } from "../protocol/identity/fingerprints.ts";
import { accountIdOf, nodeIdOf } from "../protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../protocol/identity/peerId.ts";
import type { KeyFile, MachineKeyKind, Origin } from "./keyFile.ts";
import { findChangedMarks, type MachineMarks } from "./machineMarks.ts";

export interface IdentitySummary {
  readonly accountId: AccountId;
  /** `mt…`, of {@link accountId}. */
  readonly address: string;
  /** The account of the node key, where a newcomer's bonus goes (chapter 05, PW-13). */
  readonly nodeAccountId: AccountId;
  readonly nodeAccountAddress: string;
  readonly nodeId: NodeId;
  /** `Qm…`. */
  readonly peerId: string;
  readonly accountPublicKey: PublicKey;
  readonly nodePublicKey: PublicKey;
  readonly appKemPublicKey: Uint8Array;
  /** Six words. */
  readonly accountFingerprint: readonly string[];
  /** 64 hex digits. */
  readonly recoveryFingerprint: string;
  readonly mode: "recoverable" | "ephemeral";
  /** Whether the passphrase shows the words: not after an import, whose file does not hold them. */
  readonly hasWords: boolean;
  /** The person has given some of the words back, or typed them all. */
  readonly areWordsConfirmed: boolean;
  /** Where the key of the node part lies; "file" is no protection against who reads the directory. */
  readonly machineKey: MachineKeyKind;
  readonly provenance: Provenance;
}

/** How the identity came here; the node decides how long it keeps quiet. */
export interface Provenance {
  readonly origin: Origin;
  /** When it was created, restored or imported here, by the clock of the caller. */
  readonly createdAtMs: number;
  /** What differs from when the directory was last known to be the only one. */
  readonly changedMarks: readonly ("machine" | "directory")[];
  /** The same node key may be at work elsewhere: restored, imported or copied, and no quiet period has ended since. */
  readonly isRestoredOrCopied: boolean;
}

export function summarize(crypto: Crypto, { identity, state }: KeyFile, marks: MachineMarks): IdentitySummary {
  const { suiteId, contents, origin, createdAtMs, accountKey, nodeKey, appKemKey } = identity;
  const accountId = accountIdOf(crypto, suiteId, accountKey);
  const nodeAccountId = accountIdOf(crypto, suiteId, nodeKey);
  const changedMarks = findChangedMarks(state, marks);
  const keys = { account: { publicKey: accountKey }, node: { publicKey: nodeKey }, appKem: { publicKey: appKemKey } };
  return {
    accountId,
    address: encodeAddress(crypto, accountId),
    nodeAccountId,
    nodeAccountAddress: encodeAddress(crypto, nodeAccountId),
    nodeId: nodeIdOf(crypto, nodeKey),
    peerId: formatPeerId(peerIdOf(crypto, nodeKey)),
    accountPublicKey: accountKey,
    nodePublicKey: nodeKey,
    appKemPublicKey: appKemKey,
    accountFingerprint: accountFingerprint(crypto, accountKey),
    recoveryFingerprint: toHex(recoveryFingerprint(crypto, keys)),
    mode: contents === "words" || contents === "master-seed" ? "recoverable" : "ephemeral",
    hasWords: contents === "words",
    areWordsConfirmed: state.areWordsConfirmed,
    machineKey: state.machineKeyKind,
    provenance: {
      origin,
      createdAtMs,
      changedMarks,
      isRestoredOrCopied: (origin !== "created" && !state.isSettled) || changedMarks.length > 0,
    },
  };
}
