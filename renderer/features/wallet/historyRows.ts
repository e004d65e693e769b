/** Entries of the history as rows: what each is called, which way its money went, and what can still be done about it. */
import type { HistoryEntry } from "../../../main/api/contract.ts";

export type HistoryTitle =
  "received" | "sent" | "moved" | "created" | "activated" | "changedKey" | "anchored" | "reward" | "bonus";

/** `waiting`: it may still happen. `done`: settled. `ended`: it ended without an effect. `stuck`: the person must decide. */
export type HistoryStanding = "waiting" | "done" | "ended" | "stuck";

export interface HistoryRow {
  readonly id: string;
  readonly title: HistoryTitle;
  /** nɈ with its sign; null for what moves nothing, without a sign for what stays with this person. */
  readonly amount: string | null;
  readonly direction: HistoryEntry["direction"];
  readonly state: HistoryEntry["state"];
  readonly standing: HistoryStanding;
  /** Why it ended; a code. Null where its state says it all. */
  readonly reason: string | null;
  readonly window: number | null;
  /** An account; null where there is none, or it is an application's. */
  readonly counterparty: string | null;
  readonly canCancel: boolean;
  readonly canSendAgain: boolean;
}

const STANDINGS: Readonly<Record<HistoryEntry["state"], HistoryStanding>> = {
  ...{ queued: "waiting", signed: "waiting", cementing: "waiting", confirmed: "waiting", settled: "done" },
  ...{ skipped: "ended", rejected: "ended", cancelled: "ended", expired: "stuck" },
};

/** Keys of the wallet's texts. */
export const STATE_TEXTS = {
  queued: "stateQueued",
  signed: "stateSigned",
  cementing: "stateCementing",
  confirmed: "stateConfirmed",
  settled: "stateSettled",
  skipped: "stateSkipped",
  rejected: "stateRejected",
  cancelled: "stateCancelled",
  expired: "stateExpired",
} as const satisfies Record<HistoryEntry["state"], string>;

export function historyRow(entry: HistoryEntry): HistoryRow {
  const { id, kind, direction, state, reason, window, counterparty, amount } = entry;
  const standing = STANDINGS[state];
  // A confirmed one settles with the next window or not at all; an anchor may be a cancellation, which cannot be cancelled.
  const isRevocable = (standing === "waiting" && state !== "confirmed") || standing === "stuck";
  return {
    ...{ id, title: titleOf(entry), direction, state, standing, window },
    amount: amount === null ? null : direction === "out" ? `-${amount}` : amount,
    reason: reason === state ? null : reason,
    counterparty: kind === "anchor" ? null : counterparty,
    canCancel: direction !== "in" && kind !== "anchor" && isRevocable,
    canSendAgain: direction !== "in" && state === "expired",
  };
}

function titleOf({ kind, direction }: HistoryEntry): HistoryTitle {
  switch (kind) {
    case "transfer":
      return direction === "self" ? "moved" : direction === "in" ? "received" : "sent";
    case "create":
      return direction === "in" ? "activated" : direction === "self" ? "moved" : "created";
    case "change-key":
      return "changedKey";
    case "anchor":
      return "anchored";
    case "emission":
      return "reward";
    case "bonus":
      return "bonus";
  }
}

export const HISTORY_FILTERS = ["all", "payments", "rewards", "open"] as const;
export type HistoryFilter = (typeof HISTORY_FILTERS)[number];

export function passes({ title, standing }: HistoryRow, filter: HistoryFilter): boolean {
  const isReward = title === "reward" || title === "bonus";
  switch (filter) {
    case "all":
      return true;
    case "payments":
      return !isReward;
    case "rewards":
      return isReward;
    case "open":
      return standing === "waiting" || standing === "stuck";
  }
}

/**
 * The pages that were fetched, first to last, as one list, with the newest word on each entry: `changed` is what the host told
 * since, newest first. What came new stands at the head of the first page as soon as that is fetched again.
 */
export function mergeHistory(
  pages: readonly (readonly HistoryEntry[])[],
  changed: readonly HistoryEntry[],
): readonly HistoryEntry[] {
  const newest = new Map(changed.map((entry) => [entry.id, entry]));
  const seen = new Set<string>();
  return pages.flat().flatMap((entry) => {
    if (seen.has(entry.id)) return [];
    seen.add(entry.id);
    return [newest.get(entry.id) ?? entry];
  });
}
