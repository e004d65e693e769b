/**
 * Objects and their bytes: each payload is decoded once, each object encoded, identified and prepared for its signature's check
 * once, however often they are repeated, relayed or looked at. Machines of one process may share it.
 */
import type { Hash32 } from "../protocol/bytes.ts";
import { encode } from "../protocol/codec/codec.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { includedRoot } from "../protocol/merkle/proposalRoots.ts";
import {
  bundledConfirmation,
  proposalBody,
  proposalHeader,
  vdfReveal,
  type BundledConfirmation,
  type ProposalBody,
  type ProposalHeader,
  type ProposalVote,
  type VdfReveal,
} from "../protocol/objects/consensus.ts";
import {
  bodyMessage,
  decodeBody,
  decodeVote,
  messageOf,
  tryDecode,
  voteScope,
  type Message,
  type Signed,
} from "./objects.ts";

interface Classes {
  readonly bundle: BundledConfirmation;
  readonly reveal: VdfReveal;
  readonly header: ProposalHeader;
  readonly vote: ProposalVote;
  readonly body: ProposalBody;
}
type Class = keyof Classes;

interface Layout<T> {
  readonly decode: (payload: Uint8Array) => T;
  readonly messageOf: (object: T) => Message;
  /** What the signature covers; of a body, which has none, all of it. */
  readonly scope: (object: T) => Uint8Array;
  readonly identify: (crypto: Crypto, scope: Uint8Array) => Hash32;
}

const sha256 = (crypto: Crypto, scope: Uint8Array): Hash32 => crypto.sha256(scope);

const LAYOUTS: { readonly [C in Class]: Layout<Classes[C]> } = {
  bundle: {
    decode: (payload) => bundledConfirmation.decode(payload),
    messageOf: (object) => messageOf({ type: "bundle", object }),
    scope: (object) => bundledConfirmation.scope(object),
    identify: (crypto, scope) => bundledConfirmation.identifyByScope(crypto, scope),
  },
  reveal: {
    decode: (payload) => vdfReveal.decode(payload),
    messageOf: (object) => messageOf({ type: "reveal", object }),
    scope: (object) => vdfReveal.scope(object),
    identify: (crypto, scope) => vdfReveal.identifyByScope(crypto, scope),
  },
  header: {
    decode: (payload) => proposalHeader.decode(payload),
    messageOf: (object) => messageOf({ type: "header", object }),
    scope: (object) => proposalHeader.scope(object),
    identify: (crypto, scope) => proposalHeader.identifyByScope(crypto, scope),
  },
  // A vote has no class tag: author, window, round, phase and value name it (§6.5).
  vote: {
    decode: decodeVote,
    messageOf: (object) => messageOf({ type: "vote", object }),
    scope: voteScope,
    identify: sha256,
  },
  body: {
    decode: decodeBody,
    messageOf: bodyMessage,
    scope: (object) => encode(proposalBody, object),
    identify: sha256,
  },
};

/** An object with what follows from it. */
export class Known<T> {
  readonly object: T;
  readonly #crypto: Crypto;
  readonly #layout: Omit<Layout<never>, "decode">;
  #message: Message | undefined;
  #scope: Uint8Array | undefined;
  #identifier: Hash32 | undefined;

  constructor(crypto: Crypto, layout: Layout<T>, object: T, message?: Message) {
    this.#crypto = crypto;
    this.#layout = layout;
    this.object = object;
    this.#message = message;
  }

  get message(): Message {
    return (this.#message ??= this.#layout.messageOf(this.object as never));
  }

  get scope(): Uint8Array {
    return (this.#scope ??= this.#layout.scope(this.object as never));
  }

  /** Of a body the digest of its bytes. */
  get identifier(): Hash32 {
    return (this.#identifier ??= this.#layout.identify(this.#crypto, this.scope));
  }
}

/** included_bundles_root and included_reveals_root. */
export interface BodyRoots {
  readonly bundles: Hash32;
  readonly reveals: Hash32;
}

export function bodyRoots(crypto: Crypto, { bundles, reveals }: ProposalBody): BodyRoots {
  return { bundles: includedRoot(crypto, bundles), reveals: includedRoot(crypto, reveals) };
}

export class ObjectBytes {
  readonly #crypto: Crypto;
  /** By payload; null where it is none of the class that it came as. */
  readonly #read = new WeakMap<Uint8Array, { readonly type: Class; readonly known: Known<unknown> | null }>();
  readonly #known = new WeakMap<object, Known<unknown>>();
  readonly #roots = new WeakMap<ProposalBody, BodyRoots>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Undefined where the bytes are not of this class. */
  read<C extends Class>(type: C, payload: Uint8Array): Known<Classes[C]> | undefined {
    const before = this.#read.get(payload);
    if (before?.type === type) return (before.known as Known<Classes[C]> | null) ?? undefined;
    const layout = LAYOUTS[type];
    const object = tryDecode(layout.decode, payload);
    const known = object === undefined ? null : new Known(this.#crypto, layout, object, { type, payload });
    this.#read.set(payload, { type, known });
    if (known === null) return undefined;
    this.#known.set(known.object, known);
    return known;
  }

  of<C extends Class>(type: C, object: Classes[C]): Known<Classes[C]> {
    const before = this.#known.get(object);
    if (before !== undefined) return before as Known<Classes[C]>;
    const known = new Known(this.#crypto, LAYOUTS[type], object);
    this.#known.set(object, known);
    return known;
  }

  /** As it travels; what it is read from again is this very object. */
  messageOf<C extends Class>(type: C, object: Classes[C]): Message {
    const known = this.of(type, object);
    const { message } = known;
    if (!this.#read.has(message.payload)) this.#read.set(message.payload, { type, known });
    return message;
  }

  /** What the lists of a body hash to. */
  rootsOf(body: ProposalBody): BodyRoots {
    let roots = this.#roots.get(body);
    if (roots === undefined) this.#roots.set(body, (roots = bodyRoots(this.#crypto, body)));
    return roots;
  }

  signed({ type, object }: Signed): Message {
    return this.messageOf(type, object);
  }

  identify<C extends Class>(type: C, object: Classes[C]): Hash32 {
    return this.of(type, object).identifier;
  }
}
