/** What a decided window leaves besides the state: its header, T and D, the objects that decided it, and the history. */
import { concatBytes, type Hash32 } from "../../protocol/bytes.ts";
import { decode, encode, hash32, struct, u128, u64, u8, type Infer } from "../../protocol/codec/codec.ts";
import { invariant } from "../../protocol/errors.ts";
import {
  proposalBody,
  proposalHeader,
  type ProposalBody,
  type ProposalHeader,
} from "../../protocol/objects/consensus.ts";
import { seal, unseal } from "./checksum.ts";
import type { Database } from "./database.ts";
import { storeError } from "./errors.ts";

export type ObjectKind = "body" | "vote" | "bundle" | "reveal" | "operation" | "registration";
/** The place in this list is what the database holds. */
const OBJECT_KINDS: readonly ObjectKind[] = ["body", "vote", "bundle", "reveal", "operation", "registration"];

export interface ArchivedObject {
  readonly kind: ObjectKind;
  /** The identifier under which peers ask for it; a body has that of its header, a vote none. */
  readonly id: Hash32 | undefined;
  readonly bytes: Uint8Array;
}

const timeRow = struct({ timechainValue: hash32, d: u64 });
/** T of a window, and D in iterations from it to the next. */
export type WindowTime = Infer<typeof timeRow> & { readonly window: bigint };

export type HistoryKind =
  "sent" | "received" | "created" | "activated" | "key-changed" | "anchored" | "reward" | "welcome-bonus";
const HISTORY_KINDS: readonly HistoryKind[] = [
  "sent",
  "received",
  "created",
  "activated",
  "key-changed",
  "anchored",
  "reward",
  "welcome-bonus",
];

/** One line in the history of a subject. */
export interface HistoryEntry {
  /** The account whose history it is, or the application of an anchor. */
  readonly subject: Hash32;
  readonly kind: HistoryKind;
  /** Identifier of the operation; zeros for emission. */
  readonly opHash: Hash32;
  /** The other account of a transfer, the application of an anchor or, in its history, the sender; zeros for emission. */
  readonly counterparty: Hash32;
  /** nɈ. */
  readonly amount: bigint;
}

export interface HistoryLine extends HistoryEntry {
  readonly window: bigint;
  /** Where the next page begins: pass that of the last line. */
  readonly cursor: number;
}

const historyRow = struct({ kind: u8, opHash: hash32, counterparty: hash32, amount: u128 });

const PLACES_PER_WINDOW = 2 ** 20;
/** A window's number times 2^20 stays a whole number; accounts cannot count further than 2^32 either. */
export const WINDOWS_MAX = 2n ** 32n;

/** How long objects are served (chapter 07 §3.18): windows back from the newest. */
export interface Retention {
  readonly bodies: number;
  readonly consensusObjects: number;
}

/** Column of the place, and the columns that the checksum covers besides. */
const VERIFIED = { headers: ["window", "hash"], times: ["window", "NULL"], objects: ["seq", "type, id"] } as const;

export interface HistoryPlace {
  readonly subject: Uint8Array;
  readonly seq: number;
}

export class Archive {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** To be called inside the transaction of the window. */
  write(
    header: ProposalHeader,
    proposalHash: Hash32,
    d: bigint,
    objects: readonly ArchivedObject[],
    history: readonly HistoryEntry[],
  ): void {
    const window = windowNumber(header.windowIndex);
    this.writeHeader(header, proposalHash);
    this.writeTime({ window: header.windowIndex, timechainValue: header.timechainValue, d });
    invariant(objects.length < PLACES_PER_WINDOW && history.length < PLACES_PER_WINDOW, "a window has fewer objects");
    for (const [i, { kind, id, bytes }] of objects.entries()) {
      const type = OBJECT_KINDS.indexOf(kind);
      const seq = window * PLACES_PER_WINDOW + i;
      const row = id !== undefined && this.#holds(type, id) ? null : seal("objects", seq, bytes, objectKey(type, id));
      this.#db.run("INSERT INTO objects(seq, type, id, row) VALUES(?, ?, ?, ?)", seq, type, id ?? null, row);
    }
    for (const [i, entry] of history.entries()) {
      const seq = window * PLACES_PER_WINDOW + i;
      const content = encode(historyRow, { ...entry, kind: HISTORY_KINDS.indexOf(entry.kind) });
      const row = seal("history", seq, content, entry.subject);
      this.#db.run("INSERT INTO history(subject, seq, row) VALUES(?, ?, ?)", entry.subject, seq, row);
    }
  }

  /** Also what an imported archive consists of: headers whose D nobody knows. */
  writeHeader(header: ProposalHeader, proposalHash: Hash32): void {
    const window = windowNumber(header.windowIndex);
    const row = seal("headers", window, proposalHeader.encode(header), proposalHash);
    this.#db.run("INSERT INTO headers(window, hash, row) VALUES(?, ?, ?)", window, proposalHash, row);
  }

  writeTime({ window, timechainValue, d }: WindowTime): void {
    const number = windowNumber(window);
    const row = seal("times", number, encode(timeRow, { timechainValue, d }));
    this.#db.run("INSERT INTO times(window, row) VALUES(?, ?)", number, row);
  }

  /** The only object that a snapshot brings of the windows before it. */
  writeBody(window: bigint, proposalHash: Hash32, bytes: Uint8Array): void {
    const type = OBJECT_KINDS.indexOf("body");
    const seq = windowNumber(window) * PLACES_PER_WINDOW;
    const row = seal("objects", seq, bytes, objectKey(type, proposalHash));
    this.#db.run("INSERT INTO objects(seq, type, id, row) VALUES(?, ?, ?, ?)", seq, type, proposalHash, row);
  }

  /** Forgets what need not be served any more, of the windows that `window` has made too old. */
  prune(window: bigint, { bodies, consensusObjects }: Retention): void {
    const number = windowNumber(window);
    const sql = "DELETE FROM objects WHERE seq >= ? AND seq < ? AND type IN (?, ?, ?)";
    const drop = (old: number, ...kinds: [ObjectKind, ObjectKind, ObjectKind]): void => {
      if (old < 0) return;
      const types = kinds.map((kind) => OBJECT_KINDS.indexOf(kind));
      this.#db.run(sql, old * PLACES_PER_WINDOW, (old + 1) * PLACES_PER_WINDOW, ...types);
    };
    drop(number - bodies, "body", "body", "body");
    drop(number - consensusObjects, "vote", "bundle", "reveal");
  }

  header(window: bigint): ProposalHeader | undefined {
    const number = windowNumber(window);
    const found = this.#db.get("SELECT hash, row FROM headers WHERE window = ?", number);
    return found === undefined ? undefined : decodeHeader(number, found[0] as Uint8Array, found[1] as Uint8Array);
  }

  headerByHash(proposalHash: Hash32): ProposalHeader | undefined {
    const found = this.#db.get("SELECT window, row FROM headers WHERE hash = ?", proposalHash);
    return found === undefined ? undefined : decodeHeader(found[0] as number, proposalHash, found[1] as Uint8Array);
  }

  /** Canonical bytes of the headers of `first` to `first` + `count` − 1, as far as they are there; ascending. */
  headerBytes(first: bigint, count: number): Uint8Array[] {
    const number = windowNumber(first);
    const sql = "SELECT window, hash, row FROM headers WHERE window >= ? AND window < ? ORDER BY window";
    return this.#db
      .all(sql, number, number + count)
      .map(([window, hash, row]) => unseal("headers", window as number, row as Uint8Array, hash as Uint8Array));
  }

  /** T and D of `first` to `last`, as far as they are there; ascending. */
  times(first: bigint, last: bigint): WindowTime[] {
    const sql = "SELECT window, row FROM times WHERE window >= ? AND window <= ? ORDER BY window";
    return this.#db.all(sql, windowNumber(first), windowNumber(last)).map(([window, row]) => ({
      window: BigInt(window as number),
      ...decode(timeRow, unseal("times", window as number, row as Uint8Array)),
    }));
  }

  /** The kept objects of a window from the `first`th on, in the order in which a peer is served (chapter 07 §3.18). */
  objects(window: bigint, first: number, count: number): ArchivedObject[] {
    const start = windowNumber(window) * PLACES_PER_WINDOW;
    const sql = "SELECT seq, type, id, row FROM objects WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ? OFFSET ?";
    return this.#db.all(sql, start, start + PLACES_PER_WINDOW, count, first).flatMap(([seq, type, id, row]) => {
      if (row === null) return this.#stored(type as number, id as Hash32) ?? [];
      return [toObject(seq as number, type as number, id as Hash32 | null, row as Uint8Array)];
    });
  }

  /** Places that {@link objects} counts in a window. */
  objectCount(window: bigint): number {
    const start = windowNumber(window) * PLACES_PER_WINDOW;
    const sql = "SELECT COUNT(*) FROM objects WHERE seq >= ? AND seq < ?";
    return this.#db.get(sql, start, start + PLACES_PER_WINDOW)![0] as number;
  }

  /** Undefined where it is not kept any more. */
  body(window: bigint): ProposalBody | undefined {
    const start = windowNumber(window) * PLACES_PER_WINDOW;
    const sql = "SELECT seq, id, row FROM objects WHERE seq >= ? AND seq < ? AND type = ? LIMIT 1";
    const type = OBJECT_KINDS.indexOf("body");
    const found = this.#db.get(sql, start, start + PLACES_PER_WINDOW, type);
    if (found === undefined) return undefined;
    const { bytes } = toObject(found[0] as number, type, found[1] as Hash32, found[2] as Uint8Array);
    return decode(proposalBody, bytes);
  }

  /** The object with this identifier; of one proposal hash that is the body. */
  object(id: Hash32): ArchivedObject | undefined {
    const found = this.#db.get("SELECT seq, type, row FROM objects WHERE id = ? AND row IS NOT NULL LIMIT 1", id);
    return found === undefined
      ? undefined
      : toObject(found[0] as number, found[1] as number, id, found[2] as Uint8Array);
  }

  /** At most `count` lines of a subject, newest first, from before `cursor` on. */
  history(subject: Hash32, count: number, cursor = Number.MAX_SAFE_INTEGER): HistoryLine[] {
    const sql = "SELECT seq, row FROM history WHERE subject = ? AND seq < ? ORDER BY seq DESC LIMIT ?";
    return this.#db
      .all(sql, subject, cursor, count)
      .map(([seq, row]) => toLine(subject, seq as number, row as Uint8Array));
  }

  /**
   * Reads `count` records after the place `after` and throws for the first that is not intact. Gives where to go on,
   * undefined at the end.
   */
  verify(table: "headers" | "times" | "objects", after: number, count: number): number | undefined {
    const [key, bound] = VERIFIED[table];
    const sql = `SELECT ${key}, row, ${bound} FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`;
    const rows = this.#db.all(sql, after, count);
    for (const [place, row, first, second] of rows) {
      if (row === null) continue;
      if (table === "headers") decodeHeader(place as number, first as Uint8Array, row as Uint8Array);
      else if (table === "objects")
        toObject(place as number, first as number, second as Hash32 | null, row as Uint8Array);
      else unseal("times", place as number, row as Uint8Array);
    }
    return rows.length < count ? undefined : (rows.at(-1)![0] as number);
  }

  /** As {@link verify} for the history. */
  verifyHistory(after: HistoryPlace, count: number): HistoryPlace | undefined {
    const sql = "SELECT subject, seq, row FROM history WHERE (subject, seq) > (?, ?) ORDER BY subject, seq LIMIT ?";
    const rows = this.#db.all(sql, after.subject, after.seq, count);
    for (const [subject, seq, row] of rows) toLine(subject as Hash32, seq as number, row as Uint8Array);
    const last = rows.at(-1);
    return rows.length < count ? undefined : { subject: last![0] as Uint8Array, seq: last![1] as number };
  }

  #holds(type: number, id: Hash32): boolean {
    const sql = "SELECT 1 FROM objects WHERE id = ? AND type = ? AND row IS NOT NULL";
    return this.#db.get(sql, id, type) !== undefined;
  }

  #stored(type: number, id: Hash32): ArchivedObject | undefined {
    const found = this.#db.get("SELECT seq, row FROM objects WHERE id = ? AND type = ? AND row IS NOT NULL", id, type);
    return found === undefined ? undefined : toObject(found[0] as number, type, id, found[1] as Uint8Array);
  }
}

function decodeHeader(window: number, hash: Uint8Array, row: Uint8Array): ProposalHeader {
  const header = proposalHeader.decode(unseal("headers", window, row, hash));
  if (header.windowIndex !== BigInt(window)) throw storeError("record-corrupted", { table: "headers", key: window });
  return header;
}

function toObject(seq: number, type: number, id: Hash32 | null, row: Uint8Array): ArchivedObject {
  return {
    kind: OBJECT_KINDS[type]!,
    id: id ?? undefined,
    bytes: unseal("objects", seq, row, objectKey(type, id ?? undefined)),
  };
}

function toLine(subject: Hash32, seq: number, row: Uint8Array): HistoryLine {
  const { kind, ...rest } = decode(historyRow, unseal("history", seq, row, subject));
  const window = BigInt(Math.floor(seq / PLACES_PER_WINDOW));
  return { subject, window, cursor: seq, kind: HISTORY_KINDS[kind]!, ...rest };
}

function windowNumber(window: bigint): number {
  if (window < 0n || window >= WINDOWS_MAX) throw storeError("wrong-window", { window });
  return Number(window);
}

function objectKey(type: number, id: Uint8Array | undefined): Uint8Array {
  return id === undefined ? Uint8Array.of(type) : concatBytes(Uint8Array.of(type), id);
}
