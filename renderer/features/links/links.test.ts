import { expect, test } from "vitest";

import { readLink } from "./links.ts";

test.each([
  ["montana://connect/fra", { kind: "connect", city: "fra" }],
  ["montana://connect/auto", { kind: "connect", city: "auto" }],
  ["montana://connect/Frankfurt", { kind: "unknown" }],
  ["montana://connect/fra/../hel", { kind: "unknown" }],
  ["montana://import?url=https%3A%2F%2Flist.example%2Fsecret%2Fpath", { kind: "import", from: "list.example" }],
  ["montana://import?url=vless%3A%2F%2Fkey%40192.0.2.1%3A443", { kind: "import", from: "vless" }],
  ["montana://import?url=javascript%3Aalert(1)", { kind: "unknown" }],
  ["montana://import?url=file%3A%2F%2F%2Fetc%2Fpasswd", { kind: "unknown" }],
  ["montana://import", { kind: "unknown" }],
  ["montana:", { kind: "unknown" }],
])("the link %s is read as what a person can say yes or no to", (link, wish) => {
  expect(readLink(link)).toEqual(wish);
});
