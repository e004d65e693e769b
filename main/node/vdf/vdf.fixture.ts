/** Folders, chains and their events for the tests of this room. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { ascii, type Hash32, type NodeId } from "../../protocol/bytes.ts";
import type { ChainEvent } from "./chainThread.ts";

export const { crypto } = loadCrypto();
export const hashOf = (text: string): Hash32 => crypto.sha256(ascii(text));
export const NODE_ID = hashOf("node") as NodeId;

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "montana-vdf-"));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Collects events and lets a test wait for one. */
export class Events {
  readonly all: ChainEvent[] = [];
  readonly #waiting: {
    readonly match: (event: ChainEvent) => boolean;
    readonly resolve: (event: ChainEvent) => void;
  }[] = [];

  readonly listener = (event: ChainEvent): void => {
    this.all.push(event);
    for (const { match, resolve } of this.#waiting) if (match(event)) resolve(event);
  };

  /** The first matching event from the beginning on. */
  async find(match: (event: ChainEvent) => boolean): Promise<ChainEvent> {
    const found = this.all.find(match);
    return found ?? new Promise((resolve) => this.#waiting.push({ match, resolve }));
  }

  /** The first matching event from now on. */
  next(match: (event: ChainEvent) => boolean): Promise<ChainEvent> {
    return new Promise((resolve) => this.#waiting.push({ match, resolve }));
  }

  /** The value at the end of `segment`, as soon as it is told. */
  async end(segment: bigint): Promise<Hash32> {
    const event = await this.find((e) => e.kind === "segment" && e.end.segment === segment);
    if (event.kind !== "segment") throw new Error("unreachable");
    return event.end.value;
  }

  get segments(): bigint[] {
    return this.all.flatMap((event) => (event.kind === "segment" ? [event.end.segment] : []));
  }

  get notices(): string[] {
    return this.all.flatMap((event) => (event.kind === "notice" ? [event.notice.code] : []));
  }
}
