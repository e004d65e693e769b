/** Headers and bodies of the open window and how far each has been checked (chapter 03 §5.4, §6.2). */
import { byteKey, type Hash32 } from "../../protocol/bytes.ts";
import type { ProposalBody, ProposalHeader } from "../../protocol/objects/consensus.ts";
import type { WindowInputs } from "../../protocol/transition/applyWindow.ts";
import { HEADERS_PER_DEPTH_MAX } from "../limits.ts";

/** What is wrong with a proposal, by the names of §5.4: the signer of the header answers for it. */
export type ProposalFailure =
  | "wrong-parent"
  | "proposer-not-canonical"
  | "wrong-timechain-value"
  | "wrong-target"
  | "root-mismatch"
  | "insufficient-bundles"
  | "wrong-winner"
  | "wrong-state-root";

/** What is wrong with a body alone: nobody answers for it, another one may fit. */
export type BodyFailure = "insufficient-evidence" | "included-reveals-mismatch" | "control-set-mismatch";

/**
 * `waiting` for objects or T_W, `missing` names the objects. `computing`: the owner of the tables evaluates the transition.
 * `valid`: checks 1 to 13 hold; `omits` says that the soft rule 14 does not.
 */
export type Standing =
  | { readonly at: "waiting"; readonly missing: readonly Hash32[] }
  | { readonly at: "computing"; readonly key: Hash32; readonly inputs: WindowInputs }
  | { readonly at: "valid"; readonly key: Hash32; readonly inputs: WindowInputs; readonly omits: boolean }
  | { readonly at: "invalid"; readonly failure: ProposalFailure };

export interface Proposal {
  readonly header: ProposalHeader;
  readonly hash: Hash32;
  readonly body: ProposalBody | undefined;
  readonly standing: Standing;
  /** Digests of bodies that did not fit: the header does not commit to evidence and order, so anybody may have spoilt them. */
  readonly refusedBodies: readonly Hash32[];
}

export function newProposal(header: ProposalHeader, hash: Hash32, body?: ProposalBody): Proposal {
  return { header, hash, body, standing: { at: "waiting", missing: [] }, refusedBodies: [] };
}

export class ProposalPool {
  readonly #byHash = new Map<string, Proposal>();

  get(hash: Hash32): Proposal | undefined {
    return this.#byHash.get(byteKey(hash));
  }

  all(): Proposal[] {
    return [...this.#byHash.values()];
  }

  atDepth(depth: number): Proposal[] {
    return this.all().filter(({ header }) => header.fallbackDepth === depth);
  }

  hasRoomAt(depth: number): boolean {
    return this.atDepth(depth).length < HEADERS_PER_DEPTH_MAX;
  }

  put(proposal: Proposal): void {
    this.#byHash.set(byteKey(proposal.hash), proposal);
  }

  isValid(hash: Hash32): boolean {
    return this.get(hash)?.standing.at === "valid";
  }

  clear(): void {
    this.#byHash.clear();
  }
}
