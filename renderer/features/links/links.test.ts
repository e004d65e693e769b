import { expect, test } from "vitest";

import type { AccountId } from "../../../main/protocol/bytes.ts";
import { encodeAddress } from "../../../main/protocol/identity/address.ts";
import { pageHash } from "../wallet/hash.ts";
import { readLink } from "./links.ts";

const ADDRESS = encodeAddress(pageHash, new Uint8Array(32).fill(10) as AccountId);

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
  [`montana:${ADDRESS}`, { kind: "pay", to: ADDRESS, isRequest: false }],
  ["montana:request:AAAA", { kind: "pay", to: "montana:request:AAAA", isRequest: true }],
  [`montana:${ADDRESS.slice(0, -1)}`, { kind: "unknown" }],
  [`montana://${ADDRESS}`, { kind: "unknown" }],
  ["montana:", { kind: "unknown" }],
])("the link %s is read as what a person can say yes or no to", (link, wish) => {
  expect(readLink(link)).toEqual(wish);
});
