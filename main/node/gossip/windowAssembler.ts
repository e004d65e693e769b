/**
 * Makes decided windows of the stream of objects that a peer serves for a range (chapter 07 §3.18). Nothing in it is believed:
 * every object must be named by one before it, none comes twice, and what a window may hold is bounded; signatures, weights
 * and roots are for the window machine to check.
 */
import type { FetchedWindow } from "../../consensus/material.ts";
import type { Message, ObjectType } from "../../consensus/objects.ts";
import { byteKey, equalBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  bundledConfirmation,
  PRECOMMIT,
  proposalBody,
  proposalHeader,
  proposalVote,
  vdfReveal,
  type BundledConfirmation,
  type ProposalBody,
  type ProposalHeader,
  type ProposalVote,
  type VdfReveal,
} from "../../protocol/objects/consensus.ts";
import { nodeRegistration, type NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { operation as operationClass, type Operation } from "../../protocol/objects/operations.ts";

/** Of one window: 10,000 nodes with their bundles of two windows and their votes take less than half of it. */
export const WINDOW_BYTES_MAX = 2 ** 28;
/** Of one certificate; a node has one vote in it. */
const VOTES_MAX = 16_384;

const ORDER: readonly ObjectType[] = ["header", "body", "vote", "bundle", "reveal", "operation", "registration"];

export type RangeFault =
  /** Windows or kinds of objects do not follow one another as they must. */
  | "range-out-of-order"
  /** An object that nothing before it names, or that came before. */
  | "range-object-unasked"
  | "range-object-malformed"
  | "range-window-too-large";

/** A window that is still growing. */
interface Open {
  readonly header: ProposalHeader;
  readonly hash: Hash32;
  body: ProposalBody | undefined;
  readonly votes: ProposalVote[];
  readonly bundles: BundledConfirmation[];
  readonly reveals: VdfReveal[];
  readonly operations: Operation[];
  readonly registrations: NodeRegistration[];
  /** Names of what may still come. */
  readonly named: Set<string>;
  readonly voters: Set<string>;
  kind: number;
  bytes: number;
}

export class WindowAssembler {
  readonly #crypto: Crypto;
  readonly #last: bigint;
  readonly #complete: FetchedWindow[] = [];
  #next: bigint;
  #open: Open | undefined;
  #isOver = false;
  #bytes = 0;

  /** Both ends included. */
  constructor(crypto: Crypto, first: bigint, last: bigint) {
    this.#crypto = crypto;
    this.#next = first;
    this.#last = last;
  }

  /** Windows that are whole: the next one has begun. */
  get complete(): readonly FetchedWindow[] {
    return this.#complete;
  }

  /** Of everything added. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The next object of the stream. Throws `ProtocolError<RangeFault>`. */
  add({ type, payload }: Message): void {
    this.#bytes += payload.length;
    if (type === "header") {
      this.#close();
      this.#begin(
        this.#read(() => proposalHeader.decode(payload)),
        payload.length,
      );
      return;
    }
    const open = this.#open;
    const kind = ORDER.indexOf(type);
    // One body; of the others there may be several.
    if (open === undefined || kind < open.kind || (type === "body" && kind === open.kind))
      throw fault("range-out-of-order");
    open.kind = kind;
    open.bytes += payload.length;
    if (open.bytes > WINDOW_BYTES_MAX) throw fault("range-window-too-large");
    this.#take(open, type, payload);
  }

  /** The stream has ended; gives all windows. */
  finish(): readonly FetchedWindow[] {
    this.#close();
    return this.#complete;
  }

  #begin(header: ProposalHeader, bytes: number): void {
    if (header.windowIndex !== this.#next || this.#next > this.#last) throw fault("range-out-of-order");
    this.#next++;
    const lists = { votes: [], bundles: [], reveals: [], operations: [], registrations: [] };
    const hash = proposalHeader.identify(this.#crypto, header);
    this.#open = { header, hash, body: undefined, ...lists, named: new Set(), voters: new Set(), kind: 0, bytes };
  }

  /** A window without body or certificate is not kept whole any more: it ends what can be used. */
  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined || this.#isOver) return;
    const { header, body, votes: certificate, bundles, reveals, operations, registrations } = open;
    this.#isOver = body === undefined || certificate.length === 0;
    if (body === undefined || this.#isOver) return;
    this.#complete.push({ header, body, certificate, bundles, reveals, operations, registrations });
  }

  #take(open: Open, type: Exclude<ObjectType, "header">, payload: Uint8Array): void {
    const crypto = this.#crypto;
    switch (type) {
      case "body": {
        const body = this.#read(() => decode(proposalBody, payload));
        if (!equalBytes(body.proposalHash, open.hash)) throw fault("range-object-unasked");
        open.body = body;
        const named = [...body.bundles, ...body.evidence, ...body.reveals].map(({ hash }) => hash);
        for (const hash of [...named, ...body.controlHashes]) open.named.add(byteKey(hash));
        return;
      }
      case "vote": {
        const vote = this.#read(() => decode(proposalVote, payload));
        const voter = byteKey(vote.nodeId);
        const isOfCertificate = vote.phase === PRECOMMIT && equalBytes(vote.proposalHash, open.hash);
        if (!isOfCertificate || open.voters.has(voter) || open.voters.size >= VOTES_MAX) {
          throw fault("range-object-unasked");
        }
        open.voters.add(voter);
        open.votes.push(vote);
        return;
      }
      case "bundle": {
        const bundle = this.#read(() => bundledConfirmation.decode(payload));
        strike(open, bundledConfirmation.identify(crypto, bundle));
        open.bundles.push(bundle);
        for (const hash of bundle.opHashes) open.named.add(byteKey(hash));
        return;
      }
      case "reveal": {
        const reveal = this.#read(() => vdfReveal.decode(payload));
        strike(open, vdfReveal.identify(crypto, reveal));
        open.reveals.push(reveal);
        return;
      }
      case "operation": {
        const operation = this.#read(() => operationClass.decode(payload));
        strike(open, operationClass.identify(crypto, operation));
        open.operations.push(operation);
        return;
      }
      case "registration": {
        const registration = this.#read(() => nodeRegistration.decode(payload));
        strike(open, nodeRegistration.identify(crypto, registration));
        open.registrations.push(registration);
      }
    }
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ProtocolError) throw fault("range-object-malformed");
      throw error;
    }
  }
}

/** An object that something named comes once. */
function strike({ named }: Open, hash: Hash32): void {
  if (!named.delete(byteKey(hash))) throw fault("range-object-unasked");
}

function fault(code: RangeFault): ProtocolError<RangeFault> {
  return new ProtocolError<RangeFault>(code);
}
