/**
 * One person's money: balances, payments, history, anchors, keys. Start here.
 *
 *     const wallet = await Wallet.open({ crypto, rules, networkId, directory, keys, signers, chain, node });
 *     await wallet.resume();                                    // takes up what was under way
 *     node.onDecided((window) => wallet.windowDecided(window)); // and what the node sees otherwise
 */
import { equalBytes, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto, PublicKey, Signature } from "../protocol/crypto.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { parseAccount } from "../protocol/identity/address.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { operation as operationClass, TYPE_CREATE, type Operation } from "../protocol/objects/operations.ts";
import type { AccountRecord } from "../protocol/state/records.ts";
import { accountRequestOf, type AccountRequest } from "./accountRequest.ts";
import { Anchors, type FoundAnchor, type VerifiedAnchor } from "./anchors.ts";
import { bonusOfferOf, type BonusOffer } from "./bonus.ts";
import { choosePurse, type Purse } from "./choosing.ts";
import { amountOf, receiverOf } from "./drafting.ts";
import { walletError } from "./errors.ts";
import { History, unsettledOf, type HistoryEntry, type HistoryPage, type Incoming } from "./history.ts";
import {
  keyChangeWarnings,
  ownPossession,
  possessionChallenge,
  provePossession,
  requirePossession,
  type KeyChange,
  type KeyChangeWarning,
} from "./keyChange.ts";
import { nextWindow, Outbox, windowOf, type OutboxNotice } from "./outbox.ts";
import { readRequest } from "./pictures.ts";
import { Person, type OwnAccount, type Role } from "./person.ts";
import type { OpenedSigners, PersonKeys, WalletChain, WalletNode, WindowDecided } from "./ports.ts";
import { holdsPlace, type TrackedOperation } from "./trackedOperation.ts";

export interface WalletOptions {
  readonly crypto: Crypto;
  readonly rules: NetworkRules;
  /** Genesis State Hash: what is under way on one network is nobody's business on another. */
  readonly networkId: Hash32;
  /** Of this wallet on this network. */
  readonly directory: string;
  readonly keys: PersonKeys;
  /** Undefined while the account is locked. */
  readonly signers: () => OpenedSigners | undefined;
  readonly chain: WalletChain;
  readonly node: WalletNode;
}

export interface Balance {
  readonly total: bigint;
  readonly available: bigint;
  readonly accounts: readonly (OwnAccount & { readonly exists: boolean; readonly balance: bigint })[];
  readonly window: bigint | undefined;
}

export interface PaymentOrder {
  /** An address, a link or 64 hex digits; or else the text of a request. */
  readonly to?: string | undefined;
  readonly request?: string | undefined;
  /** nɈ. */
  readonly amount: bigint;
  readonly from?: Role | undefined;
}

/** Whoever asks again with the same name, because no answer came, is told what became of the first time. */
export interface OrderName {
  readonly order?: Hash32 | undefined;
}

export interface KeyChangePlan {
  readonly change: KeyChange;
  /** What the holder of the new key signs, 2,019 bytes. */
  readonly challenge: Uint8Array;
  readonly warnings: readonly KeyChangeWarning[];
}

/** Payments to this person that a quorum confirmed and no window has settled. */
const INCOMING_MAX = 256;
/** Told of one window at most. */
const NEW_LINES_MAX = 200;

export class Wallet {
  readonly person: Person;
  readonly #options: WalletOptions;
  readonly #outbox: Outbox;
  readonly #anchors: Anchors;
  readonly #history: History;
  readonly #listeners = new Set<(entry: HistoryEntry) => void>();
  readonly #noticeListeners = new Set<(notice: OutboxNotice) => void>();
  #incoming: readonly Incoming[] = [];
  #lastCursor = -1;
  #last: Promise<unknown> = Promise.resolve();

  /** Throws "wallet-file-damaged", "wallet-file-newer", "wallet-file-of-another-network", "file-failed". */
  static async open(options: WalletOptions): Promise<Wallet> {
    const { crypto, rules, networkId, directory, keys, signers, chain, node } = options;
    const person = new Person(crypto, keys);
    const changes = new Set<(changed: TrackedOperation) => void>();
    const notices = new Set<(notice: OutboxNotice) => void>();
    const outbox = await Outbox.open({
      crypto,
      tau2Windows: rules.params.tau2Windows,
      networkId,
      directory,
      person,
      signers,
      chain,
      node,
      onChange: (changed) => changes.forEach((tell) => tell(changed)),
      onNotice: (notice) => notices.forEach((tell) => tell(notice)),
    });
    const anchors = await Anchors.open(crypto, rules, chain, directory);
    const wallet = new Wallet(options, person, outbox, anchors);
    changes.add((changed) => wallet.#tell(wallet.#history.entryOfTracked(changed)));
    notices.add((notice) => wallet.#noticeListeners.forEach((listener) => listener(notice)));
    return wallet;
  }

  private constructor(options: WalletOptions, person: Person, outbox: Outbox, anchors: Anchors) {
    this.#options = options;
    this.person = person;
    this.#outbox = outbox;
    this.#anchors = anchors;
    this.#history = new History(options.chain, person);
  }

  /** Every entry that is new or has another state; gives the way to end that. */
  onChange(listener: (entry: HistoryEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onNotice(listener: (notice: OutboxNotice) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => void this.#noticeListeners.delete(listener);
  }

  /** Takes up what was under way: at the start, and whenever the account was unlocked. */
  async resume(): Promise<void> {
    await this.#outbox.resume();
    if (this.#lastCursor === -1) await this.#tellNewLines(false);
    await this.#anchors.keepProofs(this.#outbox.operations);
  }

  /** To be called for every decided window, after its state can be read. */
  async windowDecided(event: WindowDecided): Promise<void> {
    await this.#outbox.windowDecided(event);
    // What the bundles of V confirmed settles in V + 1 or not at all.
    this.#incoming = this.#incoming.filter(({ window }) => window >= event.window);
    await this.#tellNewLines(true);
    await this.#anchors.keepProofs(this.#outbox.operations);
  }

  /** The bundles of `window`, as the own node has them, confirm an operation. */
  async operationConfirmed(operation: Operation, window: bigint): Promise<void> {
    const opHash = operationClass.identify(this.#options.crypto, operation);
    await this.#outbox.operationConfirmed(opHash, window);
    const receiver = receiverOf(operation);
    if (receiver === undefined || this.person.find(receiver) === undefined) return;
    if (this.person.find(operation.sender) !== undefined) return;
    if (this.#incoming.some((known) => equalBytes(known.opHash, opHash))) return;
    const incoming = { opHash, operation, window };
    this.#incoming = [...this.#incoming, incoming].slice(-INCOMING_MAX);
    this.#tell(this.#history.entryOfIncoming(incoming));
  }

  /** The own node received an operation from elsewhere; `window` is the last decided one. */
  operationSeen(operation: Operation, window: bigint): Promise<void> {
    return this.#outbox.operationSeen(operation, window);
  }

  async balance(): Promise<Balance> {
    const view = await this.#options.chain.accounts(this.person.ids);
    const window = windowOf(view);
    const accounts = this.person.accounts.map((own, i) => {
      const record = view.records[i];
      return { ...own, exists: record !== undefined, balance: record?.balance ?? 0n, record };
    });
    const canSend = ({ role, record }: (typeof accounts)[number]): boolean =>
      record !== undefined && this.person.holds(record.currentPubkey) && !this.#outbox.isBusy(role, window);
    const sum = (parts: typeof accounts): bigint => parts.reduce((total, { balance }) => total + balance, 0n);
    return {
      total: sum(accounts),
      available: sum(accounts.filter(canSend)),
      accounts,
      window: view.window,
    };
  }

  history(limit: number, before?: string): Promise<HistoryPage> {
    const tracked = this.#outbox.operations;
    const unsettled = [
      ...unsettledOf(tracked).map((each) => this.#history.entryOfTracked(each)),
      ...this.#incoming.map((each) => this.#history.entryOfIncoming(each)).toReversed(),
    ];
    return this.#history.page(unsettled, tracked, limit, before);
  }

  /**
   * Sends to an account that exists, or creates the one of a request. Throws what reading address and request throws,
   * "receiver-needs-request", what `choosePurse` finds, "key-not-held", and what `Outbox.add` throws.
   */
  pay(payment: PaymentOrder & OrderName): Promise<TrackedOperation> {
    const { order } = payment;
    return this.#once(order, async () => {
      const { crypto, chain, rules } = this.#options;
      const { receiver, receiverKey } = this.#receiverOf(payment);
      const view = await chain.accounts([...this.person.ids, receiver]);
      const exists = view.records.at(-1) !== undefined;
      if (!exists && receiverKey === undefined) {
        throw walletError("receiver-needs-request", { address: encodeAddress(crypto, receiver) });
      }
      const purses = this.person.accounts.flatMap((own, i) => {
        const record = view.records[i];
        return record === undefined || equalBytes(own.accountId, receiver) ? [] : [{ own, record }];
      });
      const spendable = purses.filter(({ record }) => this.person.holds(record.currentPubkey));
      const [foreign] = purses;
      if (spendable.length === 0 && foreign !== undefined)
        throw walletError("key-not-held", { role: foreign.own.role });
      const creator = exists ? undefined : this.#outbox.creatorOf(receiver);
      const { amount, from = creator } = payment;
      const role = choosePurse(
        spendable.map(({ own, record }) => this.#purseOf(own, record, windowOf(view))),
        { amount, creates: !exists && (creator === undefined || from !== creator), from },
        nextWindow(view),
        rules.params.tau2Windows,
      );
      const key = receiverKey === undefined ? {} : { receiverKey };
      return this.#outbox.add(role, { kind: "pay", receiver, ...key, amount }, { order });
    });
  }

  /** What the receiver's side makes: a request for the account of the words. Nothing of it is kept. */
  createRequest(wishes: Pick<AccountRequest, "amount" | "note"> = {}): AccountRequest {
    return accountRequestOf(this.#options.crypto, this.person.of("account").firstKey, wishes);
  }

  /** Throws as `readRequest`. */
  async openRequest(text: string): Promise<AccountRequest & { readonly exists: boolean }> {
    const request = readRequest(this.#options.crypto, text);
    const { records } = await this.#options.chain.accounts([request.accountId]);
    return { ...request, exists: records[0] !== undefined };
  }

  /** From an account that can act now, if there is one: an anchor costs no money, only the account's turn. */
  writeAnchor(appId: Hash32, dataHash: Hash32, { order }: OrderName = {}): Promise<TrackedOperation> {
    return this.#once(order, async () => {
      const view = await this.#options.chain.accounts(this.person.ids);
      const able = this.person.accounts.filter((_, i) => {
        const record = view.records[i];
        return record !== undefined && this.person.holds(record.currentPubkey);
      });
      const [first] = able;
      if (first === undefined) throw walletError("account-not-active", { role: "account" });
      const idle = able.find(({ role }) => !this.#outbox.isBusy(role, windowOf(view)));
      return this.#outbox.add((idle ?? first).role, { kind: "anchor", appId, dataHash }, { order });
    });
  }

  findAnchors(appId: Hash32, dataHash: Hash32 | undefined, limit: number): Promise<readonly FoundAnchor[]> {
    return this.#anchors.find(appId, dataHash, limit);
  }

  /** Throws `ProtocolError("proof-unreadable")`. */
  verifyAnchor(proof: Uint8Array): Promise<VerifiedAnchor> {
    return this.#anchors.verify(proof);
  }

  /** As `Outbox.cancel`. */
  cancel(id: Hash32): Promise<TrackedOperation> {
    return this.#outbox.cancel(id);
  }

  /** As `Outbox.sendAgain`. */
  sendAgain(id: Hash32): Promise<TrackedOperation> {
    return this.#outbox.sendAgain(id);
  }

  /** What a change of key would do, to be shown before it is signed. Throws "account-not-active" and "key-unchanged". */
  async planKeyChange(role: Role, newKey: PublicKey): Promise<KeyChangePlan> {
    const { crypto, chain } = this.#options;
    const { accountId } = this.person.of(role);
    const [record] = (await chain.accounts([accountId])).records;
    if (record === undefined) throw walletError("account-not-active", { role });
    const change = { accountId, oldKey: record.currentPubkey, newKey, prevHash: record.frontierHash };
    if (equalBytes(change.oldKey, newKey)) throw walletError("key-unchanged");
    const warnings = keyChangeWarnings(crypto, this.person, role, change);
    return { change, challenge: possessionChallenge(change), warnings };
  }

  /**
   * Gives an account another key. `possession` is the new key's signature of the plan's challenge; for a key of this identity
   * it is made here. Throws "key-not-proven", "key-unchanged", "account-locked", "account-busy" and as `Outbox.add`.
   */
  changeKey(
    role: Role,
    newKey: PublicKey,
    { possession, order }: OrderName & { readonly possession?: Signature | undefined } = {},
  ): Promise<TrackedOperation> {
    return this.#once(order, async () => {
      const { change } = await this.planKeyChange(role, newKey);
      const signers = this.#options.signers();
      if (signers === undefined) throw walletError("account-locked");
      const proof = possession ?? ownPossession(change, signers);
      if (proof === undefined) throw walletError("key-not-proven");
      requirePossession(this.#options.crypto, change, proof);
      return this.#outbox.add(role, { kind: "change-key", newKey }, { mayWait: false, order });
    });
  }

  /** Proves to another identity that its new key is at hand here. Throws "account-locked" and as `provePossession`. */
  proveKey(challenge: Uint8Array): Signature {
    const signers = this.#options.signers();
    if (signers === undefined) throw walletError("account-locked");
    return provePossession(challenge, signers);
  }

  /** What lies on the account of the node key, and how it can be moved; undefined where nothing does. */
  async bonusOffer(): Promise<BonusOffer | undefined> {
    const { chain, rules } = this.#options;
    const view = await chain.accounts(this.person.ids);
    const [account, node] = this.person.accounts.map((own, i) => ({ own, record: view.records[i] }));
    return bonusOfferOf(node!, account!, nextWindow(view), rules.params.tau2Windows);
  }

  /** Does it. Throws "nothing-to-move" and as {@link pay} or {@link changeKey}. */
  async moveBonus(way: "money" | "change-key", { order }: OrderName = {}): Promise<TrackedOperation> {
    const known = order && this.#outbox.findOrder(order);
    if (known !== undefined) return known;
    const offer = await this.bonusOffer();
    if (offer === undefined) throw walletError("nothing-to-move");
    const { accountId, firstKey } = this.person.of("account");
    if (way === "change-key") return this.changeKey("node", firstKey, { order });
    const to = encodeAddress(this.#options.crypto, accountId);
    return this.pay({ to, amount: offer.balance, from: "node", order });
  }

  #receiverOf({ to, request }: PaymentOrder): { readonly receiver: AccountId; readonly receiverKey?: PublicKey } {
    const { crypto } = this.#options;
    if (request !== undefined) {
      const { accountId, publicKey } = readRequest(crypto, request);
      return { receiver: accountId, receiverKey: publicKey };
    }
    const receiver = parseAccount(crypto, to ?? "");
    const own = this.person.find(receiver);
    return own === undefined ? { receiver } : { receiver, receiverKey: own.firstKey };
  }

  #purseOf({ role }: OwnAccount, record: AccountRecord, window: bigint): Purse {
    const line = this.#outbox.line(role);
    const underWay = line.reduce(
      (sum, { operation, isWithdrawn }) => (isWithdrawn ? sum : sum + amountOf(operation)),
      0n,
    );
    return {
      role,
      free: record.balance > underWay ? record.balance - underWay : 0n,
      isBusy: line.length > 0 || this.#outbox.operations.some((each) => each.role === role && holdsPlace(each, window)),
      lastActivationWindow: record.lastActivationWindow,
      hasPendingCreation: line.some(({ operation }) => operation.type === TYPE_CREATE),
    };
  }

  async #tellNewLines(tells: boolean): Promise<void> {
    const lines = await this.#history.since(this.#lastCursor, tells ? NEW_LINES_MAX : 1);
    const tracked = this.#outbox.operations;
    for (const line of lines) {
      this.#lastCursor = Math.max(this.#lastCursor, line.cursor);
      // Own ones were told when they settled.
      if (tells && !tracked.some(({ opHash }) => equalBytes(opHash, line.opHash))) {
        this.#tell(this.#history.entryOfLine(line, tracked));
      }
    }
  }

  #tell(entry: HistoryEntry): void {
    for (const listener of this.#listeners) listener(entry);
  }

  #once(order: Hash32 | undefined, run: () => Promise<TrackedOperation>): Promise<TrackedOperation> {
    return this.#inTurn(async () => {
      const known = order && this.#outbox.findOrder(order);
      return known ?? (await run());
    });
  }

  /** A choice of account counts on what was chosen before it. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
