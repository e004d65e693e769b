/** A client of a router in this very process: what a command answers from stored data goes the way of a host's answers. */
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";

import { createClient, type Client } from "../api/client.ts";
import { noticeOf } from "../api/errors.ts";
import { EventRing } from "../api/events.ts";
import { router, type Context } from "../api/router.ts";
import { API_PATH } from "../api/server.ts";
import type { Services } from "../api/services.ts";
import { Tasks } from "../api/tasks.ts";
import type { Claimed } from "./attach.ts";
import { VERSION } from "./version.ts";

/** A part of a data directory on which no host runs, held and asked for one command. */
export interface StoredPart {
  readonly client: Client;
  /** Releases the data directory. */
  close(): Promise<void>;
}

export interface StoredPartOptions {
  readonly claimed: Claimed;
  readonly services: Services;
  readonly events?: EventRing;
  /** Of the part. */
  readonly stop: () => Promise<void>;
  /** Gets what nobody can be told. */
  readonly onDefect: (error: unknown) => void;
}

export function storedPart(options: StoredPartOptions): StoredPart {
  const { claimed, services, events = new EventRing(1), stop, onDefect } = options;
  const stopping = new AbortController();
  const host = {
    ...{ version: VERSION, pid: process.pid, startedAtMs: claimed.startedAtMs },
    network: { network: null, profile: null },
    requestStop: () => undefined,
    metrics: () => Promise.resolve(""),
  };
  const context = {
    ...{ host, services: () => services, events, tasks: new Tasks(() => undefined, onDefect) },
    ...{ streams: { open: 0 }, stopping: stopping.signal },
  };
  const close = async (): Promise<void> => {
    stopping.abort();
    await stop();
    await claimed.release();
  };
  return { client: localClient(context, onDefect), close };
}

/** `onDefect` gets what nobody can be told. */
export function localClient(context: Context, onDefect: (error: unknown) => void): Client {
  const answer = answerHere(context, onDefect);
  return createClient({
    url: `http://stored${API_PATH.slice(0, -1)}`,
    fetch: (url, init) => answer(new Request(url, init)),
  });
}

/** Answers requests under {@link API_PATH} in this process; a stream ends with the request's signal. */
export function answerHere(
  context: Context,
  onDefect: (error: unknown, procedure?: string) => void,
): (request: Request) => Promise<Response> {
  return (req) =>
    fetchRequestHandler({
      ...{ endpoint: API_PATH.slice(0, -1), req, router },
      createContext: () => context,
      allowBatching: false,
      allowMethodOverride: true,
      onError({ error, path }) {
        if (error.code !== "INTERNAL_SERVER_ERROR" || !noticeOf(error.cause).isDefect) return;
        onDefect(error.cause ?? error, path);
      },
    });
}
