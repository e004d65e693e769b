/**
 * Does the time of a signature tell keys apart? The method of dudect (Reparaz, Balasch, Verbauwhede, 2017): signatures under
 * one fixed key and under random keys, interleaved at random, and Welch's t-test between the two sets of times.
 *
 * Signing repeats until a candidate passes; how often varies with key and message alike and reveals neither by the design of
 * ML-DSA, but it drowns differences inside one try. So the test is made twice, over all times and over the fastest tenth,
 * which needed one try, and the larger statistic counts.
 *
 * All keys get the same ρ: it is public, and expanding it into the matrix takes a time that depends on it. What is left to
 * tell two keys apart is secret: K, s1, s2 and t0.
 */
import { randomBytes, randomInt } from "node:crypto";
import { loadCrypto } from "../../main/native/index.ts";
import type { Bench } from "./harness.ts";

const SAMPLES = 30_000;
const KEYS = 512;
const RHO_SIZE = 32;
const RHO_FILL = 0x5a;
const FASTEST_SHARE = 0.1;
/** dudect's own reading: beyond it a difference is likely, beyond ten it is certain. */
const THRESHOLD = 4.5;

export const benches: Bench[] = [
  {
    name: "secrets/mldsa-timing",
    measure() {
      const t = timingStatistic();
      return {
        name: "secrets/mldsa-timing",
        value: t,
        unit: "t",
        peer: "threshold",
        peerValue: THRESHOLD,
        ratio: t / THRESHOLD,
      };
    },
  },
];

interface Sample {
  readonly isFixed: boolean;
  readonly timeMs: number;
}

function timingStatistic(): number {
  const { mldsa65 } = loadCrypto().crypto;
  const newKey = (): Uint8Array => {
    const { secretKey } = mldsa65.generate(randomBytes(32));
    secretKey.fill(RHO_FILL, 0, RHO_SIZE);
    return secretKey;
  };
  const fixed = newKey();
  // As many copies of the fixed key as there are random ones, and one buffer to sign from: caches see both classes alike.
  const pools = [Array.from({ length: KEYS }, newKey), Array.from({ length: KEYS }, () => Uint8Array.from(fixed))];
  const secretKey = new Uint8Array(fixed.length);
  const message = new Uint8Array(32);

  const samples: Sample[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const isFixed = randomInt(2) === 1;
    secretKey.set(pools[Number(isFixed)]![randomInt(KEYS)]!);
    message.set(randomBytes(32));
    const start = performance.now();
    mldsa65.sign(secretKey, message);
    samples.push({ isFixed, timeMs: performance.now() - start });
  }
  samples.sort((a, b) => a.timeMs - b.timeMs);
  return Math.max(welch(samples), welch(samples.slice(0, SAMPLES * FASTEST_SHARE)));
}

/** The absolute value of Welch's t between the two classes. */
function welch(samples: readonly Sample[]): number {
  const [a, b] = [true, false].map((isFixed) => {
    const times = samples.filter((sample) => sample.isFixed === isFixed).map((sample) => sample.timeMs);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
    return { mean, varianceOfMean: squares / (times.length - 1) / times.length };
  });
  return Math.abs(a!.mean - b!.mean) / Math.sqrt(a!.varianceOfMean + b!.varianceOfMean);
}
