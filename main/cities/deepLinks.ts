/** Links that hand a subscription to the programs of phones (chapter 08 §7.6). */

export interface DeepLinks {
  readonly happ: string;
  readonly hiddify: string;
  readonly v2rayng: string;
  /** Text of the QR code: the address itself. Codes are drawn on this machine, never by a web service. */
  readonly qr: string;
}

export function deepLinks(url: string, name: string): DeepLinks {
  const escapedName = encodeURIComponent(name.toWellFormed());
  return {
    happ: `happ://add/${url}`,
    hiddify: `hiddify://import/${url}#${escapedName}`,
    v2rayng: `v2rayng://install-sub?url=${encodeURIComponent(url.toWellFormed())}#${escapedName}`,
    qr: url,
  };
}
