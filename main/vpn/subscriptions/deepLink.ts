/** `montana://` links, as a browser or a QR code hands them over (docs/vpn.md). Anybody can write one: none acts by itself. */
import { CITY_CODE } from "../../cities/cities.ts";
import { AUTO } from "../../cities/failover.ts";
import { SHARE_LINK_MAX } from "../../cities/limits.ts";
import { parseShareLink, type ShareLink } from "../../cities/shareLink.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { parseAddress } from "./address.ts";

/** Characters: a share link with every one of them escaped, and what is around it. */
export const DEEP_LINK_MAX = 3 * SHARE_LINK_MAX + 64;

export type DeepLink =
  | { readonly kind: "subscription"; readonly url: string }
  | { readonly kind: "link"; readonly text: string; readonly link: ShareLink }
  /** A city's code, or `auto`. */
  | { readonly kind: "connect"; readonly city: string };

const SCHEME = "montana://";

/**
 * `montana://import?url=ESCAPED` with the address of a subscription or a share link, `montana://connect/CODE`,
 * `montana://connect/auto`. Throws `deep-link-invalid`, and for what `url` holds a fault of share links or
 * `subscription-address-invalid`.
 */
export function parseDeepLink(text: string): DeepLink {
  if (text.length > DEEP_LINK_MAX || !/^[\x21-\x7e]+$/.test(text) || !text.startsWith(SCHEME)) throw invalid();
  const rest = text.slice(SCHEME.length);
  const [, city] = /^connect\/([a-z]+)$/.exec(rest) ?? [];
  if (city !== undefined && (city === AUTO || CITY_CODE.test(city))) return { kind: "connect", city };
  // One parameter, and no other: what a later version may add, this one must not misunderstand.
  const [, escaped] = /^import\?url=([^&#?=+]+)$/.exec(rest) ?? [];
  if (escaped === undefined) throw invalid();
  const url = unescape(escaped);
  if (url.startsWith("vless://")) return { kind: "link", text: url, link: parseShareLink(url) };
  return { kind: "subscription", url: parseAddress(url) };
}

/** The link that imports a subscription's address or a share link. */
export const importLink = (url: string): string => `${SCHEME}import?url=${encodeURIComponent(url.toWellFormed())}`;

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid();
  }
}

const invalid = (): ProtocolError => new ProtocolError("deep-link-invalid");
