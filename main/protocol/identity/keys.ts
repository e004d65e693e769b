/** The keys of an identity (chapter 01 §4.6). */
import type { Bytes } from "../bytes.ts";
import type { Crypto, PublicKey, SecretKey } from "../crypto.ts";
import { deriveRoleSeeds, wipeRoleSeeds, type MasterSeed, type RoleSeeds } from "./kdf.ts";
import { wipe } from "./secrets.ts";

/** An ML-DSA-65 key pair. */
interface SigningKeys {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

/** An ML-KEM-768 key pair. */
interface KemKeys {
  readonly publicKey: Bytes<1184>;
  readonly secretKey: Bytes<2400>;
}

export interface IdentityKeys {
  /** Signs operations of the account. */
  readonly account: SigningKeys;
  /** Signs consensus objects and proves the PeerId. */
  readonly node: SigningKeys;
  /** Receives messages of applications. */
  readonly appKem: KemKeys;
  /** Without protocol meaning; only identity files of the reference node hold it. */
  readonly transportSeed: Bytes<32>;
}

/** The same master seed gives the same keys, on every platform and in both storage modes. */
export function deriveKeys(crypto: Crypto, masterSeed: MasterSeed): IdentityKeys {
  const seeds = deriveRoleSeeds(crypto, masterSeed);
  const keys = generateKeys(crypto, seeds);
  wipeRoleSeeds(seeds);
  return keys;
}

/** For an identity that keeps its role seeds and no master seed. Leaves `seeds` as they are. */
export function generateKeys(crypto: Crypto, seeds: RoleSeeds): IdentityKeys {
  return {
    account: crypto.mldsa65.generate(seeds.account),
    node: crypto.mldsa65.generate(seeds.node),
    appKem: crypto.mlkem768.generate(seeds.appKem),
    // Not slice(): of a Node Buffer that is a view, which would be wiped with the seeds.
    transportSeed: new Uint8Array(seeds.transport) as Bytes<32>,
  };
}

/** Overwrites the secret parts; the public ones stay. */
export function wipeKeys(keys: IdentityKeys): void {
  wipe(keys.account.secretKey, keys.node.secretKey, keys.appKem.secretKey, keys.transportSeed);
}
