/**
 * What a server answers to 0x40, in the state worker: parts of the states at the two latest anchors. A state is held from the
 * first question on until two newer anchors have come; windows go on being decided.
 */
import { decode } from "../../protocol/codec/codec.ts";
import { readAddress } from "../../protocol/fastsync/addressing.ts";
import { snapshotChunk } from "../../protocol/fastsync/chunks.ts";
import { TABLE_ACCOUNTS } from "../../protocol/fastsync/codec.ts";
import { accountsPart, manifestChunk } from "../../protocol/fastsync/subtreeManifest.ts";
import { PREFIX_BITS_MAX } from "../../protocol/merkle/order.ts";
import { subtreeDepths } from "../../protocol/merkle/subtrees.ts";
import { accountRecord, type AccountRecord } from "../../protocol/state/records.ts";
import type { StateSnapshot } from "../store/snapshot.ts";
import { servedAnchors } from "./anchors.ts";
import type { Store } from "../store/store.ts";
import type { Progress } from "../store/tables.ts";

/** 512 KiB each. */
const MANIFEST_CHUNKS_KEPT = 16;

type Drive = <T>(task: Generator<Progress, T>) => Promise<T>;

export class SnapshotShelf {
  readonly #held = new Map<bigint, Promise<StateSnapshot>>();
  /** Each takes a walk over the tree, and every joiner asks for it. */
  readonly #manifests = new WeakMap<StateSnapshot, Map<number, Uint8Array>>();

  /** The payload of a chunk; undefined for another anchor, or a part that it does not have: error 1. */
  async part(store: Store, anchor: bigint, resumeOffset: bigint, drive: Drive): Promise<Uint8Array | undefined> {
    await this.tidy(store);
    if (!servedAnchors(store.rules.params, store.height).includes(anchor) || !store.canUndoTo(anchor + 1n)) {
      return undefined;
    }
    let held = this.#held.get(anchor);
    if (held === undefined) {
      held = drive(store.snapshot(anchor));
      this.#held.set(anchor, held);
      held.catch(() => this.#held.delete(anchor));
    }
    return this.#read(await held, resumeOffset);
  }

  /** Releases what is not served any more. */
  async tidy(store: Store): Promise<void> {
    const served = servedAnchors(store.rules.params, store.height);
    for (const [anchor, held] of this.#held) {
      if (served.includes(anchor)) continue;
      this.#held.delete(anchor);
      store.releaseSnapshot(await held);
    }
  }

  /** The store is being closed, and releases them itself. */
  clear(): void {
    this.#held.clear();
  }

  #read(snapshot: StateSnapshot, resumeOffset: bigint): Uint8Array | undefined {
    const address = readAddress(resumeOffset);
    const depths = subtreeDepths(snapshot.recordCounts[TABLE_ACCOUNTS]);
    switch (address.kind) {
      case "chunk":
        return address.index < Number.MAX_SAFE_INTEGER ? snapshotChunk(snapshot, Number(address.index)) : undefined;
      case "manifest":
        return address.index < Number.MAX_SAFE_INTEGER ? this.#manifest(snapshot, Number(address.index)) : undefined;
      case "accounts":
        if (depths.prefix > PREFIX_BITS_MAX || address.prefix >= 2n ** BigInt(depths.prefix)) return undefined;
        return accountsPart(accountsUnder(snapshot, depths.prefix, Number(address.prefix)), address.part);
      case "reserved":
        return undefined;
    }
  }

  #manifest(snapshot: StateSnapshot, index: number): Uint8Array | undefined {
    const chunks = this.#manifests.get(snapshot) ?? new Map<number, Uint8Array>();
    this.#manifests.set(snapshot, chunks);
    const known = chunks.get(index);
    if (known !== undefined) return known;
    const tree = snapshot.tree("accounts");
    const depth = subtreeDepths(tree.size).manifest;
    const chunk = manifestChunk(2 ** depth, index, (first, count) => tree.subtreeRoots(depth, first, count));
    if (chunk !== undefined && chunks.size < MANIFEST_CHUNKS_KEPT) chunks.set(index, chunk);
    return chunk;
  }
}

function accountsUnder(snapshot: StateSnapshot, depth: number, prefix: number): AccountRecord[] {
  const { first, count } = snapshot.placesUnder("accounts", depth, prefix);
  return Array.from(snapshot.records(TABLE_ACCOUNTS, first, count), (bytes) => decode(accountRecord, bytes));
}
