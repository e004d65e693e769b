import { expect, test } from "vitest";

import { suiteOf } from "./suites.ts";

test("one suite is known", () => {
  expect(suiteOf(1)).toEqual({ scheme: "ML-DSA-65", publicKeySize: 1952, signatureSize: 3309 });
});

test.each([0, 2, 3, 256, 65_535])("suite %i is refused", (suiteId) => {
  expect(() => suiteOf(suiteId)).toThrow("unsupported-suite");
});
