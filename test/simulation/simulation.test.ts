/** A few short runs with faults; `main.ts` makes long ones. */
import { describe, expect, test } from "vitest";

import { NIL } from "../../main/consensus/objects.ts";
import { freshProposal, votingRules, type VotingRules } from "../../main/consensus/rules/vote.ts";
import { runScenario } from "./scenario.ts";

describe("whatever happens to nodes and network", () => {
  test.each([
    [1, 1],
    [2, 102],
    [3, 3],
    [4, 104],
    [4, 12],
    [5, 105],
    [7, 7],
    [9, 6],
  ])("all nodes decide the same and go on once faults stop (%i nodes, seed %i)", (nodes, seed) => {
    expect(runScenario({ seed, nodes, windows: 8 }).failure).toBeUndefined();
  });

  test("the same seed gives the same run", () => {
    const [a, b] = [0, 1].map(() => runScenario({ seed: 42, nodes: 4, windows: 6 }));
    expect(a).toEqual(b);
    expect(runScenario({ seed: 43, nodes: 4, windows: 6 }).digest).not.toBe(a!.digest);
  });
});

describe("the checkers notice", () => {
  const SEEDS = 20;
  const isCaught = (voting: VotingRules): boolean => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { failure } = runScenario({ seed, nodes: 4, windows: 20, voting });
      if (failure?.includes("two headers decided") === true) return true;
    }
    return false;
  };

  test("nodes that forget their lock", () => {
    const withoutLock: VotingRules = {
      ...votingRules,
      choosePrevote: (state) => freshProposal(state) ?? (state.round.propose === "expired" ? NIL : undefined),
    };
    expect(isCaught(withoutLock)).toBe(true);
  });
});
