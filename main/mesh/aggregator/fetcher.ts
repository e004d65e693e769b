/** Asking many nodes at once: bounded in number, in time, and in what each of them can cost the others. */
import { setMaxListeners } from "node:events";

import type { Fetched } from "../../cities/aggregation.ts";
import { FETCH_TIMEOUT_MS } from "./limits.ts";
import type { NodeFile } from "./nodeFiles.ts";
import type { Peer } from "./settings.ts";

export type FetchFault =
  "timeout" | "too-large" | "not-text" | "unreachable" | "denied" | "host-key-changed" | "refused" | "deadline";

/** A {@link Fetched} with the reason for a failure, which stays with the operator. */
export type Answer =
  Exclude<Fetched, { readonly kind: "failed" }> | { readonly kind: "failed"; readonly reason: FetchFault };

export interface Fetcher {
  /** Never rejects; settles soon after `signal` aborts. */
  fetch(peer: Peer, file: NodeFile, signal: AbortSignal): Promise<Answer>;
}

export interface Timing {
  readonly parallel: number;
  /** Of all together; who was not asked by then has failed. */
  readonly deadlineMs: number;
  readonly timeoutMs?: number;
}

/**
 * Asks every peer for `files`, in parallel, and hands what comes to `receive` as it comes: what that does not keep takes no
 * memory. Resolves when all are done.
 */
export async function fetchAll(
  fetcher: Fetcher,
  peers: readonly Peer[],
  files: readonly NodeFile[],
  timing: Timing,
  receive: (peer: Peer, file: NodeFile, answer: Answer) => void,
): Promise<void> {
  const { parallel, deadlineMs, timeoutMs = FETCH_TIMEOUT_MS } = timing;
  const deadline = AbortSignal.timeout(deadlineMs);
  setMaxListeners(0, deadline);
  await forEachParallel(peers, parallel, async (peer) => {
    await Promise.all(
      files.map(async (file) => receive(peer, file, await fetchWithin(fetcher, peer, file, timeoutMs, deadline))),
    );
  });
}

async function fetchWithin(
  fetcher: Fetcher,
  peer: Peer,
  file: NodeFile,
  timeoutMs: number,
  deadline: AbortSignal,
): Promise<Answer> {
  if (deadline.aborted) return { kind: "failed", reason: "deadline" };
  const own = new AbortController();
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      deadline.removeEventListener("abort", onDeadline);
      resolve(answer);
    };
    const stop = (reason: FetchFault): void => {
      own.abort();
      settle({ kind: "failed", reason });
    };
    const onDeadline = (): void => stop("deadline");
    const timer = setTimeout(() => stop("timeout"), timeoutMs);
    deadline.addEventListener("abort", onDeadline);
    void fetcher.fetch(peer, file, own.signal).then(settle);
  });
}

/** Runs `work` on every item, at most `parallel` at once. */
export async function forEachParallel<T>(
  items: readonly T[],
  parallel: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
