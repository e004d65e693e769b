/** Short runs with all faults; `main.ts` makes long ones. */
import { describe, expect, test } from "vitest";

import { noticed } from "./broken.fixture.ts";
import { runScenario } from "./scenario.ts";

const SEEDS = Array.from({ length: 50 }, (_, i) => i + 1);

describe("whatever happens to nodes and network", () => {
  test.each(SEEDS)("all nodes decide the same and go on once faults stop (seed %i)", (seed) => {
    expect(runScenario({ seed, nodes: [1, 7], windows: 12 }).failure).toBeUndefined();
  });

  test("many nodes decide the same", () => {
    expect(runScenario({ seed: 3, nodes: [25, 25], windows: 5 }).failure).toBeUndefined();
  });

  test("the same seed gives the same run", () => {
    const [a, b] = [0, 1].map(() => runScenario({ seed: 42, nodes: [4, 4], windows: 6 }));
    expect(a).toEqual(b);
    expect(runScenario({ seed: 43, nodes: [4, 4], windows: 6 }).digest).not.toBe(a!.digest);
  });
});

describe("the checkers notice a program that", () => {
  test.each([
    ["forgets its lock", /two headers decided/],
    ["sends before it logs", /contradicted itself/],
    ["forgets what it signed", /own signature|contradicted itself/],
    ["pays a little more", /add up to/],
  ] as const)(
    "%s",
    (broken, sentence) => {
      expect(noticed(broken)).toMatch(sentence);
    },
    60_000,
  );
});
