/** Signed objects as the write-ahead log keeps them: the object, and behind it what it makes no sense without (chapter 03 §6.9). */
import type { LoggedObject, Material } from "../../consensus/material.ts";
import type { Signed, Unsigned } from "../../consensus/objects.ts";
import { decode, encode, list, struct, u32, u8, type Codec, type Infer } from "../../protocol/codec/codec.ts";
import {
  bundledConfirmation,
  proposalBody,
  proposalHeader,
  proposalVote,
  vdfReveal,
} from "../../protocol/objects/consensus.ts";
import { nodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { operation } from "../../protocol/objects/operations.ts";
import type { SignedEntry, SignedKey } from "../store/signedLog.ts";

const material = struct({
  /** None or one. */
  headers: list(proposalHeader.codec, { count: u8 }),
  bodies: list(proposalBody, { count: u8 }),
  bundles: list(bundledConfirmation.codec, { count: u32 }),
  reveals: list(vdfReveal.codec, { count: u32 }),
  operations: list(operation.codec, { count: u32 }),
  registrations: list(nodeRegistration.codec, { count: u32 }),
});

const entries = {
  bundle: struct({ object: bundledConfirmation.codec, keep: material }),
  reveal: struct({ object: vdfReveal.codec, keep: material }),
  header: struct({ object: proposalHeader.codec, keep: material }),
  vote: struct({ object: proposalVote, keep: material }),
} satisfies Record<Signed["type"], Codec<unknown>>;

/** What is signed once and never otherwise. */
export function keyOfObject({ type, object }: Unsigned): SignedKey {
  return {
    kind: type,
    window: object.windowIndex,
    round: type === "vote" ? object.round : type === "header" ? object.fallbackDepth : 0,
    phase: type === "vote" ? object.phase : 0,
  };
}

export function encodeLogged({ signed, keep }: LoggedObject): SignedEntry {
  const codec = entries[signed.type] as Codec<{ object: Signed["object"]; keep: Infer<typeof material> }>;
  const { header, body, ...lists } = keep;
  const kept = { ...lists, headers: header === undefined ? [] : [header], bodies: body === undefined ? [] : [body] };
  return { key: keyOfObject(signed), object: encode(codec, { object: signed.object, keep: kept }) };
}

/** Throws `ProtocolError<CodecErrorCode>`: the log's checksums exclude damage, so the program that wrote it was another one. */
export function decodeLogged({ key, object: bytes }: SignedEntry): LoggedObject {
  const { object, keep } = decode(entries[key.kind] as Codec<DecodedEntry>, bytes);
  return { signed: { type: key.kind, object } as Signed, keep: materialOf(keep) };
}

interface DecodedEntry {
  readonly object: Signed["object"];
  readonly keep: Infer<typeof material>;
}

function materialOf({ headers: [header], bodies: [body], ...lists }: Infer<typeof material>): Material {
  return { ...lists, ...(header && { header }), ...(body && { body }) };
}
