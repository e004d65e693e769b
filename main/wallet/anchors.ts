/** Anchors that were written: finding them, and keeping the proofs of the own ones, for the network forgets the bundles. */
import { join } from "node:path";

import { equalBytes, toHex, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { operation as operationClass, TYPE_ANCHOR, type Anchor } from "../protocol/objects/operations.ts";
import { prepareDirectory, readOwnerFile, removeTemporaries, writeOwnerFile } from "../keystore/ownerFiles.ts";
import {
  decodeAnchorProof,
  encodeAnchorProof,
  findProofFailure,
  PROOF_BYTES_MAX,
  type ProofFailure,
} from "./anchorProof.ts";
import { NO_OPERATION } from "./drafting.ts";
import type { WalletChain } from "./ports.ts";
import type { TrackedOperation } from "./trackedOperation.ts";

export interface FoundAnchor {
  readonly anchor: Anchor;
  readonly opHash: Hash32;
  readonly sender: AccountId;
  /** In which it settled. */
  readonly window: bigint;
  readonly proof: Uint8Array | undefined;
}

export interface VerifiedAnchor {
  readonly anchor: Anchor;
  readonly opHash: Hash32;
  /** The bundles of this window attest it: the data existed no later. */
  readonly window: bigint;
  readonly failure: ProofFailure | undefined;
}

const DIRECTORY = "anchors";
const LINES_PER_QUERY = 50;
/** Of an application's history, for one that looks for a hash. */
const SEARCHED_LINES_MAX = 10_000;

export class Anchors {
  readonly #crypto: Crypto;
  readonly #rules: NetworkRules;
  readonly #chain: WalletChain;
  readonly #directory: string;

  private constructor(crypto: Crypto, rules: NetworkRules, chain: WalletChain, directory: string) {
    this.#crypto = crypto;
    this.#rules = rules;
    this.#chain = chain;
    this.#directory = directory;
  }

  static async open(crypto: Crypto, rules: NetworkRules, chain: WalletChain, parent: string): Promise<Anchors> {
    const directory = join(parent, DIRECTORY);
    await prepareDirectory(directory);
    await removeTemporaries(directory);
    return new Anchors(crypto, rules, chain, directory);
  }

  /** Those of an application, newest first. */
  async find(appId: Hash32, dataHash: Hash32 | undefined, limit: number): Promise<readonly FoundAnchor[]> {
    const found: FoundAnchor[] = [];
    let cursor: number | undefined;
    for (let searched = 0; searched < SEARCHED_LINES_MAX && found.length < limit;) {
      const lines = await this.#chain.history(appId, LINES_PER_QUERY, cursor);
      for (const { opHash, window } of lines) {
        const anchor = await this.#chain.operation(opHash);
        if (anchor?.type !== TYPE_ANCHOR || found.length === limit) continue;
        if (dataHash !== undefined && !equalBytes(anchor.dataHash, dataHash)) continue;
        const { sender } = anchor;
        found.push({ anchor, opHash, sender, window, proof: await this.#proofOf(anchor, opHash, window) });
      }
      if (lines.length < LINES_PER_QUERY) break;
      searched += lines.length;
      cursor = lines.at(-1)!.cursor;
    }
    return found;
  }

  /** Throws `ProtocolError("proof-unreadable")`; what a readable proof lacks is its `failure`. */
  async verify(encoded: Uint8Array): Promise<VerifiedAnchor> {
    const proof = decodeAnchorProof(encoded);
    const { anchor, header } = proof;
    const failure = await findProofFailure(this.#crypto, this.#rules, proof, (window) => this.#chain.header(window));
    return { anchor, opHash: operationClass.identify(this.#crypto, anchor), window: header.windowIndex, failure };
  }

  /** Keeps proofs of the own anchors that have settled; one that is not to be had yet is tried again with the next call. */
  async keepProofs(tracked: readonly TrackedOperation[]): Promise<void> {
    for (const { operation, opHash, state, stateWindow, cancels } of tracked) {
      if (operation.type !== TYPE_ANCHOR || state !== "settled" || !equalBytes(cancels, NO_OPERATION)) continue;
      if ((await this.#stored(opHash)) !== undefined) continue;
      const proof = await this.#collect(operation, opHash, stateWindow);
      if (proof !== undefined) await writeOwnerFile(this.#path(opHash), proof);
    }
  }

  async #proofOf(anchor: Anchor, opHash: Hash32, window: bigint): Promise<Uint8Array | undefined> {
    return (await this.#stored(opHash)) ?? (await this.#collect(anchor, opHash, window));
  }

  /** What bundles of V list settles in V + 1. Undefined where the material is not there, or proves nothing. */
  async #collect(anchor: Anchor, opHash: Hash32, settledIn: bigint): Promise<Uint8Array | undefined> {
    const place = { opHash, sender: anchor.sender, window: settledIn - 1n };
    const material = await this.#chain.anchorMaterial(place);
    if (material === undefined) return undefined;
    const proof = encodeAnchorProof(this.#rules, anchor, material);
    return proof !== undefined && (await this.#isWhole(proof)) ? proof : undefined;
  }

  /** A file that was damaged is no proof: it is made again as long as that can be done. */
  async #stored(opHash: Hash32): Promise<Uint8Array | undefined> {
    try {
      const stored = await readOwnerFile(this.#path(opHash), PROOF_BYTES_MAX);
      return stored !== undefined && (await this.#isWhole(stored.bytes)) ? stored.bytes : undefined;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "key-file-damaged") return undefined;
      throw error;
    }
  }

  async #isWhole(proof: Uint8Array): Promise<boolean> {
    try {
      return (await this.verify(proof)).failure === undefined;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "proof-unreadable") return false;
      throw error;
    }
  }

  #path(opHash: Hash32): string {
    return join(this.#directory, `${toHex(opHash)}.proof`);
  }
}
