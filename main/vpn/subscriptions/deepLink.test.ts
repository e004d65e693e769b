import fc from "fast-check";
import { expect, test } from "vitest";

import { ProtocolError } from "../../protocol/errors.ts";
import { DEEP_LINK_MAX, importLink, parseDeepLink } from "./deepLink.ts";
import { linkFor } from "./subscriptions.fixture.ts";

test("addresses, share links and cities are read", () => {
  const url = "https://montana.quest/vpn/sub?a=1&b=2";
  expect(parseDeepLink(importLink(url))).toEqual({ kind: "subscription", url });
  const link = linkFor("fra", 3);
  expect(parseDeepLink(importLink(link))).toMatchObject({ kind: "link", text: link, link: { label: "Montana FRA" } });
  expect(parseDeepLink("montana://connect/fra")).toEqual({ kind: "connect", city: "fra" });
  expect(parseDeepLink("montana://connect/auto")).toEqual({ kind: "connect", city: "auto" });
});

test.each([
  ["montana://connect/fran", "deep-link-invalid"],
  ["montana://connect/FRA", "deep-link-invalid"],
  ["montana://connect/fra/", "deep-link-invalid"],
  ["montana://connect/fra?now=1", "deep-link-invalid"],
  ["MONTANA://connect/fra", "deep-link-invalid"],
  ["montana://import", "deep-link-invalid"],
  ["montana://import?url=", "deep-link-invalid"],
  ["montana://import?url=https%3A%2F%2Fa.example%2F&run=1", "deep-link-invalid"],
  ["montana://import?url=%FF", "deep-link-invalid"],
  ["montana://import?url=file%3A%2F%2F%2Fetc%2Fpasswd", "subscription-address-invalid"],
  ["montana://import?url=https%3A%2F%2Fme%3Apw%40a.example%2F", "subscription-address-invalid"],
  ["montana://import?url=vless%3A%2F%2Fnobody", "missing-uuid"],
  [`montana://connect/${"a".repeat(DEEP_LINK_MAX)}`, "deep-link-invalid"],
  ["montana://connect/f ra", "deep-link-invalid"],
])("%s is refused as %s", (text, code) => {
  expect(() => parseDeepLink(text)).toThrow(expect.objectContaining({ code }));
});

test("whatever comes is read or refused with a code", () => {
  const noise = fc.oneof(
    fc.string(),
    fc.string().map((text) => `montana://${text}`),
    fc.webUrl().map(importLink),
  );
  fc.assert(
    fc.property(noise, (text) => {
      try {
        parseDeepLink(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});
