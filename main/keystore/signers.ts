/**
 * Keys in use, as objects that sign and never give the key away. The node's signer works while the account is locked; the
 * account's exists only between unlock and lock.
 */
import { concatBytes, type AccountId, type Bytes, type NodeId } from "../protocol/bytes.ts";
import {
  MLDSA_SIGNATURE_SIZE,
  type Crypto,
  type PublicKey,
  type SecretKey,
  type Signature,
} from "../protocol/crypto.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import { wipeKeys, type IdentityKeys } from "../protocol/identity/keys.ts";
import { wipe } from "../protocol/identity/secrets.ts";
import { decodeOperation } from "../protocol/objects/operations.ts";
import { keystoreError } from "./errors.ts";

/**
 * Signs consensus objects and handshakes with the node key.
 *
 * It signs no operation of an account, although the account that the node key names (chapter 05, PW-13) would take it: the
 * machine opens this key unattended, and money moves only with the passphrase. {@link UnlockedAccount.nodeAccount} does that.
 */
export class NodeSigner {
  readonly nodeId: NodeId;
  readonly publicKey: PublicKey;
  readonly #crypto: Crypto;
  #secretKey: SecretKey | undefined;

  /** Takes `secretKey` over: nobody else may keep it. */
  constructor(crypto: Crypto, publicKey: PublicKey, secretKey: SecretKey) {
    this.#crypto = crypto;
    this.publicKey = publicKey;
    this.nodeId = nodeIdOf(crypto, publicKey);
    this.#secretKey = secretKey;
  }

  /**
   * Signs a scope, or another message that the protocol has the node sign, as it is. What may be signed at all, and never
   * twice, is the caller's to know. Throws `ProtocolError("signer-closed" | "not-a-node-message")`.
   */
  signScope(scope: Uint8Array): Signature {
    if (this.#secretKey === undefined) throw keystoreError("signer-closed");
    if (isOperationScope(scope)) throw keystoreError("not-a-node-message");
    return this.#crypto.mldsa65.sign(this.#secretKey, scope);
  }

  /** Wipes the key. */
  close(): void {
    if (this.#secretKey !== undefined) wipe(this.#secretKey);
    this.#secretKey = undefined;
  }
}

const NO_SIGNATURE = new Uint8Array(MLDSA_SIGNATURE_SIZE);

function isOperationScope(scope: Uint8Array): boolean {
  try {
    decodeOperation(concatBytes(scope, NO_SIGNATURE));
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** Signs for one account while it is unlocked. */
export interface AccountSigner {
  /** The account that this key created; after a ChangeKey the key may belong to no account or to another one. */
  readonly accountId: AccountId;
  readonly publicKey: PublicKey;
  /** Throws `ProtocolError("account-locked")` once it is locked again. */
  signScope(scope: Uint8Array): Signature;
}

/** What the passphrase opens, until {@link lock}. The caller locks it after a time without use. */
export class UnlockedAccount {
  /** The account of the person's words. */
  readonly account: AccountSigner;
  /** The account of the node key, where a newcomer's bonus goes (chapter 05, PW-13): the same person's. */
  readonly nodeAccount: AccountSigner;
  readonly #crypto: Crypto;
  #keys: IdentityKeys | undefined;

  /** Takes `keys` over: nobody else may keep their secret parts. */
  constructor(crypto: Crypto, keys: IdentityKeys) {
    this.#crypto = crypto;
    this.#keys = keys;
    this.account = this.#signer("account", keys.account.publicKey);
    this.nodeAccount = this.#signer("node", keys.node.publicKey);
  }

  get isLocked(): boolean {
    return this.#keys === undefined;
  }

  /** ML-KEM-768 with the application key: the 32-byte shared secret of a 1,088-byte ciphertext, for the caller to wipe. */
  decapsulate(ciphertext: Uint8Array): Bytes<32> {
    return this.#crypto.mlkem768.decapsulate(this.#unlocked().appKem.secretKey, ciphertext);
  }

  /** Wipes all keys. Both signers refuse from then on. */
  lock(): void {
    if (this.#keys !== undefined) wipeKeys(this.#keys);
    this.#keys = undefined;
  }

  #signer(name: "account" | "node", publicKey: PublicKey): AccountSigner {
    return {
      accountId: accountIdOf(this.#crypto, SUITE_MLDSA65, publicKey),
      publicKey,
      signScope: (scope) => this.#crypto.mldsa65.sign(this.#unlocked()[name].secretKey, scope),
    };
  }

  #unlocked(): IdentityKeys {
    if (this.#keys === undefined) throw keystoreError("account-locked");
    return this.#keys;
  }
}
