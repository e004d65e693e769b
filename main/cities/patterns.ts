/** Addresses inside text (chapter 08 §4.12). */

export const IPV4 = /(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])/g;
/** What may be an IPv6 address: counted only where {@link isIpv6Shaped} says so. */
export const IPV6_CANDIDATE = /(?<![0-9A-Za-z:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![0-9A-Za-z:.])/g;
export const UUID = /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/g;
/** 32 bytes in base64url. */
export const KEY = /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;

/** A time of day has neither `::` nor eight groups. */
export function isIpv6Shaped(candidate: string): boolean {
  if (candidate === "::") return false;
  return (
    candidate.includes("::") ||
    (candidate.split(":").every((group) => group !== "") && candidate.split(":").length === 8)
  );
}
