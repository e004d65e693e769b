/** The engine: makes the cases of one decoder, judges each, and finds the shortest input that fails like the first one. */
import { isDeepStrictEqual } from "node:util";

import { concatBytes } from "../../main/protocol/bytes.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";
import type { AnyDecoder, Bound } from "./decoder.ts";
import type { Measured, Meter } from "./meter.ts";
import { mutate, randomInput, type MutationSource } from "./mutate.ts";
import { Random } from "./random.ts";
import { bytesOf, textOf } from "./text.ts";

/** For objects, strings and what the engine itself allocates meanwhile (compiled code, feedback). */
export const HEAP_BOUND: Bound = { base: 262_144, perByte: 64 };
const HEAP_SAMPLE_INTERVAL = 64;
/** Of several measurements the lowest counts: the others hold what the engine did for itself. */
const HEAP_MEASUREMENTS = 4;

const GENERATED_SEEDS = 24;
/** From this size on a seed is rare: changing and reading it takes as long as hundreds of others. */
const LARGE_SEED = 24_576;
const LARGE_SEED_INTERVAL = 512;
/** Every so many cases a generated value goes the other way round. */
const VALUE_INTERVAL = 16;
const MINIMISE_ATTEMPTS = 3000;

export type FailureKind =
  | "foreign-error"
  | "undeclared-error"
  | "input-changed"
  | "input-kept"
  | "allocation"
  | "heap"
  | "hashing"
  | "not-encodable"
  | "not-identity"
  | "value-refused"
  | "value-changed";

export interface Finding {
  readonly kind: FailureKind;
  readonly detail: string;
}

export interface Failure extends Finding {
  readonly case: number;
  /** The shortest input found that fails in the same way; none where a generated value failed. */
  readonly input?: Uint8Array;
  /** The generated value that failed. */
  readonly value?: unknown;
  /** Of the error that decoding this input throws, if it does. */
  readonly stack?: string | undefined;
}

export interface Report {
  readonly decoder: string;
  /** Random and mutated byte strings. */
  cases: number;
  accepted: number;
  /** Generated values that went through encode and decode. */
  values: number;
  /** How often each error was met. */
  readonly refused: Record<string, number>;
  longestInput: number;
  /** Largest share of the allocation bound that a case used. */
  allocationShare: number;
  heapSamples: number;
  failure?: Failure;
}

export interface Judge {
  readonly meter: Meter;
  readonly hashed: () => number;
}

export interface RunOptions {
  readonly seed: number;
  /** Cases `first` to `first + cases − 1`: each depends on the seed, the decoder and its own number only. */
  readonly first?: number;
  readonly cases: number;
  /** Called before each decoding, with the number of its case. */
  readonly onStep?: (number: number) => void;
}

/** Runs until the first failure. */
export function fuzzDecoder(decoder: AnyDecoder, judge: Judge, options: RunOptions): Report {
  const { stackTraceLimit } = Error;
  // A stack is most of what a refusal costs, and nobody reads it.
  Error.stackTraceLimit = 0;
  try {
    return runCases(decoder, judge, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function runCases(decoder: AnyDecoder, judge: Judge, options: RunOptions): Report {
  const { seed, first = 0, cases, onStep } = options;
  const report: Report = {
    decoder: decoder.name,
    cases: 0,
    accepted: 0,
    values: 0,
    refused: {},
    longestInput: 0,
    allocationShare: 0,
    heapSamples: 0,
  };
  const source = sourceOf(decoder, seed);
  for (let number = first; number < first + cases && report.failure === undefined; number++) {
    onStep?.(number);
    report.cases++;
    const random = new Random(seed, decoder.name, number);
    const input = source.all[number] ?? makeInput(decoder, random, source);
    const samplesHeap = number % HEAP_SAMPLE_INTERVAL === 0;
    const finding = judgeInput(decoder, judge, input, samplesHeap, report);
    if (finding !== undefined) {
      const shortest = minimise(decoder, judge, input, finding, () => onStep?.(number));
      report.failure = { ...finding, case: number, input: shortest, stack: stackOf(decoder, shortest) };
    } else if (number % VALUE_INTERVAL === 0) {
      report.values++;
      const value = decoder.generate(random);
      const valueFinding = judgeValue(decoder, value);
      if (valueFinding !== undefined) report.failure = { ...valueFinding, case: number, value };
    }
  }
  return report;
}

interface Source extends MutationSource {
  /** The first cases, as they are. */
  readonly all: readonly Uint8Array[];
  readonly large: readonly Uint8Array[];
}

function sourceOf(decoder: AnyDecoder, seed: number): Source {
  const random = new Random(seed, decoder.name, "corpus");
  const generated = Array.from({ length: GENERATED_SEEDS }, () => decoder.encode(decoder.generate(random)));
  const all = [...generated, ...(decoder.corpus ?? [])];
  return {
    all,
    corpus: all.filter(({ length }) => length < LARGE_SEED),
    large: all.filter(({ length }) => length >= LARGE_SEED),
    tokens: decoder.tokens ?? [],
  };
}

function makeInput(decoder: AnyDecoder, random: Random, source: Source): Uint8Array {
  let input = rawInput(decoder, random, source);
  if (decoder.repair !== undefined && !random.once(3)) input = decoder.repair(input);
  return decoder.isText ? bytesOf(textOf(input)) : input;
}

function rawInput(decoder: AnyDecoder, random: Random, source: Source): Uint8Array {
  if (source.large.length > 0 && random.once(LARGE_SEED_INTERVAL)) {
    const large = random.pick(source.large);
    return random.once(4) ? large : mutate(random, large, source);
  }
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return randomInput(random, source);
    case 4:
      return random.pick(source.corpus);
    case 5:
      return mutate(random, decoder.encode(decoder.generate(random)), source);
    default:
      return mutate(random, random.pick(source.corpus), source);
  }
}

/** What comes off a socket or out of a file: a `Buffer` somewhere inside memory that others use again. */
let arena = Buffer.alloc(1 << 16);
const MARGIN = 7;

function placeInArena(input: Uint8Array): Buffer {
  if (arena.length < input.length + 2 * MARGIN) arena = Buffer.alloc(2 * (input.length + MARGIN));
  arena.set(input, MARGIN);
  return arena.subarray(MARGIN, MARGIN + input.length);
}

/** What is wrong with how `decoder` takes `input`; undefined = nothing. Adds to `report` what happened. */
function judgeInput(
  decoder: AnyDecoder,
  judge: Judge,
  input: Uint8Array,
  samplesHeap: boolean,
  report: Report,
): Finding | undefined {
  report.longestInput = Math.max(report.longestInput, input.length);
  const view = placeInArena(input);
  const outcome = decodeMeasured(decoder, judge, view, samplesHeap);
  if (!equalBytes(view, input)) return { kind: "input-changed", detail: "decoding wrote into its input" };

  const allocationLimit = limitOf(decoder.allocation, input.length);
  const { allocated } = outcome.measured;
  if (allocated > allocationLimit) {
    return {
      kind: "allocation",
      detail: `${allocated} bytes for an input of ${input.length}, bound ${allocationLimit}`,
    };
  }
  if (allocationLimit > 0) report.allocationShare = Math.max(report.allocationShare, allocated / allocationLimit);
  const hashingLimit = limitOf(decoder.hashing ?? { base: 0, perByte: 0 }, input.length);
  if (outcome.hashed > hashingLimit) {
    return {
      kind: "hashing",
      detail: `${outcome.hashed} bytes for an input of ${input.length}, bound ${hashingLimit}`,
    };
  }
  if (samplesHeap) {
    const heap = lowestHeap(decoder, judge, view, outcome.measured);
    const heapLimit = limitOf(HEAP_BOUND, input.length);
    if (heap !== undefined) report.heapSamples++;
    if (heap !== undefined && heap > heapLimit) {
      return { kind: "heap", detail: `${heap} bytes for an input of ${input.length}, bound ${heapLimit}` };
    }
  }

  if ("error" in outcome) {
    const finding = judgeError(decoder, outcome.error);
    if (finding === undefined) {
      const { code } = outcome.error as ProtocolError;
      report.refused[code] = (report.refused[code] ?? 0) + 1;
    }
    return finding;
  }
  report.accepted++;
  return judgeAccepted(decoder, input, view, outcome.value);
}

type Outcome = { readonly measured: Measured; readonly hashed: number } & (
  { readonly value: unknown } | { readonly error: unknown }
);

function decodeMeasured(decoder: AnyDecoder, judge: Judge, view: Uint8Array, samplesHeap: boolean): Outcome {
  let value: unknown;
  let error: unknown;
  let isAccepted = false as boolean;
  const hashedBefore = judge.hashed();
  const measured = judge.meter.measure(() => {
    try {
      value = decoder.decode(view);
      isAccepted = true;
    } catch (thrown) {
      error = thrown;
    }
  }, samplesHeap);
  const hashed = judge.hashed() - hashedBefore;
  return isAccepted ? { measured, hashed, value } : { measured, hashed, error };
}

function lowestHeap(decoder: AnyDecoder, judge: Judge, view: Uint8Array, first: Measured): number | undefined {
  let lowest = first.heap;
  const limit = limitOf(HEAP_BOUND, view.length);
  for (let i = 1; i < HEAP_MEASUREMENTS && (lowest ?? Infinity) > limit; i++) {
    const { heap } = decodeMeasured(decoder, judge, view, true).measured;
    if (heap !== undefined) lowest = Math.min(lowest ?? Infinity, heap);
  }
  return lowest;
}

function judgeError(decoder: AnyDecoder, error: unknown): Finding | undefined {
  if (!(error instanceof ProtocolError)) return { kind: "foreign-error", detail: describe(error) };
  const { code } = error as ProtocolError;
  return decoder.errors.includes(code) ? undefined : { kind: "undeclared-error", detail: code };
}

function judgeAccepted(decoder: AnyDecoder, input: Uint8Array, view: Uint8Array, value: unknown): Finding | undefined {
  try {
    const before = decoder.encode(value);
    if (!decoder.keepsInput) {
      // The memory of the input is used for something else.
      view.fill(0xa5);
      const after = decoder.encode(value);
      if (!equalBytes(before, after)) return { kind: "input-kept", detail: "the value changes when its input does" };
    }
    if (decoder.notations === "one") {
      return equalBytes(before, input) ? undefined : { kind: "not-identity", detail: difference(input, before) };
    }
    const again = decoder.encode(decoder.decode(before));
    return equalBytes(again, before) ? undefined : { kind: "not-identity", detail: difference(before, again) };
  } catch (error) {
    return { kind: "not-encodable", detail: describe(error) };
  }
}

function judgeValue(decoder: AnyDecoder, value: unknown): Finding | undefined {
  try {
    const decoded = decoder.decode(decoder.encode(value));
    if (isDeepStrictEqual(decoded, value)) return undefined;
    return { kind: "value-changed", detail: "a generated value came back as another one" };
  } catch (error) {
    return { kind: "value-refused", detail: describe(error) };
  }
}

/** Cuts pieces out and zeroes bytes as long as the failure stays of its kind. */
function minimise(
  decoder: AnyDecoder,
  judge: Judge,
  input: Uint8Array,
  { kind }: Finding,
  onStep: () => void,
): Uint8Array {
  let attempts = 0;
  const failsAlike = (candidate: Uint8Array): boolean => {
    attempts++;
    onStep();
    const report = { refused: {}, longestInput: 0, accepted: 0, allocationShare: 0, heapSamples: 0 } as Report;
    return judgeInput(decoder, judge, candidate, kind === "heap", report)?.kind === kind;
  };
  let shortest = input;
  for (let size = input.length; size >= 1 && attempts < MINIMISE_ATTEMPTS; size = Math.floor(size / 2)) {
    for (let start = shortest.length - size; start >= 0 && attempts < MINIMISE_ATTEMPTS; start -= size) {
      const candidate = concatBytes(shortest.subarray(0, start), shortest.subarray(start + size));
      if (failsAlike(candidate)) shortest = candidate;
    }
  }
  for (let at = 0; at < shortest.length && attempts < MINIMISE_ATTEMPTS; at++) {
    if (shortest[at] === 0) continue;
    const candidate = shortest.slice();
    candidate[at] = 0;
    if (failsAlike(candidate)) shortest = candidate;
  }
  return shortest;
}

/** As the program's own comparison, at the speed of the machine. */
const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const limitOf = ({ base, perByte }: Bound, length: number): number => base + perByte * length;

const describe = (error: unknown): string =>
  error instanceof ProtocolError ? `ProtocolError ${error.code}` : String(error);

const STACK_FRAMES = 8;

function stackOf(decoder: AnyDecoder, input: Uint8Array): string | undefined {
  Error.stackTraceLimit = STACK_FRAMES;
  try {
    decoder.decode(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.stack : undefined;
  }
}

function difference(expected: Uint8Array, actual: Uint8Array): string {
  const at = expected.findIndex((byte, i) => byte !== actual[i]);
  const place = at < 0 ? expected.length : at;
  return `${expected.length} bytes came back as ${actual.length}, different from byte ${place} on`;
}
