import fc from "fast-check";
import { expect, test } from "vitest";

import { sized, type AccountId } from "../protocol/bytes.ts";
import { deriveKeys } from "../protocol/identity/keys.ts";
import {
  operation,
  type Operation,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
} from "../protocol/objects/operations.ts";
import type { Draft } from "../protocol/objects/signed.ts";
import { codeOf, crypto, utf8 } from "./keystore.fixture.ts";
import { NodeSigner, UnlockedAccount } from "./signers.ts";

const newKeys = () => deriveKeys(crypto, sized(new Uint8Array(64).fill(5), 64));
const keys = newKeys();
const hash = sized(new Uint8Array(32).fill(1), 32);
const id = hash as AccountId;
const link = { prevHash: hash, sender: id };

const scopeOf = (draft: object): Uint8Array => operation.scope(draft as Draft<Operation>);
const scopes = [
  scopeOf({ type: TYPE_TRANSFER, ...link, link: id, amount: 1n }),
  scopeOf({ type: TYPE_ANCHOR, ...link, appId: hash, dataHash: hash }),
  scopeOf({ type: TYPE_CHANGE_KEY, ...link, newSuiteId: 1, newPubkey: keys.account.publicKey }),
  scopeOf({ type: TYPE_CREATE, ...link, receiver: id, suiteId: 1, receiverPubkey: keys.account.publicKey, amount: 1n }),
];

test("the node's signer signs every message of a node and no operation of an account", async () => {
  const signer = new NodeSigner(crypto, keys.node.publicKey, newKeys().node.secretKey);
  for (const scope of scopes) expect(await codeOf(() => signer.signScope(scope))).toBe("not-a-node-message");
  // VDF_Reveal, ProposalVote, bundles, header, NodeRegistration, tunnel proofs, handshake (chapter 01 §4.12).
  const length = fc.constantFrom(72, 74, 76, 76 + 32, 76 + 32 * 61, 413, 2035, 88, 86, 32);
  fc.assert(
    fc.property(length, fc.constantFrom(2, 3, 4, 10, 0x11), (size, first) => {
      const message = new Uint8Array(size).fill(first);
      expect(crypto.mldsa65.verify(keys.node.publicKey, message, signer.signScope(message))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("the unlocked account signs operations for both accounts of the person", () => {
  const unlocked = new UnlockedAccount(crypto, newKeys());
  for (const scope of scopes) {
    for (const signer of [unlocked.account, unlocked.nodeAccount]) {
      expect(crypto.mldsa65.verify(signer.publicKey, scope, signer.signScope(scope))).toBe(true);
    }
  }
  expect(unlocked.nodeAccount.publicKey).toEqual(keys.node.publicKey);
  unlocked.lock();
});

test("closing and locking wipe the secret keys and keep the public ones", () => {
  const mine = newKeys();
  const signer = new NodeSigner(crypto, mine.node.publicKey, mine.node.secretKey);
  signer.close();
  signer.close();
  expect(mine.node.secretKey.every((byte) => byte === 0)).toBe(true);

  const all = newKeys();
  const unlocked = new UnlockedAccount(crypto, all);
  unlocked.account.signScope(utf8("x"));
  unlocked.lock();
  for (const secret of [all.account.secretKey, all.node.secretKey, all.appKem.secretKey, all.transportSeed]) {
    expect(secret.every((byte) => byte === 0)).toBe(true);
  }
  expect(unlocked.account.publicKey).toEqual(keys.account.publicKey);
});
