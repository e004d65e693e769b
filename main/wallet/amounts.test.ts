import fc from "fast-check";
import { expect, test } from "vitest";

import { U128_MAX } from "../protocol/codec/codec.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { formatAmount, parseAmount } from "./amounts.ts";

const reasonOf = (text: string): unknown => {
  try {
    return parseAmount(text);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "amount-invalid") return error.params["reason"];
    throw error;
  }
};

test("every amount is printed exactly and read back as it was", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, U128_MAX), (amount) => {
      const text = formatAmount(amount);
      expect(parseAmount(text)).toBe(amount);
      expect(parseAmount(text.replace(" Ɉ", ""))).toBe(amount);
      expect(parseAmount(`${amount} nɈ`)).toBe(amount);
    }),
  );
});

test("what is printed has no zeros at the end and at most nine decimals", () => {
  expect([0n, 1n, 13_000_000_000n, 500_000_000n, 1_234_567_890n, -5n].map(formatAmount)).toEqual([
    "0 Ɉ",
    "0.000000001 Ɉ",
    "13 Ɉ",
    "0.5 Ɉ",
    "1.23456789 Ɉ",
    "-0.000000005 Ɉ",
  ]);
});

test.each([
  ["13", 13_000_000_000n],
  [" 0.5 Ɉ ", 500_000_000n],
  [".5", 500_000_000n],
  ["13.", 13_000_000_000n],
  ["007", 7_000_000_000n],
  ["0.123456789", 123_456_789n],
  ["5nɈ", 5n],
  [formatAmount(U128_MAX), U128_MAX],
  ["", "empty"],
  [".", "empty"],
  ["Ɉ", "empty"],
  ["1,5", "comma"],
  ["1.000,5", "comma"],
  ["1’000", "comma"],
  ["-1", "sign"],
  ["+1", "sign"],
  ["−1", "sign"],
  ["1 000", "space"],
  ["1\u00a0000", "space"],
  ["1.2.3", "digits"],
  ["one", "digits"],
  ["١٣", "digits"],
  ["0x10", "digits"],
  ["1e9", "digits"],
  ["13 BTC", "space"],
  ["13BTC", "unit"],
  ["0.1234567891", "decimals"],
  ["0.5 nɈ", "decimals"],
  [`${U128_MAX + 1n} nɈ`, "too-large"],
  ["9".repeat(100), "too-large"],
])("%s is read as %s, in every language", (text, expected) => {
  expect(reasonOf(text)).toBe(expected);
});

test("no text is read as anything but an exact number or a named mistake", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("0123456789.,-+ Ɉne")), maxLength: 12 }), (text) => {
      const found = reasonOf(text);
      if (typeof found === "bigint") expect(parseAmount(formatAmount(found))).toBe(found);
      else expect(found).toMatch(/^[a-z-]+$/);
    }),
  );
});
