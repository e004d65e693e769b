/** What survives a crash of a simulated node: everything that was written with fsync, and nothing else. */
import type { Hash32 } from "../../main/protocol/bytes.ts";
import type { MemoryState } from "../../main/protocol/state/memory.ts";
import type { WindowResult } from "../../main/protocol/transition/applyWindow.ts";
import type { Started } from "../../main/consensus/events.ts";
import type { WindowView } from "../../main/consensus/facts.ts";
import type { DecidedWindow, LoggedObject, PastWindow } from "../../main/consensus/material.ts";
import type { Ledger, Version } from "./ledger.ts";

const PAST_WINDOWS = 3;
/** As the node's signed log keeps them. */
const WINDOWS_KEPT = 1n;
const BUNDLE_WINDOWS_KEPT = 13n;

export class Disk {
  /** All decided windows: what a server of catch-up offers. */
  readonly archive: DecidedWindow[] = [];
  log: LoggedObject[] = [];
  times = new Map<bigint, Hash32>();
  /** Of the signed log: windows below it are decided, and nothing is signed for them any more. */
  floor = 0n;
  readonly #ledger: Ledger;
  /** After the genesis and after each decided window. */
  readonly #versions: Version[];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#versions = [ledger.genesis];
  }

  get version(): Version {
    return this.#versions.at(-1)!;
  }

  get state(): MemoryState {
    return this.version.settled.state;
  }

  get view(): WindowView {
    return this.version.view;
  }

  /** What `window`, which is decided or open, was opened over. */
  viewAt(window: bigint): WindowView {
    return this.#versions[Number(window)]!.view;
  }

  get past(): PastWindow[] {
    const first = Math.max(0, this.archive.length - PAST_WINDOWS);
    return this.archive.slice(first).map(({ header, body, bundles }, i) => ({
      view: this.#versions[first + i]!.view,
      header,
      body,
      bundles: bundles.filter((each) => each.windowIndex === header.windowIndex),
    }));
  }

  /** One atomic step: tables, header, body, certificate, epoch data, and what the log no longer needs. */
  commit(decided: DecidedWindow): WindowResult {
    const window = decided.header.windowIndex;
    const { version, result } = this.#ledger.commit(this.version, decided);
    this.#versions.push(version);
    this.archive.push(decided);
    if (window + 1n > this.floor) this.floor = window + 1n;
    this.log = this.log.filter(({ signed: { type, object } }) => {
      return object.windowIndex + (type === "bundle" ? BUNDLE_WINDOWS_KEPT : WINDOWS_KEPT) >= this.floor;
    });
    for (const known of this.times.keys()) if (known <= window) this.times.delete(known);
    return result;
  }

  /** An old backup of the store takes its place; the log stays. */
  restoreStore(windows: number): void {
    this.archive.length -= windows;
    this.#versions.length -= windows;
  }

  /** What a starting machine is told. */
  started(): Started {
    const { view, past, log } = this;
    const times = Array.from(this.times, ([window, value]) => ({ window, value })).filter(
      ({ window }) => window >= view.window,
    );
    return { kind: "started", view, past, log: [...log], times };
  }
}
