/** The few values that say where the store stands, written with every window. */
import type { Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, tuple, u128, u32, u64, type Infer } from "../../protocol/codec/codec.ts";
import type { StateRoots } from "../../protocol/state/roots.ts";
import { PARTICIPATION_FULL_PERMILLE } from "../../protocol/timechain/difficulty.ts";
import type { EpochData } from "../../protocol/transition/adaptEpoch.ts";
import { seal, unseal } from "./checksum.ts";
import type { Database } from "./database.ts";
import { storeError } from "./errors.ts";

const settledRow = struct({
  /** Next window to decide. */
  height: u64,
  /** Of the header of the window before; zeros at height 0. */
  proposalHash: hash32,
  accountRoot: hash32,
  nodeRoot: hash32,
  candidateRoot: hash32,
  stateRoot: hash32,
  accounts: u32,
  nodes: u32,
  candidates: u32,
  /** Slots of the key file that records may name. */
  keys: u32,
});
export type SettledRow = Infer<typeof settledRow>;

const epochRow = struct({
  d: u64,
  target: u128,
  revealTotal: u64,
  participation: tuple(u32, PARTICIPATION_FULL_PERMILLE + 1),
});

/** What the height file says after a commit: it is how a lost tail of the database is noticed. */
export const heightMark = struct({ height: u64, proposalHash: hash32 });

const META_KEYS = { network: 1, settled: 2 } as const;
/** A starting machine looks back three windows (chapter 03 §6.2). */
const EPOCHS_KEPT = 8;
type MetaName = keyof typeof META_KEYS;

export class Meta {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** To be called inside a transaction. */
  write(settled: SettledRow, epoch: EpochData): void {
    this.#put("settled", encode(settledRow, settled));
    this.writeEpochBefore(settled.height, epoch);
    this.#db.run("DELETE FROM epochs WHERE window <= ?", Number(settled.height) - EPOCHS_KEPT);
  }

  /** Of a window before: to be called inside a transaction, after {@link write}. */
  writeEpochBefore(window: bigint, epoch: EpochData): void {
    const key = Number(window);
    const row = encode(epochRow, { ...epoch, participation: Array.from(epoch.participation) });
    this.#db.run("INSERT OR REPLACE INTO epochs(window, row) VALUES(?, ?)", key, seal("epochs", key, row));
  }

  writeNetwork(networkId: Hash32): void {
    this.#put("network", networkId);
  }

  network(): Hash32 {
    return this.#get("network") as Hash32;
  }

  settled(): SettledRow {
    return decode(settledRow, this.#get("settled"));
  }

  /** As the proposal before `window` left it. Throws `record-corrupted`, also where it is not kept any more. */
  epochBefore(window: bigint): EpochData {
    const key = Number(window);
    const found = this.#db.get("SELECT row FROM epochs WHERE window = ?", key);
    if (found === undefined) throw storeError("record-corrupted", { table: "epochs", key });
    const row = decode(epochRow, unseal("epochs", key, found[0] as Uint8Array));
    return { ...row, participation: Uint32Array.from(row.participation) };
  }

  #put(name: MetaName, bytes: Uint8Array): void {
    this.#db.run("INSERT OR REPLACE INTO meta(name, row) VALUES(?, ?)", name, seal("meta", META_KEYS[name], bytes));
  }

  #get(name: MetaName): Uint8Array {
    const found = this.#db.get("SELECT row FROM meta WHERE name = ?", name);
    if (found === undefined) throw storeError("record-corrupted", { table: "meta", key: name });
    return unseal("meta", META_KEYS[name], found[0] as Uint8Array);
  }
}

export function rootsOfSettled({ accountRoot, nodeRoot, candidateRoot, stateRoot }: SettledRow): StateRoots {
  return { accountRoot, nodeRoot, candidateRoot, stateRoot };
}
