/**
 * The contract's typed client, for a page as well as for a process: whoever makes one says how a request travels.
 */
import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, TRPCClientError } from "@trpc/client";
import { EventSource } from "eventsource";

import { ProtocolError } from "../protocol/errors.ts";
import { notice, type HostEvent, type Notice } from "./contract.ts";
import type { Router } from "./router.ts";

/** The part of `fetch` that carries requests and event streams. */
export type Fetch = (url: string | URL, init?: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  /** Of the API, with its path. */
  readonly url: string;
  /** Left out, the platform's own. */
  readonly fetch?: Fetch;
}

type LinkFetch = NonNullable<Parameters<typeof httpLink>[0]["fetch"]>;

export type Client = ReturnType<typeof createClient>;

export function createClient({ url, fetch = globalThis.fetch }: ClientOptions) {
  return createTRPCClient<Router>({
    links: [
      splitLink({
        condition: ({ type }) => type === "subscription",
        true: httpSubscriptionLink({ url, EventSource, eventSourceOptions: { fetch } }),
        // tRPC's own type allows for more than it passes: a URL as text, and a text as body.
        // Inputs travel in the body, for a proof is too long for a line of a request.
        false: httpLink({ url, fetch: fetch as LinkFetch, methodOverride: "POST" }),
      }),
    ],
  });
}

/**
 * What went wrong with a call. "host-lost" where no answer came; what was asked may have been done.
 * Rethrows what is neither an answer of the host nor a failure of the connection.
 */
export function noticeOfCall(error: unknown): Notice {
  if (!(error instanceof TRPCClientError)) throw error;
  const data = error.data as { readonly notice?: unknown } | null | undefined;
  const told = notice.safeParse(data?.notice);
  return told.success ? told.data : { code: "host-lost", params: {} };
}

/** The answer, or its error as {code, params}. */
export async function call<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { code, params } = noticeOfCall(error);
    throw new ProtocolError(code, params);
  }
}

export interface Following {
  /** After it neither callback comes. */
  stop(): void;
}

/**
 * Calls back with the host's events, the first one a snapshot. Reconnects by itself and goes on where it was, or from a new
 * snapshot. `onEnd` comes once: when the host ended the stream, or refused it for the given reason. With `figures` also the
 * tunnel's, once a second: the host makes them for those alone who show them.
 */
export function follow(
  client: Client,
  onEvent: (event: HostEvent) => void,
  onEnd: (reason: Notice | undefined) => void,
  { figures = false }: { readonly figures?: boolean } = {},
): Following {
  let isOver = false;
  const end = (reason?: Notice): void => {
    if (!isOver) onEnd(reason);
    isOver = true;
  };
  const subscription = client.events.subscribe(
    { figures },
    { onData: ({ data }) => onEvent(data), onError: (error) => end(noticeOfCall(error)), onComplete: () => end() },
  );
  return {
    stop() {
      isOver = true;
      subscription.unsubscribe();
    },
  };
}
