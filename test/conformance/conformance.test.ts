import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { loadFallback, loadNative } from "../../main/native/index.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";
import { emptySummary, findDifference, listVectorFiles, readVectorFile, runSuite } from "./harness.ts";
import { runners } from "./runners/index.ts";

const files = listVectorFiles([fileURLToPath(new URL("vectors", import.meta.url))]).map(readVectorFile);

/**
 * Key derivation and many signatures take the JavaScript back end several seconds a case. Here it gets a case in eight of
 * these suites; `npm run conformance -- --backend fallback` runs them whole.
 */
const SLOW_ON_THE_FALLBACK: ReadonlySet<string> = new Set([
  ...["01-crypto/identity", "01-crypto/identity-file", "01-crypto/mnemonic-decode"],
  ...["04-account/sequences-ops", "05-entry/live-candidate", "06-transport/ibt-mesh-verify"],
]);
const SLOW_CASES_STEP = 8;

describe.each([
  { backEnd: "the add-on", crypto: loadNative(), slow: new Set<string>() },
  { backEnd: "the fallback", crypto: loadFallback(), slow: SLOW_ON_THE_FALLBACK },
])("the vectors of the reference hold on $backEnd", ({ crypto, slow }) => {
  test.each(files)("$suite", async (file) => {
    const summary = emptySummary();
    const cases = slow.has(file.suite) ? file.cases.filter((_, i) => i % SLOW_CASES_STEP === 0) : file.cases;
    await runSuite({ ...file, cases }, runners[file.suite], crypto, summary);
    expect(summary.failures).toEqual([]);
    expect([...summary.unsupportedSuites]).toEqual([]);
    expect(summary.passed).toBe(cases.length);
  });
});

describe("the harness", () => {
  const outcomeOf = async (expected: unknown, runner: () => unknown) => {
    const summary = emptySummary();
    const file = { suite: "test/planted", cases: [{ name: "planted", input: {}, expect: expected }] };
    await runSuite(file, runner, loadNative(), summary);
    return summary.failures[0]?.difference;
  };

  test("fails a wrong value, a missing field, a missing element and a surplus element", async () => {
    expect(await outcomeOf({ hash: "aa" }, () => ({ hash: new Uint8Array([0xab]) }))).toContain("expect.hash");
    expect(await outcomeOf({ hash: "aa", size: 1 }, () => ({ hash: new Uint8Array([0xaa]) }))).toContain("expect.size");
    expect(await outcomeOf({ ids: [1, 2] }, () => ({ ids: [1] }))).toContain("expect.ids");
    expect(await outcomeOf({ ids: [1] }, () => ({ ids: [1, 2] }))).toContain("expect.ids");
    expect(await outcomeOf({ after: null }, () => ({}))).toContain("expect.after");
  });

  test("fails an error where success is expected, the other way round, and another error", async () => {
    const reject = () => {
      throw new ProtocolError("bad-length");
    };
    expect(await outcomeOf({ ok: true }, reject)).toContain("bad-length");
    expect(await outcomeOf({ error: "bad-length" }, () => ({ ok: true }))).toContain("expect.error");
    expect(await outcomeOf({ error: "bad-type" }, reject)).toContain("bad-type");
    expect(await outcomeOf({ error: "bad-length" }, reject)).toBeUndefined();
  });

  test("fails a runner that breaks down, whatever is expected", async () => {
    const breakDown = () => {
      throw new TypeError("x is undefined");
    };
    expect(await outcomeOf({ error: "x is undefined" }, breakDown)).toContain("threw");
    expect(await outcomeOf({}, breakDown)).toContain("threw");
  });

  test("compares the keys of a dictionary both ways", () => {
    const actual = new Map([
      ["a", 1n],
      ["b", 2n],
    ]);
    expect(findDifference(actual, { a: 1, b: "2" }, "expect")).toBeUndefined();
    expect(findDifference(actual, { a: 1 }, "expect")).toContain("unexpected key b");
    expect(findDifference(actual, { a: 1, b: 2, c: 3 }, "expect")).toContain("expect.c");
  });

  test("counts a suite without a runner as unsupported", async () => {
    const summary = emptySummary();
    await runSuite(files[0]!, undefined, loadNative(), summary);
    expect(summary).toMatchObject({ passed: 0, failed: 0, unsupported: files[0]!.cases.length });
  });
});
