import { expect, it } from "vitest";

import { standingOf, summaryOf, type ActivityRow } from "./activity.ts";

const ROW: ActivityRow = { window: 1, atMs: null, isPresent: true, hasRevealed: true, hasWon: false };

it("calls a window won, present, absent, or unknown where its body is not kept", () => {
  const rows = [{ ...ROW, hasWon: true }, ROW, { ...ROW, isPresent: false }, { ...ROW, isPresent: null }];
  expect(rows.map(standingOf)).toEqual(["won", "present", "absent", "unknown"]);
});

it("counts only the windows of which it is known", () => {
  const rows = [
    { ...ROW, hasWon: true, isPresent: null },
    ROW,
    { ...ROW, isPresent: false },
    { ...ROW, isPresent: null },
  ];
  expect(summaryOf(rows)).toEqual({ present: 2, won: 1, known: 3 });
});
