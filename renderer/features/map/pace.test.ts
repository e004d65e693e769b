import { describe, expect, test } from "vitest";

import { Pace } from "./pace.ts";

/** Shares of the pixels with which the frames of one movement are drawn, each so many milliseconds after the one before. */
function fly(pace: Pace, frameMs: readonly number[]): readonly number[] {
  let nowMs = 1_000;
  const shares = [pace.move(nowMs), ...frameMs.map((ms) => pace.move((nowMs += ms)))];
  pace.rest();
  return shares;
}
const frames = (count: number, ms: number): readonly number[] => Array.from({ length: count }, () => ms);

describe("the moving map", () => {
  test("is drawn with all its pixels where the computer is quick enough, also when a tile comes", () => {
    expect(fly(new Pace(), [...frames(20, 17), 90, ...frames(20, 17)])).not.toContain(0.5);
  });

  test("is drawn with fewer after some slow frames, and from the first one on the next time", () => {
    const pace = new Pace();
    expect(fly(pace, frames(5, 50))).toEqual([1, 1, 1, 0.5, 0.5, 0.5]);
    expect(fly(pace, frames(2, 30))).toEqual([1, 0.5, 0.5]);
  });

  test("is sharp where it jumps", () => {
    const pace = new Pace();
    fly(pace, frames(5, 50));
    expect(fly(pace, [])).toEqual([1]);
  });

  test("tries all pixels again after a quick movement: the computer may have been busy", () => {
    const pace = new Pace();
    fly(pace, frames(5, 50));
    fly(pace, frames(20, 17));
    expect(fly(pace, frames(2, 17))).toEqual([1, 1, 1]);
  });
});
