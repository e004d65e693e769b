/** The router over HTTP on a local socket (a named pipe on Windows); events as server-sent events. */
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { chmod } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";

import { BODY_BYTES_MAX } from "./contract.ts";
import { noticeOf } from "./errors.ts";
import { router, type Context } from "./router.ts";

/** Procedures are at `/api/NAME`. */
export const API_PATH = "/api/";
const CONNECTIONS_MAX = 128;
const REQUEST_TIMEOUT_MS = 30_000;
const SOCKET_MODE = 0o600;
/** Everything but owner's reading and writing. */
const SOCKET_UMASK = 0o177;

export interface ApiOptions {
  readonly context: Context;
  /** Gets what no client is told. `procedure` is undefined where it did not come that far. */
  readonly onDefect: (error: unknown, procedure: string | undefined) => void;
}

/** Answers requests for the API; others get 404. Whoever serves it elsewhere than on the socket checks who asks. */
export function createApiListener({ context, onDefect }: ApiOptions): RequestListener {
  const handle = createHTTPHandler({
    router,
    createContext: () => context,
    basePath: API_PATH,
    maxBodySize: BODY_BYTES_MAX,
    allowBatching: false,
    allowMethodOverride: true,
    onError({ error, path }) {
      if (error.code === "INTERNAL_SERVER_ERROR" && noticeOf(error.cause).isDefect)
        onDefect(error.cause ?? error, path);
    },
  });
  return (request, response) => {
    if (request.url?.startsWith(API_PATH) === true) {
      handle(request, response);
      return;
    }
    request.resume();
    response.writeHead(404).end();
  };
}

export interface ApiServer {
  /** Ends idle connections at once; resolves when the others have ended, too. */
  close(): Promise<void>;
}

/** Listens on `socket`, where nothing may lie yet. Only its owner can connect. Rejects with the system's error. */
export async function listenOnSocket(socket: string, options: ApiOptions): Promise<ApiServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, createApiListener(options));
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, socket);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  const isFile = process.platform !== "win32";
  // The socket is made within this call: under the narrow mask there is no moment in which others could connect.
  const umask = isFile ? process.umask(SOCKET_UMASK) : undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socket, () => {
        server.off("error", reject);
        resolve();
      });
      if (umask !== undefined) process.umask(umask);
    });
  } catch (error) {
    if (umask !== undefined) process.umask(umask);
    throw error;
  }
  if (isFile) await chmod(socket, SOCKET_MODE);
}
