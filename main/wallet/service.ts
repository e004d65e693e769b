/** The wallet as the API asks for it (`WalletService` of `main/api`): the same in strings and numbers. */
import { fromHex, sized, toHex, type Hash32 } from "../protocol/bytes.ts";
import { MLDSA_SIGNATURE_SIZE, type Crypto, type PublicKey } from "../protocol/crypto.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { requestLink } from "./accountRequest.ts";
import type { BonusWay } from "./bonus.ts";
import type { HistoryEntry } from "./history.ts";
import type { KeyChangeWarning } from "./keyChange.ts";
import { ROLES, type Role } from "./person.ts";
import { readRequest, requestPictures } from "./pictures.ts";
import { shownState, type TrackedOperation } from "./trackedOperation.ts";
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
    readonly order?: string | undefined;
  }) {
    const { amount, order, ...rest } = payment;
    return describeOperation(await this.#wallet.pay({ ...rest, amount: BigInt(amount), order: this.#orderOf(order) }));
  }

  async cancelOperation({ id }: { readonly id: string }) {
    return describeOperation(await this.#wallet.cancel(hashOf(id)));
  }

  async sendAgain({ id }: { readonly id: string }) {
    return describeOperation(await this.#wallet.sendAgain(hashOf(id)));
  }

  async createRequest(wishes: { readonly amount?: string | undefined; readonly note?: string | undefined }) {
    const { amount, note } = wishes;
    const request = this.#wallet.createRequest({
      ...(amount !== undefined && { amount: BigInt(amount) }),
      ...(note !== undefined && { note }),
    });
    const link = requestLink(this.#crypto, request);
    return Promise.resolve({ request: link, pictures: requestPictures(this.#crypto, request) });
  }

  async openRequest({ request }: { readonly request: string }) {
    const { accountId, exists, amount, note } = await this.#wallet.openRequest(request);
    return {
      accountId: toHex(accountId),
      address: encodeAddress(this.#crypto, accountId),
      exists,
      amount: amount?.toString() ?? null,
      note: note ?? null,
    };
  }

  async planKeyChange({ role, key }: { readonly role: Role; readonly key: string }) {
    const { change, challenge, warnings } = await this.#wallet.planKeyChange(role, this.#keyOf(key));
    return {
      accountId: toHex(change.accountId),
      challenge: toHex(challenge),
      warnings: warnings.map(describeWarning),
    };
  }

  async changeKey(wanted: {
    readonly role: Role;
    readonly key: string;
    readonly possession?: string | undefined;
    readonly order?: string | undefined;
  }) {
    const { role, key, possession, order } = wanted;
    const proof = possession === undefined ? undefined : sized(fromHex(possession)!, MLDSA_SIGNATURE_SIZE);
    const more = { possession: proof, order: this.#orderOf(order) };
    return describeOperation(await this.#wallet.changeKey(role, this.#keyOf(key), more));
  }

  async proveKey({ challenge }: { readonly challenge: string }) {
    const possession = this.#wallet.proveKey(fromHex(challenge)!);
    return Promise.resolve({ possession: toHex(possession) });
  }

  async bonusOffer() {
    const offer = await this.#wallet.bonusOffer();
    if (offer === undefined) return { offer: null };
    const { accountId, balance, ways } = offer;
    const { firstKey } = this.#wallet.person.of("account");
    const { warnings } = await this.#wallet.planKeyChange("node", firstKey);
    return {
      offer: {
        accountId: toHex(accountId),
        address: encodeAddress(this.#crypto, accountId),
        balance: balance.toString(),
        ways: ways.map((way) => describeWay(this.#crypto, way, warnings)),
      },
    };
  }

  async moveBonus({ way, order }: { readonly way: "money" | "change-key"; readonly order?: string | undefined }) {
    return describeOperation(await this.#wallet.moveBonus(way, { order: this.#orderOf(order) }));
  }

  async writeAnchor(anchor: {
    readonly appId: string;
    readonly dataHash: string;
    readonly order?: string | undefined;
  }) {
    const { appId, dataHash, order } = anchor;
    const written = await this.#wallet.writeAnchor(hashOf(appId), hashOf(dataHash), { order: this.#orderOf(order) });
    return describeOperation(written);
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

  /** By its role a key of this identity, or the one of a request. Throws as `readRequest`. */
  #keyOf(text: string): PublicKey {
    const role = ROLES.find((own) => own === text);
    return role === undefined ? readRequest(this.#crypto, text).publicKey : this.#wallet.person.of(role).firstKey;
  }

  #orderOf(name: string | undefined): Hash32 | undefined {
    return name === undefined ? undefined : this.#crypto.sha256(new TextEncoder().encode(name));
  }
}

function describeWarning({ code, params }: KeyChangeWarning) {
  return { code, params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])) };
}

function describeWay(crypto: Crypto, way: BonusWay, warnings: readonly KeyChangeWarning[]) {
  if (way.kind === "change-key") {
    const nothing = { to: null, creates: false, earliestWindow: null, cooldownWindows: null };
    return { ...nothing, way: way.kind, laterRewardsStay: false, warnings: warnings.map(describeWarning) };
  }
  return {
    way: "money" as const,
    to: encodeAddress(crypto, way.to),
    creates: way.kind === "create",
    laterRewardsStay: way.laterRewardsStay,
    earliestWindow: Number(way.earliestWindow),
    cooldownWindows: Number(way.cooldownWindows),
    warnings: [],
  };
}

function describeEntry({ accountId, counterparty, amount, opHash, window, reason, ...rest }: HistoryEntry) {
  return {
    ...rest,
    reason: reason ?? null,
    window: numberOf(window),
    accountId: toHex(accountId),
    counterparty: counterparty === undefined ? null : toHex(counterparty),
    amount: amount?.toString() ?? null,
    opHash: opHash === undefined ? null : toHex(opHash),
  };
}

function describeOperation(tracked: TrackedOperation) {
  const { id, opHash, reason } = tracked;
  return { id: toHex(id), opHash: toHex(opHash), state: shownState(tracked), reason: reason === "" ? null : reason };
}

const hashOf = (hex: string): Hash32 => fromHex(hex) as Hash32;
const numberOf = (window: bigint | undefined): number | null => (window === undefined ? null : Number(window));
