/**
 * The key file: its layout, pure over bytes. It says itself what it is (magic, version, suite, key derivation and its
 * parameters, where the machine key lies), shows its public part to everybody, holds the secrets in two sealed parts, and
 * ends with a checksum, so that damage is told from a wrong passphrase and from forgery:
 *
 *     header ‖ account part ‖ node part ‖ SHA-256 of all before
 *
 * The account part opens with the passphrase and authenticates what never changes of the header; the node part opens with
 * the machine key and authenticates everything before it.
 */
import { ascii, concatBytes, equalBytes, sized, type AccountId, type Bytes } from "../protocol/bytes.ts";
import {
  bytes,
  decode,
  encode,
  flag,
  publicKey,
  struct,
  u16,
  u32,
  u64,
  u8,
  type Infer,
} from "../protocol/codec/codec.ts";
import { MLKEM_PUBLIC_KEY_SIZE, type Crypto } from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { accountIdOf } from "../protocol/identity/ids.ts";
import { suiteOf } from "../protocol/identity/suites.ts";
import type { Argon2Parameters } from "../native/interface.ts";
import { keystoreError } from "./errors.ts";
import { CONTENTS, materialSize, nodeSecretSize, type Contents } from "./material.ts";
import { sealedPart, type SealedPart } from "./sealing.ts";

export const KEY_FILE_SIZE_MAX = 65_536;
export const KEY_FILE_VERSION = 1;

export const ORIGINS = ["created", "restored", "imported"] as const;
/** How the identity came into this directory. */
export type Origin = (typeof ORIGINS)[number];

export const MACHINE_KEY_KINDS = ["keychain", "credential", "file"] as const;
/** Where the machine keeps the key of the node part. */
export type MachineKeyKind = (typeof MACHINE_KEY_KINDS)[number];

/** RFC 9106 §4, second recommendation, with one lane: 0.2 s in Rust and 1 s in JavaScript on a desktop of 2024. */
export const ARGON2_DEFAULT: Argon2Cost = { memoryKib: 65_536, passes: 3, lanes: 1 };
/** OWASP's least for Argon2id: a file that asks for less is refused, as a forger's help to a guesser. */
const ARGON2_MIN: Argon2Cost = { memoryKib: 19_456, passes: 2, lanes: 1 };
/** A file that asks for more would stop the program rather than protect anything. */
const ARGON2_MAX: Argon2Cost = { memoryKib: 1_048_576, passes: 16, lanes: 16 };
const ARGON2ID_V13 = 1;
export const SALT_SIZE = 32;

export type Argon2Cost = Omit<Argon2Parameters, "length">;

const MAGIC = ascii("mtkeys\r\n") as Bytes<8>;
const CHECKSUM_SIZE = 32;

const identityLayout = struct({
  suiteId: u16,
  contents: u8,
  origin: u8,
  createdAtMs: u64,
  accountKey: publicKey,
  nodeKey: publicKey,
  appKemKey: bytes(MLKEM_PUBLIC_KEY_SIZE),
});
const stateLayout = struct({
  /** Counts the rewritings, from 1. */
  generation: u64,
  /** The generation that last changed who can open what: no older one may stay. */
  secretsGeneration: u64,
  /** The quiet period after a restore, an import or a copy is over. */
  isSettled: flag,
  areWordsConfirmed: flag,
  /** All zero where this machine gives nothing to know it by. */
  machineMark: bytes(32),
  directoryMark: bytes(32),
  markSalt: bytes(16),
  machineKeyKind: u8,
  machineKeyId: bytes(16),
});
const derivationLayout = struct({ algorithm: u8, memoryKib: u32, passes: u32, lanes: u32, salt: bytes(SALT_SIZE) });
const headerLayout = struct({
  magic: bytes(MAGIC.length),
  version: u16,
  identity: identityLayout,
  state: stateLayout,
  derivation: derivationLayout,
});

/** Never changes while the account part keeps its content. */
export interface KeyFileIdentity {
  readonly suiteId: number;
  readonly contents: Contents;
  readonly origin: Origin;
  /** By the clock of the caller. */
  readonly createdAtMs: number;
  readonly accountKey: Infer<typeof identityLayout>["accountKey"];
  readonly nodeKey: Infer<typeof identityLayout>["nodeKey"];
  readonly appKemKey: Infer<typeof identityLayout>["appKemKey"];
}

export interface KeyFileState extends Omit<Infer<typeof stateLayout>, "machineKeyKind"> {
  readonly machineKeyKind: MachineKeyKind;
}

/** From the passphrase to the key of the account part, by Argon2id. */
export interface PassphraseDerivation extends Argon2Cost {
  readonly salt: Uint8Array;
}

export interface KeyFile {
  readonly identity: KeyFileIdentity;
  readonly state: KeyFileState;
  readonly derivation: PassphraseDerivation;
  readonly accountPart: SealedPart;
  readonly nodePart: SealedPart;
}

export type UnsealedKeyFile = Omit<KeyFile, "accountPart" | "nodePart">;

export function encodeKeyFile(crypto: Crypto, file: KeyFile): Uint8Array {
  const { contents } = file.identity;
  const content = concatBytes(encodeBeforeNodePart(file), encode(sealedPart(nodeSecretSize(contents)), file.nodePart));
  return concatBytes(content, crypto.sha256(content));
}

/**
 * Throws `ProtocolError<KeystoreErrorCode>`: "key-file-damaged" for bytes that are not what was written, "key-file-newer",
 * "key-file-refused". `name` is the file's in the params.
 */
export function decodeKeyFile(crypto: Crypto, name: string, file: Uint8Array): KeyFile {
  const damaged = (reason: string): ProtocolError => keystoreError("key-file-damaged", { file: name, reason });
  const headerSize = headerLayout.size;
  if (file.length < MAGIC.length + 2 + CHECKSUM_SIZE) throw damaged("size");
  if (!equalBytes(file.subarray(0, MAGIC.length), MAGIC)) throw damaged("magic");
  const content = file.subarray(0, -CHECKSUM_SIZE);
  if (!equalBytes(crypto.sha256(content), file.subarray(-CHECKSUM_SIZE))) throw damaged("checksum");
  // Every version ends with the same checksum: a later one is told from damage.
  const version = decode(u16, file.subarray(MAGIC.length, MAGIC.length + 2));
  if (version > KEY_FILE_VERSION) throw keystoreError("key-file-newer", { file: name, version });
  if (version < KEY_FILE_VERSION) throw damaged("field");
  if (content.length < headerSize) throw damaged("size");
  const header = decodeFields(() => decode(headerLayout, content.subarray(0, headerSize)), damaged);

  const { identity, state, derivation } = header;
  const contents = CONTENTS[identity.contents];
  const origin = ORIGINS[identity.origin];
  const machineKeyKind = MACHINE_KEY_KINDS[state.machineKeyKind];
  if (contents === undefined || origin === undefined || machineKeyKind === undefined) throw damaged("field");
  if (identity.createdAtMs > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("field");
  suiteOf(identity.suiteId);
  const allowed = checkDerivation(derivation);

  const parts = struct({
    accountPart: sealedPart(materialSize(contents)),
    nodePart: sealedPart(nodeSecretSize(contents)),
  });
  if (content.length !== headerSize + parts.size) throw damaged("size");
  return {
    identity: { ...identity, contents, origin, createdAtMs: Number(identity.createdAtMs) },
    state: { ...state, machineKeyKind },
    derivation: allowed,
    ...decode(parts, content.subarray(headerSize)),
  };
}

/** What both seals of the account part authenticate besides their purpose. */
export function accountPartContext(crypto: Crypto, { identity, derivation }: UnsealedKeyFile): Uint8Array {
  const fixed = concatBytes(encodeIdentity(identity), encodeDerivation(derivation));
  return partContext(crypto, identity, "account", fixed);
}

/** What both seals of the node part authenticate besides their purpose: everything before it in the file. */
export function nodePartContext(crypto: Crypto, file: Omit<KeyFile, "nodePart">): Uint8Array {
  return partContext(crypto, file.identity, "node", encodeBeforeNodePart(file));
}

export function accountIdIn(crypto: Crypto, { suiteId, accountKey }: KeyFileIdentity): AccountId {
  return accountIdOf(crypto, suiteId, accountKey);
}

/** Version, suite, account_id and purpose, and by its hash what else is bound. */
function partContext(crypto: Crypto, identity: KeyFileIdentity, purpose: string, bound: Uint8Array): Uint8Array {
  return concatBytes(
    ascii(`montana-desktop key file, ${purpose} part\0`),
    encode(u16, KEY_FILE_VERSION),
    encode(u16, identity.suiteId),
    accountIdIn(crypto, identity),
    crypto.sha256(bound),
  );
}

function encodeBeforeNodePart({ identity, state, derivation, accountPart }: Omit<KeyFile, "nodePart">): Uint8Array {
  return concatBytes(
    MAGIC,
    encode(u16, KEY_FILE_VERSION),
    encodeIdentity(identity),
    encode(stateLayout, { ...state, machineKeyKind: MACHINE_KEY_KINDS.indexOf(state.machineKeyKind) }),
    encodeDerivation(derivation),
    encode(sealedPart(materialSize(identity.contents)), accountPart),
  );
}

function encodeIdentity(identity: KeyFileIdentity): Uint8Array {
  return encode(identityLayout, {
    ...identity,
    contents: CONTENTS.indexOf(identity.contents),
    origin: ORIGINS.indexOf(identity.origin),
    createdAtMs: BigInt(identity.createdAtMs),
  });
}

function encodeDerivation({ salt, ...cost }: PassphraseDerivation): Uint8Array {
  return encode(derivationLayout, { algorithm: ARGON2ID_V13, ...cost, salt: sized(salt, SALT_SIZE) });
}

function checkDerivation({ algorithm, ...derivation }: Infer<typeof derivationLayout>): PassphraseDerivation {
  if (algorithm !== ARGON2ID_V13) throw keystoreError("key-file-refused", { field: "algorithm", value: algorithm });
  for (const field of ["memoryKib", "passes", "lanes"] as const) {
    const value = derivation[field];
    if (value < ARGON2_MIN[field] || value > ARGON2_MAX[field]) {
      throw keystoreError("key-file-refused", { field, value, min: ARGON2_MIN[field], max: ARGON2_MAX[field] });
    }
  }
  return derivation;
}

function decodeFields<T>(run: () => T, damaged: (reason: string) => ProtocolError): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged("field");
    throw error;
  }
}
