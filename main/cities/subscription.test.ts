import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { anyShareLink } from "./cities.fixture.ts";
import { SUBSCRIPTION_LINES_MAX, SUBSCRIPTION_MAX } from "./limits.ts";
import { buildShareLink } from "./shareLink.ts";
import { cityOfLabel, decodeSubscription, encodeSubscription } from "./subscription.ts";

const someLinks = fc.uniqueArray(anyShareLink, { selector: ({ uuid }) => uuid, minLength: 1, maxLength: 6 });

describe("a subscription", () => {
  test("comes back in every notation in use", () => {
    fc.assert(
      fc.property(someLinks, (links) => {
        const urls = links.map(buildShareLink);
        const body = encodeSubscription(urls);
        const wrapped = body.replace(/.{76}/g, "$&\r\n");
        const urlSafe = body.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
        for (const notation of [body, wrapped, urlSafe, urls.join("\n"), `\ufeff${urls.join("\r\n")}\r\n`]) {
          expect(decodeSubscription(notation)).toEqual({ servers: links, skipped: [], meta: new Map() });
        }
      }),
    );
  });

  test("loses no line without a reason", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), anyShareLink.map(buildShareLink)), { maxLength: 12 }), (lines) => {
        const body = lines.map((line) => line.replace(/[\r\n]/g, "")).join("\n");
        const { servers, skipped } = decodeSubscription(`x://\n${body}`);
        const counted = ["x://", ...body.split("\n")].map((line) => line.trim());
        const isCounted = (line: string): boolean => line !== "" && !line.startsWith("#") && !line.startsWith("//");
        expect(servers.length + skipped.length).toBe(counted.filter(isCounted).length);
      }),
    );
  });

  test("says in which line something was skipped, and why", () => {
    const url = "vless://7414dedf-365d-41d3-ac10-29a65ea43844@a.example:1?security=none";
    expect(decodeSubscription(`# list\n\n${url}\nss://x`)).toMatchObject({
      fault: "empty-subscription",
      skipped: [
        { line: 3, reason: "unsupported-security" },
        { line: 4, reason: "unsupported-scheme" },
      ],
    });
  });

  test("beyond its bounds is refused whole", () => {
    expect(decodeSubscription("a".repeat(SUBSCRIPTION_MAX + 1)).fault).toBe("too-large");
    expect(decodeSubscription("é".repeat(SUBSCRIPTION_MAX / 2 + 1)).fault).toBe("too-large");
    expect(decodeSubscription("a\n".repeat(SUBSCRIPTION_LINES_MAX) + "a").fault).toBe("too-large");
    expect(decodeSubscription("a\n".repeat(SUBSCRIPTION_LINES_MAX - 1) + "a").fault).toBe("empty-subscription");
  });

  test("takes the first of two fields of one name, and no address for a field", () => {
    const { meta } = decodeSubscription("#Profile-Title: a\n#profile-title: b\n// https://a.example\n#c\nx://y");
    expect([...meta]).toEqual([["profile-title", "a"]]);
  });

  test("binds an entry to a city by the last word of its label", () => {
    const codes = new Set(["fra", "fin"]);
    expect(cityOfLabel("Montana FRA", codes)).toBe("fra");
    expect(cityOfLabel("Montana fra", codes)).toBeUndefined();
    expect(cityOfLabel("Montana MSK", codes)).toBeUndefined();
    expect(cityOfLabel("FRA by night", codes)).toBeUndefined();
  });
});
