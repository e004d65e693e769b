/** More of what strangers write to a client of the tunnel than `fuzz.test.ts` has time for. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { loadCrypto } from "../../main/native/index.ts";
import { makeDecoders } from "./decoders.ts";
import { Meter } from "./meter.ts";
import { fuzzDecoder } from "./run.ts";

const CASES = {
  "share-link": 50_000,
  subscription: 50_000,
  "deep-link": 50_000,
  "cities-json": 20_000,
  "health-json": 20_000,
};
const SEED = 2;

const { decoders, hashed } = makeDecoders(loadCrypto().crypto);

describe("100,000 links and subscriptions, and what comes with them", () => {
  let meter: Meter;
  let judged = 0;
  beforeAll(() => {
    meter = Meter.install();
  });
  afterAll(() => {
    meter.uninstall();
  });

  test.each(Object.entries(CASES))("%s: each of %i is decoded, or refused with a code", (name, cases) => {
    const decoder = decoders.find((it) => it.name === name)!;
    const { accepted, refused, failure } = fuzzDecoder(decoder, { meter, hashed }, { seed: SEED, cases });
    expect(failure).toBeUndefined();
    const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
    expect(accepted + refusals).toBe(cases);
    expect(Object.keys(refused).sort()).toEqual([...decoder.errors].sort());
    judged += accepted + refusals;
  });

  test("are really so many", () => {
    expect(judged).toBe(190_000);
  });
});
