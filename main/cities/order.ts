/** Orders that several files share. */

/** Primary ones first, then by label: ASCII, so that the order of its UTF-16 units is the order of its bytes. */
export function inSubscriptionOrder(
  a: { readonly node: string; readonly primary: boolean },
  b: { readonly node: string; readonly primary: boolean },
): number {
  return Number(b.primary) - Number(a.primary) || byText(a.node, b.node);
}

/** By UTF-16 units, the same everywhere. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
