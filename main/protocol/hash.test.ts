import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../native/index.ts";
import { concatBytes, toHex } from "./bytes.ts";
import {
  HASH_TAGS,
  INFO_TAGS,
  prefixedMessage,
  RAW_TAGS,
  rawHash,
  RESERVED_TAGS,
  SALT_TAG,
  SIGNED_PREFIXES,
  taggedHash,
} from "./hash.ts";

const { crypto } = loadCrypto();
const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 });
const tag = fc.constantFrom(...HASH_TAGS);

describe("the registry of tags", () => {
  const all = [...HASH_TAGS, ...RAW_TAGS, ...SIGNED_PREFIXES, ...INFO_TAGS, SALT_TAG, ...RESERVED_TAGS];

  test.each(all)("holds %s as plain lower-case ASCII after mt-", (name) => {
    expect(name).toMatch(/^mt-[a-z0-9-]+$/);
  });

  test("names every purpose once", () => {
    expect(new Set(all).size).toBe(all.length);
  });

  test("has no tag without a separator that begins another one", () => {
    const raw: readonly string[] = [...RAW_TAGS, ...SIGNED_PREFIXES];
    const clashes = raw.flatMap((a) => raw.filter((b) => a !== b && b.startsWith(a)).map((b) => [a, b]));
    expect(clashes).toEqual([]);
  });
});

describe("the tagged hash", () => {
  test("is the same however its input is split into parts", () => {
    fc.assert(
      fc.property(tag, parts, (name, split) => {
        expect(taggedHash(crypto, name, ...split)).toEqual(taggedHash(crypto, name, concatBytes(...split)));
      }),
    );
  });

  test("differs for another tag, even one that the first begins and the input goes on with", () => {
    expect(taggedHash(crypto, "mt-bc-aggregate", new TextEncoder().encode("-empty"))).not.toEqual(
      taggedHash(crypto, "mt-bc-aggregate-empty"),
    );
    fc.assert(
      fc.property(tag, tag, parts, (a, b, input) => {
        fc.pre(a !== b);
        expect(taggedHash(crypto, a, ...input)).not.toEqual(taggedHash(crypto, b, ...input));
      }),
    );
  });

  test("differs for another input", () => {
    fc.assert(
      fc.property(tag, parts, parts, (name, a, b) => {
        fc.pre(toHex(concatBytes(...a)) !== toHex(concatBytes(...b)));
        expect(taggedHash(crypto, name, ...a)).not.toEqual(taggedHash(crypto, name, ...b));
      }),
    );
  });
});

test("classes R and S put nothing between the tag and the data", () => {
  const data = new Uint8Array([1, 2]);
  expect(toHex(prefixedMessage("mt-mesh-ack", data))).toBe("6d742d6d6573682d61636b0102");
  const preimage = concatBytes(new TextEncoder().encode("mt-bootstrap-pow"), data);
  expect(rawHash(crypto, "mt-bootstrap-pow", data)).toEqual(crypto.sha256(preimage));
});
