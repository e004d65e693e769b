import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { loadCrypto } from "../../main/native/index.ts";
import { makeDecoders } from "./decoders.ts";
import { findReadingExports, ROOMS } from "./exports.ts";
import { Meter } from "./meter.ts";
import { fuzzDecoder } from "./run.ts";

/** The command runs 1,000,000. */
const CASES = 4000;
const SEED = 1;

const { decoders, hashed } = makeDecoders(loadCrypto().crypto);

describe("the table of decoders", () => {
  /** Readers by name that read nothing foreign. */
  const exceptions = [
    // Removes half-written files by their names; what is in the others the decoders of files read.
    "protocol/rc1/storeFiles.ts#openStore",
  ];

  test("has everything in the pure rooms that reads bytes or text", async () => {
    const covered = new Set(decoders.flatMap((decoder) => decoder.of));
    const found = await findReadingExports();
    const missing = found.filter(({ value }) => !covered.has(value)).map(({ name }) => name);
    expect(missing).toEqual(exceptions);
    expect(found.length).toBeGreaterThan(exceptions.length);
    // A room that has moved must not be left out without a word.
    for (const room of ROOMS.filter((it) => it !== "network/gossip")) {
      expect(found.some(({ name }) => name.startsWith(`${room}/`))).toBe(true);
    }
  });

  test("names each decoder once", () => {
    const names = decoders.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("random and mutated byte strings", () => {
  let meter: Meter;
  beforeAll(() => {
    meter = Meter.install();
  });
  afterAll(() => {
    meter.uninstall();
  });

  test.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
    "are decoded or refused by %s as declared, and every refusal is met",
    (_, decoder) => {
      const report = fuzzDecoder(decoder, { meter, hashed }, { seed: SEED, cases: CASES });
      expect(report.failure).toBeUndefined();
      expect(report.cases).toBe(CASES);
      expect(report.accepted).toBeGreaterThan(0);
      expect(report.accepted).toBeLessThan(CASES);
      expect(Object.keys(report.refused).sort()).toEqual([...decoder.errors].sort());
    },
  );
});
