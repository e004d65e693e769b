/** JSON that others wrote: its size and depth are bounded before it is parsed (chapter 08 §12). */
import { ProtocolError } from "../protocol/errors.ts";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { utf8Length } from "./utf8.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Throws `ProtocolError` `too-large` or `not-json`; deeper than JSON_DEPTH_MAX counts as no JSON. */
export function parseJson(text: string, bytesMax: number): unknown {
  if (text.length > bytesMax || utf8Length(text) > bytesMax) throw new ProtocolError("too-large", { limit: bytesMax });
  if (isTooDeep(text)) throw new ProtocolError("not-json");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ProtocolError("not-json");
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) isInString = !isInString;
    else if (isInString) {
      if (unit === BACKSLASH) i++;
    } else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > JSON_DEPTH_MAX) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return false;
}
