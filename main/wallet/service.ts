/** The wallet as the API asks for it (`WalletService` of `main/api`): the same in strings and numbers. */
import { fromHex, toHex, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { requestLink } from "./accountRequest.ts";
import type { HistoryEntry } from "./history.ts";
import type { Role } from "./person.ts";
import type { TrackedOperation } from "./trackedOperation.ts";
import type { Wallet } from "./wallet.ts";

/** Ids and hashes are lower-case hex, amounts decimal strings of nɈ, windows numbers. */
export class WalletService {
  readonly #wallet: Wallet;
  readonly #crypto: Crypto;

  constructor(wallet: Wallet, crypto: Crypto) {
    this.#wallet = wallet;
    this.#crypto = crypto;
  }

  async balance() {
    const { total, available, accounts, window } = await this.#wallet.balance();
    return {
      total: total.toString(),
      available: available.toString(),
      accounts: accounts.map(({ role, accountId, exists, balance }) => ({
        role,
        accountId: toHex(accountId),
        address: encodeAddress(this.#crypto, accountId),
        exists,
        balance: balance.toString(),
      })),
      window: numberOf(window),
    };
  }

  async history(page: { readonly before?: string | undefined; readonly limit: number }) {
    const { entries, hasMore } = await this.#wallet.history(page.limit, page.before);
    return { entries: entries.map(describeEntry), hasMore };
  }

  async send(payment: {
    readonly to?: string | undefined;
    readonly request?: string | undefined;
    readonly amount: string;
    readonly from?: Role | undefined;
  }) {
    return describeOperation(await this.#wallet.pay({ ...payment, amount: BigInt(payment.amount) }));
  }

  createRequest(wishes: { readonly amount?: string | undefined }) {
    const { amount } = wishes;
    const request = this.#wallet.createRequest(amount === undefined ? {} : { amount: BigInt(amount) });
    return Promise.resolve({ request: requestLink(this.#crypto, request) });
  }

  async openRequest({ request }: { readonly request: string }) {
    const { accountId, exists, amount } = await this.#wallet.openRequest(request);
    return {
      accountId: toHex(accountId),
      address: encodeAddress(this.#crypto, accountId),
      exists,
      amount: amount?.toString() ?? null,
    };
  }

  async writeAnchor(anchor: { readonly appId: string; readonly dataHash: string }) {
    return describeOperation(await this.#wallet.writeAnchor(hashOf(anchor.appId), hashOf(anchor.dataHash)));
  }

  async readAnchors(query: { readonly appId: string; readonly dataHash?: string | undefined; readonly limit: number }) {
    const { appId, dataHash, limit } = query;
    const wanted = dataHash === undefined ? undefined : hashOf(dataHash);
    const anchors = await this.#wallet.findAnchors(hashOf(appId), wanted, limit);
    return {
      anchors: anchors.map(({ anchor, opHash, sender, window, proof }) => ({
        appId: toHex(anchor.appId),
        dataHash: toHex(anchor.dataHash),
        opHash: toHex(opHash),
        sender: toHex(sender),
        window: Number(window),
        proof: proof === undefined ? null : toHex(proof),
      })),
    };
  }

  async verifyAnchor({ proof }: { readonly proof: string }) {
    const { anchor, opHash, window, failure } = await this.#wallet.verifyAnchor(fromHex(proof) ?? new Uint8Array());
    return {
      appId: toHex(anchor.appId),
      dataHash: toHex(anchor.dataHash),
      opHash: toHex(opHash),
      sender: toHex(anchor.sender),
      window: Number(window),
      isValid: failure === undefined,
      reason: failure ?? null,
    };
  }

  onChange(listener: (entry: ReturnType<typeof describeEntry>) => void): () => void {
    return this.#wallet.onChange((entry) => listener(describeEntry(entry)));
  }
}

function describeEntry({ accountId, counterparty, amount, opHash, window, ...rest }: HistoryEntry) {
  return {
    ...rest,
    window: numberOf(window),
    accountId: toHex(accountId),
    counterparty: counterparty === undefined ? null : toHex(counterparty),
    amount: amount?.toString() ?? null,
    opHash: opHash === undefined ? null : toHex(opHash),
  };
}

function describeOperation({ id, opHash, state }: TrackedOperation) {
  return { id: toHex(id), opHash: toHex(opHash), state };
}

const hashOf = (hex: string): Hash32 => fromHex(hex) as Hash32;
const numberOf = (window: bigint | undefined): number | null => (window === undefined ? null : Number(window));
