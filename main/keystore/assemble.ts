/** Sealing and opening the two parts of a key file. */
import { wipe, type Native } from "../native/index.ts";
import { keystoreError } from "./errors.ts";
import type { KeyDerivation } from "./keyDerivation.ts";
import {
  accountPartContext,
  nodePartContext,
  SALT_SIZE,
  type Argon2Cost,
  type KeyFile,
  type PassphraseDerivation,
  type UnsealedKeyFile,
} from "./keyFile.ts";
import type { MachineKey } from "./machineKeys.ts";
import { decodeMaterial, encodeMaterial, type Material } from "./material.ts";
import { openPart, random, sealPart } from "./sealing.ts";

interface Tools {
  readonly crypto: Native;
  readonly derivation: KeyDerivation;
}

/** A derivation with a salt of its own. */
export function newDerivation(cost: Argon2Cost): PassphraseDerivation {
  return { ...cost, salt: random(SALT_SIZE) };
}

/** `passphrase` is normalised. The caller wipes it and `material`. */
export async function sealAccountPart(
  { crypto, derivation }: Tools,
  file: UnsealedKeyFile,
  passphrase: Uint8Array,
  material: Material,
): Promise<Omit<KeyFile, "nodePart">> {
  const key = await derivation.passphraseKey(passphrase, file.derivation);
  const content = encodeMaterial(material);
  const accountPart = sealPart(crypto, key, accountPartContext(crypto, file), content);
  wipe(key, content);
  return { ...file, accountPart };
}

/** The caller wipes `machineKey` and `nodeSecret`. */
export function sealNodePart(
  crypto: Native,
  file: Omit<KeyFile, "nodePart">,
  machineKey: MachineKey,
  nodeSecret: Uint8Array,
): KeyFile {
  const state = { ...file.state, machineKeyKind: machineKey.kind, machineKeyId: machineKey.id };
  const unsealed = { ...file, state };
  return { ...unsealed, nodePart: sealPart(crypto, machineKey.key, nodePartContext(crypto, unsealed), nodeSecret) };
}

/**
 * What the passphrase opens, for the caller to wipe. Throws `ProtocolError("wrong-passphrase")`, which a forged part cannot
 * be told from, or `ProtocolError("key-file-forged")`.
 */
export async function openAccountPart(
  { crypto, derivation }: Tools,
  file: KeyFile,
  passphrase: Uint8Array,
): Promise<Material> {
  const key = await derivation.passphraseKey(passphrase, file.derivation);
  const content = openPart(crypto, key, accountPartContext(crypto, file), file.accountPart);
  wipe(key);
  if (content === "wrong-key") throw keystoreError("wrong-passphrase");
  if (content === "forged") throw keystoreError("key-file-forged", { part: "account" });
  const material = decodeMaterial(file.identity.contents, content);
  wipe(content);
  return material;
}

/** What the machine key opens, for the caller to wipe. Throws `ProtocolError("key-file-forged")`. */
export function openNodePart(crypto: Native, file: KeyFile, machineKey: MachineKey): Uint8Array {
  const content = openPart(crypto, machineKey.key, nodePartContext(crypto, file), file.nodePart);
  if (typeof content === "string") throw keystoreError("key-file-forged", { part: "node" });
  return content;
}
