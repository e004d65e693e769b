/**
 * identity.bin of the reference node: the layout, pure over bytes (chapter 01 §3.6, §4.14). Montana Desktop keeps its own
 * keys otherwise, encrypted; this is for import and export. The file holds secret keys as they are: wipe its bytes after use.
 */
import { ascii, equalBytes, type Bytes } from "../bytes.ts";
import { bytes, decode, encode, publicKey, struct, u16, u8 } from "../codec/codec.ts";
import { MLKEM_PUBLIC_KEY_SIZE, MLKEM_SECRET_KEY_SIZE, type Crypto } from "../crypto.ts";
import { ProtocolError } from "../errors.ts";
import { SUITE_MLDSA65 } from "./ids.ts";
import { deriveSeed, MASTER_SEED_SIZE, type MasterSeed } from "./kdf.ts";
import { deriveKeys, wipeKeys, type IdentityKeys } from "./keys.ts";
import { equalSecrets, wipe } from "./secrets.ts";
import { suiteOf } from "./suites.ts";

/** Comes back from its phrase; the phrase itself is in no file. */
export interface RecoverableIdentity {
  readonly mode: "recoverable";
  readonly masterSeed: MasterSeed;
  readonly keys: IdentityKeys;
}

/** Lost with its file. */
export interface EphemeralIdentity {
  readonly mode: "ephemeral";
  readonly keys: IdentityKeys;
}

export type StoredIdentity = RecoverableIdentity | EphemeralIdentity;

/** In the order in which they are found. */
type IdentityFileErrorCode = "corrupted-size" | "invalid-magic" | "unsupported-version" | "unsupported-suite";

const MAGIC = ascii("montana1") as Bytes<8>;
const VERSION_RECOVERABLE = 1;
const VERSION_EPHEMERAL = 2;

const header = struct({ magic: bytes(8), version: u8, suiteId: u16 });
const signingKeys = struct({ publicKey, secretKey: bytes(4032) });
const kemKeys = struct({ publicKey: bytes(MLKEM_PUBLIC_KEY_SIZE), secretKey: bytes(MLKEM_SECRET_KEY_SIZE) });
const recoverableFile = struct({
  header,
  masterSeed: bytes(MASTER_SEED_SIZE),
  account: signingKeys,
  node: signingKeys,
  appKem: kemKeys,
});
const ephemeralFile = struct({
  header,
  account: signingKeys,
  node: signingKeys,
  appKem: kemKeys,
  transportSeed: bytes(32),
});

/** 15,627 bytes for a recoverable identity, 15,595 for an ephemeral one. */
export function encodeIdentityFile(identity: StoredIdentity): Uint8Array {
  const { mode, keys } = identity;
  return mode === "recoverable"
    ? encode(recoverableFile, {
        header: { magic: MAGIC, version: VERSION_RECOVERABLE, suiteId: SUITE_MLDSA65 },
        masterSeed: identity.masterSeed,
        ...keys,
      })
    : encode(ephemeralFile, {
        header: { magic: MAGIC, version: VERSION_EPHEMERAL, suiteId: SUITE_MLDSA65 },
        ...keys,
      });
}

/**
 * Copies the fields out of a file, as the reference does: whether they belong together says {@link findKeyMismatch}.
 * Throws `ProtocolError<IdentityFileErrorCode>`.
 */
export function decodeIdentityFile(crypto: Crypto, file: Uint8Array): StoredIdentity {
  if (file.length < header.size) throw corruptedSize(file.length);
  const { magic, version, suiteId } = decode(header, file.subarray(0, header.size));
  if (!equalBytes(magic, MAGIC)) throw new ProtocolError<IdentityFileErrorCode>("invalid-magic");
  if (version !== VERSION_RECOVERABLE && version !== VERSION_EPHEMERAL) {
    throw new ProtocolError<IdentityFileErrorCode>("unsupported-version", { version });
  }
  const layout = version === VERSION_RECOVERABLE ? recoverableFile : ephemeralFile;
  if (file.length !== layout.size) throw corruptedSize(file.length);
  suiteOf(suiteId);
  return version === VERSION_RECOVERABLE ? readRecoverable(crypto, file) : readEphemeral(file);
}

function readRecoverable(crypto: Crypto, file: Uint8Array): RecoverableIdentity {
  const { masterSeed, account, node, appKem } = decode(recoverableFile, file);
  const transportSeed = deriveSeed(crypto, masterSeed, "mt-libp2p-transport-key", 32);
  return { mode: "recoverable", masterSeed, keys: { account, node, appKem, transportSeed } };
}

function readEphemeral(file: Uint8Array): EphemeralIdentity {
  const { account, node, appKem, transportSeed } = decode(ephemeralFile, file);
  return { mode: "ephemeral", keys: { account, node, appKem, transportSeed } };
}

/**
 * Gives up the way back: erases the master seed from memory and leaves the same keys, to be written as version 2.
 * There is no way from ephemeral to recoverable.
 */
export function makeEphemeral(identity: RecoverableIdentity): EphemeralIdentity {
  wipe(identity.masterSeed);
  return { mode: "ephemeral", keys: identity.keys };
}

/**
 * The first key whose parts do not belong together, or `undefined`. A program must not start with such an identity
 * (chapter 01 §5). With a master seed all keys are made again and compared; without one, K of an ML-DSA secret key and z of
 * the ML-KEM one cannot be checked.
 */
export function findKeyMismatch(crypto: Crypto, identity: StoredIdentity): KeyName | undefined {
  return identity.mode === "recoverable"
    ? findUnlikeDerived(crypto, identity)
    : KEY_NAMES.find((name) => !isConsistent(crypto, name, identity.keys));
}

const KEY_NAMES = ["account", "node", "appKem"] as const;
export type KeyName = (typeof KEY_NAMES)[number];

function findUnlikeDerived(crypto: Crypto, { masterSeed, keys }: RecoverableIdentity): KeyName | undefined {
  const derived = deriveKeys(crypto, masterSeed);
  const mismatch = KEY_NAMES.find(
    (name) =>
      !equalBytes(derived[name].publicKey, keys[name].publicKey) ||
      !equalSecrets(derived[name].secretKey, keys[name].secretKey),
  );
  wipeKeys(derived);
  return mismatch;
}

/** Where the public key lies in an ML-KEM-768 secret key (chapter 01 §3.3). */
const EMBEDDED_KEM_KEY_OFFSET = 1152;

function isConsistent(crypto: Crypto, name: KeyName, keys: IdentityKeys): boolean {
  const { publicKey, secretKey } = keys[name];
  try {
    if (name !== "appKem") return equalBytes(crypto.mldsa65.publicKeyOf(secretKey), publicKey);
    crypto.mlkem768.checkSecretKey(secretKey);
    const embedded = secretKey.subarray(EMBEDDED_KEM_KEY_OFFSET, EMBEDDED_KEM_KEY_OFFSET + MLKEM_PUBLIC_KEY_SIZE);
    return equalBytes(embedded, publicKey);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function corruptedSize(length: number): ProtocolError<IdentityFileErrorCode> {
  return new ProtocolError<IdentityFileErrorCode>("corrupted-size", { bytes: length });
}
