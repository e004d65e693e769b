import fc from "fast-check";
import { expect, test } from "vitest";

import { U64_MAX } from "../codec/codec.ts";
import type { Signature } from "../crypto.ts";
import { decodeOperation, operation, textCreate, TYPE_CREATE, TYPE_TRANSFER } from "../objects/operations.ts";
import type { ProtocolError } from "../errors.ts";
import { accountOf, anchor, changeKey, create, crypto, hashOf, ids, tableOf, transfer } from "./accounts.fixture.ts";
import { isActivationCooldownOver, validateOperation, type ValidationOptions } from "./validate.ts";

const TAU2 = 20_160n;
const check = (
  op: Parameters<typeof validateOperation>[1],
  table = tableOf(accountOf(0), accountOf(1)),
  options?: ValidationOptions,
) => validateOperation(crypto, op, table, 100n, TAU2, options);

test("An operation of each kind passes on the account that it continues", () => {
  for (const op of [transfer(0, ids[1]!, 1000n), create(0, 2, 1n), changeKey(0, 3), anchor(0, hashOf("document"))]) {
    expect(check(op)).toBeUndefined();
  }
});

test("An operation is no longer valid once any operation of its sender took effect", () => {
  const moved = tableOf(accountOf(0, { frontierHash: hashOf("another operation") }), accountOf(1));
  for (const op of [transfer(0, ids[1]!, 1n), create(0, 2, 1n), changeKey(0, 3), anchor(0, hashOf(1))]) {
    expect(check(op, moved)).toBe("invalid-prev-hash");
  }
});

test("A create names the account of the key that it carries", () => {
  expect(check(create(0, 2, 1n, { receiver: ids[3]! }))).toBe("invalid-binding");
});

test("A transfer never creates and a create never pays into an existing account", () => {
  expect(check(transfer(0, ids[2]!, 1n))).toBe("receiver-not-active");
  expect(check(create(0, 1, 1n))).toBe("receiver-already-exists");
  expect(check(create(0, 0, 1n))).toBe("receiver-already-exists");
});

test("After a key change the new key signs and the old one does not", () => {
  const rotated = tableOf(accountOf(0, { currentPubkey: accountOf(1).currentPubkey }), accountOf(2));
  expect(check(transfer(0, ids[2]!, 1n), rotated)).toBe("invalid-signature");
  const signedByNewKey = operation.sign(
    crypto,
    crypto.mldsa65.generate(new Uint8Array(32).fill(0xa1)).secretKey,
    transfer(0, ids[2]!, 1n),
  );
  expect(check(signedByNewKey, rotated)).toBeUndefined();
});

test("A signature that is taken as valid is not looked at, everything else is", () => {
  const forged = { ...transfer(0, ids[1]!, 1n), signature: new Uint8Array(3309) as Signature };
  expect(check(forged)).toBe("invalid-signature");
  expect(check(forged, undefined, { signature: "assume-valid" })).toBeUndefined();
  expect(check(transfer(0, ids[1]!, 1001n), undefined, { signature: "assume-valid" })).toBe("insufficient-balance");
});

test("Two creates of one sender are at least τ₂ windows apart", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      fc.bigInt(0n, 2n ** 34n),
      fc.bigInt(0n, 2n ** 34n),
      (last, window, tau2) => {
        expect(isActivationCooldownOver(last, window, tau2)).toBe(window - BigInt(last) >= tau2);
      },
    ),
  );
});

test("The end of a cooldown saturates instead of wrapping around", () => {
  expect(isActivationCooldownOver(2, U64_MAX - 1n, U64_MAX)).toBe(false);
  expect(isActivationCooldownOver(2, U64_MAX, U64_MAX)).toBe(true);
});

test("An account that never created another one has no cooldown", () => {
  fc.assert(fc.property(fc.bigInt(0n, U64_MAX), (window) => isActivationCooldownOver(0, window, TAU2)));
});

test("Decoding gives back what was encoded, and the identifier does not cover the signature", () => {
  for (const op of [transfer(0, ids[1]!, 2n ** 128n - 1n), create(0, 2, 0n), changeKey(0, 3), anchor(0, hashOf(2))]) {
    const bytes = operation.encode(op);
    expect(decodeOperation(bytes)).toEqual(op);
    expect(operation.encode(decodeOperation(bytes))).toEqual(bytes);
    const resigned = { ...op, signature: new Uint8Array(3309).fill(1) as Signature };
    expect(operation.identify(crypto, resigned)).toEqual(operation.identify(crypto, op));
  }
});

test("First byte and length must fit each other", () => {
  const bytes = operation.encode(create(0, 2, 1n));
  const codeOf = (damaged: Uint8Array): string => {
    try {
      decodeOperation(damaged);
    } catch (error) {
      return (error as ProtocolError).code;
    }
    return "accepted";
  };
  expect(codeOf(bytes)).toBe("accepted");
  expect(codeOf(bytes.subarray(1))).toBe("unknown-type");
  expect(codeOf(bytes.subarray(0, bytes.length - 1))).toBe("bad-length");
  expect(codeOf(new Uint8Array(0))).toBe("bad-length");
  const inText = textCreate.encode({ ...create(0, 2, 1n), type: TYPE_TRANSFER } as Parameters<
    typeof textCreate.encode
  >[0]);
  expect(inText.length).toBe(bytes.length);
  expect([bytes[0], inText[0]]).toEqual([TYPE_CREATE, TYPE_TRANSFER]);
  expect(codeOf(inText)).toBe("bad-length");
});
