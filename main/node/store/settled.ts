/** The few values that say where the store stands, written with every window. */
import type { Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, tuple, u128, u32, u64, type Infer } from "../../protocol/codec/codec.ts";
import { ProtocolError } from "../../protocol/errors.ts";
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

const META_KEYS = { network: 1, settled: 2, epoch: 3 } as const;
type MetaName = keyof typeof META_KEYS;

export class Meta {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** To be called inside a transaction. */
  write(settled: SettledRow, epoch: EpochData): void {
    this.#put("settled", encode(settledRow, settled));
    this.#put("epoch", encode(epochRow, { ...epoch, participation: Array.from(epoch.participation) }));
  }

  writeNetwork(networkId: Hash32): void {
    this.#put("network", networkId);
  }

  network(): Hash32 {
    return this.#get("network") as Hash32;
  }

  settled(): SettledRow {
    return this.#decoded("settled", (bytes) => decode(settledRow, bytes));
  }

  epoch(): EpochData {
    return this.#decoded("epoch", (bytes) => {
      const row = decode(epochRow, bytes);
      return { ...row, participation: Uint32Array.from(row.participation) };
    });
  }

  #put(name: MetaName, bytes: Uint8Array): void {
    this.#db.run("INSERT OR REPLACE INTO meta(name, row) VALUES(?, ?)", name, seal("meta", META_KEYS[name], bytes));
  }

  #get(name: MetaName): Uint8Array {
    const found = this.#db.get("SELECT row FROM meta WHERE name = ?", name);
    if (found === undefined) throw storeError("record-corrupted", { table: "meta", key: name });
    return unseal("meta", META_KEYS[name], found[0] as Uint8Array);
  }

  #decoded<T>(name: MetaName, read: (bytes: Uint8Array) => T): T {
    const bytes = this.#get(name);
    try {
      return read(bytes);
    } catch (error) {
      if (error instanceof ProtocolError) throw storeError("record-corrupted", { table: "meta", key: name });
      throw error;
    }
  }
}

export function rootsOfSettled({ accountRoot, nodeRoot, candidateRoot, stateRoot }: SettledRow): StateRoots {
  return { accountRoot, nodeRoot, candidateRoot, stateRoot };
}
