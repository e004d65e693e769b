/** The objects of a decided window in the order in which a peer is served (chapter 07 §3.18). */
import type { Hash32 } from "../../protocol/bytes.ts";
import { encode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { bundledConfirmation, proposalBody, proposalVote, vdfReveal } from "../../protocol/objects/consensus.ts";
import { nodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { operation as operationClass } from "../../protocol/objects/operations.ts";
import type { Signed, SignedClass } from "../../protocol/objects/signed.ts";
import type { DecidedWindow } from "../../consensus/material.ts";
import type { ArchivedObject, ObjectKind } from "../store/archive.ts";

export function archivedObjects(crypto: Crypto, decided: DecidedWindow): ArchivedObject[] {
  const { hash, body, certificate, bundles, reveals, operations, registrations } = decided;
  const all = <T extends Signed>(kind: ObjectKind, objects: readonly T[], of: SignedClass<T>): ArchivedObject[] =>
    objects.map((object) => ({ kind, id: of.identify(crypto, object), bytes: of.encode(object) }));
  const votes = certificate.map((vote) => unnamed("vote", undefined, encode(proposalVote, vote)));
  return [
    unnamed("body", hash, encode(proposalBody, body)),
    ...votes,
    ...all("bundle", bundles, bundledConfirmation),
    ...all("reveal", reveals, vdfReveal),
    ...all("operation", operations, operationClass),
    ...all("registration", registrations, nodeRegistration),
  ];
}

function unnamed(kind: ObjectKind, id: Hash32 | undefined, bytes: Uint8Array): ArchivedObject {
  return { kind, id, bytes };
}
