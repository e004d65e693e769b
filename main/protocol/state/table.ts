/**
 * How the protocol reaches the replicated state: three tables behind get, put and iterate, so that a map in memory and a
 * store on disk fit alike. A transition never writes into a table: it fills a {@link TableDraft} over it, whose changes the
 * owner of the table applies, or throws away, as a whole.
 */
import { byteKey, compareBytes, type AccountId, type Hash32, type NodeId } from "../bytes.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "./records.ts";

export interface Table<Id extends Hash32, Row> {
  readonly size: number;
  get(id: Id): Row | undefined;
  /** All rows, ascending by id. */
  rows(): Iterable<Row>;
}

/** The Account Table answers three questions more, which would need a scan of up to 10⁹ records at a τ₂ boundary. */
export interface AccountTable extends Table<AccountId, AccountRecord> {
  /** Σ balance in nɈ. */
  readonly totalBalance: bigint;
  /** At least the accounts whose snapshot differs from their chain length (chapter 02 §4.8 a). */
  staleSnapshots(): Iterable<AccountId>;
  /** At least the accounts with balance 0 and `lastOpWindow` ≤ `window` (chapter 02 §4.8 b). */
  emptySince(window: bigint): Iterable<AccountId>;
}

export type NodeTable = Table<NodeId, NodeRecord>;
export type CandidatePool = Table<NodeId, CandidateRecord>;

/** S_W: the settled tables after a window. */
export interface State {
  readonly accounts: AccountTable;
  readonly nodes: NodeTable;
  readonly candidates: CandidatePool;
}

/** What one row becomes; `row` is undefined where it is removed. */
export interface Change<Id extends Hash32, Row> {
  readonly id: Id;
  readonly row: Row | undefined;
}

export interface StateChanges {
  readonly accounts: readonly Change<AccountId, AccountRecord>[];
  readonly nodes: readonly Change<NodeId, NodeRecord>[];
  readonly candidates: readonly Change<NodeId, CandidateRecord>[];
}

/** A table as it becomes, over a table as it is. */
export class TableDraft<Id extends Hash32, Row> implements Table<Id, Row> {
  readonly #base: Table<Id, Row>;
  readonly #idOf: (row: Row) => Id;
  readonly #changed = new Map<string, Change<Id, Row>>();
  #size: number;

  constructor(base: Table<Id, Row>, idOf: (row: Row) => Id) {
    this.#base = base;
    this.#idOf = idOf;
    this.#size = base.size;
  }

  get size(): number {
    return this.#size;
  }

  get(id: Id): Row | undefined {
    const change = this.#changed.get(byteKey(id));
    return change === undefined ? this.#base.get(id) : change.row;
  }

  put(row: Row): void {
    this.#set(this.#idOf(row), row);
  }

  remove(id: Id): void {
    this.#set(id, undefined);
  }

  /** Rows of the base merged with the changes, ascending by id. */
  *rows(): Iterable<Row> {
    const changes = this.changes();
    let next = 0;
    for (const row of this.#base.rows()) {
      const id = this.#idOf(row);
      let order = 1;
      while (next < changes.length && (order = compareBytes(changes[next]!.id, id)) <= 0) {
        const change = changes[next++]!;
        if (change.row !== undefined) yield change.row;
        if (order === 0) break;
      }
      if (order !== 0) yield row;
    }
    for (; next < changes.length; next++) {
      const { row } = changes[next]!;
      if (row !== undefined) yield row;
    }
  }

  /** Ascending by id. */
  changes(): readonly Change<Id, Row>[] {
    return [...this.#changed.values()].sort((a, b) => compareBytes(a.id, b.id));
  }

  /** Ids changed so far, in the order of their first change. */
  *changedIds(): Iterable<Id> {
    for (const { id } of this.#changed.values()) yield id;
  }

  #set(id: Id, row: Row | undefined): void {
    const wasThere = this.get(id) !== undefined;
    this.#size += Number(row !== undefined) - Number(wasThere);
    this.#changed.set(byteKey(id), { id, row });
  }
}

export class AccountTableDraft extends TableDraft<AccountId, AccountRecord> implements AccountTable {
  readonly #accounts: AccountTable;
  #totalBalance: bigint;

  constructor(base: AccountTable) {
    super(base, (account) => account.accountId);
    this.#accounts = base;
    this.#totalBalance = base.totalBalance;
  }

  get totalBalance(): bigint {
    return this.#totalBalance;
  }

  override put(account: AccountRecord): void {
    this.#totalBalance += account.balance - (this.get(account.accountId)?.balance ?? 0n);
    super.put(account);
  }

  override remove(id: AccountId): void {
    this.#totalBalance -= this.get(id)?.balance ?? 0n;
    super.remove(id);
  }

  *staleSnapshots(): Iterable<AccountId> {
    yield* this.#withChanged(this.#accounts.staleSnapshots());
  }

  *emptySince(window: bigint): Iterable<AccountId> {
    yield* this.#withChanged(this.#accounts.emptySince(window));
  }

  /** Fixed before the first is given: the caller changes the draft while it walks them. */
  #withChanged(ids: Iterable<AccountId>): AccountId[] {
    return [...new Map([...ids, ...this.changedIds()].map((id) => [byteKey(id), id])).values()];
  }
}

/** The state of a window in the making. */
export class StateDraft implements State {
  readonly accounts: AccountTableDraft;
  readonly nodes: TableDraft<NodeId, NodeRecord>;
  readonly candidates: TableDraft<NodeId, CandidateRecord>;

  constructor(base: State) {
    this.accounts = new AccountTableDraft(base.accounts);
    this.nodes = new TableDraft(base.nodes, (node) => node.nodeId);
    this.candidates = new TableDraft(base.candidates, (candidate) => candidate.nodeId);
  }

  changes(): StateChanges {
    return {
      accounts: this.accounts.changes(),
      nodes: this.nodes.changes(),
      candidates: this.candidates.changes(),
    };
  }
}
