import { describe, expect, test } from "vitest";

import { ProtocolError } from "../protocol/errors.ts";
import { NETWORKS, readFixture } from "./cities.fixture.ts";
import { decodeCities, findCitiesFault } from "./cities.ts";
import { JSON_DEPTH_MAX, PUBLIC_FILE_MAX } from "./limits.ts";

const faultOf = (body: string): unknown => {
  try {
    decodeCities(body);
    return undefined;
  } catch (error) {
    return error instanceof ProtocolError ? { code: error.code as string, ...error.params } : error;
  }
};

describe("cities.json", () => {
  test("of the fixtures' networks is read as it is", () => {
    for (const network of NETWORKS) {
      const body = readFixture(`${network}/cities.json`);
      expect(decodeCities(body)).toEqual(JSON.parse(body));
    }
  });

  test("drops fields that this version does not know", () => {
    const body = readFixture("three-city/cities.json");
    const withMore = body.replace('"version": 1', '"version": 1, "extra": {"a": []}');
    expect(decodeCities(withMore)).toEqual(decodeCities(body));
  });

  test("is refused with the place of what is wrong", () => {
    const body = readFixture("three-city/cities.json");
    expect(faultOf(body.replace('"code": "fra"', '"code": "FRA"'))).toEqual({ code: "bad-code", at: "cities[1].code" });
    expect(faultOf(body.replace("24.9384", "24.93841"))).toEqual({ code: "too-precise", at: "cities[2].lon" });
    expect(faultOf(body.replace('"fronts": [\n          "fra"', '"fronts": [\n          "msk"'))).toEqual({
      code: "asymmetric-front",
      at: "cities[1].vpn.fronted_by",
    });
    expect(faultOf(body.replace('"emits": true', '"emits": 1'))).toEqual({
      code: "bad-field",
      at: "cities[0].timechain.emits",
    });
  });

  test("is refused by size and depth before it is parsed", () => {
    expect(faultOf(" ".repeat(PUBLIC_FILE_MAX + 1))).toMatchObject({ code: "too-large" });
    const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(faultOf(deep(JSON_DEPTH_MAX + 1))).toEqual({ code: "not-json" });
    expect(faultOf(deep(JSON_DEPTH_MAX))).toMatchObject({ code: "bad-version" });
    expect(faultOf(`{"a": "${"[".repeat(40)}\\"${"[".repeat(40)}"}`)).toMatchObject({ code: "bad-version" });
  });

  test("finds a cycle of any length, and none in a chain", () => {
    const ring = (length: number, isClosed: boolean) => {
      const code = (i: number): string => `${"abcdefghij"[i % 10]!}${"abcdefghij"[Math.floor(i / 10)]!}a`;
      const next = (i: number): number[] => (i + 1 < length ? [i + 1] : isClosed ? [0] : []);
      const previous = (i: number): number[] => (i > 0 ? [i - 1] : isClosed ? [length - 1] : []);
      const cities = Array.from({ length }, (_, i) => ({
        ...{ code: code(i), node: `n${i}`, lat: 0, lon: 0 },
        vpn: { enabled: true, exit: code(i), fronts: next(i).map(code), fronted_by: previous(i).map(code) },
      }));
      return findCitiesFault({ version: 1, cities })?.reason;
    };
    expect([2, 3, 100].map((length) => ring(length, true))).toEqual(["front-cycle", "front-cycle", "front-cycle"]);
    expect([2, 3, 100].map((length) => ring(length, false))).toEqual([undefined, undefined, undefined]);
  });
});
