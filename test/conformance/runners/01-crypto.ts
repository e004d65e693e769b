/** Suites of chapter 01 (§9). */
import { legacyPeerIdText } from "../../../main/keystore/legacyTransportKey.ts";
import { ascii, concatBytes, equalBytes, type Hash32, type NodeId } from "../../../main/protocol/bytes.ts";
import { encode, u128, u16, u32, u64, u8 } from "../../../main/protocol/codec/codec.ts";
import { MLDSA_PUBLIC_KEY_SIZE, MLDSA_SIGNATURE_SIZE, type Crypto } from "../../../main/protocol/crypto.ts";
import { taggedHash, taggedPreimage, type HashTag, type InfoTag } from "../../../main/protocol/hash.ts";
import { decodeAddress, encodeAddress } from "../../../main/protocol/identity/address.ts";
import { findBootstrapWork } from "../../../main/protocol/identity/bootstrapWork.ts";
import {
  accountFingerprint,
  masterSeedFingerprint,
  recoveryFingerprint,
} from "../../../main/protocol/identity/fingerprints.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../../main/protocol/identity/ids.ts";
import {
  decodeIdentityFile,
  encodeIdentityFile,
  makeEphemeral,
  type RecoverableIdentity,
} from "../../../main/protocol/identity/identityFile.ts";
import {
  deriveMasterSeed,
  deriveRoleSeeds,
  deriveSeed,
  hkdfExpand,
  type MasterSeed,
} from "../../../main/protocol/identity/kdf.ts";
import { deriveKeys } from "../../../main/protocol/identity/keys.ts";
import { decodeMnemonic, encodeMnemonic, mnemonicChecksum } from "../../../main/protocol/identity/mnemonic.ts";
import { formatPeerId, parseMultihash, peerIdOf } from "../../../main/protocol/identity/peerId.ts";
import { suiteOf } from "../../../main/protocol/identity/suites.ts";
import { meshProofMessage, onlineProofMessage } from "../../../main/protocol/identity/tunnelProof.ts";
import { encodeWordlist, WORDLIST, wordIndexOf } from "../../../main/protocol/identity/wordlist.ts";
import { bundledConfirmation, proposalHeader, vdfReveal } from "../../../main/protocol/objects/consensus.ts";
import { nodeRegistration } from "../../../main/protocol/objects/nodeRegistration.ts";
import { operation } from "../../../main/protocol/objects/operations.ts";
import type { Signed, SignedClass } from "../../../main/protocol/objects/signed.ts";
import { cementedBundleAggregate } from "../../../main/protocol/quorum/aggregate.ts";
import type { Input, Runner } from "../harness.ts";
import { applyEdits } from "./edits.ts";
import { accountIdOf as accountIdFrom, big, hex, hex32, nodeIdOf as nodeIdFrom } from "./inputs.ts";

const masterSeedFrom = (text: unknown) => hex(text) as MasterSeed;
const indicesOf = (words: readonly string[]) => words.map((word) => wordIndexOf(word));

const rawFraming: Readonly<Record<string, Runner>> = {
  "ibt-online": (input) => ({
    message: onlineProofMessage(nodeIdFrom(input.server_node_id), big(input.window), hex32(input.nonce)),
  }),
  "ibt-mesh": (input) => ({
    message: meshProofMessage(nodeIdFrom(input.peer_node_id), big(input.window), hex32(input.nonce)),
  }),
  "bootstrap-pow": (input, { crypto }) =>
    findBootstrapWork(crypto, hex(input.proof), input.difficulty, { from: 0n, tries: 2 ** 32 }),
  "hkdf-info": (input, { crypto }) => ({
    okm: deriveSeed(crypto, masterSeedFrom(input.prk), input.tag as InfoTag, input.length),
  }),
  "pbkdf2-salt": (input, { crypto }) => ({
    dk: crypto.pbkdf2HmacSha256(hex(input.password), ascii(input.tag), input.iterations, input.dk_len),
  }),
};

const fieldEncoders: Readonly<Record<string, (value: unknown) => Uint8Array>> = {
  u8: (value) => encode(u8, Number(value)),
  u16: (value) => encode(u16, Number(value)),
  u32: (value) => encode(u32, Number(value)),
  u64: (value) => encode(u64, big(value)),
  u128: (value) => encode(u128, big(value)),
  bytes: hex,
};

const signedClasses = new Map<string, SignedClass<Signed>>(
  Object.entries({
    transfer: operation,
    "change-key": operation,
    anchor: operation,
    "transfer-activation": operation,
    "node-registration": nodeRegistration,
    "bundled-confirmation": bundledConfirmation,
    "vdf-reveal": vdfReveal,
    "proposal-header": proposalHeader,
  }) as [string, SignedClass<Signed>][],
);

/** The names that follow from one ML-DSA-65 public key. */
function namesOf(crypto: Crypto, publicKey: Uint8Array, suiteId: number) {
  const accountId = accountIdOf(crypto, suiteId, publicKey);
  const multihash = peerIdOf(crypto, publicKey);
  const fingerprint = accountFingerprint(crypto, publicKey);
  return {
    account_id: accountId,
    node_id: nodeIdOf(crypto, publicKey),
    peer_id: formatPeerId(multihash),
    peer_id_multihash: multihash,
    address: encodeAddress(crypto, accountId),
    account_fingerprint: fingerprint.join(" "),
    account_fingerprint_indices: indicesOf(fingerprint),
  };
}

function publicKeyFrom(input: Input, crypto: Crypto): Uint8Array {
  if ("public_key" in input) return hex(input.public_key);
  if ("seed" in input) return crypto.mldsa65.generate(hex(input.seed)).publicKey;
  return new Uint8Array(MLDSA_PUBLIC_KEY_SIZE).fill(input.public_key_fill);
}

function recoverableIdentity(crypto: Crypto, entropy: unknown): RecoverableIdentity {
  const masterSeed = deriveMasterSeed(crypto, hex32(entropy));
  return { mode: "recoverable", masterSeed, keys: deriveKeys(crypto, masterSeed) };
}

/** The bytes of identity.bin for `entropy` in the mode that a case names. */
function identityFile(crypto: Crypto, { entropy, mode }: Input): Uint8Array {
  const identity = recoverableIdentity(crypto, entropy);
  return encodeIdentityFile(mode === "ephemeral" ? makeEphemeral(identity) : identity);
}

export const identityRunners: Readonly<Record<string, Runner>> = {
  "01-crypto/domain-hash": ({ domain, parts }, { crypto }) => ({
    preimage: taggedPreimage(domain, ...parts.map(hex)),
    hash: taggedHash(crypto, domain as HashTag, ...parts.map(hex)),
  }),

  "01-crypto/domains": ({ tag, part }, { crypto }) => ({
    tag_hex: ascii(tag),
    tag_length: ascii(tag).length,
    hash: taggedHash(crypto, tag as HashTag, hex(part)),
  }),

  "01-crypto/raw-framing": (input, context) => rawFraming[input.kind]!(input, context),

  "01-crypto/hmac-sha256": ({ key, message }, { crypto }) => ({ mac: crypto.hmacSha256(hex(key), hex(message)) }),

  "01-crypto/pbkdf2": ({ password, salt, iterations, dk_len }, { crypto }) => ({
    dk: crypto.pbkdf2HmacSha256(hex(password), hex(salt), iterations, dk_len),
  }),

  "01-crypto/hkdf-expand": ({ prk, info, length }, { crypto }) => {
    const okm = hkdfExpand(crypto, hex(prk), hex(info), length);
    return { okm, okm_sha256: crypto.sha256(okm) };
  },

  "01-crypto/wordlist": ({ op, word }, { crypto }) => {
    if (op === "index") return { index: wordIndexOf(word) };
    const encoded = encodeWordlist();
    return { sha256: crypto.sha256(encoded), words: WORDLIST.length, bytes: encoded.length };
  },

  "01-crypto/mnemonic-encode": ({ entropy }, { crypto }) => {
    const mnemonic = encodeMnemonic(crypto, hex32(entropy));
    return {
      mnemonic,
      indices: indicesOf(mnemonic.split(" ")),
      checksum: mnemonicChecksum(crypto, hex32(entropy)),
    };
  },

  "01-crypto/mnemonic-decode": ({ mnemonic }, { crypto }) => {
    const entropy = decodeMnemonic(crypto, mnemonic);
    return { entropy, master_seed: deriveMasterSeed(crypto, entropy) };
  },

  "01-crypto/role-seeds": ({ master_seed, role }, { crypto }) => {
    const masterSeed = masterSeedFrom(master_seed);
    if (role !== undefined) return { seed_32: deriveSeed(crypto, masterSeed, role as InfoTag, 32) };
    const seeds = deriveRoleSeeds(crypto, masterSeed);
    return {
      account_seed: seeds.account,
      node_seed: seeds.node,
      app_kem_seed: seeds.appKem,
      transport_seed: seeds.transport,
    };
  },

  "01-crypto/identity": ({ entropy }, { crypto }) => {
    const { masterSeed, keys } = recoverableIdentity(crypto, entropy);
    const { account, node, appKem, transportSeed } = keys;
    const accountNames = namesOf(crypto, account.publicKey, SUITE_MLDSA65);
    const nodeNames = namesOf(crypto, node.publicKey, SUITE_MLDSA65);
    const seeds = deriveRoleSeeds(crypto, masterSeed);
    return {
      ...accountNames,
      node_id: nodeNames.node_id,
      peer_id: nodeNames.peer_id,
      peer_id_multihash: nodeNames.peer_id_multihash,
      mnemonic: encodeMnemonic(crypto, hex32(entropy)),
      master_seed: masterSeed,
      master_seed_fingerprint: masterSeedFingerprint(crypto, masterSeed),
      account_seed: seeds.account,
      node_seed: seeds.node,
      app_kem_seed: seeds.appKem,
      transport_seed: transportSeed,
      account_pk_sha256: crypto.sha256(account.publicKey),
      account_sk_sha256: crypto.sha256(account.secretKey),
      node_pk_sha256: crypto.sha256(node.publicKey),
      node_sk_sha256: crypto.sha256(node.secretKey),
      app_kem_pk_sha256: crypto.sha256(appKem.publicKey),
      app_kem_sk_sha256: crypto.sha256(appKem.secretKey),
      recovery_fingerprint: recoveryFingerprint(crypto, keys),
      legacy_ed25519_peer_id: legacyPeerIdText(transportSeed),
    };
  },

  "01-crypto/ids": (input, { crypto }) => namesOf(crypto, publicKeyFrom(input, crypto), input.suite_id),

  "01-crypto/peer-id-text": ({ text }) => {
    const { kind, bytes } = parseMultihash(text);
    return { kind, multihash: bytes };
  },

  "01-crypto/address": ({ op, account_id, address }, { crypto }) =>
    op === "encode"
      ? { address: encodeAddress(crypto, accountIdFrom(account_id)) }
      : { account_id: decodeAddress(crypto, address) },

  "01-crypto/mldsa65-keygen": ({ seed }, { crypto }) => {
    const { publicKey, secretKey } = crypto.mldsa65.generate(hex(seed));
    return {
      public_key: publicKey,
      public_key_sha256: crypto.sha256(publicKey),
      secret_key: secretKey,
      secret_key_sha256: crypto.sha256(secretKey),
    };
  },

  "01-crypto/mldsa65-sign": ({ seed, message }, { crypto }) => {
    const { secretKey } = crypto.mldsa65.generate(hex(seed));
    return describeSignature(crypto, crypto.mldsa65.sign(secretKey, hex(message)));
  },

  "01-crypto/mldsa65-acvp-siggen": ({ secret_key, message, context }, { crypto }) =>
    describeSignature(crypto, crypto.mldsa65.sign(hex(secret_key), hex(message), hex(context))),

  "01-crypto/mldsa65-verify": (input, { crypto }) => {
    const { sign_seed, sign_message, sign_context, public_key_seed, edits } = input;
    const { secretKey } = crypto.mldsa65.generate(hex(sign_seed));
    const signature = crypto.mldsa65.sign(secretKey, hex(sign_message), hex(sign_context ?? ""));
    const { publicKey } = crypto.mldsa65.generate(hex(public_key_seed));
    return {
      valid: crypto.mldsa65.verify(
        applyEdits(publicKey, edits, "public_key"),
        applyEdits(hex(sign_message), edits, "message"),
        applyEdits(signature, edits, "signature"),
      ),
    };
  },

  "01-crypto/mldsa65-secret-key": ({ seed, message, edits }, { crypto }) => {
    const secretKey = applyEdits(crypto.mldsa65.generate(hex(seed)).secretKey, edits);
    crypto.mldsa65.publicKeyOf(secretKey);
    return describeSignature(crypto, crypto.mldsa65.sign(secretKey, hex(message)));
  },

  "01-crypto/mlkem768-keygen": ({ seed }, { crypto }) => {
    const { publicKey, secretKey } = crypto.mlkem768.generate(hex(seed));
    return {
      encapsulation_key: publicKey,
      encapsulation_key_sha256: crypto.sha256(publicKey),
      decapsulation_key: secretKey,
      decapsulation_key_sha256: crypto.sha256(secretKey),
    };
  },

  "01-crypto/mlkem768-encaps": ({ seed, m, edits }, { crypto }) => {
    const publicKey = applyEdits(crypto.mlkem768.generate(hex(seed)).publicKey, edits);
    const { ciphertext, sharedSecret } = crypto.mlkem768.encapsulate(publicKey, hex(m));
    return { ciphertext, ciphertext_sha256: crypto.sha256(ciphertext), shared_secret: sharedSecret };
  },

  "01-crypto/mlkem768-decaps": ({ seed, m, edits }, { crypto }) => {
    const { publicKey, secretKey } = crypto.mlkem768.generate(hex(seed));
    const encapsulated = crypto.mlkem768.encapsulate(publicKey, hex(m));
    const decapsulationKey = applyEdits(secretKey, edits, "decapsulation_key");
    crypto.mlkem768.checkSecretKey(decapsulationKey);
    const ciphertext = applyEdits(encapsulated.ciphertext, edits, "ciphertext");
    const sharedSecret = crypto.mlkem768.decapsulate(decapsulationKey, ciphertext);
    return {
      shared_secret: sharedSecret,
      equals_encapsulated: equalBytes(sharedSecret, encapsulated.sharedSecret),
    };
  },

  "01-crypto/suite-id": ({ suite_id }) => {
    const { scheme, publicKeySize, signatureSize } = suiteOf(suite_id);
    return { scheme, public_key_size: publicKeySize, signature_size: signatureSize };
  },

  "01-crypto/codec-primitives": ({ writes }) => ({
    bytes: concatBytes(...writes.map(({ type, value }: Input) => fieldEncoders[type]!(value))),
  }),

  "01-crypto/signed-scope": (input, { crypto }) => {
    const signedClass = signedClasses.get(input.class)!;
    const { secretKey } = crypto.mldsa65.generate(hex(input.signer_seed));
    const unsigned = new Uint8Array(hex(input.signed_scope).length + MLDSA_SIGNATURE_SIZE);
    unsigned.set(hex(input.signed_scope));
    const object = signedClass.sign(crypto, secretKey, signedClass.decode(unsigned));
    const canonical = signedClass.encode(object);
    return {
      signed_scope_length: signedClass.scope(object).length,
      identifier: signedClass.identify(crypto, object),
      signature: object.signature,
      signature_sha256: crypto.sha256(object.signature),
      canonical,
      canonical_length: canonical.length,
      canonical_sha256: crypto.sha256(canonical),
    };
  },

  "01-crypto/aggregate": ({ window, node_ids }, { crypto }) => ({
    aggregate: cementedBundleAggregate(crypto, big(window), node_ids.map(nodeIdFrom) as NodeId[]),
  }),

  "01-crypto/identity-file": (input, { crypto }) => {
    const file = identityFile(crypto, input);
    if (input.op === "save") {
      return { size: file.length, sha256: crypto.sha256(file), header: file.subarray(0, 11) };
    }
    const { mode, keys } = decodeIdentityFile(crypto, applyEdits(file, input.edits));
    return {
      ephemeral: mode === "ephemeral",
      account_id: accountIdOf(crypto, SUITE_MLDSA65, keys.account.publicKey),
      node_id: nodeIdOf(crypto, keys.node.publicKey),
      account_sk_sha256: crypto.sha256(keys.account.secretKey),
      node_sk_sha256: crypto.sha256(keys.node.secretKey),
      app_kem_sk_sha256: crypto.sha256(keys.appKem.secretKey),
      transport_seed: keys.transportSeed,
    };
  },
};

function describeSignature(crypto: Crypto, signature: Uint8Array): { signature: Uint8Array; signature_sha256: Hash32 } {
  return { signature, signature_sha256: crypto.sha256(signature) };
}
