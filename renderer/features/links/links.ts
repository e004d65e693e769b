/** What a `montana:` link asks for that the system handed to the program. Somebody else wrote it: nothing is done before a yes. */
import { pageHash } from "../wallet/hash.ts";
import { recipientOf } from "../wallet/payment.ts";

export type LinkWish =
  | { readonly kind: "connect"; /** An id, or `auto`. */ readonly city: string }
  /** `from`: the address of a list, or the kind of a link, as a person can judge it. */
  | { readonly kind: "import"; readonly from: string }
  /** `to`: an address, or an account request, which may ask for an amount. */
  | { readonly kind: "pay"; readonly to: string; readonly isRequest: boolean }
  | { readonly kind: "unknown" };

/** Not one of the program's own, which have a place after `//`. */
const PAY = /^montana:(?!\/\/)/;
const CONNECT = /^montana:\/\/connect\/(auto|[a-z]{3})\/?$/;
const SHOWN_LENGTH_MAX = 120;

export function readLink(link: string): LinkWish {
  const [, city] = CONNECT.exec(link) ?? [];
  if (city !== undefined) return { kind: "connect", city };
  if (PAY.test(link)) return readPayment(link);
  const url =
    URL.canParse(link) && /^montana:\/\/import\/?\?/.test(link) ? new URL(link).searchParams.get("url") : null;
  if (url === null || !URL.canParse(url)) return { kind: "unknown" };
  const { protocol, host } = new URL(url);
  if (protocol === "https:" || protocol === "http:") return { kind: "import", from: host.slice(0, SHOWN_LENGTH_MAX) };
  // Of a key to a server its kind alone: where the server stands is nothing that is shown.
  return protocol === "vless:" ? { kind: "import", from: "vless" } : { kind: "unknown" };
}

function readPayment(link: string): LinkWish {
  const recipient = recipientOf(pageHash, link);
  if (recipient.kind === "account") return { kind: "pay", to: recipient.address, isRequest: false };
  return recipient.kind === "request" ? { kind: "pay", to: recipient.request, isRequest: true } : { kind: "unknown" };
}
