/** The host behind the window: one in this process where none runs, else the one that has the data directory. */
import { setTimeout as wait } from "node:timers/promises";

import { createClient, type Client, type FetchInit } from "../../api/client.ts";
import { API_PATH } from "../../api/server.ts";
import { socketFetch } from "../../api/socketFetch.ts";
import { claim } from "../attach.ts";
import type { DataDirectory } from "../dataDirectory.ts";
import { startHost } from "../host.ts";
import type { HostLog } from "../log.ts";
import { startHostNode } from "../node.ts";
import { isAlive } from "../published.ts";

const NETWORK_OPTION = "--network=";
const ALIVE_POLL_MS = 500;

export interface Hosting {
  /** It runs in this process and ends with it. */
  readonly isOwn: boolean;
  readonly pid: number;
  readonly client: Client;
  /** Answers a request under {@link API_PATH}; 503 where the host does not. Aborting its signal ends it. */
  answer(request: Request): Promise<Response>;
  /** Ends an own host, and lets go of another one. */
  close(): Promise<void>;
  /** Resolves when another process's host has ended, never for an own one. */
  readonly ended: Promise<void>;
}

export interface HostingOptions {
  readonly directory: DataDirectory;
  readonly log: Pick<HostLog, "logger" | "recentLines" | "setLevel">;
  /** Of an own host; left out, the one that the person chose last. */
  readonly network?: string | undefined;
  /** Somebody asked an own host to stop, with `montana stop` say. */
  readonly onStopRequest: () => void;
}

/** What `--network=NAME` names among the words that the app was started with; Chromium's own stand beside it. */
export const networkIn = (words: readonly string[]): string | undefined =>
  words.find((word) => word.startsWith(NETWORK_OPTION))?.slice(NETWORK_OPTION.length);

/** Throws what keeps a host from starting, or from being reached: `ProtocolError` as of `claim` and `startHost`. */
export async function openHosting({ directory, log, network, onStopRequest }: HostingOptions): Promise<Hosting> {
  const found = await claim(directory);
  if (found.kind === "own") {
    const stopping = new AbortController();
    const host = await startHost({
      ...{ claimed: found.claimed, logger: log.logger, log, startNode: startHostNode },
      ...{ stopping: stopping.signal, onStopRequest },
      ...(network === undefined ? {} : { network, isPatient: true }),
    });
    const close = async (): Promise<void> => {
      stopping.abort();
      await host.stop();
    };
    const { answer } = host;
    return {
      isOwn: true,
      pid: process.pid,
      client: clientOf(answer),
      answer,
      close,
      ended: new Promise(() => undefined),
    };
  }
  const { published, pong } = found.host;
  const answer = answerFrom(published.socket!);
  const closing = new AbortController();
  const close = (): Promise<void> => {
    closing.abort();
    return Promise.resolve();
  };
  const ended = untilGone(pong.pid, closing.signal);
  return { isOwn: false, pid: pong.pid, client: clientOf(answer), answer, close, ended };
}

/** Also after {@link Hosting.close}. */
async function untilGone(pid: number, closing: AbortSignal): Promise<void> {
  while (isAlive(pid) && !closing.aborted) await wait(ALIVE_POLL_MS, undefined, { ref: false });
}

const clientOf = (answer: Hosting["answer"]): Client =>
  createClient({
    url: `http://host${API_PATH.slice(0, -1)}`,
    fetch: (url, init) => answer(new Request(url, init)),
  });

/** The answer of the host that listens on `socket`. */
function answerFrom(socket: string): Hosting["answer"] {
  const fetch = socketFetch(socket);
  return async (request) => {
    const { method, headers, signal } = request;
    const body = method === "GET" || method === "HEAD" ? {} : { body: await request.text() };
    const init: FetchInit = { method, headers: Object.fromEntries(headers), signal, ...body };
    try {
      return await fetch(request.url, init);
    } catch {
      return new Response(null, { status: 503 });
    }
  };
}
