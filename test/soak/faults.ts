/** What happens to the network in one round, from the seed. */
import { Random } from "../simulation/random.ts";

const PAUSE_MS_MAX = 4000;
/** Rounds of one seed have chances of their own, so that a run that goes on later meets the same. */
const ROUND_STRIDE = 7919;

export interface Round {
  /** Told to the practice network itself, and healed. */
  readonly broken: { readonly city: string; readonly what: "vpn" | "node" };
  /** Roles of what is killed as by `kill -9`: a node, and something else. */
  readonly killed: readonly [node: string, other: string];
  /** Milliseconds after each of the three. */
  readonly pauses: readonly [number, number, number];
}

export interface Choices {
  /** Codes. */
  readonly cities: readonly { readonly code: string; readonly hasNode: boolean }[];
  /** Roles. */
  readonly nodes: readonly string[];
  readonly others: readonly string[];
}

export function roundOf(seed: number, number: number, { cities, nodes, others }: Choices): Round {
  const random = new Random(seed + number * ROUND_STRIDE);
  const { code, hasNode } = random.pick(cities)!;
  const pause = (): number => random.integer(0, PAUSE_MS_MAX);
  return {
    broken: { city: code, what: hasNode && random.chance(0.5) ? "node" : "vpn" },
    killed: [random.pick(nodes)!, random.pick(others)!],
    pauses: [pause(), pause(), pause()],
  };
}
