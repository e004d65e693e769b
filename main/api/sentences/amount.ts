/** Amounts, numbers and spans of time as people read them, in their language; what is to be read back by a program is main/wallet/amounts.ts. */

const NANO_DIGITS = 9;

/** Decimal nɈ as Ɉ with all digits that are not zero at the end; `sign` also shows a plus. */
export function formatAmount(nano: string, language: string, sign = false): string {
  const isNegative = nano.startsWith("-");
  const digits = (isNegative ? nano.slice(1) : nano).padStart(NANO_DIGITS + 1, "0");
  const whole = new Intl.NumberFormat(language).format(BigInt(digits.slice(0, -NANO_DIGITS)));
  const part = digits.slice(-NANO_DIGITS).replace(/0+$/, "");
  const point = new Intl.NumberFormat(language).formatToParts(1.5).find(({ type }) => type === "decimal")?.value ?? ".";
  return `${isNegative ? "−" : sign ? "+" : ""}${whole}${part === "" ? "" : point + part}`;
}

/** With its unit, which no line break parts from it. */
export const formatCoins = (nano: string, language: string): string => `${formatAmount(nano, language)}\u00a0Ɉ`;

/** A decimal of a program. */
export const formatNumber = (decimal: string, language: string): string =>
  new Intl.NumberFormat(language, { useGrouping: "min2" }).format(decimal as Intl.StringNumericLiteral);

/** With their seconds, largest first. */
export const TIME_UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;
const UNITS_SHOWN = 2;

/** "3 days 4 hours", the two largest units; `isShort`: "3 min 4 sec". */
export function formatDuration(seconds: number, language: string, isShort = false): string {
  const unitDisplay = isShort ? "short" : "long";
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, unitSeconds] of TIME_UNITS) {
    const value = Math.floor(rest / unitSeconds);
    rest -= value * unitSeconds;
    if (value > 0 || (unit === "second" && parts.length === 0)) {
      parts.push(new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay }).format(value));
    }
  }
  return parts.slice(0, UNITS_SHOWN).join(" ");
}
