/**
 * The descriptors of chapters 04 §9 and 05 §9, turned into records, operations and registrations: accounts and operations
 * whose keys come from seeds, and the synthetic objects whose keys are expanded hashes. Notation only.
 */
import { concatBytes, sized, ZERO_HASH, type AccountId, type Hash32 } from "../../../main/protocol/bytes.ts";
import { encode, u32 } from "../../../main/protocol/codec/codec.ts";
import {
  MLDSA_PUBLIC_KEY_SIZE,
  MLDSA_SIGNATURE_SIZE,
  type Crypto,
  type PublicKey,
  type SecretKey,
  type Signature,
} from "../../../main/protocol/crypto.ts";
import { accountIdOf as accountIdOfKey, nodeIdOf as nodeIdOfKey } from "../../../main/protocol/identity/ids.ts";
import {
  nodeRegistration,
  TYPE_NODE_REGISTRATION,
  type NodeRegistration,
} from "../../../main/protocol/objects/nodeRegistration.ts";
import {
  operation,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../../../main/protocol/objects/operations.ts";
import type { Draft } from "../../../main/protocol/objects/signed.ts";
import {
  CHECKPOINT_COUNT,
  type AccountRecord,
  type CandidateRecord,
  type NodeRecord,
} from "../../../main/protocol/state/records.ts";
import type { Input } from "../harness.ts";
import { accountIdOf, big, hex, hex32 } from "./inputs.ts";

const SUITE_DEFAULT = 1;
const TAU2_WINDOWS = 20_160n;

// Keys from seeds

interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: SecretKey;
}

const keyPairs = new WeakMap<Crypto, Map<string, KeyPair>>();

/** The ML-DSA-65 key of a 32-byte seed in hex; made once, for suites name a seed many times. */
export function keyPairOf(crypto: Crypto, seed: string): KeyPair {
  let known = keyPairs.get(crypto);
  if (known === undefined) keyPairs.set(crypto, (known = new Map<string, KeyPair>()));
  let pair = known.get(seed);
  if (pair === undefined) known.set(seed, (pair = crypto.mldsa65.generate(hex(seed))));
  return pair;
}

export const publicKeyOf = (crypto: Crypto, seed: string): PublicKey => keyPairOf(crypto, seed).publicKey;

/** `account_id` of the key of a seed. */
export function accountIdOfSeed(crypto: Crypto, seed: string, suiteId = SUITE_DEFAULT): AccountId {
  return accountIdOfKey(crypto, suiteId, publicKeyOf(crypto, seed));
}

// Records

/**
 * An account: `key_seed` gives id and key unless `current_key_seed`, `account_id` or `current_pubkey` (bytes) says otherwise;
 * a field that is left out is zero, false, or suite 1.
 */
export function accountRecordOf(crypto: Crypto, descriptor: Input): AccountRecord {
  const suiteId = Number(descriptor.suite_id ?? SUITE_DEFAULT);
  return {
    accountId:
      descriptor.account_id === undefined
        ? accountIdOfSeed(crypto, descriptor.key_seed, suiteId)
        : accountIdOf(descriptor.account_id),
    balance: big(descriptor.balance ?? 0),
    suiteId,
    isNodeOperator: descriptor.is_node_operator ?? false,
    frontierHash: descriptor.frontier_hash === undefined ? ZERO_HASH : hex32(descriptor.frontier_hash),
    opHeight: Number(descriptor.op_height ?? 0),
    accountChainLength: Number(descriptor.account_chain_length ?? 0),
    accountChainLengthSnapshot: Number(descriptor.account_chain_length_snapshot ?? 0),
    currentPubkey:
      descriptor.current_pubkey === undefined
        ? publicKeyOf(crypto, descriptor.current_key_seed ?? descriptor.key_seed)
        : sized(descriptor.current_pubkey as Uint8Array, MLDSA_PUBLIC_KEY_SIZE),
    creationWindow: Number(descriptor.creation_window ?? 0),
    lastOpWindow: Number(descriptor.last_op_window ?? 0),
    lastActivationWindow: Number(descriptor.last_activation_window ?? 0),
  };
}

/** A node: `operator` is an account id in hex, or an index into `accounts`. */
export function nodeRecordOf(crypto: Crypto, descriptor: Input, accounts: readonly AccountRecord[] = []): NodeRecord {
  const nodePubkey = publicKeyOf(crypto, descriptor.key_seed);
  const checkpoints: readonly unknown[] = descriptor.chain_length_checkpoints ?? new Array(CHECKPOINT_COUNT).fill(0);
  return {
    nodeId: nodeIdOfKey(crypto, nodePubkey),
    nodePubkey,
    suiteId: Number(descriptor.suite_id ?? SUITE_DEFAULT),
    operatorAccountId:
      typeof descriptor.operator === "number"
        ? accounts[descriptor.operator]!.accountId
        : accountIdOf(descriptor.operator),
    startWindow: big(descriptor.start_window ?? 0),
    chainLength: big(descriptor.chain_length ?? 0),
    chainLengthSnapshot: big(descriptor.chain_length_snapshot ?? 0),
    chainLengthCheckpoints: checkpoints.map(big),
    lastConfirmationWindow: big(descriptor.last_confirmation_window ?? 0),
  };
}

// Signed objects

/**
 * `undefined` or `"valid"`: made by the key over the scope; `"zero"`, `{fill}`: equal bytes; `{xor_index, xor_mask}`,
 * `{xor: [[offset, byte]]}`: valid, then changed; `{signed_message}`: over other bytes; `{signed_by_seed}`: by another key.
 */
function signatureOf(crypto: Crypto, seed: string, scope: Uint8Array, notation: Input): Signature {
  if (notation === "zero") return new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature;
  if (notation?.fill !== undefined) return new Uint8Array(MLDSA_SIGNATURE_SIZE).fill(notation.fill) as Signature;
  const { secretKey } = keyPairOf(crypto, notation?.signed_by_seed ?? seed);
  const message = notation?.signed_message === undefined ? scope : hex(notation.signed_message);
  const signature = crypto.mldsa65.sign(secretKey, message);
  if (notation?.xor_index !== undefined) signature[Number(notation.xor_index)]! ^= Number(notation.xor_mask);
  for (const [offset, byte] of notation?.xor ?? []) signature[Number(offset)]! ^= Number(byte);
  return signature;
}

/** An operation without its signature. */
export function operationDraftOf(crypto: Crypto, descriptor: Input): Draft<Operation> {
  const link = { prevHash: hex32(descriptor.prev_hash), sender: accountIdOf(descriptor.sender) };
  switch (descriptor.type) {
    case "transfer":
      return {
        type: TYPE_TRANSFER,
        ...link,
        link: accountIdOf(descriptor.receiver),
        amount: big(descriptor.amount),
      } as Draft<Operation>;
    case "create":
      return {
        type: TYPE_CREATE,
        ...link,
        receiver: accountIdOf(descriptor.receiver),
        suiteId: Number(descriptor.suite_id ?? SUITE_DEFAULT),
        receiverPubkey: publicKeyOf(crypto, descriptor.receiver_key_seed),
        amount: big(descriptor.amount),
      } as Draft<Operation>;
    case "change-key":
      return {
        type: TYPE_CHANGE_KEY,
        ...link,
        newSuiteId: Number(descriptor.new_suite_id ?? SUITE_DEFAULT),
        newPubkey: publicKeyOf(crypto, descriptor.new_key_seed),
      } as Draft<Operation>;
    case "anchor":
      return {
        type: TYPE_ANCHOR,
        ...link,
        appId: hex32(descriptor.app_id),
        dataHash: hex32(descriptor.data_hash),
      } as Draft<Operation>;
    default:
      throw new Error(`no such operation: ${String(descriptor.type)}`);
  }
}

/** An operation, signed by `signer_seed` as its `signature` says. */
export function operationOf(crypto: Crypto, descriptor: Input): Operation {
  const draft = operationDraftOf(crypto, descriptor);
  const signature = signatureOf(crypto, descriptor.signer_seed, operation.scope(draft), descriptor.signature);
  return { ...draft, signature } as Operation;
}

function registrationDraftOf(nodePubkey: PublicKey, descriptor: Input): Draft<NodeRegistration> {
  return {
    type: TYPE_NODE_REGISTRATION,
    suiteId: Number(descriptor.suite_id ?? SUITE_DEFAULT),
    nodePubkey,
    operatorAccountId: accountIdOf(descriptor.operator_account_id),
    proofEndpoint: hex32(descriptor.proof_endpoint),
    wStart: big(descriptor.w_start),
    vdfChainLength: big(descriptor.vdf_chain_length),
  };
}

/** A registration, signed by `node_seed` as its `signature` says. */
export function registrationOf(crypto: Crypto, descriptor: Input): NodeRegistration {
  const draft = registrationDraftOf(publicKeyOf(crypto, descriptor.node_seed), descriptor);
  const changed: string | undefined = descriptor.signature?.changed_after_signing;
  // A changed suite was another one when it was signed; every other field becomes another one afterwards.
  const signed = changed === "suite_id" ? { ...draft, suiteId: 2 } : draft;
  const notation = changed === undefined ? descriptor.signature : "valid";
  const signature = signatureOf(crypto, descriptor.node_seed, nodeRegistration.scope(signed), notation);
  return { ...withChange(draft, changed), signature };
}

function withChange(draft: Draft<NodeRegistration>, field: string | undefined): Draft<NodeRegistration> {
  switch (field) {
    case undefined:
    case "suite_id":
      return draft;
    case "node_pubkey":
      return { ...draft, nodePubkey: withFirstBitFlipped(draft.nodePubkey) };
    case "operator_account_id":
      return { ...draft, operatorAccountId: withFirstBitFlipped(draft.operatorAccountId) };
    case "proof_endpoint":
      return { ...draft, proofEndpoint: withFirstBitFlipped(draft.proofEndpoint) };
    case "w_start":
      return { ...draft, wStart: draft.wStart + 1n };
    case "vdf_chain_length":
      return { ...draft, vdfChainLength: draft.vdfChainLength + 1n };
    default:
      throw new Error(`no such field: ${field}`);
  }
}

function withFirstBitFlipped<T extends Uint8Array>(bytes: T): T {
  const copy = bytes.slice() as T;
  copy[0]! ^= 1;
  return copy;
}

// Synthetic objects (chapter 05 §9)

/** `expand(tag)`: 61 hashes in a row, a stand-in for a public key. */
export function expandedKey(crypto: Crypto, tag: Uint8Array): PublicKey {
  const blocks = Array.from({ length: MLDSA_PUBLIC_KEY_SIZE / 32 }, (_, i) =>
    crypto.sha256(concatBytes(tag, encode(u32, i))),
  );
  return sized(concatBytes(...blocks), MLDSA_PUBLIC_KEY_SIZE);
}

/** A public key given as `<name>_tag` (expanded), `<name>_fill` (equal bytes) or `<name>` (hex). */
export function publicKeyIn(crypto: Crypto, descriptor: Input, name: string): PublicKey {
  const tag: unknown = descriptor[`${name}_tag`];
  if (tag !== undefined) return expandedKey(crypto, hex(tag));
  const fill: unknown = descriptor[`${name}_fill`];
  if (fill === undefined) return sized(hex(descriptor[name]), MLDSA_PUBLIC_KEY_SIZE);
  return new Uint8Array(MLDSA_PUBLIC_KEY_SIZE).fill(Number(fill)) as PublicKey;
}

/** What index `index` of a synthetic family with `seed` (hex) consists of. */
export function syntheticIdentity(crypto: Crypto, seed: string, index: number) {
  const tag = crypto.sha256(concatBytes(hex(seed), encode(u32, index)));
  const derived = (byte: number): Hash32 => crypto.sha256(concatBytes(tag, new Uint8Array([byte])));
  const nodePubkey = expandedKey(crypto, tag);
  const operatorPubkey = expandedKey(crypto, derived(0x01));
  return {
    nodePubkey,
    nodeId: nodeIdOfKey(crypto, nodePubkey),
    operatorPubkey,
    operatorAccountId: accountIdOfKey(crypto, SUITE_DEFAULT, operatorPubkey),
    proofEndpoint: derived(0x02),
    frontierHash: derived(0x04),
  };
}

export function syntheticCandidate(
  crypto: Crypto,
  seed: string,
  index: number,
  registrationBase: bigint,
  expiryWindows: bigint,
): CandidateRecord {
  const { nodeId, nodePubkey, operatorAccountId, proofEndpoint } = syntheticIdentity(crypto, seed, index);
  const registrationWindow = registrationBase + BigInt(index);
  return {
    nodeId,
    nodePubkey,
    suiteId: SUITE_DEFAULT,
    operatorAccountId,
    proofEndpoint,
    wStart: registrationWindow > TAU2_WINDOWS ? registrationWindow - TAU2_WINDOWS : 0n,
    vdfChainLength: TAU2_WINDOWS + BigInt(index % 3),
    registrationWindow,
    expires: registrationWindow + expiryWindows,
  };
}

/** A node that is in the table before a selection event; its chain length tells it from others. */
export function syntheticNode(crypto: Crypto, seed: string, index: number): NodeRecord {
  const { nodeId, nodePubkey, operatorAccountId } = syntheticIdentity(crypto, seed, index);
  return {
    nodeId,
    nodePubkey,
    suiteId: SUITE_DEFAULT,
    operatorAccountId,
    startWindow: 0n,
    chainLength: 1n + BigInt(index),
    chainLengthSnapshot: 0n,
    chainLengthCheckpoints: new Array<bigint>(CHECKPOINT_COUNT).fill(0n),
    lastConfirmationWindow: 0n,
  };
}

const SYNTHETIC_BALANCE_STEP = 1000n;

/** `balance` as the input has it; without it 1000 nɈ times the index. */
export function syntheticAccount(crypto: Crypto, seed: string, index: number, balance?: bigint): AccountRecord {
  const { operatorAccountId, operatorPubkey, frontierHash } = syntheticIdentity(crypto, seed, index);
  return {
    accountId: operatorAccountId,
    balance: balance ?? SYNTHETIC_BALANCE_STEP * BigInt(index),
    suiteId: SUITE_DEFAULT,
    isNodeOperator: false,
    frontierHash,
    opHeight: index,
    accountChainLength: index,
    accountChainLengthSnapshot: 0,
    currentPubkey: operatorPubkey,
    creationWindow: 1,
    lastOpWindow: 1,
    lastActivationWindow: 0,
  };
}

/** A registration of an expanded key (`node_pubkey_tag`); it carries no signature, for no such key can make one. */
export function syntheticRegistration(crypto: Crypto, descriptor: Input): NodeRegistration {
  return {
    ...registrationDraftOf(publicKeyIn(crypto, descriptor, "node_pubkey"), descriptor),
    signature: new Uint8Array(MLDSA_SIGNATURE_SIZE) as Signature,
  };
}
