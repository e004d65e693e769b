/**
 * The store of the reference node (chapter 02 §3.9, §4.9, §5.4) as a map from file name to bytes: what to import from and
 * what to compare with, never how this program stores its state.
 */
import { decode, encode, u64, type FixedCodec } from "../codec/codec.ts";
import { Writer } from "../codec/writer.ts";
import { ProtocolError } from "../errors.ts";
import { proposalHeader, type ProposalHeader } from "../objects/consensus.ts";
import { MemoryState } from "../state/memory.ts";
import { accountRecord, candidateRecord, nodeRecord } from "../state/records.ts";
import type { State } from "../state/table.ts";

/** Files of one data directory by their path below it, with `/` between folders. */
export type DataDirectory = Map<string, Uint8Array>;

export type StoreErrorCode = "corrupted-length" | "not-found";

export const ACCOUNTS_FILE = "accounts.bin";
export const NODES_FILE = "nodes.bin";
export const CANDIDATES_FILE = "candidates.bin";
export const LAST_CEMENTED_FILE = "meta_last_cemented.bin";
const PROPOSALS_FOLDER = "proposals/";
const WINDOW_DIGITS = 20;

/** What opening does: half-written files go, except those under `meta/`. */
export function openStore(directory: DataDirectory): void {
  for (const name of [...directory.keys()]) if (/^(proposals\/)?[^/]+\.tmp$/.test(name)) directory.delete(name);
}

export function saveTables(directory: DataDirectory, state: State): void {
  directory.set(ACCOUNTS_FILE, encodeRows(accountRecord, state.accounts.rows()));
  directory.set(NODES_FILE, encodeRows(nodeRecord, state.nodes.rows()));
  directory.set(CANDIDATES_FILE, encodeRows(candidateRecord, state.candidates.rows()));
}

/**
 * The tables of the files; an absent one is empty, and of two records with one id the later counts. Throws
 * `corrupted-length`, or `non-canonical-flag` where the reference would read any byte as true.
 */
export function loadTables(directory: DataDirectory): MemoryState {
  return new MemoryState().load({
    accounts: decodeRows(accountRecord, directory, ACCOUNTS_FILE),
    nodes: decodeRows(nodeRecord, directory, NODES_FILE),
    candidates: decodeRows(candidateRecord, directory, CANDIDATES_FILE),
  });
}

export function proposalFile(window: bigint): string {
  return `${PROPOSALS_FOLDER}${String(window).padStart(WINDOW_DIGITS, "0")}.bin`;
}

export function archiveProposal(directory: DataDirectory, header: ProposalHeader): void {
  directory.set(proposalFile(header.windowIndex), proposalHeader.encode(header));
}

/** Undefined where nothing is archived for `window`. Throws `corrupted-length`. */
export function loadProposal(directory: DataDirectory, window: bigint): ProposalHeader | undefined {
  const name = proposalFile(window);
  const file = directory.get(name);
  if (file === undefined) return undefined;
  if (file.length !== proposalHeader.codec.minSize) throw corrupted(name, file);
  return proposalHeader.decode(file);
}

/** Deletes the headers below `threshold` and gives their windows, ascending. A full node never does this. */
export function pruneProposals(directory: DataDirectory, threshold: bigint): bigint[] {
  const removed = archivedProposals(directory).filter(({ window }) => window < threshold);
  for (const { name } of removed) directory.delete(name);
  return removed.map(({ window }) => window);
}

export function saveLastCemented(directory: DataDirectory, window: bigint): void {
  directory.set(LAST_CEMENTED_FILE, encode(u64, window));
}

/** Undefined before the first proposal. Throws `corrupted-length`. */
export function loadLastCemented(directory: DataDirectory): bigint | undefined {
  const file = directory.get(LAST_CEMENTED_FILE);
  if (file === undefined) return undefined;
  if (file.length !== u64.size) throw corrupted(LAST_CEMENTED_FILE, file);
  return decode(u64, file);
}

/** The window that the store is at, 0 for a fresh one. Throws `not-found` where the header of that window is missing. */
export function checkConsistency(directory: DataDirectory): bigint {
  const window = loadLastCemented(directory);
  if (window === undefined) return 0n;
  if (loadProposal(directory, window) === undefined) throw new ProtocolError<StoreErrorCode>("not-found", { window });
  return window;
}

/** Every file whose name is a number counts, however many digits it has; ascending by window. */
function archivedProposals(directory: DataDirectory): { readonly name: string; readonly window: bigint }[] {
  const archived = [...directory.keys()].flatMap((name) => {
    const digits = /^proposals\/(\d{1,20})\.bin$/.exec(name)?.[1];
    return digits === undefined ? [] : [{ name, window: BigInt(digits) }];
  });
  return archived.sort((a, b) => (a.window < b.window ? -1 : 1));
}

function encodeRows<T>(layout: FixedCodec<T>, rows: Iterable<T>): Uint8Array {
  const writer = new Writer();
  for (const row of rows) layout.write(writer, row);
  return writer.finish();
}

function decodeRows<T>(layout: FixedCodec<T>, directory: DataDirectory, name: string): T[] {
  const file = directory.get(name) ?? new Uint8Array(0);
  if (file.length % layout.size !== 0) throw corrupted(name, file);
  const rows: T[] = [];
  for (let at = 0; at < file.length; at += layout.size) rows.push(decode(layout, file.subarray(at, at + layout.size)));
  return rows;
}

function corrupted(name: string, file: Uint8Array) {
  return new ProtocolError<StoreErrorCode>("corrupted-length", { file: name, length: file.length });
}
