/** Amounts as people write and read them: Ɉ with up to nine decimals. Everywhere else they are whole nɈ. */
import { U128_MAX } from "../protocol/codec/codec.ts";
import { walletError } from "./errors.ts";

const DECIMALS = 9;
export const MONETA_PER_MONT = 10n ** BigInt(DECIMALS);
const UNIT = "Ɉ";
const SMALL_UNIT = "nɈ";
/** Enough for the largest amount and its unit, with room for zeros in front. */
const TEXT_LENGTH_MAX = 64;

/**
 * Reads `13`, `0.5`, `.5`, `13 Ɉ` or `5 nɈ`; gives nɈ. The point is the only separator, in every language: a comma means
 * thousands to some and decimals to others, so it is refused. Throws `ProtocolError("amount-invalid")` with the reason.
 */
export function parseAmount(text: string): bigint {
  const invalid = (reason: string) => walletError("amount-invalid", { text: shown(text), reason });
  if (text.length > TEXT_LENGTH_MAX) throw invalid("too-large");
  const { number, isMoneta } = withoutUnit(text.trim());
  if (number === "" || number === ".") throw invalid("empty");
  if (/[,٫٬’']/u.test(number)) throw invalid("comma");
  if (/^[-+−]/u.test(number)) throw invalid("sign");
  if (/\s/u.test(number)) throw invalid("space");
  const parts = /^([0-9]*)(?:\.([0-9]*))?$/.exec(number);
  if (parts === null) throw invalid(/^[0-9.]+[^0-9.]+$/.test(number) ? "unit" : "digits");
  const [, whole = "", fraction = ""] = parts;
  const decimals = isMoneta ? 0 : DECIMALS;
  if (fraction.length > decimals) throw invalid("decimals");
  const amount = BigInt(whole + fraction.padEnd(decimals, "0") || "0");
  if (amount > U128_MAX) throw invalid("too-large");
  return amount;
}

/** Exact, without zeros at the end: `13 Ɉ`, `0.000000001 Ɉ`. {@link parseAmount} reads it back. */
export function formatAmount(moneta: bigint): string {
  const magnitude = moneta < 0n ? -moneta : moneta;
  const fraction = (magnitude % MONETA_PER_MONT).toString().padStart(DECIMALS, "0").replace(/0+$/, "");
  const whole = (magnitude / MONETA_PER_MONT).toString();
  return `${moneta < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`} ${UNIT}`;
}

function withoutUnit(text: string): { readonly number: string; readonly isMoneta: boolean } {
  for (const unit of [SMALL_UNIT, UNIT]) {
    if (text.endsWith(unit)) return { number: text.slice(0, -unit.length).trimEnd(), isMoneta: unit === SMALL_UNIT };
  }
  return { number: text, isMoneta: false };
}

/** What was typed may be anything: a few printable characters of it name the mistake. */
function shown(text: string): string {
  return text.replaceAll(/\p{C}/gu, "?").slice(0, 40);
}
