/** Chapter 07 §6 item 10. */
import fc from "fast-check";
import { expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import type { Bytes } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { queueLabel, receiveLabel, sendDirection, sendLabel } from "./queueLabel.ts";

const { crypto } = loadCrypto();
const keyOf = (byte: number) => new Uint8Array(1952).fill(byte) as PublicKey;

test("both parties derive the same labels; those of other directions, windows and conversations differ", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uniqueArray(fc.nat(255), { minLength: 3, maxLength: 3 }),
      fc.bigInt(0n, 2n ** 64n - 2n),
      (root, [a, b, c], window) => {
        const initialRootKey = root as Bytes<32>;
        const own = { initialRootKey, own: keyOf(a!), contact: keyOf(b!) };
        const theirs = { initialRootKey, own: keyOf(b!), contact: keyOf(a!) };
        const sent = sendLabel(crypto, own, window);
        expect(receiveLabel(crypto, theirs, window)).toEqual(sent);
        expect(sendLabel(crypto, theirs, window)).toEqual(receiveLabel(crypto, own, window));
        expect(sent).toEqual(queueLabel(crypto, theirs, sendDirection(own), window));
        const others = [
          receiveLabel(crypto, own, window),
          sendLabel(crypto, own, window + 1n),
          sendLabel(crypto, { ...own, contact: keyOf(c!) }, window),
        ];
        for (const other of others) expect(other).not.toEqual(sent);
      },
    ),
  );
});
