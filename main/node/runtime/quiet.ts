/**
 * The quiet period. The same node key at work on two machines would sign twice, so a node whose key may be at work elsewhere
 * signs nothing at first and watches; one that sees its own signature from elsewhere stays silent, and says why.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { removeOwnerFile, writeOwnerFile } from "../../keystore/ownerFiles.ts";

/** Why it began. */
export type QuietReason =
  /** Restored from words, imported, or copied from another directory or machine. */
  | "restored-or-copied"
  /** The log of what was signed is gone, while the store is there. */
  | "signed-log-missing"
  /** The key was seen at work elsewhere before the last stop. */
  | "seen-elsewhere";

/** A node that signs elsewhere shows itself in each window; some may be lost. */
export const QUIET_WINDOWS = 10n;
/** What this key signed before a restart is still repeated by others so many windows later. */
const ECHO_WINDOWS = 2n;
const MARKER_FILE = "signing-elsewhere.json";

/** Remembered over restarts: the other one may be off for a moment only. */
export async function markSeenElsewhere(folder: string, window: bigint): Promise<void> {
  const text = `${JSON.stringify({ window: Number(window) })}\n`;
  await writeOwnerFile(join(folder, MARKER_FILE), new TextEncoder().encode(text));
}

export const wasSeenElsewhere = (folder: string): boolean => existsSync(join(folder, MARKER_FILE));

export async function forgetSeenElsewhere(folder: string): Promise<void> {
  if (wasSeenElsewhere(folder)) await removeOwnerFile(join(folder, MARKER_FILE));
}

/** One watch: over windows that close in step with the network, since of others nobody's objects are looked at. */
export class QuietPeriod {
  readonly reason: QuietReason;
  #first: bigint | undefined;
  #watched = 0n;
  #isSeen = false;

  constructor(reason: QuietReason) {
    this.reason = reason;
  }

  /** A window closed. True once nothing was seen for long enough. */
  closed(window: bigint, isLive: boolean): boolean {
    if (!isLive) return false;
    if (this.#first === undefined) this.#first = window;
    else this.#watched++;
    return !this.#isSeen && this.#watched >= QUIET_WINDOWS;
  }

  /** An object of the own key that this node did not sign. True where it cannot be an echo of what it signed before. */
  seen(window: bigint): boolean {
    if (this.#first === undefined || window <= this.#first + ECHO_WINDOWS) return false;
    this.#isSeen = true;
    return true;
  }
}
