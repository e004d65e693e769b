/** What the own node did in a window, in one word. */
import type { Output } from "../../../main/api/contract.ts";

export type ActivityRow = NonNullable<Output<"activity">["activity"]>["windows"][number];
export type WindowStanding = "won" | "present" | "absent" | "unknown";

/** Null in the host's report is what it no longer knows, not absence. */
export function standingOf({ hasWon, isPresent }: ActivityRow): WindowStanding {
  if (hasWon) return "won";
  if (isPresent === null) return "unknown";
  return isPresent ? "present" : "absent";
}

/** Over the windows of which it is known. */
export function summaryOf(rows: readonly ActivityRow[]): { present: number; won: number; known: number } {
  const known = rows.filter((row) => standingOf(row) !== "unknown");
  return {
    present: known.filter((row) => standingOf(row) !== "absent").length,
    won: known.filter(({ hasWon }) => hasWon).length,
    known: known.length,
  };
}
