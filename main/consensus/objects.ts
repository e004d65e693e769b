/** The objects that nodes send each other, by name; the network maps the names to its message codes. */
import { equalBytes, ZERO_HASH, type Hash32 } from "../protocol/bytes.ts";
import { decode, encode } from "../protocol/codec/codec.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type SecretKey, type Signature } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import {
  bundledConfirmation,
  proposalBody,
  proposalHeader,
  proposalVote,
  vdfReveal,
  type BundledConfirmation,
  type ProposalBody,
  type ProposalHeader,
  type ProposalVote,
  type VdfReveal,
} from "../protocol/objects/consensus.ts";
import { nodeRegistration, type NodeRegistration } from "../protocol/objects/nodeRegistration.ts";
import { operation as operationClass, type Operation } from "../protocol/objects/operations.ts";
import type { Draft } from "../protocol/objects/signed.ts";

export type ObjectType = "operation" | "registration" | "bundle" | "reveal" | "header" | "body" | "vote";

/** An object as it travels: the payload is its canonical bytes. */
export interface Message {
  readonly type: ObjectType;
  readonly payload: Uint8Array;
}

/** A vote for nothing. */
export const NIL: Hash32 = ZERO_HASH;

export const isNil = (hash: Hash32): boolean => equalBytes(hash, NIL);

const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;

/** What a vote's signature covers: bytes 0…73 (chapter 03 §3.6). */
export function voteScope(vote: Draft<ProposalVote>): Uint8Array {
  return encode(proposalVote, { ...vote, signature: NO_SIGNATURE }).subarray(0, -MLDSA_SIGNATURE_SIZE);
}

/** What a node signs, before it is signed. */
export type Unsigned =
  | { readonly type: "bundle"; readonly object: Draft<BundledConfirmation> }
  | { readonly type: "reveal"; readonly object: Draft<VdfReveal> }
  | { readonly type: "header"; readonly object: Draft<ProposalHeader> }
  | { readonly type: "vote"; readonly object: Draft<ProposalVote> };

export type Signed =
  | { readonly type: "bundle"; readonly object: BundledConfirmation }
  | { readonly type: "reveal"; readonly object: VdfReveal }
  | { readonly type: "header"; readonly object: ProposalHeader }
  | { readonly type: "vote"; readonly object: ProposalVote };

/** Carries out the signing of an object; the caller has written the write-ahead log or is about to (§6.9). */
export function signObject(crypto: Crypto, secretKey: SecretKey, unsigned: Unsigned): Signed {
  switch (unsigned.type) {
    case "bundle":
      return { type: "bundle", object: bundledConfirmation.sign(crypto, secretKey, unsigned.object) };
    case "reveal":
      return { type: "reveal", object: vdfReveal.sign(crypto, secretKey, unsigned.object) };
    case "header":
      return { type: "header", object: proposalHeader.sign(crypto, secretKey, unsigned.object) };
    case "vote": {
      const signature = crypto.mldsa65.sign(secretKey, voteScope(unsigned.object));
      return { type: "vote", object: { ...unsigned.object, signature } };
    }
  }
}

export function messageOf(signed: Signed): Message {
  switch (signed.type) {
    case "bundle":
      return { type: "bundle", payload: bundledConfirmation.encode(signed.object) };
    case "reveal":
      return { type: "reveal", payload: vdfReveal.encode(signed.object) };
    case "header":
      return { type: "header", payload: proposalHeader.encode(signed.object) };
    case "vote":
      return { type: "vote", payload: encode(proposalVote, signed.object) };
  }
}

export const bodyMessage = (body: ProposalBody): Message => ({ type: "body", payload: encode(proposalBody, body) });

export const operationMessage = (operation: Operation): Message => ({
  type: "operation",
  payload: operationClass.encode(operation),
});

export const registrationMessage = (registration: NodeRegistration): Message => ({
  type: "registration",
  payload: nodeRegistration.encode(registration),
});

export const decodeBody = (payload: Uint8Array): ProposalBody => decode(proposalBody, payload);
export const decodeVote = (payload: Uint8Array): ProposalVote => decode(proposalVote, payload);

/** What `read` gives, or undefined where the bytes are not of this class. */
export function tryDecode<T>(read: (payload: Uint8Array) => T, payload: Uint8Array): T | undefined {
  try {
    return read(payload);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
