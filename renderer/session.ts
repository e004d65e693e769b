/**
 * The page's way to the host. In a browser the address brings a code that works once; the host gives a key for it, which this tab
 * keeps, and every request carries a token made from the key for the host's present run. So the page finds a host again that was
 * started anew, and the key itself never travels a second time. In Electron the shell answers, and asks for nothing.
 */
import type { ClientOptions, Fetch } from "../main/api/client.ts";
import type { Notice } from "../main/api/contract.ts";

/** What this needs of a browser's window. */
export interface PageWindow {
  readonly location: {
    readonly href: string;
    readonly protocol: string;
    readonly port: string;
    readonly hash: string;
    readonly pathname: string;
  };
  readonly history: { replaceState(state: unknown, unused: string, url: string): void };
  /** Of one tab: another one, also of the same address, knows nothing of it. */
  readonly sessionStorage: {
    getItem(name: string): string | null;
    setItem(name: string, value: string): void;
    removeItem(name: string): void;
  };
  readonly fetch: Fetch;
}

const STORED = "montana.session";
const CODE = /^#code=([0-9a-f]{64})$/;
const UNAUTHORIZED = 401;
/** A host that was suspended takes requests and answers none. */
const ANSWER_MS_MAX = 1_500;

/**
 * How a client reaches the host. `onOver` hears once, and with the reason, that the page may not use the host (any more): it has
 * to be opened anew. Rejects where no host answers; called again, it begins again.
 */
export async function openSession(
  onOver: (reason: Notice) => void = () => undefined,
  page: PageWindow = Reflect.get(globalThis, "window"),
): Promise<ClientOptions> {
  const url = new URL("/api", page.location.href).href;
  if (page.location.protocol !== "http:") return { url, fetch: (to, init) => page.fetch(to, init) };
  const { key, refusal } = await findKey(page);
  const end = (reason: Notice): void => {
    page.sessionStorage.removeItem(STORED);
    onOver(reason);
  };
  if (key === undefined) {
    end(refusal);
    return { url, fetch: () => Promise.resolve(refused(refusal)) };
  }
  return { url, fetch: fetchWith(page, key, end) };
}

type Found = { readonly key: string; readonly refusal?: never } | { readonly key?: never; readonly refusal: Notice };

/** By the code in the address, which then is gone from it; otherwise the one that the tab keeps. */
async function findKey(page: PageWindow): Promise<Found> {
  const { location, history, sessionStorage } = page;
  const stored = sessionStorage.getItem(STORED);
  const [, code] = CODE.exec(location.hash) ?? [];
  if (code === undefined) return stored === null ? { refusal: notice("page-session-over") } : { key: stored };
  const headers = { "content-type": "application/json" };
  const response = await page.fetch(sessionUrl(page), { method: "POST", headers, body: JSON.stringify({ code }) });
  // Not before: what could not ask asks again with the same.
  history.replaceState(null, "", location.pathname);
  if (!response.ok) return stored === null ? { refusal: notice("page-code-refused") } : { key: stored };
  const { key } = (await response.json()) as { readonly key: string };
  sessionStorage.setItem(STORED, key);
  return { key };
}

interface Token {
  readonly run: string;
  readonly bearer: string;
}

function fetchWith(page: PageWindow, key: string, onEnd: (reason: Notice) => void): Fetch {
  let token: Promise<Token> | undefined;
  let reason: Notice | undefined;
  const current = (): Promise<Token> => {
    token ??= makeToken(page, key).catch((error: unknown) => {
      token = undefined;
      throw error;
    });
    return token;
  };
  const end = (): void => {
    if (reason !== undefined) return;
    reason = notice("page-session-over");
    onEnd(reason);
  };
  return async (url, init = {}) => {
    const send = ({ bearer }: Token): Promise<Response> =>
      page.fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${bearer}` } });
    if (reason !== undefined) return refused(reason);
    const asked = current();
    const used = await until(asked, init.signal);
    const answer = await send(used);
    if (answer.status !== UNAUTHORIZED) return answer;
    // Another call may have noticed before that the host was started anew.
    if (token === asked) token = undefined;
    const fresh = await until(current(), init.signal);
    const second = fresh.run === used.run ? answer : await send(fresh);
    if (second.status === UNAUTHORIZED) end();
    return second;
  };
}

/** Whoever asked does not wait any longer than they said. */
function until<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** As main/app/loopback/sessions.ts makes it. */
async function makeToken(page: PageWindow, key: string): Promise<Token> {
  const response = await page.fetch(sessionUrl(page), { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const { run } = (await response.json()) as { readonly run: string };
  const bytes = Uint8Array.from(key.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const hmac = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const text = new TextEncoder().encode(`montana page ${run} ${page.location.port}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, text));
  return { run, bearer: Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

const sessionUrl = (page: PageWindow): string => new URL("/session", page.location.href).href;

const notice = (code: string): Notice => ({ code, params: {} });

/** As the host would say it. */
function refused(reason: Notice): Response {
  const data = { httpStatus: UNAUTHORIZED, notice: reason };
  return Response.json({ error: { message: reason.code, code: -32_001, data } }, { status: UNAUTHORIZED });
}
