/** A client of a router in this very process: what a command answers from stored data goes the way of a host's answers. */
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";

import { createClient, type Client } from "../api/client.ts";
import { noticeOf } from "../api/errors.ts";
import { router, type Context } from "../api/router.ts";
import { API_PATH } from "../api/server.ts";

/** `onDefect` gets what nobody can be told. */
export function localClient(context: Context, onDefect: (error: unknown) => void): Client {
  const origin = "http://stored";
  return createClient({
    url: origin + API_PATH.slice(0, -1),
    fetch: (url, init) =>
      fetchRequestHandler({
        ...{ endpoint: API_PATH.slice(0, -1), req: new Request(url, init), router },
        createContext: () => context,
        allowMethodOverride: true,
        onError({ error }) {
          if (error.code === "INTERNAL_SERVER_ERROR" && noticeOf(error.cause).isDefect) onDefect(error.cause ?? error);
        },
      }),
  });
}
