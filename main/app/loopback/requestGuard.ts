/** Whether a request to the page's origin may be answered at all, before anybody looks at what it asks for. */
import type { IncomingMessage } from "node:http";

/** The page's address has this name alone: `localhost` may lead to another address, where somebody else listens. */
export const LOOPBACK = "127.0.0.1";

export const originOf = (port: number): string => `http://${LOOPBACK}:${port}`;

/** `call` is for the page's scripts, `file` for the browser. */
export type Target = "call" | "file";

const METHODS: Readonly<Record<Target, readonly string[]>> = { call: ["GET", "POST"], file: ["GET", "HEAD"] };

/** The status of a refusal; undefined where there is none. */
export function refusalOf(request: IncomingMessage, target: Target, port: number): 403 | 405 | undefined {
  const { method = "", headersDistinct: headers } = request;
  // A name that somebody else's server gave this address: its pages would count as this origin's.
  if (!isOne(headers["host"], `${LOOPBACK}:${port}`)) return 403;
  // Also OPTIONS: what asks first whether it may comes from another origin.
  if (!METHODS[target].includes(method)) return 405;
  const origin = headers["origin"];
  // A browser names the origin with every POST, and leaves it out where a page reads from its own.
  if (origin === undefined ? method === "POST" : !isOne(origin, originOf(port))) return 403;
  return isFromHere(headers, target) ? undefined : 403;
}

const isOne = (values: readonly string[] | undefined, wanted: string): boolean =>
  values?.length === 1 && values[0] === wanted;

/** Browsers say where a request comes from. Of another site only a person's way here is taken: a link that fills the tab. */
function isFromHere(headers: NodeJS.Dict<string[]>, target: Target): boolean {
  const site = headers["sec-fetch-site"];
  if (site === undefined || isOne(site, "same-origin")) return true;
  if (target === "call") return false;
  return isOne(headers["sec-fetch-mode"], "navigate") && isOne(headers["sec-fetch-dest"], "document");
}
