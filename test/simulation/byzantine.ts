/**
 * What faulty nodes do to the messages that leave them. Their machine is the honest one; the lies are told on the way out, to
 * one half of the peers, so that each half could be led to believe something else.
 */
import { byteKey, concatBytes, type Hash32, type NodeId } from "../../main/protocol/bytes.ts";
import { encode } from "../../main/protocol/codec/codec.ts";
import {
  bundledConfirmation,
  proposalBody,
  proposalHeader,
  type BundledConfirmation,
  type ProposalBody,
  type ProposalHeader,
  type ProposalVote,
} from "../../main/protocol/objects/consensus.ts";
import { includedRoot } from "../../main/protocol/merkle/proposalRoots.ts";
import { releaseTrees } from "../../main/protocol/state/roots.ts";
import { weightsAt } from "../../main/protocol/quorum/weights.ts";
import { participationPermille } from "../../main/protocol/timechain/difficulty.ts";
import {
  bodyMessage,
  decodeBody,
  decodeVote,
  messageOf,
  NIL,
  signObject,
  type Message,
} from "../../main/consensus/objects.ts";
import { Chain, LOOKBACK_WINDOWS } from "../../main/consensus/chain.ts";
import { computeTransition } from "../../main/consensus/tables.ts";
import type { GossipType } from "../../main/network/gossip/object.ts";
import type { FetchRequest } from "../../main/network/messages/objectFetch.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import type { SimulatedNode } from "./node.ts";
import type { Envelope } from "./wire.ts";
import type { World } from "./world.ts";

export const MISDEEDS = [
  "two-bundles",
  "two-headers",
  "two-votes",
  "withheld-body",
  "spoilt-body",
  "wrong-state",
  "garbage",
  "replay",
  "bad-ranges",
  "stale-ranges",
  "silence",
] as const;
export type Misdeed = (typeof MISDEEDS)[number];

const TYPE_BYTES: Partial<Record<Message["type"], GossipType>> = { operation: MESSAGE.transfer };

const REPLAYS_KEPT = 50;
const OCCASIONALLY = 0.1;

export class Byzantine {
  readonly #node: SimulatedNode;
  readonly #world: World;
  readonly misdeeds: readonly Misdeed[];
  readonly #misdeeds: ReadonlySet<Misdeed>;
  readonly #variants = new Map<string, Message | undefined>();
  /** Alternative headers by the identifier of the real one. */
  readonly #otherBodies = new Map<string, ProposalBody>();
  readonly #sent: Message[] = [];

  constructor(world: World, node: SimulatedNode, misdeeds: readonly Misdeed[]) {
    this.#world = world;
    this.#node = node;
    this.misdeeds = misdeeds;
    this.#misdeeds = new Set(misdeeds);
  }

  /** What `to` is sent in place of `message`. */
  tamper(to: number, message: Message): readonly Message[] {
    const { random } = this.#world;
    if (this.#misdeeds.has("silence")) return this.#tell("silence", []);
    const told = this.#variant(to, message);
    if (told === undefined) this.#tell("withheld-body", told);
    else if (told !== message) this.#tell(`another ${message.type}`, told);
    const messages = told === undefined ? [] : [told];
    if (this.#misdeeds.has("garbage") && random.chance(OCCASIONALLY))
      messages.push(this.#tell("garbage", this.#garbage(message)));
    if (this.#misdeeds.has("replay")) {
      this.#sent.push(message);
      this.#sent.splice(0, this.#sent.length - REPLAYS_KEPT);
      const replayed = random.chance(OCCASIONALLY) ? random.pick(this.#sent) : undefined;
      if (replayed !== undefined) messages.push(this.#tell("replay", replayed));
    }
    return messages;
  }

  /** Garbage may no longer be what its envelope says. */
  seal(message: Message): Envelope {
    const object = {
      type: TYPE_BYTES[message.type] ?? this.#world.wire.objectOf(message).type,
      payload: message.payload,
    };
    return this.#world.wire.seal(object);
  }

  /** What is answered to a fetch in place of `messages`; undefined for the truth. */
  answer(to: number, request: FetchRequest, messages: readonly Message[]): readonly Message[] | "nothing" | undefined {
    const { random } = this.#world;
    if (this.#misdeeds.has("silence")) return this.#tell("fetch without an answer", "nothing" as const);
    if (request.kind === 1) {
      const isWithheld = this.#misdeeds.has("withheld-body") && to % 2 === 1;
      return isWithheld
        ? this.#tell(
            "fetched body withheld",
            messages.filter(({ type }) => type !== "body"),
          )
        : undefined;
    }
    if (this.#misdeeds.has("stale-ranges") && random.chance(0.5)) {
      const old = this.#node.disk.archive[random.integer(0, Number(request.first))];
      const stale = old === undefined || random.chance(0.5) ? [] : this.#world.archived(old).messages;
      return this.#tell("stale range", stale);
    }
    if (!this.#misdeeds.has("bad-ranges") || !random.chance(0.7)) return undefined;
    if (random.chance(0.6)) return this.#tell("forged range", this.#forgedRange(messages));
    const spoilt = [...messages];
    const at = random.integer(0, Math.max(0, spoilt.length - 1));
    if (random.chance(0.5)) spoilt.splice(at, 1);
    else if (spoilt[at] !== undefined) spoilt[at] = this.#garbage(spoilt[at]);
    return this.#tell("spoilt range", spoilt);
  }

  /** Its own proposal in the place of that of the first window, with votes that nobody gave. */
  #forgedRange(messages: readonly Message[]): Message[] {
    const { crypto } = this.#world;
    const end = messages.findIndex(({ type }, i) => i > 0 && type === "header");
    const whole = messages.slice(0, end < 0 ? messages.length : end);
    const [header, body] = whole;
    if (header?.type !== "header" || body?.type !== "body") return whole;
    const decided = proposalHeader.decode(header.payload);
    const { nodeId: proposerNodeId } = this.#node.member;
    const object = { ...decided, proposerNodeId, fallbackDepth: this.#depthIn(decided.windowIndex) };
    const proposalHash = proposalHeader.identify(crypto, object);
    return [
      this.#sign({ type: "header", object }),
      bodyMessage({ ...decodeBody(body.payload), proposalHash }),
      ...whole.slice(2).map((message) => {
        if (message.type !== "vote") return message;
        return messageOf({ type: "vote", object: { ...decodeVote(message.payload), proposalHash } });
      }),
    ];
  }

  /** At which this node might have proposed a window that it has decided. */
  #depthIn(window: bigint): number {
    const { crypto, rules } = this.#world;
    const { disk, member } = this.#node;
    const chain = new Chain(crypto, rules);
    for (let each = window > LOOKBACK_WINDOWS ? window - LOOKBACK_WINDOWS : 0n; each < window; each++) {
      chain.open(disk.viewAt(each));
      chain.decide(disk.archive[Number(each)]!);
    }
    chain.open(disk.viewAt(window));
    const key = byteKey(member.nodeId);
    return Math.max(1, chain.cascade.findIndex((node) => byteKey(node) === key) + 1);
  }

  #tell<T>(lie: string, told: T): T {
    this.#world.show(`lies: ${lie}`);
    return told;
  }

  #variant(to: number, message: Message): Message | undefined {
    const isForAll = this.#misdeeds.has("wrong-state") && (message.type === "header" || message.type === "body");
    if (to % 2 === 0 && !isForAll) return message;
    switch (message.type) {
      case "bundle":
        return this.#misdeeds.has("two-bundles") ? this.#once(message, () => this.#otherBundle(message)) : message;
      case "header":
        return this.#misdeeds.has("two-headers") || isForAll
          ? this.#once(message, () => this.#otherHeader(message))
          : message;
      case "vote":
        return this.#misdeeds.has("two-votes") ? this.#once(message, () => this.#otherVote(message)) : message;
      case "body":
        return this.#once(message, () => this.#otherBody(message));
      case "reveal":
      case "operation":
      case "registration":
        return message;
    }
  }

  #once(message: Message, make: () => Message | undefined): Message | undefined {
    const key = byteKey(this.#world.crypto.sha256(message.payload));
    if (!this.#variants.has(key)) this.#variants.set(key, make());
    return this.#variants.get(key);
  }

  #isOwn({ nodeId }: { readonly nodeId: NodeId }): boolean {
    return byteKey(nodeId) === byteKey(this.#node.member.nodeId);
  }

  #sign(unsigned: Parameters<typeof signObject>[2]): Message {
    return messageOf(signObject(this.#world.crypto, this.#node.member.node.secretKey, unsigned));
  }

  #otherBundle(message: Message): Message {
    const bundle: BundledConfirmation = bundledConfirmation.decode(message.payload);
    if (!this.#isOwn(bundle)) return message;
    const invented = this.#world.crypto.sha256(bundle.endpoint);
    const object = { ...bundle, opHashes: [invented], revealHashes: bundle.revealHashes.slice(1) };
    return this.#sign({ type: "bundle", object });
  }

  #otherVote(message: Message): Message {
    const vote: ProposalVote = decodeVote(message.payload);
    if (!this.#isOwn(vote)) return message;
    const others = [NIL, ...[...this.#otherBodies.values()].map(({ proposalHash }) => proposalHash)];
    const proposalHash = others.at(-1)!;
    return this.#sign({ type: "vote", object: { ...vote, proposalHash } });
  }

  /** Another valid header where one bundle can be left out, otherwise one that is wrong. */
  #otherHeader(message: Message): Message {
    const header: ProposalHeader = proposalHeader.decode(message.payload);
    if (!this.#isOwn({ nodeId: header.proposerNodeId })) return message;
    const { crypto } = this.#world;
    const real = proposalHeader.identify(crypto, header);
    const body = this.#bodyOf(real);
    const isWrongState = this.#misdeeds.has("wrong-state");
    const wrong = isWrongState
      ? { ...header, stateRoot: crypto.sha256(header.stateRoot) }
      : { ...header, winnerEndpoint: NIL };
    const right = isWrongState ? undefined : body && this.#withoutOneBundle(header, body);
    const object = right ?? wrong;
    const proposalHash = proposalHeader.identify(crypto, object);
    if (body !== undefined) {
      const bundles = right === undefined ? body.bundles : body.bundles.slice(0, -1);
      this.#otherBodies.set(byteKey(real), { ...body, bundles, proposalHash });
    }
    return this.#sign({ type: "header", object });
  }

  #bodyOf(hash: Hash32): ProposalBody | undefined {
    const found = this.#node.machine?.find(hash).find(({ type }) => type === "body");
    return found === undefined ? undefined : decodeBody(found.payload);
  }

  #withoutOneBundle(header: ProposalHeader, body: ProposalBody): ProposalHeader | undefined {
    const { crypto, rules } = this.#world;
    const { disk } = this.#node;
    const before = disk.past.at(-1);
    if (before === undefined || header.windowIndex !== this.#node.window) return undefined;
    const bundles = body.bundles.slice(0, -1);
    const weights = weightsAt(before.view.nodes, before.view.window, rules);
    const weight = weights.sumOf(bundles.map(({ nodeId }) => nodeId));
    if (!weights.isQuorum(weight)) return undefined;
    const { outcome, result } = computeTransition(crypto, rules, disk.version.settled, {
      window: header.windowIndex,
      timechainValue: header.timechainValue,
      aggregate: disk.view.aggregate,
      bundleSigners: bundles.map(({ nodeId }) => nodeId),
      operations: [],
      registrations: [],
      winnerId: header.winnerId,
      participationPermille: participationPermille(weight, weights.total),
      includedReveals: body.reveals.length,
    });
    if (result !== undefined) releaseTrees(result.trees);
    if ("failure" in outcome) return undefined;
    return { ...header, ...outcome.roots, includedBundlesRoot: includedRoot(crypto, bundles) };
  }

  #otherBody(message: Message): Message | undefined {
    const body = decodeBody(message.payload);
    const other = this.#otherBodies.get(byteKey(body.proposalHash));
    if (other !== undefined) return bodyMessage(other);
    if (this.#misdeeds.has("withheld-body")) return undefined;
    if (!this.#misdeeds.has("spoilt-body")) return message;
    return { type: "body", payload: encode(proposalBody, { ...body, evidence: body.evidence.slice(1) }) };
  }

  #garbage(message: Message): Message {
    const { random } = this.#world;
    const payload = message.payload.slice();
    const cut = random.chance(0.3) ? payload.subarray(0, random.integer(0, payload.length)) : payload;
    if (cut.length > 0) cut[random.integer(0, cut.length - 1)]! ^= random.integer(1, 255);
    return { type: message.type, payload: random.chance(0.1) ? concatBytes(cut, cut) : cut };
  }
}
