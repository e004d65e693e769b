/** The figures of a run, and what in them is too much. */
import { growthOf, type Growth } from "./growth.ts";
import type { SoakRecord, Taken } from "./soak.ts";

/** A process that was just started still fills its caches. */
const WARM_UP_SECONDS = 30;
/** Peers come and go. */
const FILES_GROWTH_MAX = 6;
/** Of an exit that the traffic moved to for the rest of a short run. */
const SHORT_FILES_GROWTH_MAX = 24;
/** MiB, or a part of what there was. */
const MEMORY_GROWTH_MAX = 24;
const MEMORY_PART_MAX = 0.15;
/** In a short run every process still finds its size: there only what grows by leaps is seen. */
const SHORT_RUN_SECONDS = 600;
const SHORT_MEMORY_PART_MAX = 0.5;

const MEASURES = {
  files: ({ files }: Taken) => files,
  "RSS MiB": ({ rssMib }: Taken) => rssMib,
  "heap MiB": ({ heapMib }: Taken) => heapMib,
} as const;
type Measure = keyof typeof MEASURES;

interface Row {
  readonly role: string;
  readonly starts: number;
  readonly ports: number;
  readonly growths: ReadonlyMap<Measure, Growth>;
}

/** A line for each role, and what grows. */
export function reportOf({ samples, seconds }: SoakRecord): { readonly lines: string[]; readonly wrong: string[] } {
  // What a command or the network's own work starts for a moment has no figures.
  const byRole = Object.entries(Object.groupBy(samples, ({ role }) => role)).filter(
    ([role, taken = []]) => !role.startsWith("?") && taken.some(({ ageSeconds }) => ageSeconds >= WARM_UP_SECONDS),
  );
  const rows = byRole
    .map(([role, taken = []]) => rowOf(role, taken, seconds))
    .sort((a, b) => (a.role < b.role ? -1 : 1));
  const wrong = rows.flatMap(({ role, growths }) =>
    [...growths].flatMap(([measure, { thirds, growth }]) =>
      growth !== null && growth > growthMax(measure, thirds[1]!, seconds)
        ? [`${role} grows: ${measure} ${thirds.map(show).join(", ")} in the thirds of the run`]
        : [],
    ),
  );
  const head = ["process", "starts", "ports", ...Object.keys(MEASURES)];
  const cells = rows.map(({ role, starts, ports, growths }) => [
    role,
    String(starts),
    String(ports),
    ...[...growths.values()].map(({ thirds }) =>
      thirds.every((third) => third === null) ? "" : thirds.map(show).join(" → "),
    ),
  ]);
  return { lines: table([head, ...cells]), wrong };
}

function rowOf(role: string, taken: readonly Taken[], span: number): Row {
  const warm = taken.filter(({ ageSeconds }) => ageSeconds >= WARM_UP_SECONDS);
  const growths = Object.entries(MEASURES).map(([measure, of]) => {
    const values = warm.flatMap((one) => {
      const value = of(one);
      return value === null ? [] : [{ seconds: one.seconds, value }];
    });
    return [measure as Measure, growthOf(values, span)] as const;
  });
  const starts = new Set(taken.map(({ pid }) => pid)).size;
  return { role, starts, ports: warm.at(-1)?.ports ?? 0, growths: new Map(growths) };
}

function growthMax(measure: Measure, before: number, seconds: number): number {
  const isShort = seconds < SHORT_RUN_SECONDS;
  if (measure === "files") return isShort ? SHORT_FILES_GROWTH_MAX : FILES_GROWTH_MAX;
  return Math.max(MEMORY_GROWTH_MAX, before * (isShort ? SHORT_MEMORY_PART_MAX : MEMORY_PART_MAX));
}

const show = (value: number | null): string => (value === null ? "-" : String(Math.round(value)));

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
