/** What a bench is, and how one is measured beside its peer. */

/**
 * Work whose speed is asked for. A call of `run` takes some 10 to 100 ms, and gives how many operations it did.
 */
export interface Side {
  readonly name: string;
  run(): number | Promise<number>;
}

/** A comparison of two sides, or something that measures itself. */
export type Bench = Comparison | Measurement;

export interface Measurement {
  /** `area/what`. */
  readonly name: string;
  /** `undefined` where this machine cannot. */
  measure(): Result | undefined | Promise<Result | undefined>;
}

export interface Comparison {
  /** `area/what`. */
  readonly name: string;
  /** Of the values, an operation per second by default. */
  readonly unit?: string;
  /** Makes both sides; `undefined` where this machine cannot run them. */
  prepare(): Sides | undefined | Promise<Sides | undefined>;
}

export interface Sides {
  /** The program's own path. */
  readonly subject: Side;
  /** What it is compared with. */
  readonly peer: Side;
  /** Ends what `prepare` started. */
  close?(): void | Promise<void>;
}

export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string;
  readonly peerValue: number;
  /** Of value to peer value: how much faster the program's path is. */
  readonly ratio: number;
}

const ROUNDS = 9;

/**
 * Alternates short slices of both sides, so that both see the same load and clock, and compares the best slice of each: what
 * disturbs a slice only ever makes it slower. `undefined` where the bench cannot run.
 */
export async function measure(bench: Bench): Promise<Result | undefined> {
  if ("measure" in bench) return bench.measure();
  const sides = await bench.prepare();
  if (sides === undefined) return undefined;
  const { subject, peer } = sides;
  try {
    await subject.run();
    await peer.run();
    let value = 0;
    let peerValue = 0;
    for (let round = 0; round < ROUNDS; round++) {
      value = Math.max(value, await operationsPerSecond(subject));
      peerValue = Math.max(peerValue, await operationsPerSecond(peer));
    }
    return { name: bench.name, value, unit: bench.unit ?? "1/s", peer: peer.name, peerValue, ratio: value / peerValue };
  } finally {
    await sides.close?.();
  }
}

async function operationsPerSecond(side: Side): Promise<number> {
  const start = performance.now();
  const operations = await side.run();
  return (operations * 1000) / (performance.now() - start);
}
