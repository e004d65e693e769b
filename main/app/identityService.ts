/** The keystore's identity as the API and the node see it: open for a while, then locked again by itself. */
import type { IdentityService } from "../api/services.ts";
import type { Output } from "../api/contract.ts";
import type { IdentityStore } from "../keystore/identityStore.ts";
import type { UnlockedAccount } from "../keystore/signers.ts";
import type { IdentitySummary } from "../keystore/summary.ts";
import { wipe } from "../native/index.ts";
import { toHex } from "../protocol/bytes.ts";

export class HostIdentity implements IdentityService {
  readonly store: IdentityStore;
  #unlocked: UnlockedAccount | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onChange: () => void;

  /** `onChange` is called after every unlock and lock. */
  constructor(store: IdentityStore, onChange: () => void) {
    this.store = store;
    this.#onChange = onChange;
  }

  /** What the passphrase opened; `undefined` while it is locked. */
  get account(): UnlockedAccount | undefined {
    return this.#unlocked;
  }

  get isUnlocked(): boolean {
    return this.#unlocked !== undefined;
  }

  inspect(): Promise<Output<"inspect">> {
    return Promise.resolve(describeIdentity(this.store.summary));
  }

  async unlock(passphrase: Uint8Array, seconds: number): Promise<void> {
    try {
      const unlocked = await this.store.unlock(passphrase);
      this.#unlocked?.lock();
      this.#unlocked = unlocked;
    } finally {
      wipe(passphrase);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.lock(), seconds * 1000);
    this.#timer.unref();
    this.#onChange();
  }

  lock(): void {
    clearTimeout(this.#timer);
    if (this.#unlocked === undefined) return;
    this.#unlocked.lock();
    this.#unlocked = undefined;
    this.#onChange();
  }
}

/** The names of an identity, all public. */
export function describeIdentity(summary: IdentitySummary): Output<"inspect"> {
  const { accountId, nodeId, address, peerId } = summary;
  return { accountId: toHex(accountId), nodeId: toHex(nodeId), address, peerId };
}
