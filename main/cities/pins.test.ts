import { describe, expect, test } from "vitest";

import { PINNED_KEYS_MAX } from "./limits.ts";
import { boundPins, judgeKey, pinKey, pinKeys, recordWorkingKey } from "./pins.ts";

const NOW = 1_778_414_400;
const HOUR = 3600;
const judge = (pins: Parameters<typeof judgeKey>[0], pbk: string, now = NOW) => judgeKey(pins, "fra", pbk, now, HOUR);

describe("the pinned keys of a city", () => {
  test("tell a first key, a known one and another one apart", () => {
    const pins = pinKey(new Map(), "fra", "a");
    expect(judge(new Map(), "a")).toBe("new");
    expect(judge(pins, "a")).toBe("known");
    expect(judge(pins, "b")).toBe("unexplained");
    expect(judgeKey(pins, "fin", "b", NOW, HOUR)).toBe("new");
  });

  test("call a change a rotation only while an old key has worked until recently", () => {
    const pins = recordWorkingKey(pinKey(new Map(), "fra", "a"), "fra", "a", NOW);
    expect(judge(pins, "b", NOW + HOUR)).toBe("rotated");
    expect(judge(pins, "b", NOW + HOUR + 1)).toBe("unexplained");
  });

  test("are kept through another one, up to a bound, the one that worked last never leaving", () => {
    let pins = recordWorkingKey(pinKey(new Map(), "fra", "a"), "fra", "a", NOW);
    for (let i = 0; i < 3 * PINNED_KEYS_MAX; i++) pins = pinKey(pins, "fra", `k${i}`);
    expect(pins.get("fra")).toHaveLength(PINNED_KEYS_MAX);
    expect(judge(pins, "a")).toBe("known");
    expect(judge(pins, `k${3 * PINNED_KEYS_MAX - 1}`)).toBe("known");
  });
});

test("a flood of lone entries makes none of a city forgotten, nor of what has worked", () => {
  const lone = new Map(Array.from({ length: 30_000 }, (_, i) => [`h${i}.example:443`, ["k"]] as const));
  const first = recordWorkingKey(
    pinKey(pinKey(new Map(), "fra", "a"), "own.example:443", "b"),
    "own.example:443",
    "b",
    5,
  );
  const bound = boundPins(pinKeys(first, lone));
  expect(bound.size).toBe(20_000);
  expect([bound.has("fra"), bound.has("own.example:443")]).toEqual([true, true]);
  expect([bound.has("h0.example:443"), bound.has("h29999.example:443")]).toEqual([false, true]);
  expect(boundPins(bound)).toBe(bound);
});
