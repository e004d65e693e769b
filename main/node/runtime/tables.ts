/** The owner of the tables, which is the state worker, as the runtime asks it. */
import type { CheckObjects, ComputeTransition, ListObjects } from "../../consensus/effects.ts";
import type { Checked, Committed, Listed, TransitionComputed } from "../../consensus/events.ts";
import type { WindowView } from "../../consensus/facts.ts";
import type { DecidedWindow, PastWindow } from "../../consensus/material.ts";
import { messageOf, type Message } from "../../consensus/objects.ts";
import type { Hash32, NodeId } from "../../protocol/bytes.ts";
import { decode } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { proposalBody, proposalHeader } from "../../protocol/objects/consensus.ts";
import type { NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import { cementedBundleAggregate, lookbackOf } from "../../protocol/quorum/aggregate.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import type { RefusedRegistration } from "../../protocol/transition/applyControlSet.ts";
import type { Settlement } from "../../protocol/transition/settleOperations.ts";
import type { ChainSeed } from "../lifecycle/candidateProofs.ts";
import type { OwnStanding } from "../lifecycle/standing.ts";
import type { RegistrationDraft } from "../lifecycle/state.ts";
import type { StateClient } from "../state/client.ts";
import type { ArchivedObject } from "../store/archive.ts";
import type { RangeAsked, RangePage } from "../state/requests.ts";

/** The last decided window, or the beginning of the chain. */
export interface Tip {
  /** Undefined before window 0 is decided. */
  readonly window: bigint | undefined;
  readonly stateRoot: Hash32;
  /** T of the window; T_0 before it. */
  readonly timechainValue: Hash32;
  /** Iterations of the step after it. */
  readonly d: bigint;
}

/** What a starting machine is told, as far as the store knows it. */
export interface StoredBeginning {
  readonly view: WindowView;
  readonly past: readonly PastWindow[];
  readonly tip: Tip;
}

/** A decided window that is on the disk. */
export interface AppliedWindow {
  readonly committed: Committed;
  readonly tip: Tip & { readonly window: bigint };
  /** cba(W − 2). */
  readonly aggregate: Hash32;
  readonly refused: readonly RefusedRegistration[];
  readonly skipped: Settlement["skipped"];
  /** Of the own node, after the window. */
  readonly standing: OwnStanding;
}

export class Tables {
  readonly #crypto: Crypto;
  readonly #nodeId: NodeId;
  readonly #client: StateClient;

  constructor(crypto: Crypto, nodeId: NodeId, client: StateClient) {
    this.#crypto = crypto;
    this.#nodeId = nodeId;
    this.#client = client;
  }

  async begin(): Promise<StoredBeginning> {
    const { view, past } = await this.#client.ask("standing", undefined);
    const { header, roots } = await this.#client.ask("summary", undefined);
    const tip = {
      window: header?.windowIndex,
      stateRoot: roots.stateRoot,
      timechainValue: header?.timechainValue ?? genesisTimechainValue(this.#crypto),
      d: view.epoch.d,
    };
    return { view, past, tip };
  }

  listObjects(asked: ListObjects): Promise<Listed> {
    return this.#client.ask("listObjects", asked);
  }

  checkObjects(asked: CheckObjects): Promise<Checked> {
    return this.#client.ask("checkObjects", asked);
  }

  async computeTransition(asked: ComputeTransition): Promise<TransitionComputed> {
    const outcome = await this.#client.ask("computeTransition", asked);
    return { kind: "transition-computed", key: asked.key, outcome };
  }

  /** One transaction. `draft` is the registration that the node would publish. */
  async persist(decided: DecidedWindow, draft: RegistrationDraft | undefined): Promise<AppliedWindow> {
    const { header, inputs } = decided;
    // Asked at once: the worker answers in order, so that the standing is that after this window.
    const [persisted, standing] = await Promise.all([this.#client.ask("persist", decided), this.standing(draft)]);
    const { settled, registered, view, refused, skipped } = persisted;
    const { windowIndex: window, stateRoot, timechainValue } = header;
    return {
      committed: { kind: "committed", settled, registered, view },
      tip: { window, stateRoot, timechainValue, d: view.epoch.d },
      aggregate: inputs.aggregate,
      refused,
      skipped,
      standing,
    };
  }

  /** After the last decided window. */
  standing(draft: RegistrationDraft | undefined): Promise<OwnStanding> {
    return this.#client.ask("ownStanding", { nodeId: this.#nodeId, draft });
  }

  /** What seeds the chain of a foreign registration; undefined where the history of its W_start is not held. */
  async seedOf({ wStart }: NodeRegistration): Promise<ChainSeed | undefined> {
    const [time] = await this.#client.ask("times", { first: wStart, last: wStart });
    if (time === undefined) return undefined;
    const body = wStart === 0n ? undefined : await this.#bodyOf(wStart - 1n);
    if (wStart > 0n && body === undefined) return undefined;
    const signers = (body?.bundles ?? []).map(({ nodeId }) => nodeId);
    const aggregate = cementedBundleAggregate(this.#crypto, lookbackOf(wStart), signers);
    return { timechainValue: time.timechainValue, aggregate, d: time.d };
  }

  /** Stored objects of these identifiers; unknown ones are left out. */
  async findObjects(hashes: readonly Hash32[]): Promise<readonly Message[]> {
    const found = await this.#client.ask("objectsById", hashes);
    const messages: Message[] = [];
    for (const object of found) {
      if (object === undefined || object.kind === "vote") continue;
      // A proposal's identifier is stored with its body; the header comes first.
      if (object.kind === "body") messages.push(...(await this.#headerOf(object)));
      messages.push({ type: object.kind, payload: object.bytes });
    }
    return messages;
  }

  findRange(asked: RangeAsked): Promise<RangePage> {
    return this.#client.ask("range", asked);
  }

  async #headerOf({ bytes }: ArchivedObject): Promise<Message[]> {
    const { windowIndex } = decode(proposalBody, bytes);
    const [header] = await this.#client.ask("headers", { first: windowIndex, count: 1 });
    return header === undefined ? [] : [messageOf({ type: "header", object: proposalHeader.decode(header) })];
  }

  async #bodyOf(window: bigint) {
    const [first] = await this.#client.ask("windowObjects", { window, first: 0, count: 1 });
    return first?.kind === "body" ? decode(proposalBody, first.bytes) : undefined;
  }
}
