/** What docs/vpn.md says that people read is what they read. */
import { expect, test } from "vitest";

import { isKnownCode } from "../../main/api/errors.ts";
import { en } from "../../main/api/sentences/en.ts";
import { readFailureTable } from "../../main/vpn/failures.fixture.ts";

test.for([...readFailureTable()])("%s", ([, { codes, sentence }]) => {
  expect(codes.filter((code) => !isKnownCode(code))).toEqual([]);
  expect(sentence).toBe((en as Record<string, { readonly sentence: string }>)[codes[0]!]?.sentence);
});
