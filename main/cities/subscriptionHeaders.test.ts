import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readSubscriptionHeaders, subscriptionHeaders } from "./subscriptionHeaders.ts";

describe("the headers of a subscription", () => {
  test("tell a reader what the sender said, a long title cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 168 }), (title, intervalHours) => {
        const read = readSubscriptionHeaders(Object.entries(subscriptionHeaders({ title, intervalHours })));
        const shown = Array.from(title)
          .slice(0, 25)
          .join("")
          .replace(/\p{Cc}/gu, "")
          .trim();
        expect(read).toMatchObject({ title: shown === "" ? null : shown, intervalHours });
        expect(read.userinfo).toEqual({ upload: 0, download: 0, total: null, expire: null });
      }),
    );
  });

  test("of any server are read without complaint", () => {
    const names = ["Profile-Title", "profile-update-interval", "subscription-userinfo", "support-url", "x"];
    const fields = fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ unit: "binary" })));
    fc.assert(
      fc.property(fields, (list) => {
        const { intervalHours, supportUrl } = readSubscriptionHeaders(list);
        expect(intervalHours).toBeGreaterThanOrEqual(1);
        expect(intervalHours).toBeLessThanOrEqual(168);
        expect(supportUrl ?? "https://").toMatch(/^https:\/\//i);
      }),
    );
  });
});
