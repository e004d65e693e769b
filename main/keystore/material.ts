/**
 * What an identity keeps secret, in four forms: the smallest from which all its keys come again (chapter 01 §7). The account
 * part holds one of them; the node part holds {@link nodeSecretOf} it.
 */
import { equalBytes, type Bytes } from "../protocol/bytes.ts";
import { bytes, decode, encode, struct, type FixedCodec, type Infer } from "../protocol/codec/codec.ts";
import {
  MLDSA_SECRET_KEY_SIZE,
  MLDSA_SEED_SIZE,
  MLKEM_SECRET_KEY_SIZE,
  type Crypto,
  type PublicKey,
  type SecretKey,
} from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { findKeyMismatch, type StoredIdentity } from "../protocol/identity/identityFile.ts";
import { deriveRoleSeeds, deriveSeed, MASTER_SEED_SIZE, type MasterSeed } from "../protocol/identity/kdf.ts";
import { deriveKeys, generateKeys, wipeKeys, type IdentityKeys } from "../protocol/identity/keys.ts";
import { wipe } from "../protocol/identity/secrets.ts";
import { keystoreError } from "./errors.ts";

/** In the order of their numbers in a key file, from 0. */
export const CONTENTS = ["words", "master-seed", "role-seeds", "expanded-keys"] as const;
/**
 * "words": entropy and master seed, the person may see the words. "master-seed": imported from a version 1, whose words
 * nobody can compute. "role-seeds": ephemeral. "expanded-keys": imported from a version 2, which has no seeds.
 */
export type Contents = (typeof CONTENTS)[number];

const words = struct({ entropy: bytes(32), masterSeed: bytes(MASTER_SEED_SIZE) });
const masterSeed = struct({ masterSeed: bytes(MASTER_SEED_SIZE) });
const roleSeeds = struct({ account: bytes(32), node: bytes(32), appKem: bytes(64), transport: bytes(32) });
const expandedKeys = struct({
  account: bytes(MLDSA_SECRET_KEY_SIZE),
  node: bytes(MLDSA_SECRET_KEY_SIZE),
  appKem: bytes(MLKEM_SECRET_KEY_SIZE),
  transport: bytes(32),
});
const layouts = { words, "master-seed": masterSeed, "role-seeds": roleSeeds, "expanded-keys": expandedKeys } as const;

export type Material = {
  readonly [C in Contents]: { readonly contents: C; readonly secrets: Infer<(typeof layouts)[C]> };
}[Contents];

/** The public keys that a {@link Material} must give. */
export interface PublicKeys {
  readonly account: PublicKey;
  readonly node: PublicKey;
  readonly appKem: Bytes<1184>;
}

/** Bytes of the account part's content. */
export function materialSize(contents: Contents): number {
  return layouts[contents].size;
}

/** Bytes of the node part's content: a seed, or the expanded secret key where there is none. */
export function nodeSecretSize(contents: Contents): number {
  return contents === "expanded-keys" ? MLDSA_SECRET_KEY_SIZE : MLDSA_SEED_SIZE;
}

export function encodeMaterial({ contents, secrets }: Material): Uint8Array {
  return encode(layouts[contents] as FixedCodec<unknown>, secrets);
}

export function decodeMaterial(contents: Contents, content: Uint8Array): Material {
  return { contents, secrets: decode(layouts[contents] as FixedCodec<unknown>, content) } as Material;
}

export function wipeMaterial({ secrets }: Material): void {
  wipe(...Object.values<Uint8Array>(secrets));
}

/**
 * All keys, made again. Leaves `material` as it is; the caller wipes both.
 * Throws `ProtocolError("identity-keys-mismatch")` when they are not those of `publicKeys` (chapter 01 §5).
 */
export function keysOf(crypto: Crypto, material: Material, publicKeys: PublicKeys): IdentityKeys {
  const keys = generate(crypto, material, publicKeys);
  const mismatch =
    findKeyMismatch(crypto, { mode: "ephemeral", keys }) ??
    KEY_NAMES.find((name) => !equalBytes(keys[name].publicKey, publicKeys[name]));
  if (mismatch === undefined) return keys;
  wipeKeys(keys);
  throw keystoreError("identity-keys-mismatch", { key: mismatch });
}

const KEY_NAMES = ["account", "node", "appKem"] as const;

function generate(crypto: Crypto, material: Material, publicKeys: PublicKeys): IdentityKeys {
  switch (material.contents) {
    case "words":
    case "master-seed":
      return deriveKeys(crypto, material.secrets.masterSeed);
    case "role-seeds":
      return generateKeys(crypto, material.secrets);
    case "expanded-keys": {
      const { account, node, appKem, transport } = material.secrets;
      return {
        account: { publicKey: publicKeys.account, secretKey: account.slice() as SecretKey },
        node: { publicKey: publicKeys.node, secretKey: node.slice() as SecretKey },
        appKem: { publicKey: publicKeys.appKem, secretKey: appKem.slice() as Bytes<2400> },
        transportSeed: transport.slice() as Bytes<32>,
      };
    }
  }
}

/** What the node part holds of `material`, a copy. */
export function nodeSecretOf(crypto: Crypto, material: Material): Uint8Array {
  switch (material.contents) {
    case "words":
    case "master-seed":
      return deriveSeed(crypto, material.secrets.masterSeed, "mt-node-key", MLDSA_SEED_SIZE);
    case "role-seeds":
    case "expanded-keys":
      return material.secrets.node.slice();
  }
}

/**
 * The node's secret key from the content of the node part.
 * Throws `ProtocolError("identity-keys-mismatch")` unless `publicKey` belongs to it (chapter 01 §5).
 */
export function nodeKeyOf(crypto: Crypto, nodeSecret: Uint8Array, publicKey: PublicKey): SecretKey {
  const isSeed = nodeSecret.length === MLDSA_SEED_SIZE;
  const secretKey = isSeed ? crypto.mldsa65.generate(nodeSecret).secretKey : (nodeSecret.slice() as SecretKey);
  if (isKeyOf(crypto, secretKey, publicKey)) return secretKey;
  wipe(secretKey);
  throw keystoreError("identity-keys-mismatch", { key: "node" });
}

function isKeyOf(crypto: Crypto, secretKey: SecretKey, publicKey: PublicKey): boolean {
  try {
    return equalBytes(crypto.mldsa65.publicKeyOf(secretKey), publicKey);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** What to keep of an identity that was read from a file of the reference. The caller wipes `identity`. */
export function materialOfFile(identity: StoredIdentity): Material {
  if (identity.mode === "recoverable") {
    return { contents: "master-seed", secrets: { masterSeed: identity.masterSeed.slice() as MasterSeed } };
  }
  const { account, node, appKem, transportSeed } = identity.keys;
  return {
    contents: "expanded-keys",
    secrets: {
      account: account.secretKey.slice() as SecretKey,
      node: node.secretKey.slice() as SecretKey,
      appKem: appKem.secretKey.slice() as Bytes<2400>,
      transport: transportSeed.slice() as Bytes<32>,
    },
  };
}

/** The same keys without the way back. Throws `ProtocolError("already-ephemeral")`. The caller wipes `material`. */
export function ephemeralMaterial(crypto: Crypto, material: Material): Material {
  if (material.contents !== "words" && material.contents !== "master-seed") throw keystoreError("already-ephemeral");
  return { contents: "role-seeds", secrets: deriveRoleSeeds(crypto, material.secrets.masterSeed) };
}
