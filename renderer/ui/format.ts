/** Numbers, times and amounts as people read them, in their language. */

import { TIME_UNITS } from "../../main/api/sentences/amount.ts";

export { formatAmount, formatDuration } from "../../main/api/sentences/amount.ts";

/** "3 minutes ago". */
export function formatAge(atMs: number, nowMs: number, language: string): string {
  const passed = Math.max(0, nowMs - atMs) / 1000;
  const [unit, seconds] = TIME_UNITS.find(([, each]) => passed >= each) ?? TIME_UNITS.at(-1)!;
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-Math.floor(passed / seconds), unit);
}

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const BYTE_STEP = 1000;

function scaled(bytes: number): { value: number; unit: (typeof BYTE_UNITS)[number] } {
  let value = bytes;
  let step = 0;
  while (value >= BYTE_STEP && step < BYTE_UNITS.length - 1) {
    value /= BYTE_STEP;
    step += 1;
  }
  return { value, unit: BYTE_UNITS[step]! };
}

export function formatBytes(bytes: number, language: string): string {
  const { value, unit } = scaled(bytes);
  const digits = unit === "byte" || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: digits }).format(value);
}

/** Of bytes per second. */
export function formatRate(bytes: number, language: string): string {
  const { value, unit } = scaled(bytes);
  const digits = unit === "byte" || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: `${unit}-per-second`,
    maximumFractionDigits: digits,
  }).format(value);
}

export const formatNumber = (value: number, language: string, digits = 0): string =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

export const formatTime = (atMs: number, language: string): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(atMs);
