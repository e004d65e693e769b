/** The Account Table, with the three answers that would need a scan of all accounts at a τ₂ boundary. */
import type { AccountId } from "../../protocol/bytes.ts";
import type { AccountRecord } from "../../protocol/state/records.ts";
import type { AccountTable } from "../../protocol/state/table.ts";
import { Bitset } from "./bitset.ts";
import type { KeyFile } from "./keyFile.ts";
import { accountLayout } from "./layouts.ts";
import { StoredTable, type TablePlan } from "./storedTable.ts";

// Offsets in the hot part (layouts.ts): read directly, because a start reads every account.
const BALANCE = 32;
const CHAIN_LENGTH = 87;
const SNAPSHOT = 91;
const LAST_OP_WINDOW = 99;

export class StoredAccountTable extends StoredTable<AccountId, AccountRecord> implements AccountTable {
  /** Slots of accounts whose snapshot differs from their chain length. */
  readonly #stale = new Bitset();
  /** Slots of accounts with balance 0. */
  readonly #empty = new Bitset();
  #totalBalance = 0n;

  constructor(keys: KeyFile) {
    super(accountLayout, keys);
  }

  get totalBalance(): bigint {
    return this.#totalBalance;
  }

  *staleSnapshots(): Iterable<AccountId> {
    for (const slot of this.#stale.members()) yield idOf(this.packed.row(slot));
  }

  *emptySince(window: bigint): Iterable<AccountId> {
    for (const slot of this.#empty.members()) {
      const row = this.packed.row(slot);
      if (BigInt(viewOf(row).getUint32(LAST_OP_WINDOW, true)) <= window) yield idOf(row);
    }
  }

  override apply(plan: TablePlan): void {
    super.apply(plan);
    for (const { slot, before, after } of plan.changes) {
      if (before !== undefined) this.#totalBalance -= balanceOf(viewOf(before));
      this.#mark(slot, after);
    }
  }

  override finishLoading(): void {
    super.finishLoading();
    for (const slot of this.packed.slots()) this.#mark(slot, this.packed.row(slot));
  }

  #mark(slot: number, row: Uint8Array | undefined): void {
    if (row === undefined) {
      this.#stale.set(slot, false);
      this.#empty.set(slot, false);
      return;
    }
    const view = viewOf(row);
    const balance = balanceOf(view);
    this.#totalBalance += balance;
    this.#stale.set(slot, view.getUint32(CHAIN_LENGTH, true) !== view.getUint32(SNAPSHOT, true));
    this.#empty.set(slot, balance === 0n);
  }
}

function viewOf(row: Uint8Array): DataView {
  return new DataView(row.buffer, row.byteOffset, row.byteLength);
}

function balanceOf(view: DataView): bigint {
  return view.getBigUint64(BALANCE, true) | (view.getBigUint64(BALANCE + 8, true) << 64n);
}

function idOf(row: Uint8Array): AccountId {
  return row.slice(0, 32) as AccountId;
}
