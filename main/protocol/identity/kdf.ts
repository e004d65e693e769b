/** From entropy to the seeds of the roles (chapter 01 §4.3, §4.6). Derivation is flat: one expansion per role. */
import { ascii, concatBytes, sized, type Bytes } from "../bytes.ts";
import type { Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { SALT_TAG, type InfoTag } from "../hash.ts";
import type { Entropy } from "./mnemonic.ts";
import { wipe } from "./secrets.ts";

/** 2^20 rounds of PBKDF2: 0.3 to 3 s. */
const KDF_ITERATIONS = 1_048_576;
export const MASTER_SEED_SIZE = 64;
export type MasterSeed = Bytes<64>;

const BLOCK_SIZE = 32;
const EXPAND_LENGTH_MAX = 255 * BLOCK_SIZE;

/** One seed per role. All of them are secret; {@link wipe} them as soon as the keys exist. */
export interface RoleSeeds {
  /** ML-DSA-65. */
  readonly account: Bytes<32>;
  /** ML-DSA-65. */
  readonly node: Bytes<32>;
  /** ML-KEM-768, d ‖ z. */
  readonly appKem: Bytes<64>;
  /** Ed25519 seed of the reference's networking library; only identity files hold it. */
  readonly transport: Bytes<32>;
}

/** The key label of a delegated agent account; {@link agentKeyLabel} makes one. */
export type AgentKeyLabel = `mt-agent-${string}-key`;

/** 64 bytes. Blocks for long: call it in a worker, after the checksum of a phrase passed, never for the network. */
export function deriveMasterSeed(crypto: Crypto, entropy: Entropy): MasterSeed {
  return crypto.pbkdf2HmacSha256(entropy, ascii(SALT_TAG), KDF_ITERATIONS, MASTER_SEED_SIZE) as MasterSeed;
}

export function deriveRoleSeeds(crypto: Crypto, masterSeed: MasterSeed): RoleSeeds {
  return {
    account: deriveSeed(crypto, masterSeed, "mt-account-key", 32),
    node: deriveSeed(crypto, masterSeed, "mt-node-key", 32),
    appKem: deriveSeed(crypto, masterSeed, "mt-app-encryption-key", 64),
    transport: deriveSeed(crypto, masterSeed, "mt-libp2p-transport-key", 32),
  };
}

export function wipeRoleSeeds(seeds: RoleSeeds): void {
  wipe(seeds.account, seeds.node, seeds.appKem, seeds.transport);
}

/** The `length`-byte seed of one role: HKDF-Expand with the master seed as PRK, without Extract. */
export function deriveSeed<N extends number>(
  crypto: Crypto,
  masterSeed: MasterSeed,
  label: InfoTag | AgentKeyLabel,
  length: N,
): Bytes<N> {
  return hkdfExpand(crypto, masterSeed, ascii(label), length);
}

/**
 * The label of an agent's key, or of its key on machine `instance`. Throws `ProtocolError("invalid-agent-name")` unless
 * `name` is 2 to 32 of `a-z 0-9 _ -`, `ProtocolError("invalid-agent-instance")` unless `instance` is 1 to 999.
 */
export function agentKeyLabel(name: string, instance?: number): AgentKeyLabel {
  // A name that ends like an instance would give one agent the key of another one's instance.
  if (!/^[a-z0-9_-]{2,32}$/.test(name) || /-instance-[1-9][0-9]{0,2}$/.test(name)) {
    throw new ProtocolError("invalid-agent-name");
  }
  if (instance === undefined) return `mt-agent-${name}-key`;
  if (!Number.isInteger(instance) || instance < 1 || instance > 999) throw new ProtocolError("invalid-agent-instance");
  return `mt-agent-${name}-instance-${instance}-key`;
}

/** RFC 5869 §2.3. Throws `ProtocolError("length-too-large")` above 8,160 bytes; 0 gives the empty string. */
export function hkdfExpand<N extends number>(crypto: Crypto, prk: Uint8Array, info: Uint8Array, length: N): Bytes<N> {
  if (length > EXPAND_LENGTH_MAX) throw new ProtocolError("length-too-large", { length, max: EXPAND_LENGTH_MAX });
  const output = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += BLOCK_SIZE, counter++) {
    const message = concatBytes(block, info, new Uint8Array([counter]));
    wipe(block);
    block = crypto.hmacSha256(prk, message);
    wipe(message);
    output.set(block.subarray(0, length - offset), offset);
  }
  wipe(block);
  return sized(output, length);
}
