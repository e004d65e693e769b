/**
 * Progress of a chain on disk, and what of it is believed after a restart.
 *
 * A record is believed when its checksum is right (these are the bytes that this program wrote), when its identity is that of
 * the chain which is asked for (start value, seeding window, D, and the node or network it belongs to), and when it agrees
 * with what its owner knows from elsewhere (`base`: a segment end in the store or the lifecycle file). What that cannot
 * exclude is a value that was wrong before it was written, by a fault of memory or processor: so a record also holds the
 * checkpoint before it, and the stretch between both is recomputed in the background (chainThread.ts). Segments before that
 * stretch were either recomputed at an earlier start or are as good as the machine that computed them.
 */
import { equalBytes, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, tuple, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { SlotFile, type SlotFault } from "./slotFile.ts";

export type Purpose = "timechain" | "candidate";

/** Which chain it is. Equal identities have equal values at equal positions. */
export interface ChainIdentity {
  /** T_0, or v_0 of a candidate. */
  readonly start: Hash32;
  /** 0, or W_start of a candidate. */
  readonly startWindow: bigint;
  /** The network's Genesis State Hash, or the node id of a candidate. */
  readonly context: Hash32;
  /** Iterations of every segment of a candidate; 0 for the TimeChain, whose D changes. */
  readonly d: bigint;
}

/** The value after `segment` whole segments and `iterations` more. A segment of the TimeChain is a window. */
export interface Position {
  readonly segment: bigint;
  readonly iterations: bigint;
  readonly value: Hash32;
}

/** The value at the end of a segment. */
export interface SegmentEnd {
  readonly segment: bigint;
  readonly value: Hash32;
}

/** Newest segment ends in a record, for an owner that did not come to write them down. */
export const RECENT_ENDS_MAX = 16;

const position = struct({ segment: u64, iterations: u64, value: hash32 });
const progressRecord = struct({
  start: hash32,
  startWindow: u64,
  context: hash32,
  d: u64,
  /** Iterations of the segment in progress; 0 where they are not known yet. */
  segmentD: u64,
  checkpoint: position,
  /** The checkpoint before, and how many iterations lie between. */
  previous: position,
  spanIterations: u64,
  /** Ends up to `checkpoint.segment`, newest last; unused places are zeros. */
  endCount: u8,
  ends: tuple(hash32, RECENT_ENDS_MAX),
});
type ProgressRecord = Infer<typeof progressRecord>;

/** What is written down: where the chain is, and how it came from the checkpoint before. */
export interface Checkpoint {
  /** Iterations of the segment in progress; 0 where they are not known yet. */
  readonly segmentD: bigint;
  readonly position: Position;
  readonly previous: Position;
  readonly spanIterations: bigint;
  /** Newest last, the end of segment `position.segment` being the last; at least that one. */
  readonly recentEnds: readonly Hash32[];
}

/** Why a chain does not go on where it was, or from which damage it recovered. */
export type ProgressNotice =
  /** One slot cannot be used; the chain goes on from the other. At most one checkpoint interval is lost. */
  | { readonly code: "progress-slot-damaged"; readonly fault: SlotFault }
  /** Neither slot can be used; the chain goes on from the owner's segment end. The file is kept with `.corrupt` behind it. */
  | { readonly code: "progress-corrupt"; readonly first: string; readonly second: string }
  /** The owner knows finished segments, but there is no file; the chain goes on from the owner's segment end. */
  | { readonly code: "progress-missing" }
  /** The file is that of another chain, or of other parameters. */
  | { readonly code: "progress-of-another-chain" }
  /** The file and the owner name different values for the end of a segment. */
  | { readonly code: "progress-contradicts-owner"; readonly segment: bigint }
  /** The TimeChain's file is so far ahead of the store that the values between are not known. */
  | { readonly code: "progress-too-far-ahead"; readonly segment: bigint };

export interface Resumed {
  /** Undefined: start at the owner's segment end. */
  readonly checkpoint: Checkpoint | undefined;
  readonly notices: readonly ProgressNotice[];
}

export class ProgressFile {
  readonly #purpose: Purpose;
  readonly #identity: ChainIdentity;
  readonly #file: SlotFile;
  readonly #notices: ProgressNotice[] = [];

  /** Writes nothing but the new name of a file that is corrupt. */
  constructor(crypto: Crypto, path: string, purpose: Purpose, identity: ChainIdentity) {
    this.#purpose = purpose;
    this.#identity = identity;
    const kind = purpose === "timechain" ? "timechainProgress" : "candidateProgress";
    try {
      this.#file = new SlotFile(crypto, path, kind);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "slot-file-corrupt") throw error;
      const { first, second } = error.params as { first: string; second: string };
      this.#notices.push({ code: "progress-corrupt", first, second });
      this.#file = SlotFile.replace(crypto, path, kind);
    }
    if (this.#file.fault !== undefined) {
      this.#notices.push({ code: "progress-slot-damaged", fault: this.#file.fault });
    }
  }

  /**
   * Where to go on, given the newest segment end that the owner knows, `dOf` being D of a segment as far as it is known. A
   * file behind `base` is simply old.
   */
  resume(base: SegmentEnd, dOf: (segment: bigint) => bigint | undefined): Resumed {
    const notices = [...this.#notices];
    const startOver = (notice?: ProgressNotice): Resumed => ({
      checkpoint: undefined,
      notices: notice === undefined ? notices : [...notices, notice],
    });
    const { payload } = this.#file;
    if (payload === undefined) {
      const isLost = base.segment > 0n && this.#purpose === "candidate" && notices.length === 0;
      return startOver(isLost ? { code: "progress-missing" } : undefined);
    }
    const record = decode(progressRecord, payload);
    const { segment, iterations } = record.checkpoint;
    if (!this.#isOwn(record)) return startOver({ code: "progress-of-another-chain" });
    if (segment < base.segment) return startOver();
    if (iterations > 0n && record.segmentD !== dOf(segment + 1n))
      return startOver({ code: "progress-of-another-chain" });
    const recentEnds = record.ends.slice(0, record.endCount);
    const baseValue = recentEnds.at(Number(base.segment - segment) - 1);
    if (baseValue === undefined) {
      if (this.#purpose === "timechain") return startOver({ code: "progress-too-far-ahead", segment });
    } else if (!equalBytes(baseValue, base.value)) {
      return startOver({ code: "progress-contradicts-owner", segment: base.segment });
    }
    const { segmentD, checkpoint, previous, spanIterations } = record;
    return { checkpoint: { segmentD, position: checkpoint, previous, spanIterations, recentEnds }, notices };
  }

  /** Returns once it is on disk. Throws what the file system throws; the checkpoint before is then still whole. */
  save({ segmentD, position: at, previous, spanIterations, recentEnds }: Checkpoint): void {
    const ends = recentEnds.slice(-RECENT_ENDS_MAX);
    const padding = new Array<Hash32>(RECENT_ENDS_MAX - ends.length).fill(ZERO_HASH);
    const record = { ...this.#identity, segmentD, checkpoint: at, previous, spanIterations, endCount: ends.length };
    this.#file.write(encode(progressRecord, { ...record, ends: [...ends, ...padding] }));
  }

  close(): void {
    this.#file.close();
  }

  #isOwn(record: ProgressRecord): boolean {
    const { start, startWindow, context, d } = this.#identity;
    return (
      equalBytes(record.start, start) &&
      record.startWindow === startWindow &&
      equalBytes(record.context, context) &&
      record.d === d
    );
  }
}

/** A candidate chain as its file knows it: enough to go on where nothing else is left. */
export interface FoundCandidate extends SegmentEnd {
  readonly identity: ChainIdentity;
}

/** What a candidate's file holds, or undefined where it is missing or corrupt. Only reads. */
export function findCandidate(crypto: Crypto, path: string): FoundCandidate | undefined {
  let payload: Uint8Array | undefined;
  try {
    ({ payload } = new SlotFile(crypto, path, "candidateProgress"));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
  if (payload === undefined) return undefined;
  const { start, startWindow, context, d, checkpoint, endCount, ends } = decode(progressRecord, payload);
  return { identity: { start, startWindow, context, d }, segment: checkpoint.segment, value: ends[endCount - 1]! };
}
