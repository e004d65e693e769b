/**
 * What came and went in all of a person's accounts, newest first: what has not settled from the wallet's own memory, what has
 * from the store's index (chapter 04 §4.13).
 */
import { equalBytes, toHex, type AccountId, type Hash32 } from "../protocol/bytes.ts";
import {
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../protocol/objects/operations.ts";
import { amountOf, receiverOf } from "./drafting.ts";
import { walletError } from "./errors.ts";
import type { Person } from "./person.ts";
import type { HistoryLine, WalletChain } from "./ports.ts";
import { shownState, type ShownState, type TrackedOperation } from "./trackedOperation.ts";

export interface HistoryEntry {
  /** Names the entry for good, and is the cursor of the page after it. */
  readonly id: string;
  readonly kind: "transfer" | "create" | "change-key" | "anchor" | "emission" | "bonus";
  /** `self`: between two accounts of this person, or of one alone. */
  readonly direction: "in" | "out" | "self";
  readonly state: ShownState;
  /** Code of what ended it without an effect. */
  readonly reason: string | undefined;
  readonly window: bigint | undefined;
  readonly accountId: AccountId;
  readonly counterparty: Hash32 | undefined;
  readonly amount: bigint | undefined;
  readonly opHash: Hash32 | undefined;
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  readonly hasMore: boolean;
}

/** An operation of somebody else that pays this person, seen by a quorum and not settled yet. */
export interface Incoming {
  readonly opHash: Hash32;
  readonly operation: Operation;
  readonly window: bigint;
}

const LINES_PER_QUERY = 50;
/** Ends of pages that were given out; a page after an older one is found by reading on. */
const CURSORS_MAX = 1000;
/** How far a cursor that is not remembered is looked for. */
const SEARCHED_LINES_MAX = 100_000;

const OPERATION_KINDS = {
  [TYPE_TRANSFER]: "transfer",
  [TYPE_CREATE]: "create",
  [TYPE_CHANGE_KEY]: "change-key",
  [TYPE_ANCHOR]: "anchor",
} as const;

const LINE_KINDS = {
  sent: "transfer",
  received: "transfer",
  created: "create",
  activated: "create",
  "key-changed": "change-key",
  anchored: "anchor",
  reward: "emission",
  "welcome-bonus": "bonus",
} as const;

interface OwnLine extends HistoryLine {
  readonly accountId: AccountId;
}

export class History {
  readonly #chain: Pick<WalletChain, "history">;
  readonly #person: Person;
  readonly #cursors = new Map<string, number>();

  constructor(chain: Pick<WalletChain, "history">, person: Person) {
    this.#chain = chain;
    this.#person = person;
  }

  /**
   * `unsettled` are the entries of what has not settled, newest first. Throws `ProtocolError("history-entry-unknown")` for a
   * `before` that was never an entry.
   */
  async page(
    unsettled: readonly HistoryEntry[],
    tracked: readonly TrackedOperation[],
    limit: number,
    before?: string,
  ): Promise<HistoryPage> {
    const place = before === undefined ? -1 : unsettled.findIndex(({ id }) => id === before);
    const head = before === undefined || place !== -1 ? unsettled.slice(place + 1, place + 1 + limit) : [];
    const isBehind = before !== undefined && place === -1;
    const cursor = isBehind ? await this.#cursorOf(before, tracked) : undefined;
    const lines = await this.#lines(limit - head.length + 1, cursor);
    const shown = lines.slice(0, limit - head.length);
    const entries = [...head, ...shown.map((line) => this.entryOfLine(line, tracked))];
    const last = shown.at(-1);
    if (last !== undefined) this.#remember(entries.at(-1)!.id, last.cursor);
    const isHeadLeft = !isBehind && place + 1 + limit < unsettled.length;
    return { entries, hasMore: isHeadLeft || lines.length > shown.length };
  }

  /** The lines that came since `cursor`, oldest first; at most `max`. */
  async since(cursor: number, max: number): Promise<readonly OwnLine[]> {
    const lines = await this.#lines(max);
    return lines.filter((line) => line.cursor > cursor).toReversed();
  }

  entryOfLine(line: OwnLine, tracked: readonly TrackedOperation[]): HistoryEntry {
    const { kind, window, accountId, counterparty, amount, opHash } = line;
    const isEmission = kind === "reward" || kind === "welcome-bonus";
    const isOwnAct = kind === "key-changed" || kind === "anchored";
    const isSelf = isOwnAct || this.#person.find(counterparty) !== undefined;
    return {
      id: idOfLine(line, tracked),
      kind: LINE_KINDS[kind],
      direction: isSelf ? "self" : kind === "sent" || kind === "created" ? "out" : "in",
      state: "settled",
      reason: undefined,
      window,
      accountId,
      counterparty: isEmission || kind === "key-changed" ? undefined : counterparty,
      amount: isOwnAct ? undefined : amount,
      opHash: isEmission ? undefined : opHash,
    };
  }

  entryOfTracked(tracked: TrackedOperation): HistoryEntry {
    const { id, opHash, operation, reason, stateWindow } = tracked;
    const receiver = receiverOf(operation);
    const isOwn = receiver === undefined || this.#person.find(receiver) !== undefined;
    return {
      id: toHex(id),
      kind: OPERATION_KINDS[operation.type],
      direction: isOwn ? "self" : "out",
      state: shownState(tracked),
      reason: reason === "" ? undefined : reason,
      window: stateWindow === 0n ? undefined : stateWindow,
      accountId: operation.sender,
      counterparty: operation.type === TYPE_ANCHOR ? operation.appId : receiver,
      amount: receiver === undefined ? undefined : amountOf(operation),
      opHash,
    };
  }

  entryOfIncoming({ opHash, operation, window }: Incoming): HistoryEntry {
    return {
      id: toHex(opHash),
      kind: OPERATION_KINDS[operation.type],
      direction: "in",
      state: "confirmed",
      reason: undefined,
      window,
      accountId: receiverOf(operation)!,
      counterparty: operation.sender,
      amount: amountOf(operation),
      opHash,
    };
  }

  /** At most `count` lines of all accounts, newest first. A payment from one to the other is one line, the sender's. */
  async #lines(count: number, cursor?: number): Promise<readonly OwnLine[]> {
    const collected: OwnLine[] = [];
    for (let from = cursor; collected.length < count;) {
      const wanted = Math.min(LINES_PER_QUERY, count - collected.length + 1);
      const sources = await Promise.all(
        this.#person.ids.map(async (accountId) => {
          const lines = await this.#chain.history(accountId, wanted, from);
          return lines.map((line): OwnLine => ({ ...line, accountId }));
        }),
      );
      const isLast = sources.every((lines) => lines.length < wanted);
      // Below the highest end of a full source, the other one alone is not the whole.
      const complete = Math.max(...sources.map((lines) => (lines.length < wanted ? -1 : lines.at(-1)!.cursor)));
      const merged = sources
        .flat()
        .filter((line) => line.cursor >= complete)
        .sort((a, b) => b.cursor - a.cursor);
      collected.push(...merged.filter((line) => !this.#isOtherSide(line)));
      if (isLast) break;
      from = complete;
    }
    return collected.slice(0, count);
  }

  #isOtherSide({ kind, counterparty }: HistoryLine): boolean {
    return (kind === "received" || kind === "activated") && this.#person.find(counterparty) !== undefined;
  }

  async #cursorOf(id: string, tracked: readonly TrackedOperation[]): Promise<number> {
    const known = this.#cursors.get(id);
    if (known !== undefined) return known;
    let cursor: number | undefined;
    for (let searched = 0; searched < SEARCHED_LINES_MAX;) {
      const lines = await this.#lines(LINES_PER_QUERY, cursor);
      const found = lines.find((line) => idOfLine(line, tracked) === id);
      if (found !== undefined) return found.cursor;
      if (lines.length < LINES_PER_QUERY) break;
      searched += lines.length;
      cursor = lines.at(-1)!.cursor;
    }
    throw walletError("history-entry-unknown", { id: id.slice(0, 128) });
  }

  #remember(id: string, cursor: number): void {
    this.#cursors.delete(id);
    this.#cursors.set(id, cursor);
    if (this.#cursors.size > CURSORS_MAX) this.#cursors.delete(this.#cursors.keys().next().value!);
  }
}

/** That of the own operation as it was on its way; there is one emission a window. */
function idOfLine({ kind, opHash, window }: HistoryLine, tracked: readonly TrackedOperation[]): string {
  if (kind === "reward" || kind === "welcome-bonus") return `emission-${window}`;
  const own = tracked.find((each) => equalBytes(each.opHash, opHash));
  return toHex(own?.id ?? opHash);
}

/** Own operations that the history index does not have, the newest first, those that may still happen before the rest. */
export function unsettledOf(tracked: readonly TrackedOperation[]): TrackedOperation[] {
  const open = tracked.filter(({ state }) => state !== "settled");
  const isDead = ({ state }: TrackedOperation): boolean => state === "rejected" || state === "skipped";
  return open.toReversed().sort((a, b) => Number(isDead(a)) - Number(isDead(b)));
}
