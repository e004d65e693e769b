import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { sized, toHex, type AccountId } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { decodeAddress, encodeAccountUri, encodeAddress, parseAccount } from "./address.ts";

const { crypto } = loadCrypto();
const anyId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32) as AccountId);
const anyCharacter = fc.constantFrom(...Array.from("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"));

describe("an address", () => {
  test("gives back its account", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(decodeAddress(crypto, encodeAddress(crypto, id))).toEqual(id);
      }),
    );
  });

  test("is the only text of its account: one changed character names no other text of it", () => {
    fc.assert(
      fc.property(anyId, fc.nat(), anyCharacter, (id, position, character) => {
        const address = encodeAddress(crypto, id);
        const at = 2 + (position % (address.length - 2));
        fc.pre(address[at] !== character);
        const changed = address.slice(0, at) + character + address.slice(at + 1);
        try {
          expect(encodeAddress(crypto, decodeAddress(crypto, changed))).toBe(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  test("is refused without a checksum pass, whatever the payload", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, minLength: 49, maxLength: 50 }), (payload) => {
        expect(() => decodeAddress(crypto, `mt${payload}`)).toThrow(/^bad-(checksum|length)$/);
      }),
    );
  });
});

describe("what a person enters", () => {
  test("may be the address, the 64 lower-case hex digits, or either as a montana: link", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const hex = toHex(id);
        for (const text of [encodeAddress(crypto, id), encodeAccountUri(crypto, id), hex, `montana:${hex}`]) {
          expect(parseAccount(crypto, text)).toEqual(id);
        }
      }),
    );
  });

  test.each(["", "montana:", "A".repeat(64), "a".repeat(63), "montana:montana:mt1", "bitcoin:mt1"])(
    "is not %j",
    (text) => {
      expect(() => parseAccount(crypto, text)).toThrow("bad-prefix");
    },
  );
});
