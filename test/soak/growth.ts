/**
 * Whether what processes hold grows. A process's first minutes are its own: caches fill, and memory is cleaned up seldom. So
 * the last third of a run is held against its middle third, by their lower quartiles: what was not cleaned up yet is above them.
 */
export interface Sample {
  /** Since the run began. */
  readonly seconds: number;
  readonly value: number;
}

export interface Growth {
  /** Lower quartiles of the run's thirds; null where there were too few samples. */
  readonly thirds: readonly [number | null, number | null, number | null];
  /** Of the last over the middle one; null where one of them is. */
  readonly growth: number | null;
}

const SAMPLES_MIN = 3;

/** `span`: seconds of the whole run. */
export function growthOf(samples: readonly Sample[], span: number): Growth {
  const third = (index: number): number | null => {
    const values = samples
      .filter(({ seconds }) => Math.min(2, Math.floor((3 * seconds) / span)) === index)
      .map(({ value }) => value);
    return values.length < SAMPLES_MIN ? null : lowerQuartile(values);
  };
  const thirds = [third(0), third(1), third(2)] as const;
  const [, middle, last] = thirds;
  return { thirds, growth: middle === null || last === null ? null : last - middle };
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 4)]!;
}
