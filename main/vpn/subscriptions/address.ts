/** Addresses of subscriptions that this program fetches. */
import { ProtocolError } from "../../protocol/errors.ts";

const ADDRESS_MAX = 2048;

/**
 * The address in its canonical form, without a fragment. Throws `subscription-address-invalid`: only `https` and `http`, no
 * credentials (they would end up in lists and messages).
 */
export function parseAddress(text: string): string {
  const url = text.length <= ADDRESS_MAX && URL.canParse(text) ? new URL(text) : undefined;
  const isFetchable = url?.protocol === "https:" || url?.protocol === "http:";
  if (url === undefined || !isFetchable || url.username !== "" || url.password !== "") {
    throw new ProtocolError("subscription-address-invalid");
  }
  url.hash = "";
  return url.href;
}
