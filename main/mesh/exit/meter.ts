/** How much a city has carried this month (UTC), kept over restarts of engine and program. */
import { join } from "node:path";

import { count, nullable, oneOf, record, text, type Shape } from "../../cities/shape.ts";
import { readSealed, removeSealed, writeSealed } from "../../files/sealedFile.ts";

const BYTES_MAX = 4096;

const readFigures = record({
  version: oneOf(1),
  /** `YYYY-MM`. */
  month: text(7, /^\d{4}-\d{2}$/),
  bytesUp: count,
  bytesDown: count,
  decoy: record({
    state: oneOf("unknown", "ok", "failing", "unfit"),
    sinceUnix: nullable(count),
    lastOkUnix: nullable(count),
    failures: count,
    reason: nullable(text(64)),
  }),
});
/** What is remembered besides the record; losing it loses a count. */
export type Figures = Shape<typeof readFigures>;

const UNKNOWN_DECOY: Figures["decoy"] = {
  state: "unknown",
  sinceUnix: null,
  lastOkUnix: null,
  failures: 0,
  reason: null,
};

export const monthOf = (nowUnix: number): string => new Date(nowUnix * 1000).toISOString().slice(0, 7);

export const freshFigures = (nowUnix: number): Figures => ({
  ...{ version: 1, month: monthOf(nowUnix), bytesUp: 0, bytesDown: 0 },
  decoy: UNKNOWN_DECOY,
});

const pathOf = (directory: string): string => join(directory, "exit-figures.json");

export interface FoundFigures {
  readonly figures: Figures;
  /** The file was there and could not be read: the month is counted from 0. */
  readonly isLost: boolean;
}

export function readFiguresOf(directory: string, nowUnix: number): FoundFigures {
  const found = readSealed(pathOf(directory), BYTES_MAX, readFigures);
  if (found.kind === "value") return { figures: found.value, isLost: false };
  return { figures: freshFigures(nowUnix), isLost: found.kind === "corrupt" };
}

export const writeFigures = (directory: string, figures: Figures): void => writeSealed(pathOf(directory), figures);
export const removeFigures = (directory: string): void => removeSealed(pathOf(directory));

/** Adds bytes; in a new month the count begins anew. */
export function metered(figures: Figures, nowUnix: number, up: number, down: number): Figures {
  const month = monthOf(nowUnix);
  const [bytesUp, bytesDown] = month === figures.month ? [figures.bytesUp, figures.bytesDown] : [0, 0];
  return { ...figures, month, bytesUp: bytesUp + up, bytesDown: bytesDown + down };
}

/** A site that fails so often in a row is no decoy any more. */
const FAILURES_UNTIL_UNFIT = 3;

/** After one more look at the decoy; `reason` is null when it passed. */
export function decoySeen(before: Figures["decoy"], reason: string | null, nowUnix: number): Figures["decoy"] {
  const failures = reason === null ? 0 : before.failures + 1;
  const state = failures === 0 ? "ok" : failures >= FAILURES_UNTIL_UNFIT ? "unfit" : "failing";
  return {
    state,
    sinceUnix: state === before.state ? before.sinceUnix : nowUnix,
    lastOkUnix: reason === null ? nowUnix : before.lastOkUnix,
    failures,
    reason,
  };
}
