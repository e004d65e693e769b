/** The sign-in page that a hotel's or a train's network wants to be seen before it lets anything else through (chapter 08 §12). */
import { directTransport, type Transport } from "../subscriptions/transport.ts";

/** Milliseconds. */
const TIMEOUT = 5_000;
const URL_MAX = 2_048;

/**
 * Where the network leads to who asks `probeUrl` past the tunnel and without TLS: the sign-in page's address, which is the
 * network's word and nobody else's; null where the network leaves the answer alone, or none comes. Asks only when called.
 */
export async function findSignInPage(probeUrl: string, transport: Transport = directTransport): Promise<string | null> {
  const url = new URL(probeUrl);
  url.protocol = "http:";
  try {
    const answer = await transport(url, { accept: "*/*" }, AbortSignal.timeout(TIMEOUT));
    answer.close();
    if (answer.status >= 300 && answer.status < 400) return safePage(answer.headers.get("location"), url);
    // A page in the place of nothing.
    return answer.status === 200 || answer.status === 511 ? url.href : null;
  } catch {
    return null;
  }
}

/** A redirection within the site is the site's own: from http to https, most often. */
function safePage(location: string | undefined, asked: URL): string | null {
  if (location === undefined || !URL.canParse(location, asked.href)) return null;
  const page = new URL(location, asked);
  const isPage = page.protocol === "http:" || page.protocol === "https:";
  return isPage && page.hostname !== asked.hostname && page.href.length <= URL_MAX ? page.href : null;
}
