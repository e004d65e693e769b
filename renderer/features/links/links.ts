/** What a `montana:` link asks for that the system handed to the program. Somebody else wrote it: nothing is done before a yes. */

export type LinkWish =
  | { readonly kind: "connect"; /** An id, or `auto`. */ readonly city: string }
  /** `from`: the address of a list, or the kind of a link, as a person can judge it. */
  | { readonly kind: "import"; readonly from: string }
  | { readonly kind: "unknown" };

const CONNECT = /^montana:\/\/connect\/(auto|[a-z]{3})\/?$/;
const SHOWN_LENGTH_MAX = 120;

export function readLink(link: string): LinkWish {
  const [, city] = CONNECT.exec(link) ?? [];
  if (city !== undefined) return { kind: "connect", city };
  const url =
    URL.canParse(link) && /^montana:\/\/import\/?\?/.test(link) ? new URL(link).searchParams.get("url") : null;
  if (url === null || !URL.canParse(url)) return { kind: "unknown" };
  const { protocol, host } = new URL(url);
  if (protocol === "https:" || protocol === "http:") return { kind: "import", from: host.slice(0, SHOWN_LENGTH_MAX) };
  // Of a key to a server its kind alone: where the server stands is nothing that is shown.
  return protocol === "vless:" ? { kind: "import", from: "vless" } : { kind: "unknown" };
}
