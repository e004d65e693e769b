/**
 * A copy of a running node's files: the store, then the signed log and the small files beside it. The copy is opened before
 * it takes its place. Who starts from a copy has forgotten what was signed after it: the node's quiet period is for that.
 */
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { createDirectory, syncDirectory } from "../../files/blocking.ts";
import { encode } from "../../protocol/codec/codec.ts";
import { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import { fileSize, requireFreeSpace } from "./files.ts";
import { KEY_FILE } from "./keyFile.ts";
import { TABLE_NAMES } from "./layouts.ts";
import { heightMark, Meta } from "./settled.ts";
import { copySignedLog } from "./signedLog.ts";
import { DATABASE_FILE, HEIGHT_FILE, HEIGHT_LABEL, Store, type StoreOptions } from "./store.ts";
import type { Progress } from "./tables.ts";
import { treeFilePath } from "./treeFile.ts";
import { TwoSlotFile } from "./twoSlotFile.ts";

/** Folder of the store in that of a network's node; the other files lie beside it. */
export const STORE_FOLDER = "store";

/** Progress of chains, state of the lifecycle, settings: each is whole at any time. Not the log, which is copied apart. */
const COPIED = /\.(bin|json)$/;
/** Operations under way and proofs of anchors, which the store forgets. */
const WALLET_FOLDER = "wallet";

export interface BackupOptions {
  readonly store: Store;
  /** Of the node in this network: the store is its folder {@link STORE_FOLDER}. */
  readonly directory: string;
  /** Must not exist yet. */
  readonly target: string;
  readonly onProgress: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** Drives the opening of the copy in slices. */
  readonly drive: <T>(task: Generator<Progress, T>) => Promise<T>;
}

/** Throws `store-exists` for an existing target, `target-unusable`, `disk-full`, `cancelled`, and whatever is wrong with the copy. */
export async function backUp(options: BackupOptions): Promise<void> {
  const { store, directory, target, onProgress, signal, drive } = options;
  if (existsSync(target)) throw storeError("store-exists", { file: target });
  const making = `${target}.new`;
  const storeCopy = join(making, STORE_FOLDER);
  rmSync(making, { recursive: true, force: true });
  makeTarget(storeCopy, target);
  try {
    const database = join(store.directory, DATABASE_FILE);
    const keys = join(store.directory, KEY_FILE);
    requireFreeSpace(making, fileSize(database) + fileSize(keys), store.diskReserveBytes);
    const report = (done: number, total: number): void => {
      onProgress({ step: "database", done, total });
    };
    await store.internals.db.copyTo(join(storeCopy, DATABASE_FILE), report, signal);
    // The database first: every key that the copy names is in the file by now.
    copyFileSync(keys, join(storeCopy, KEY_FILE));
    for (const table of TABLE_NAMES) {
      const tree = treeFilePath(store.directory, table);
      if (existsSync(tree)) copyFileSync(tree, treeFilePath(storeCopy, table));
    }
    writeHeight(storeCopy);
    copySignedLog(directory, making, store.networkId);
    for (const name of readdirSync(directory)) {
      if (COPIED.test(name)) copyFileSync(join(directory, name), join(making, name));
    }
    const wallet = join(making, WALLET_FOLDER);
    if (existsSync(join(directory, WALLET_FOLDER))) cpSync(join(directory, WALLET_FOLDER), wallet, { recursive: true });
    const { crypto, rules, networkId } = store;
    await checkCopy({ directory: storeCopy, crypto, rules, networkId }, drive);
    syncFiles(making);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
  renameSync(making, target);
  syncDirectory(dirname(target));
}

function makeTarget(directory: string, target: string): void {
  try {
    createDirectory(directory);
  } catch (error) {
    throw storeError("target-unusable", { file: target, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
}

/** The copy says itself how far it goes. */
function writeHeight(directory: string): void {
  const db = Database.open(join(directory, DATABASE_FILE));
  try {
    const { height, proposalHash } = new Meta(db).settled();
    const mark = encode(heightMark, { height, proposalHash });
    TwoSlotFile.create(join(directory, HEIGHT_FILE), HEIGHT_LABEL, mark).close();
  } finally {
    db.close();
  }
}

async function checkCopy(options: StoreOptions, drive: BackupOptions["drive"]): Promise<void> {
  const copy = await drive(Store.open(options));
  copy.close();
}

function syncFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) syncFiles(path);
    else if (entry.isFile()) syncFile(path);
  }
  syncDirectory(directory);
}

function syncFile(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
