import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { AccountId } from "../../../main/protocol/bytes.ts";
import { encodeAddress } from "../../../main/protocol/identity/address.ts";
import { pageHash } from "./hash.ts";
import { addressOf, amountOf, largestPayment, recipientOf, shortAddress, tooMuch, typedAmount } from "./payment.ts";

const accountId = "0a".repeat(32);
const address = encodeAddress(pageHash, new Uint8Array(32).fill(10) as AccountId);

describe("a recipient as it is typed", () => {
  it("is an account by its address, its link or its hex digits, always shown with a checksum", () => {
    for (const text of [address, ` montana:${address}\n`, accountId]) {
      expect(recipientOf(pageHash, text)).toEqual({ kind: "account", accountId, address });
    }
    expect(addressOf(pageHash, accountId)).toBe(address);
    expect(shortAddress(address)).toMatch(/^mt.{6}….{6}$/);
  });

  it("is a request by its link or its pictures, for the host to open", () => {
    for (const text of ["montana:request:AAAA", "MT1/1/9/00000000/00000000/AAAA"]) {
      expect(recipientOf(pageHash, text)).toEqual({ kind: "request", request: text });
    }
  });

  it("names a slip at once", () => {
    expect(recipientOf(pageHash, "  ")).toEqual({ kind: "empty" });
    const slip = address.slice(0, -1) + (address.endsWith("2") ? "3" : "2");
    expect(recipientOf(pageHash, slip)).toMatchObject({ kind: "invalid", failure: { code: "bad-checksum" } });
    expect(recipientOf(pageHash, "hello")).toMatchObject({ kind: "invalid", failure: { code: "bad-prefix" } });
  });
});

describe("an amount as it is typed", () => {
  it("is read to the last nɈ", () => {
    expect(amountOf("0.000000001", "en")).toEqual({ kind: "amount", moneta: "1" });
    expect(amountOf("13", "ru")).toEqual({ kind: "amount", moneta: "13000000000" });
  });

  it("takes a comma where the language writes one, and nowhere else", () => {
    expect(amountOf("0,5", "ru")).toEqual({ kind: "amount", moneta: "500000000" });
    expect(amountOf("0.5", "ru")).toEqual({ kind: "amount", moneta: "500000000" });
    expect(amountOf("0,5", "en")).toMatchObject({ kind: "invalid", failure: { code: "amount-invalid" } });
    expect(amountOf("1,000,5", "ru").kind).toBe("invalid");
  });

  it("must be something", () => {
    expect(amountOf("", "en")).toEqual({ kind: "empty" });
    expect(amountOf("0.0", "en")).toMatchObject({ kind: "invalid", failure: { code: "zero-amount" } });
    expect(amountOf("-1", "en").kind).toBe("invalid");
  });

  it("comes back the same from what is put into the field", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 30n), fc.constantFrom("en", "ru", "de"), (moneta, language) => {
        expect(amountOf(typedAmount(moneta.toString(), language), language)).toEqual({
          ...{ kind: "amount", moneta: moneta.toString() },
        });
      }),
    );
  });

  it("is at most what lies in one account, and never more than there is", () => {
    expect(largestPayment([{ balance: "9" }, { balance: "10" }])).toBe("10");
    expect(largestPayment([])).toBe("0");
    expect(tooMuch("10", "10")).toBeNull();
    expect(tooMuch("11", "10")).toEqual({ code: "funds-insufficient", params: { amount: "11", total: "10" } });
  });
});
