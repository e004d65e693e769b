/**
 * What the main thread and the thread of a chain say to each other. Bounded both ways: a thread answers each command, and the
 * main thread has at most {@link COMMANDS_MAX} unanswered; the main thread acknowledges segments, and the chain waits while
 * {@link SEGMENTS_MAX} are not; progress is told some times a second.
 */
import type { ThreadPriority } from "../../native/index.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import type { ChainIdentity, Position, ProgressNotice, Purpose, SegmentEnd } from "./progressFile.ts";

export const COMMANDS_MAX = 64;
export const SEGMENTS_MAX = 64;
export const PROGRESS_INTERVAL_MS = 250;

/** Leave to compute the segments `from` to `through`, with `d` iterations each. */
export interface Grant {
  readonly from: bigint;
  readonly through: bigint;
  readonly d: bigint;
}

/** How a chain is to run; always sent as a whole, so that the newest one counts. */
export interface ChainSettings {
  readonly isPaused: boolean;
  /** Share of one core's time, above 0 and at most 1. */
  readonly cpuShare: number;
  readonly priority: ThreadPriority;
}

/** Grants that a chain remembers; it never works backwards beyond them. */
export const GRANTS_MAX = 64;

/** What a thread is started with. */
export interface ChainJob {
  readonly purpose: Purpose;
  readonly identity: ChainIdentity;
  /** The newest segment end that the owner knows. */
  readonly base: SegmentEnd;
  readonly grants: readonly Grant[];
  readonly settings: ChainSettings;
  readonly progressPath: string;
  readonly saveIntervalMs: number;
  readonly addonPath: string | undefined;
}

export type Command =
  | { readonly kind: "settings"; readonly settings: ChainSettings }
  | { readonly kind: "grant"; readonly grant: Grant }
  /** Abandon the step to this segment end and go on from it (chapter 03 §6.10). */
  | { readonly kind: "adopt"; readonly end: SegmentEnd }
  /** The stretch of `ready` was recomputed; where it is wrong the chain goes back to before it. */
  | { readonly kind: "span"; readonly isRight: boolean }
  | { readonly kind: "stop" };

export type ToThread =
  | { readonly kind: "command"; readonly id: number; readonly command: Command }
  | { readonly kind: "segments-seen"; readonly count: number };

/**
 * `already-computed`: the own value of that segment is the same. `disagrees`: it is another one; the own chain goes on.
 * `too-old`: the segment is so far behind that its value is not at hand.
 */
export type AdoptOutcome = "adopted" | "already-computed" | "disagrees" | "too-old";

export type Answer =
  | { readonly kind: "done" }
  /** Whether the system let the thread have its priority. */
  | { readonly kind: "settings"; readonly isPrioritySet: boolean }
  /** Where the chain stands now, and the segment end before that. */
  | { readonly kind: "span"; readonly position: Position; readonly end: SegmentEnd }
  | { readonly kind: "adopt"; readonly outcome: AdoptOutcome; readonly own: Hash32 | undefined };

/** A stretch between two checkpoints that is to be recomputed. */
export interface UnverifiedSpan {
  readonly from: Position;
  readonly to: Position;
  readonly iterations: bigint;
}

export type FromThread =
  /** First, and once. `ends` are segment ends that the owner does not know yet. */
  | {
      readonly kind: "ready";
      readonly position: Position;
      readonly ends: readonly SegmentEnd[];
      readonly notices: readonly ProgressNotice[];
      readonly span: UnverifiedSpan | undefined;
      readonly note: string;
      readonly isPrioritySet: boolean;
    }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  | { readonly kind: "progress"; readonly progress: ChainProgress }
  /** After it is on disk, unless `isSaved` is false. */
  | { readonly kind: "segment"; readonly end: SegmentEnd; readonly isSaved: boolean }
  /** Progress cannot be written; the chain goes on and tries again. `code` is that of the file system. */
  | { readonly kind: "not-saved"; readonly code: string }
  | { readonly kind: "saved"; readonly position: Position };

export type ChainActivity = "working" | "paused" | "waiting-for-d";

export interface ChainProgress {
  readonly activity: ChainActivity;
  readonly segment: bigint;
  readonly iterations: bigint;
  /** Of the segment in progress; undefined while it is not known. */
  readonly d: bigint | undefined;
  /** While working, rests for the CPU share included; undefined until measured. */
  readonly iterationsPerSecond: number | undefined;
}
