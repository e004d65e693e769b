import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ProtocolError } from "../protocol/errors.ts";
import { anyShareLink, NETWORKS, readFixture } from "./cities.fixture.ts";
import { SHARE_LINK_MAX } from "./limits.ts";
import { buildShareLink, parseShareLink, shownLabel } from "./shareLink.ts";

describe("a share link", () => {
  test("comes back from being printed and parsed as it was", () => {
    fc.assert(
      fc.property(anyShareLink, (link) => {
        expect(parseShareLink(buildShareLink(link))).toEqual(link);
      }),
    );
  });

  test("is printed as it was parsed where it is canonical", () => {
    for (const url of NETWORKS.flatMap((name) => readFixture(`${name}/sub.txt`).split("\n"))) {
      expect(buildShareLink(parseShareLink(url))).toBe(url);
    }
  });

  test("is accepted with its parameters in any order", () => {
    fc.assert(
      fc.property(anyShareLink, fc.array(fc.nat(), { minLength: 9, maxLength: 9 }), (link, keys) => {
        const [head, query, label] = buildShareLink(link).split(/[?#]/) as [string, string, string];
        const shuffled = query
          .split("&")
          .map((item, i) => ({ item, key: keys[i]! }))
          .sort((a, b) => a.key - b.key)
          .map(({ item }) => item);
        expect(parseShareLink(`${head}?${shuffled.join("&")}#${label}`)).toEqual(link);
      }),
    );
  });

  test("that was accepted prints as one that is not too long and means the same", () => {
    const base = "vless://7414dedf-365d-41d3-ac10-29a65ea43844@a.example:1?security=reality";
    const pbk = "pbk=bOLP4GuOkdAzcgeEP2KqrxFakXUsqO8FzrPb7FU6K2w";
    for (const extra of [`&spx=/${"a".repeat(500)}`, `&spx=${"/".repeat(170)}`, `#${"%F0%9F%98%80".repeat(90)}`]) {
      const link = parseShareLink(`${base}&${pbk}${extra}`);
      expect(buildShareLink(link).length).toBeLessThanOrEqual(SHARE_LINK_MAX);
      expect(parseShareLink(buildShareLink(link))).toEqual(link);
    }
    expect(() => parseShareLink(`${base}&${pbk}&spx=/${"/".repeat(171)}`)).toThrow("bad-spider-x");
  });

  test("gives one text for a key whose last digit has spare bits", () => {
    const url = (digit: string): string =>
      `vless://7414dedf-365d-41d3-ac10-29a65ea43844@a.example:1?security=reality&pbk=${"A".repeat(42)}${digit}`;
    expect(parseShareLink(url("B")).pbk).toBe(parseShareLink(url("A")).pbk);
    expect(parseShareLink(url("E")).pbk).not.toBe(parseShareLink(url("A")).pbk);
  });

  test("made of any text is parsed or refused with a code", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const url of [text, `vless://${text}`]) {
          try {
            parseShareLink(url);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
    );
  });

  test("is shown without marks that turn the direction of writing", () => {
    expect(shownLabel("Montana \u202eARF\u2069")).toBe("Montana ARF");
  });
});
