import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { anyCities } from "./cities.fixture.ts";
import { findCitiesFault } from "./cities.ts";
import { AUTO, orderCandidates, type Candidate, type Choice } from "./failover.ts";
import type { HealthState } from "./health.ts";

const anyState = fc.constantFrom<HealthState[]>("unknown", "up", "degraded", "down", "expired");

const anyChoice: fc.Arbitrary<Choice> = anyCities.chain((cities) =>
  fc.record({
    cities: fc.constant(cities),
    health: fc
      .array(fc.option(anyState, { nil: undefined }), { minLength: cities.length, maxLength: cities.length })
      .map((states) => new Map(states.flatMap((state, i) => (state === undefined ? [] : [[cities[i]!.code, state]])))),
    chosen: fc.constantFrom(AUTO, ...cities.map(({ code }) => code)),
    strict: fc.boolean(),
  }),
);

const codesOf = (candidates: readonly Candidate[]): string[] => candidates.map(({ code }) => code);

describe("the order of entries", () => {
  test("is made for networks that are valid", () => {
    fc.assert(
      fc.property(anyCities, (cities) => {
        expect(findCitiesFault({ version: 1, cities })).toBeUndefined();
      }),
    );
  });

  test("holds each candidate once: all enabled cities, or with a strict choice those that leave in the chosen one", () => {
    fc.assert(
      fc.property(anyChoice, (choice) => {
        const { cities, chosen, strict } = choice;
        const order = orderCandidates(choice);
        const city = cities.find(({ code }) => code === chosen);
        if (city?.vpn.enabled === false) {
          expect(order.fault).toBe("city-without-vpn");
          return;
        }
        const enabled = cities.filter(({ vpn }) => vpn.enabled);
        const wanted =
          chosen === AUTO || !strict
            ? enabled
            : enabled.filter(
                ({ code, vpn }) => code === chosen || (vpn.exit === chosen && vpn.fronts.includes(chosen)),
              );
        expect(codesOf(order.candidates).sort()).toEqual(wanted.map(({ code }) => code).sort());
      }),
    );
  });

  test("tries what leaves in the chosen city first, and better health first within each part", () => {
    fc.assert(
      fc.property(anyChoice, (choice) => {
        const { candidates } = orderCandidates(choice);
        const keys = candidates.map(({ isFallback, rank }) => Number(isFallback) * 10 + rank);
        expect(keys).toEqual([...keys].sort((a, b) => a - b));
        for (const { isFallback, code } of candidates) if (code === choice.chosen) expect(isFallback).toBe(false);
      }),
    );
  });

  test("does not depend on the order in which the cities are listed", () => {
    fc.assert(
      fc.property(anyChoice, (choice) => {
        const reversed = { ...choice, cities: [...choice.cities].reverse() };
        expect(orderCandidates(reversed)).toEqual(orderCandidates(choice));
      }),
    );
  });

  test("refuses a city that does not exist", () => {
    expect(orderCandidates({ cities: [], health: new Map(), chosen: "zzz", strict: false })).toEqual({
      fault: "unknown-city",
      candidates: [],
    });
  });
});
