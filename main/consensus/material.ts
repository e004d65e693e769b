/** The objects that a window's proposal is made of; what must be at hand to check it again (chapter 03 §3.6, §6.9). */
import type { Hash32, NodeId } from "../protocol/bytes.ts";
import type {
  BundledConfirmation,
  ProposalBody,
  ProposalHeader,
  ProposalVote,
  VdfReveal,
} from "../protocol/objects/consensus.ts";
import type { NodeRegistration } from "../protocol/objects/nodeRegistration.ts";
import type { Operation } from "../protocol/objects/operations.ts";
import type { WindowInputs } from "../protocol/transition/applyWindow.ts";
import type { WindowView } from "./facts.ts";
import type { Signed } from "./objects.ts";

export interface Material {
  readonly header?: ProposalHeader;
  readonly body?: ProposalBody;
  /** Of this window and the one before. */
  readonly bundles: readonly BundledConfirmation[];
  /** Of the window before. */
  readonly reveals: readonly VdfReveal[];
  readonly operations: readonly Operation[];
  readonly registrations: readonly NodeRegistration[];
}

export const NO_MATERIAL: Material = { bundles: [], reveals: [], operations: [], registrations: [] };

/** A signed object as the write-ahead log holds it, with what it makes no sense without. */
export interface LoggedObject {
  readonly signed: Signed;
  readonly keep: Material;
}

/** What a server of the range fetch gives for one decided window (network chapter 3.18), decoded. */
export interface FetchedWindow extends Material {
  readonly header: ProposalHeader;
  readonly body: ProposalBody;
  readonly certificate: readonly ProposalVote[];
}

/** Stored in one atomic step (§6.9). */
export interface DecidedWindow extends FetchedWindow {
  readonly hash: Hash32;
  /** Names the transition that was computed before. */
  readonly key: Hash32;
  readonly inputs: WindowInputs;
}

/** A decided window as a starting machine needs it. */
export interface PastWindow {
  /** Of this window: the tables before it. */
  readonly view: WindowView;
  readonly header: ProposalHeader;
  readonly body: ProposalBody;
  /** Of this window, as stored with it. */
  readonly bundles: readonly BundledConfirmation[];
}

/** What a window's transition did that pools must know. */
export interface WindowOutcome {
  readonly settled: readonly Hash32[];
  readonly registered: readonly NodeId[];
}
