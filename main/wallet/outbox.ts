/**
 * The own operations on their way: one at a time for each account, in order, each written down before it leaves, sent again
 * with every window until the chain says what became of it.
 *
 * For one place in an account's chain, (sender, prev_hash), only one operation is ever given away, but for a cancellation
 * that the person asked for. What waits is signed ahead, so that it goes out although the account is locked again by then;
 * nobody gets it before its turn.
 */
import { byteKey, equalBytes, toHex, ZERO_HASH, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import type { Crypto, PublicKey } from "../protocol/crypto.ts";
import type { ErrorParams } from "../protocol/errors.ts";
import { operation as operationClass, TYPE_CREATE, type Operation } from "../protocol/objects/operations.ts";
import { appIdOf } from "../protocol/identity/ids.ts";
import type { AccountRecord } from "../protocol/state/records.ts";
import {
  draftOperation,
  findFailure,
  intentOf,
  keyAfter,
  NO_OPERATION,
  receiverOf,
  signOperation,
  type Intent,
} from "./drafting.ts";
import { walletError } from "./errors.ts";
import { OperationsFile } from "./operationsFile.ts";
import { ROLES, signerOf, type Person, type Role } from "./person.ts";
import type { OpenedSigners, SettledAccounts, WalletChain, WalletNode, WindowDecided } from "./ports.ts";
import {
  CANCELLED,
  EXPIRY_WINDOWS,
  holdsPlace,
  isOver,
  isToBeSent,
  stepOperation,
  type OperationEvent,
  type SlotOutcome,
  type TrackedOperation,
} from "./trackedOperation.ts";

/** Waiting in one account. */
export const QUEUE_MAX = 16;
/** Of what is over the newest are kept, for a day of windows, so that a person sees what did not happen. */
const PAST_MAX = 32;
const PAST_WINDOWS = 1440n;
const HISTORY_PAGE = 50;
/** Anchors that take the place of a cancelled operation; the data is the identifier of that operation. */
const CANCELLATION_APP = "montana-cancel";

export interface OutboxOptions {
  readonly crypto: Crypto;
  readonly tau2Windows: bigint;
  readonly networkId: Hash32;
  readonly directory: string;
  readonly person: Person;
  /** Undefined while the account is locked. */
  readonly signers: () => OpenedSigners | undefined;
  readonly chain: Pick<WalletChain, "accounts" | "history">;
  readonly node: WalletNode;
  readonly onChange: (changed: TrackedOperation) => void;
  readonly onNotice: (notice: OutboxNotice) => void;
}

export interface OutboxNotice {
  readonly code:
    /** `opHash` and another operation in its place, `other`: these keys are at work elsewhere. */
    | "operation-contradicted"
    /** `other` is of the account `role` and was not made here. */
    | "account-used-elsewhere"
    /** `opHash` did not take effect: `reason`. */
    | "operation-failed"
    /** `opHash` found no quorum in `windows` windows; it stays valid until it is sent again or cancelled. */
    | "operation-expired";
  readonly params: ErrorParams;
}

/** An operation of somebody else's hand in a place of an own account, as nodes hold it. */
interface ForeignOperation {
  readonly prevHash: Hash32;
  readonly seenIn: bigint;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #file: OperationsFile;
  readonly #foreign = new Map<Role, ForeignOperation>();
  #operations: readonly TrackedOperation[];
  #last: Promise<unknown> = Promise.resolve();

  /** Throws what `OperationsFile.open` throws: a wallet that cannot know what is on its way must not send. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { crypto, networkId, directory } = options;
    const { file, operations } = await OperationsFile.open(crypto, networkId, directory);
    return new Outbox(options, file, operations);
  }

  private constructor(options: OutboxOptions, file: OperationsFile, operations: readonly TrackedOperation[]) {
    this.#options = options;
    this.#file = file;
    this.#operations = operations;
  }

  /** In the order in which they were made; those that are over stay for a while. */
  get operations(): readonly TrackedOperation[] {
    return this.#operations;
  }

  /** What was made for this order before, as far as it is remembered. */
  findOrder(order: Hash32): TrackedOperation | undefined {
    return this.#operations.find((each) => equalBytes(each.order, order));
  }

  /** Those of an account that are not over, in order. */
  line(role: Role): TrackedOperation[] {
    return this.#operations.filter((each) => each.role === role && !isOver(each) && each.state !== "skipped");
  }

  /** The account whose line holds a create of `receiver`: what it sends there after it is a plain transfer. */
  creatorOf(receiver: AccountId): Role | undefined {
    const creates = ({ operation }: TrackedOperation): boolean =>
      operation.type === TYPE_CREATE && equalBytes(operation.receiver, receiver);
    return ROLES.find((role) => this.line(role).some(creates));
  }

  /** Whether the account's next operation has to wait. */
  isBusy(role: Role, window: bigint): boolean {
    return this.#operations.some((each) => each.role === role && (each.state === "queued" || holdsPlace(each, window)));
  }

  /**
   * Signs what is to be done, writes it down, and sends it or lets it wait. Throws "account-locked", "account-not-active",
   * "key-not-held", "queue-full", "operation-unresolved", "account-busy" where it must not wait, and what the check of the
   * operation finds.
   */
  add(
    role: Role,
    intent: Intent,
    options: { readonly mayWait?: boolean; readonly order?: Hash32 | undefined } = {},
  ): Promise<TrackedOperation> {
    return this.#inTurn(async () => {
      const { crypto } = this.#options;
      const receiver = intent.kind === "pay" ? [intent.receiver] : [];
      const view = await this.#view(role, ...receiver);
      const record = view.records[0];
      if (record === undefined) throw walletError("account-not-active", { role });
      const line = this.line(role);
      const unresolved = line.find(({ state }) => state === "expired");
      if (unresolved !== undefined) throw walletError("operation-unresolved", { id: toHex(unresolved.id) });
      const waits = this.#mustWait(role, record, windowOf(view));
      if (waits && options.mayWait === false) {
        const holder = line[0] === undefined ? "" : toHex(line[0].id);
        throw walletError("account-busy", { role, id: holder });
      }
      if (line.filter(({ state }) => state === "queued").length >= QUEUE_MAX) {
        throw walletError("queue-full", { max: QUEUE_MAX });
      }
      const prevHash = line.at(-1)?.opHash ?? record.frontierHash;
      const key = keyAfter(
        record.currentPubkey,
        line.map(({ operation }) => operation),
      );
      const isCreated = intent.kind === "pay" && this.creatorOf(intent.receiver) === role;
      const operation = this.#sign(intent, { record, prevHash, key }, isCreated ? () => true : existsIn(view));
      if (!waits) {
        const failure = this.#failureOf(operation, view);
        if (failure !== undefined) throw walletError(failure);
      }
      const opHash = operationClass.identify(crypto, operation);
      const made = newlyTracked(role, operation, opHash, windowOf(view), options.order);
      // The same once more, after it was taken back or passed over, is the same operation.
      await this.#commit([...this.#operations.filter(({ id }) => !equalBytes(id, opHash)), made]);
      if (!waits) await this.#proceed(role);
      return this.#get(made.id);
    });
  }

  /**
   * Takes an operation back: one that nobody has seen is forgotten; the place of another is taken by an Anchor, which the
   * chain has to settle (§4.12), and either of the two may still win. Gives the Anchor, or the operation that was forgotten.
   * Throws "operation-unknown", "operation-final", "account-locked", "key-not-held".
   */
  cancel(id: Hash32): Promise<TrackedOperation> {
    return this.#inTurn(async () => {
      const target = this.#get(id);
      const isCancellation = !equalBytes(target.cancels, NO_OPERATION);
      if (isOver(target) || target.state === "skipped" || target.isWithdrawn || isCancellation) {
        throw walletError("operation-final", { id: toHex(id), state: target.state });
      }
      const view = await this.#view(target.role);
      const window = windowOf(view);
      if (!target.isPublished) {
        await this.#apply(target, { kind: "dropped", reason: CANCELLED, window });
        await this.#proceed(target.role);
        return this.#get(id);
      }
      const record = view.records[0];
      if (record === undefined || !equalBytes(record.frontierHash, target.operation.prevHash)) {
        throw walletError("operation-final", { id: toHex(id), state: target.state });
      }
      const { crypto } = this.#options;
      const intent: Intent = { kind: "anchor", appId: appIdOf(crypto, CANCELLATION_APP), dataHash: target.opHash };
      const link = { record, prevHash: record.frontierHash, key: record.currentPubkey };
      const operation = this.#sign(intent, link, existsIn(view));
      const opHash = operationClass.identify(crypto, operation);
      const withdrawn = stepOperation(target, { kind: "withdrawn" });
      const anchor: TrackedOperation = {
        ...newlyTracked(target.role, operation, opHash, window),
        state: "signed",
        isContradicted: true,
        cancels: target.id,
      };
      // After its target: what waits behind both is signed for whichever comes last in the list.
      const rest = this.#operations.map((each) => (each === target ? withdrawn : each));
      const place = this.#operations.indexOf(target) + 1;
      await this.#commit([...rest.slice(0, place), anchor, ...rest.slice(place)]);
      await this.#send(anchor.id, window);
      return this.#get(anchor.id);
    });
  }

  /** Sends an expired operation again, the same bytes. Throws "operation-unknown", "operation-final". */
  sendAgain(id: Hash32): Promise<TrackedOperation> {
    return this.#inTurn(async () => {
      const target = this.#get(id);
      if (target.state !== "expired" || target.isWithdrawn) {
        throw walletError("operation-final", { id: toHex(id), state: target.state });
      }
      await this.#apply(target, { kind: "again" });
      await this.#proceed(target.role);
      return this.#get(id);
    });
  }

  /** Takes up what was under way: at the start, and when the account was unlocked. */
  resume(): Promise<void> {
    return this.#inTurn(async () => {
      for (const role of ROLES) {
        await this.#reconcile(role, undefined);
        await this.#proceed(role);
      }
    });
  }

  windowDecided(event: WindowDecided): Promise<void> {
    return this.#inTurn(async () => {
      for (const role of ROLES) {
        await this.#reconcile(role, event);
        if (event.isLive) await this.#proceed(role);
      }
      await this.#forgetPast(event.window);
    });
  }

  /** The bundles of `window`, as the node has them, confirm an operation. */
  operationConfirmed(opHash: Hash32, window: bigint): Promise<void> {
    return this.#inTurn(async () => {
      const own = this.#operations.find((each) => equalBytes(each.opHash, opHash));
      if (own !== undefined) await this.#apply(own, { kind: "confirmed", window });
    });
  }

  /** An operation that the node received from elsewhere. */
  operationSeen(operation: Operation, window: bigint): Promise<void> {
    return this.#inTurn(async () => {
      const { person, crypto, onNotice } = this.#options;
      const own = person.find(operation.sender);
      const opHash = operationClass.identify(crypto, operation);
      if (own === undefined || this.#operations.some((each) => equalBytes(each.opHash, opHash))) return;
      const { role } = own;
      const rival = this.line(role).find(
        ({ operation: each, isPublished }) => isPublished && equalBytes(each.prevHash, operation.prevHash),
      );
      const other = toHex(opHash);
      if (rival === undefined) {
        const known = this.#foreign.get(role);
        if (known !== undefined && equalBytes(known.prevHash, operation.prevHash)) return;
        // What settled long ago may come along again: it has no place to take.
        const [record] = (await this.#view(role)).records;
        if (record === undefined || !equalBytes(record.frontierHash, operation.prevHash)) return;
        this.#foreign.set(role, { prevHash: operation.prevHash, seenIn: window });
        onNotice({ code: "account-used-elsewhere", params: { role, other } });
      } else if (!rival.isContradicted) {
        await this.#apply(rival, { kind: "contradicted" });
        onNotice({ code: "operation-contradicted", params: { opHash: toHex(rival.opHash), other } });
      }
    });
  }

  /** Learns from the settled state what became of the operations of an account. */
  async #reconcile(role: Role, event: WindowDecided | undefined): Promise<void> {
    const pending = this.#operations.filter((each) => each.role === role && each.state !== "queued" && !isOver(each));
    if (pending.length === 0) return;
    const view = await this.#view(role);
    const window = windowOf(view);
    const stepped = new Map<TrackedOperation, TrackedOperation>();
    for (const tracked of pending) {
      const slot = await this.#slotOf(tracked, view.records[0]);
      const skipped = event?.skipped.find(({ opHash }) => equalBytes(opHash, tracked.opHash))?.failure;
      const isLive = event?.isLive ?? false;
      let next = stepOperation(tracked, { kind: "window", window, isLive, slot, skipped });
      // A cancellation is not given up before the chain has decided: what it cancels stays valid as long.
      if (next.state === "expired" && !equalBytes(next.cancels, NO_OPERATION)) {
        next = stepOperation(next, { kind: "again" });
      }
      if (next !== tracked) stepped.set(tracked, next);
    }
    if (stepped.size > 0) await this.#commit(this.#operations.map((each) => stepped.get(each) ?? each));
  }

  async #slotOf(tracked: TrackedOperation, record: AccountRecord | undefined): Promise<SlotOutcome> {
    if (record === undefined) return "taken";
    if (equalBytes(record.frontierHash, tracked.opHash)) return { settledIn: BigInt(record.lastOpWindow) };
    if (equalBytes(record.frontierHash, tracked.operation.prevHash)) return "open";
    return this.#settledEarlier(tracked);
  }

  /** The chain has gone on since: the history says whether with this operation. */
  async #settledEarlier({ opHash, operation, since }: TrackedOperation): Promise<SlotOutcome> {
    for (let cursor: number | undefined; ;) {
      const lines = await this.#options.chain.history(operation.sender, HISTORY_PAGE, cursor);
      const found = lines.find((line) => equalBytes(line.opHash, opHash));
      if (found !== undefined) return { settledIn: found.window };
      const oldest = lines.at(-1);
      if (oldest === undefined || lines.length < HISTORY_PAGE || oldest.window < since) return "taken";
      cursor = oldest.cursor;
    }
  }

  /** Sends what is to be sent; where nothing is under way, what waits first gets its turn. */
  async #proceed(role: Role): Promise<void> {
    for (;;) {
      const line = this.line(role);
      const next = line.find(({ state }) => state === "queued");
      const underWay = line.filter(isToBeSent);
      const view = await this.#view(role, ...(next === undefined ? [] : optional(receiverOf(next.operation))));
      const window = windowOf(view);
      if (underWay.length > 0) {
        for (const { id } of underWay) await this.#send(id, window);
        // Refused by the own node at once: the next one may go.
        if (underWay.every(({ id }) => isOver(this.#get(id)))) continue;
        return;
      }
      const record = view.records[0];
      if (next === undefined || record === undefined || this.#mustWait(role, record, window, next)) return;
      if (!(await this.#takeTurn(next, record, view))) return;
    }
  }

  /** False where it needs to be signed anew and the account is locked. */
  async #takeTurn(next: TrackedOperation, record: AccountRecord, view: SettledAccounts): Promise<boolean> {
    const window = windowOf(view);
    const key = record.currentPubkey;
    let { operation } = next;
    if (!this.#fits(operation, record, view)) {
      if (!this.#options.person.holds(key)) {
        await this.#apply(next, { kind: "dropped", reason: "key-not-held", window });
        return true;
      }
      if (this.#options.signers() === undefined) return false;
      operation = this.#sign(intentOf(operation), { record, prevHash: record.frontierHash, key }, existsIn(view));
    }
    const failure = this.#failureOf(operation, view);
    if (failure !== undefined) {
      await this.#apply(next, { kind: "dropped", reason: failure, window });
      return true;
    }
    const opHash = operationClass.identify(this.#options.crypto, operation);
    await this.#apply(next, { kind: "turn", operation, opHash });
    return true;
  }

  /** Was it signed for just this state? */
  #fits(operation: Operation, record: AccountRecord, view: SettledAccounts): boolean {
    const { crypto } = this.#options;
    const draft = draftOperation(intentOf(operation), operation, existsIn(view));
    return (
      equalBytes(operation.prevHash, record.frontierHash) &&
      draft.type === operation.type &&
      operationClass.verify(crypto, record.currentPubkey, operation)
    );
  }

  #sign(
    intent: Intent,
    link: { readonly record: AccountRecord; readonly prevHash: Hash32; readonly key: PublicKey },
    exists: (id: AccountId) => boolean,
  ): Operation {
    const { crypto, person, signers } = this.#options;
    const sender = link.record.accountId;
    const role = person.find(sender)!.role;
    if (!person.holds(link.key)) throw walletError("key-not-held", { role });
    const opened = signers();
    const signer = opened === undefined ? undefined : signerOf(opened, link.key);
    if (signer === undefined) throw walletError("account-locked");
    return signOperation(crypto, draftOperation(intent, { sender, prevHash: link.prevHash }, exists), signer);
  }

  #failureOf(operation: Operation, view: SettledAccounts) {
    const { crypto, tau2Windows } = this.#options;
    return findFailure(crypto, operation, view.records, nextWindow(view), tau2Windows);
  }

  /** Whether something else holds the place behind the account's frontier, or comes before `next`. */
  #mustWait(role: Role, record: AccountRecord, window: bigint, next?: TrackedOperation): boolean {
    const foreign = this.#foreign.get(role);
    if (foreign !== undefined) {
      const isForgotten = window >= foreign.seenIn + BigInt(EXPIRY_WINDOWS);
      if (!isForgotten && equalBytes(foreign.prevHash, record.frontierHash)) return true;
      this.#foreign.delete(role);
    }
    return this.#operations.some(
      (each) => each.role === role && (holdsPlace(each, window) || (next === undefined && each.state === "queued")),
    );
  }

  async #send(id: Hash32, window: bigint): Promise<void> {
    const { isPublished } = this.#get(id);
    if (!isPublished) await this.#apply(this.#get(id), { kind: "publishing" });
    const answer = await this.#options.node.submit(this.#get(id).operation);
    if (answer.verdict === "accepted") await this.#apply(this.#get(id), { kind: "accepted" });
    if (answer.verdict === "refused") {
      const { failure } = answer;
      await this.#apply(this.#get(id), { kind: "refused", failure, window, isFirst: !isPublished });
    }
  }

  async #apply(tracked: TrackedOperation, event: OperationEvent): Promise<void> {
    const next = stepOperation(tracked, event);
    if (next !== tracked) await this.#commit(this.#operations.map((each) => (each === tracked ? next : each)));
  }

  /** Durable first, then true, then told. */
  async #commit(changed: readonly TrackedOperation[]): Promise<void> {
    const forgotten = new Set(changed.filter(isOver).slice(0, -PAST_MAX));
    const operations = changed.filter((each) => !forgotten.has(each));
    const before = new Map(this.#operations.map((each) => [byteKey(each.id), each]));
    await this.#file.write(operations);
    this.#operations = operations;
    for (const each of operations) {
      const old = before.get(byteKey(each.id));
      if (old?.state === each.state && old.opHash === each.opHash) continue;
      this.#options.onChange(each);
      this.#tellEnd(each);
    }
  }

  #tellEnd({ state, opHash, reason, role, cancels, isWithdrawn }: TrackedOperation): void {
    const { onNotice } = this.#options;
    const isCancellation = !equalBytes(cancels, NO_OPERATION);
    const params = { opHash: toHex(opHash), role };
    if (state === "expired" && !isWithdrawn && !isCancellation) {
      onNotice({ code: "operation-expired", params: { ...params, windows: EXPIRY_WINDOWS } });
    }
    if ((state === "rejected" || state === "skipped") && reason !== CANCELLED && !isCancellation) {
      onNotice({ code: "operation-failed", params: { ...params, reason } });
    }
  }

  async #forgetPast(window: bigint): Promise<void> {
    const past = this.#operations.filter(
      (each) => isOver(each) || (each.state === "skipped" && !holdsPlace(each, window)),
    );
    const forgotten = new Set(past.filter(({ stateWindow }) => stateWindow + PAST_WINDOWS <= window));
    if (forgotten.size > 0) await this.#commit(this.#operations.filter((each) => !forgotten.has(each)));
  }

  #get(id: Hash32): TrackedOperation {
    const found = this.#operations.find((each) => equalBytes(each.id, id));
    if (found === undefined) throw walletError("operation-unknown", { id: toHex(id) });
    return found;
  }

  #view(role: Role, ...others: readonly AccountRecord["accountId"][]): Promise<SettledAccounts> {
    const { chain, person } = this.#options;
    return chain.accounts([person.of(role).accountId, ...others]);
  }

  /** One after the other: each step starts from what the one before wrote. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function newlyTracked(
  role: Role,
  operation: Operation,
  opHash: Hash32,
  since: bigint,
  order = ZERO_HASH,
): TrackedOperation {
  return {
    id: opHash,
    opHash,
    role,
    operation,
    state: "queued",
    isPublished: false,
    isWithdrawn: false,
    isContradicted: false,
    since,
    quietWindows: 0,
    stateWindow: 0n,
    reason: "",
    cancels: NO_OPERATION,
    order,
  };
}

export const windowOf = ({ window }: SettledAccounts): bigint => window ?? 0n;
/** The next one in whose bundles an operation could stand. */
export const nextWindow = ({ window }: SettledAccounts): bigint => (window === undefined ? 0n : window + 1n);

const existsIn =
  ({ records }: SettledAccounts) =>
  (id: Uint8Array): boolean =>
    records.some((record) => record !== undefined && equalBytes(record.accountId, id));

const optional = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);
