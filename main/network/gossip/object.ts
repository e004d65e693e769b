/**
 * What gossip must know of an object before anybody has checked it: its identifier and whose budget it takes. Read from fixed
 * places of the payload; nothing is decoded and no signature verified here.
 */
import { byteKey, concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto } from "../../protocol/crypto.ts";
import { taggedHash, type HashTag } from "../../protocol/hash.ts";
import { MESSAGE, type MessageType } from "../messages/registry.ts";

/** The types that travel by gossip. */
export const GOSSIPED = [
  MESSAGE.transfer,
  MESSAGE.changeKey,
  MESSAGE.anchor,
  MESSAGE.nodeRegistration,
  MESSAGE.bundledConfirmation,
  MESSAGE.vdfReveal,
  MESSAGE.proposal,
  MESSAGE.proposalBody,
  MESSAGE.proposalVote,
] as const satisfies readonly MessageType[];
export type GossipType = (typeof GOSSIPED)[number];

export function isGossiped(type: number): type is GossipType {
  return (GOSSIPED as readonly number[]).includes(type);
}

/** An object as it travels. */
export interface GossipObject {
  readonly type: GossipType;
  readonly payload: Uint8Array;
}

export interface Described {
  /** {@link byteKey} of the identifier. */
  readonly id: string;
  /** Undefined where the object names none. */
  readonly window: bigint | undefined;
  /** Distinct identifiers of one `key` that a peer may bring in a window (chapter 07 §5.3). */
  readonly budget: { readonly key: string; readonly max: number };
  /** Of a header. */
  readonly depth: number | undefined;
  /** What goes to a peer first: 0 before 3. */
  readonly priority: Priority;
}

/** Headers and votes; bodies; bundles and reveals; registrations and operations. */
export const PRIORITIES = [0, 1, 2, 3] as const;
export type Priority = (typeof PRIORITIES)[number];

interface Layout {
  /** Of the shortest payload. */
  readonly sizeMin: number;
  /** Undefined: the identifier is the digest of all bytes. */
  readonly tag: HashTag | "untagged" | undefined;
  readonly window: number | undefined;
  /** Places whose bytes together are what a budget is counted for. */
  readonly author: readonly (readonly [start: number, end: number])[];
  readonly max: number;
  readonly depth?: number;
  readonly priority: Priority;
}

const operation: Layout = {
  ...{ sizeMin: 113 + MLDSA_SIGNATURE_SIZE, tag: "mt-op", window: undefined, author: [[33, 65]], max: 2, priority: 3 },
};

const LAYOUTS: Readonly<Record<GossipType, Layout>> = {
  [MESSAGE.transfer]: operation,
  [MESSAGE.changeKey]: operation,
  [MESSAGE.anchor]: operation,
  [MESSAGE.nodeRegistration]: {
    ...{ sizeMin: 5344, tag: "mt-nodereg", window: undefined, author: [[3, 1955]], max: 4, priority: 3 },
  },
  [MESSAGE.bundledConfirmation]: {
    ...{ sizeMin: 3385, tag: "mt-bundle", window: 64, author: [[0, 32]], max: 2, priority: 2 },
  },
  [MESSAGE.vdfReveal]: { sizeMin: 3381, tag: "mt-vdf-reveal", window: 32, author: [[0, 32]], max: 2, priority: 2 },
  [MESSAGE.proposal]: {
    ...{ sizeMin: 3722, tag: "mt-proposal", window: 32, author: [[412, 413]], max: 2, depth: 412, priority: 0 },
  },
  // One more than the chapter has: who relayed a spoilt copy must be able to bring the right one.
  [MESSAGE.proposalBody]: { sizeMin: 48, tag: undefined, window: 32, author: [[0, 32]], max: 2, priority: 1 },
  // A vote has no tag: node, window, round, phase and value name it (chapter 03 §6.5).
  [MESSAGE.proposalVote]: {
    ...{
      sizeMin: 3383,
      tag: "untagged",
      window: 32,
      author: [
        [0, 32],
        [40, 42],
      ],
      max: 4,
      priority: 0,
    },
  },
};

/** Undefined where the payload is too short to be of its type. */
export function describe(crypto: Crypto, { type, payload }: GossipObject): Described | undefined {
  const layout = LAYOUTS[type];
  if (payload.length < layout.sizeMin) return undefined;
  const { window: place, author, max, depth, priority } = layout;
  const window = place === undefined ? undefined : readU64(payload, place);
  const owner = concatBytes(...author.map(([start, end]) => payload.subarray(start, end)));
  // Operations of one sender share a budget, whatever they do.
  const family = layout === operation ? MESSAGE.transfer : type;
  return {
    id: byteKey(identify(crypto, layout.tag, payload)),
    window,
    budget: { key: `${family} ${window ?? ""} ${byteKey(owner)}`, max },
    depth: depth === undefined ? undefined : payload[depth],
    priority,
  };
}

/** Identifiers leave the signature out; a body has none. */
function identify(crypto: Crypto, tag: Layout["tag"], payload: Uint8Array): Hash32 {
  if (tag === undefined) return crypto.sha256(payload);
  const scope = payload.subarray(0, -MLDSA_SIGNATURE_SIZE);
  return tag === "untagged" ? crypto.sha256(scope) : taggedHash(crypto, tag, scope);
}

function readU64(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true);
}
