/** What the plans of faults share. */
import type { Random } from "../random.ts";
import type { World } from "../world.ts";

export interface Run {
  readonly world: World;
  readonly random: Random;
  /** From here on nothing new goes wrong. */
  isOver: boolean;
}

/** Runs `happen` again and again, from `least` to `most` ms apart, until the run is over. */
export function repeatedly(run: Run, leastMs: number, mostMs: number, happen: () => void): void {
  const { world, random } = run;
  world.clock.after(random.between(leastMs, mostMs), () => {
    if (run.isOver) return;
    happen();
    repeatedly(run, leastMs, mostMs, happen);
  });
}
