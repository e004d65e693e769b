/**
 * The headers below an anchor, verified from the anchor down: each is the one whose hash the header after it names, so that
 * a chunk is right or wrong the moment its turn comes (chapter 02 §4.11, "Header chain").
 */
import { concatBytes, equalBytes, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { invariant } from "../../protocol/errors.ts";
import { RECORDS_PER_CHUNK } from "../../protocol/fastsync/chunks.ts";
import { RECORD_SIZES, TABLE_PROPOSALS } from "../../protocol/fastsync/codec.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { stateRoot } from "../../protocol/state/roots.ts";
import type { Staging } from "./staging.ts";

export const HEADERS_PER_CHUNK = RECORDS_PER_CHUNK[TABLE_PROPOSALS];
const HEADER_SIZE = RECORD_SIZES[TABLE_PROPOSALS];

export type HeaderChainFault =
  | "wrong-records-length"
  | "window-not-monotone"
  | "wrong-parent"
  | "fallback-depth-zero"
  | "protocol-version-decreased"
  | "state-root-mismatch"
  | "genesis-state-differs";

/** What an earlier run has staged belongs to another chain. */
export class StagedChainDiffers extends Error {}

/** What the header above demands of the one whose turn it is. */
interface Expected {
  readonly window: bigint;
  readonly hash: Hash32;
  readonly protocolVersion: number;
}

export class HeaderChain {
  readonly #crypto: Crypto;
  readonly #staging: Staging;
  readonly #genesisStateRoot: Hash32;
  readonly #anchor: ProposalHeader;
  /** Undefined once the chain reaches window 0. */
  #expected: Expected | undefined;
  #cached: { readonly first: bigint; readonly headers: readonly ProposalHeader[] } | undefined;

  /** `anchor` is believed for now; what an earlier run has verified below it is taken over. Throws {@link StagedChainDiffers}. */
  constructor(crypto: Crypto, staging: Staging, genesisStateRoot: Hash32, anchor: ProposalHeader) {
    this.#crypto = crypto;
    this.#staging = staging;
    this.#genesisStateRoot = genesisStateRoot;
    this.#anchor = anchor;
    this.#expected = {
      window: anchor.windowIndex,
      hash: proposalHeader.identify(crypto, anchor),
      protocolVersion: anchor.protocolVersion,
    };
    this.#takeOverStaged();
  }

  get isComplete(): boolean {
    return this.#expected === undefined;
  }

  /** Chunks that are still wanted, in the order in which they are taken; the number of a chunk is its place in the table. */
  wanted(): number[] {
    if (this.#expected === undefined) return [];
    const size = BigInt(HEADERS_PER_CHUNK);
    const chunks: number[] = [];
    for (let chunk = this.#expected.window / size; chunk >= 0n; chunk--) {
      const last = chunk * size + size - 1n < this.#expected.window ? chunk * size + size - 1n : this.#expected.window;
      if (!this.#isStaged(chunk * size, last)) chunks.push(Number(chunk));
    }
    return chunks;
  }

  /** Takes the records of chunk `chunk`, the first of {@link wanted}. After a fault it is wanted still. */
  take(chunk: number, records: Uint8Array): HeaderChainFault | undefined {
    const expected = this.#expected;
    invariant(expected !== undefined, "a header is wanted");
    const first = BigInt(chunk) * BigInt(HEADERS_PER_CHUNK);
    const last = first + BigInt(HEADERS_PER_CHUNK) - 1n;
    const count = Number((last < this.#anchor.windowIndex ? last : this.#anchor.windowIndex) - first) + 1;
    if (records.length !== count * HEADER_SIZE) return "wrong-records-length";
    // What lies above the one whose turn it is has been verified before.
    const wantedCount = Number(expected.window - first) + 1;
    let next: Expected | undefined = expected;
    for (let i = wantedCount - 1; i >= 0; i--) {
      invariant(next !== undefined, "window 0 is the last");
      const header: ProposalHeader = proposalHeader.decode(records.subarray(i * HEADER_SIZE, (i + 1) * HEADER_SIZE));
      const fault = this.#findFault(header, next);
      if (fault !== undefined) return fault;
      next = below(header);
    }
    this.#staging.append(
      "headers",
      this.#anchor.windowIndex,
      Number(first),
      concatBytes(records.subarray(0, wantedCount * HEADER_SIZE)),
    );
    this.#expected = next;
    this.#takeOverStaged();
    return undefined;
  }

  /** Of a window that has been verified. */
  header(window: bigint): ProposalHeader {
    if (window === this.#anchor.windowIndex) return this.#anchor;
    const cached = this.#cached;
    if (cached !== undefined && window >= cached.first && window < cached.first + BigInt(cached.headers.length)) {
      return cached.headers[Number(window - cached.first)]!;
    }
    const first = this.#segmentOf(window);
    invariant(first !== undefined, "the header is staged");
    const headers = this.#readSegment(first);
    this.#cached = { first, headers };
    return headers[Number(window - first)]!;
  }

  /** All, ascending, in parts. */
  *all(): Iterable<readonly ProposalHeader[]> {
    for (let window = 0n; window < this.#anchor.windowIndex;) {
      const first = this.#segmentOf(window)!;
      const headers = this.#readSegment(first)
        .slice(Number(window - first))
        .filter(({ windowIndex }) => windowIndex < this.#anchor.windowIndex);
      yield headers;
      window += BigInt(headers.length);
    }
    yield [this.#anchor];
  }

  #findFault(header: ProposalHeader, expected: Expected): HeaderChainFault | undefined {
    if (header.windowIndex !== expected.window) return "window-not-monotone";
    if (!equalBytes(proposalHeader.identify(this.#crypto, header), expected.hash)) return "wrong-parent";
    if (header.fallbackDepth === 0) return "fallback-depth-zero";
    if (header.protocolVersion > expected.protocolVersion) return "protocol-version-decreased";
    const { nodeRoot, candidateRoot, accountRoot } = header;
    if (!equalBytes(stateRoot(this.#crypto, nodeRoot, candidateRoot, accountRoot), header.stateRoot)) {
      return "state-root-mismatch";
    }
    if (header.windowIndex > 0n) return undefined;
    if (!equalBytes(header.prevProposalHash, ZERO_HASH)) return "wrong-parent";
    // Proposal 0 includes nothing and pays nobody (chapter 03 §6.7).
    return equalBytes(header.stateRoot, this.#genesisStateRoot) ? undefined : "genesis-state-differs";
  }

  /** Goes down over what is there and fits. */
  #takeOverStaged(): void {
    while (this.#expected !== undefined) {
      const { window, hash } = this.#expected;
      const first = this.#segmentOf(window);
      if (first === undefined) return;
      const headers = this.#readSegment(first);
      const top = headers[Number(window - first)]!;
      if (!equalBytes(proposalHeader.identify(this.#crypto, top), hash)) {
        // Of another chain: what was built on it is of no use either.
        throw new StagedChainDiffers();
      }
      this.#expected = below(headers[0]!);
    }
  }

  #isStaged(first: bigint, last: bigint): boolean {
    for (let window = first; window <= last;) {
      const segment = this.#segmentOf(window);
      if (segment === undefined) return false;
      window = segment + BigInt(this.#staging.lengthOf("headers", Number(segment)) / HEADER_SIZE);
    }
    return true;
  }

  /** The first window of the staged segment that holds `window`. */
  #segmentOf(window: bigint): bigint | undefined {
    // A segment begins where a chunk does.
    const first = window - (window % BigInt(HEADERS_PER_CHUNK));
    const length = this.#staging.lengthOf("headers", Number(first));
    return window < first + BigInt(length / HEADER_SIZE) ? first : undefined;
  }

  #readSegment(first: bigint): ProposalHeader[] {
    const bytes = this.#staging.read("headers", Number(first))!;
    return Array.from({ length: bytes.length / HEADER_SIZE }, (_, i) =>
      proposalHeader.decode(bytes.slice(i * HEADER_SIZE, (i + 1) * HEADER_SIZE)),
    );
  }
}

function below(header: ProposalHeader): Expected | undefined {
  if (header.windowIndex === 0n) return undefined;
  const { windowIndex, prevProposalHash, protocolVersion } = header;
  return { window: windowIndex - 1n, hash: prevProposalHash, protocolVersion };
}
