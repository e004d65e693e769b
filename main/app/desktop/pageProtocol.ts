/** The page's origin `app://montana`: its files, and under /api the host. */
import { API_PATH } from "../../api/server.ts";
import { readPageFile } from "../loopback/pageFiles.ts";
import { PAGE_HEADERS } from "../loopback/pageHeaders.ts";

export const SCHEME = "app";
export const PAGE_URL = `${SCHEME}://montana/`;

export const PRIVILEGED = [
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } },
];

export interface PageOptions {
  /** Of the built page. */
  readonly folder: string;
  /** Answers a request for the API, until its signal is aborted. */
  readonly answerApi: (request: Request) => Promise<Response>;
}

export class PageProtocol {
  readonly #options: PageOptions;
  readonly #open = new Set<AbortController>();

  constructor(options: PageOptions) {
    this.#options = options;
  }

  async answer(request: Request): Promise<Response> {
    const { protocol, host, pathname } = new URL(request.url);
    if (`${protocol}//${host}/` !== PAGE_URL) return new Response(null, { status: 404, headers: PAGE_HEADERS });
    const isApi = pathname.startsWith(API_PATH);
    const response = isApi ? await this.#answerApi(request) : await this.#answerFile(request.method, pathname);
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.headers.set(name, value);
    return response;
  }

  /** The page is gone: whatever it waited for ends. */
  endAll(): void {
    for (const gone of this.#open) gone.abort();
  }

  async #answerFile(method: string, path: string): Promise<Response> {
    if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405 });
    const file = await readPageFile(this.#options.folder, path);
    if (file === undefined) return new Response(null, { status: 404 });
    const headers = { "content-type": file.type, "cache-control": file.cacheControl, etag: file.etag };
    return new Response(method === "HEAD" ? null : new Uint8Array(file.bytes), { headers });
  }

  /** Electron tells of a page that goes away by cancelling the body alone: the request's own signal never fires. */
  async #answerApi(request: Request): Promise<Response> {
    const gone = new AbortController();
    this.#open.add(gone);
    const end = (): void => void this.#open.delete(gone);
    gone.signal.addEventListener("abort", end);
    try {
      const { status, headers, body } = await this.#options.answerApi(new Request(request, { signal: gone.signal }));
      if (body === null) end();
      return new Response(body && watch(body, end, gone), { status, headers: new Headers(headers) });
    } catch (error) {
      end();
      throw error;
    }
  }
}

/** The same bytes; `gone` is aborted when they are cancelled, `onEnd` called when they end. */
function watch(body: ReadableStream<Uint8Array>, onEnd: () => void, gone: AbortController): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        onEnd();
        throw error;
      });
      if (!done) {
        controller.enqueue(value);
        return;
      }
      onEnd();
      controller.close();
    },
    async cancel() {
      gone.abort();
      // What was aborted rejects, and nobody is left to be told.
      await reader.cancel().catch(() => undefined);
    },
  });
}
