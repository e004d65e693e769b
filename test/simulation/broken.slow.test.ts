/** Rules whose breaking shows only where several things come together. */
import { expect, test } from "vitest";

import { noticed } from "./broken.fixture.ts";

test.each([
  ["takes half for a quorum", "two headers decided"],
  ["believes windows without a certificate", "two headers decided"],
  ["does not compare states", "not the header's"],
  ["counts only the first vote of a node", "not live"],
] as const)(
  "the checkers notice a program that %s",
  (broken, sentence) => {
    expect(noticed(broken)).toContain(sentence);
  },
  300_000,
);
