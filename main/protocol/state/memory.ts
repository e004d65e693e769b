/** The tables in memory: for tests, for small networks, and as the model that a store on disk is compared with. */
import { byteKey, compareBytes, type AccountId, type Hash32, type NodeId } from "../bytes.ts";
import type { AccountRecord, CandidateRecord, NodeRecord } from "./records.ts";
import type { AccountTable, Change, State, StateChanges, Table } from "./table.ts";

export class MemoryTable<Id extends Hash32, Row> implements Table<Id, Row> {
  readonly #idOf: (row: Row) => Id;
  readonly #rows = new Map<string, Row>();
  /** Ascending ids; undefined after an id came or went. */
  #order: Id[] | undefined;

  constructor(idOf: (row: Row) => Id) {
    this.#idOf = idOf;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: Id): Row | undefined {
    return this.#rows.get(byteKey(id));
  }

  *rows(): Iterable<Row> {
    this.#order ??= [...this.#rows.values()].map(this.#idOf).sort(compareBytes);
    for (const id of this.#order) yield this.get(id)!;
  }

  apply(changes: Iterable<Change<Id, Row>>): void {
    for (const { id, row } of changes) {
      const key = byteKey(id);
      if (row === undefined) {
        if (this.#rows.delete(key)) this.#order = undefined;
      } else {
        if (!this.#rows.has(key)) this.#order = undefined;
        this.#rows.set(key, row);
      }
    }
  }
}

export class MemoryAccountTable extends MemoryTable<AccountId, AccountRecord> implements AccountTable {
  readonly #stale = new Map<string, AccountId>();
  readonly #empty = new Map<string, AccountId>();
  #totalBalance = 0n;

  constructor() {
    super((account) => account.accountId);
  }

  get totalBalance(): bigint {
    return this.#totalBalance;
  }

  staleSnapshots(): Iterable<AccountId> {
    return this.#stale.values();
  }

  *emptySince(window: bigint): Iterable<AccountId> {
    for (const id of this.#empty.values()) if (BigInt(this.get(id)!.lastOpWindow) <= window) yield id;
  }

  override apply(changes: Iterable<Change<AccountId, AccountRecord>>): void {
    for (const change of changes) {
      const { id, row } = change;
      this.#totalBalance += (row?.balance ?? 0n) - (this.get(id)?.balance ?? 0n);
      mark(this.#stale, id, row !== undefined && row.accountChainLengthSnapshot !== row.accountChainLength);
      mark(this.#empty, id, row?.balance === 0n);
      super.apply([change]);
    }
  }
}

function mark(index: Map<string, AccountId>, id: AccountId, isMember: boolean): void {
  if (isMember) index.set(byteKey(id), id);
  else index.delete(byteKey(id));
}

export class MemoryState implements State {
  readonly accounts = new MemoryAccountTable();
  readonly nodes = new MemoryTable<NodeId, NodeRecord>((node) => node.nodeId);
  readonly candidates = new MemoryTable<NodeId, CandidateRecord>((candidate) => candidate.nodeId);

  apply(changes: StateChanges): void {
    this.accounts.apply(changes.accounts);
    this.nodes.apply(changes.nodes);
    this.candidates.apply(changes.candidates);
  }

  /** Inserts rows, as when a genesis, a snapshot or a test fills the tables. */
  load(rows: {
    readonly accounts?: Iterable<AccountRecord>;
    readonly nodes?: Iterable<NodeRecord>;
    readonly candidates?: Iterable<CandidateRecord>;
  }): this {
    this.apply({
      accounts: Array.from(rows.accounts ?? [], (row) => ({ id: row.accountId, row })),
      nodes: Array.from(rows.nodes ?? [], (row) => ({ id: row.nodeId, row })),
      candidates: Array.from(rows.candidates ?? [], (row) => ({ id: row.nodeId, row })),
    });
    return this;
  }
}
