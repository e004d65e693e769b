/** The accounts of one person: that of the words, and that of the node key, where a newcomer's bonus goes (05 PW-13). */
import { equalBytes, type AccountId } from "../protocol/bytes.ts";
import type { Crypto, PublicKey } from "../protocol/crypto.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../protocol/identity/ids.ts";
import type { AccountSigner } from "../keystore/signers.ts";
import type { OpenedSigners, PersonKeys } from "./ports.ts";

/** In the order in which they are shown. Places in the list are part of the file format. */
export const ROLES = ["account", "node"] as const;
export type Role = (typeof ROLES)[number];

export interface OwnAccount {
  readonly role: Role;
  readonly accountId: AccountId;
  /** The key that names it; another one may sign for it by now. */
  readonly firstKey: PublicKey;
}

export class Person {
  readonly accounts: readonly OwnAccount[];

  constructor(crypto: Crypto, { accountPublicKey, nodePublicKey }: PersonKeys) {
    const own = (role: Role, firstKey: PublicKey): OwnAccount => ({
      role,
      accountId: accountIdOf(crypto, SUITE_MLDSA65, firstKey),
      firstKey,
    });
    this.accounts = [own("account", accountPublicKey), own("node", nodePublicKey)];
  }

  get ids(): readonly AccountId[] {
    return this.accounts.map(({ accountId }) => accountId);
  }

  of(role: Role): OwnAccount {
    return this.accounts[ROLES.indexOf(role)]!;
  }

  find(accountId: Uint8Array): OwnAccount | undefined {
    return this.accounts.find((own) => equalBytes(own.accountId, accountId));
  }

  /** Whether the secret of `key` is among this person's. */
  holds(key: PublicKey): boolean {
    return this.accounts.some(({ firstKey }) => equalBytes(firstKey, key));
  }
}

/** Which of the two signs under `key`: after a change of key it may be the other account's. */
export function signerOf(signers: OpenedSigners, key: PublicKey): AccountSigner | undefined {
  return [signers.account, signers.nodeAccount].find(({ publicKey }) => equalBytes(publicKey, key));
}
