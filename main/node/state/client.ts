/** The state worker as seen from the host: a promise a request. */
import { Worker } from "node:worker_threads";

import { ProtocolError } from "../../protocol/errors.ts";
import { storeError } from "../store/errors.ts";
import type { Progress } from "../store/tables.ts";
import type { FromWorker, StateRequestName, StateRequests, ToWorker } from "./requests.ts";

/** Requests that wait for an answer; more is a caller that does not wait. */
const REQUESTS_MAX = 256;

/**
 * The worker's rows are short-lived buffers outside the heap, which go when the heap's young generation is collected: of the
 * usual 48 MiB they would be some 150 before that.
 */
const YOUNG_GENERATION_MIB = 12;

export interface AskOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface StateClientOptions {
  /** File of the add-on, for a packaged program. */
  readonly addonPath?: string;
  /** The worker ended by itself: the store is closed, and the host must start again. */
  readonly onFailure: (error: Error) => void;
}

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

export class StateClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #isClosing = false;
  #end: Error | undefined;

  constructor({ addonPath, onFailure }: StateClientOptions) {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: addonPath === undefined ? {} : { addonPath },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    this.#worker.on("message", (message: FromWorker) => {
      this.#receive(message);
    });
    this.#worker.on("error", (error) => {
      this.#finish(error instanceof Error ? error : new Error(String(error)));
      onFailure(this.#end!);
    });
    this.#worker.on("exit", () => {
      const isUnasked = this.#end === undefined && !this.#isClosing;
      this.#finish(storeError("store-closed"));
      if (isUnasked) onFailure(this.#end!);
    });
  }

  /**
   * Rejects with the store's errors by name, with `busy` where too many requests wait, with `cancelled` once `signal` is
   * aborted, and with `store-closed` after the worker has ended.
   */
  ask<Name extends StateRequestName>(
    name: Name,
    input: StateRequests[Name]["takes"],
    { onProgress, signal }: AskOptions = {},
  ): Promise<StateRequests[Name]["gives"]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (signal?.aborted === true) return Promise.reject(storeError("cancelled"));
    if (this.#waiting.size >= REQUESTS_MAX) return Promise.reject(storeError("busy", { requests: this.#waiting.size }));
    const id = this.#nextId++;
    const cancel = (): void => {
      this.#send({ kind: "cancel", id });
    };
    const answered = new Promise<StateRequests[Name]["gives"]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      signal?.addEventListener("abort", cancel, { once: true });
      this.#send({ kind: "request", id, name, input });
    });
    return answered.finally(() => {
      signal?.removeEventListener("abort", cancel);
    });
  }

  /** Closes the store and ends the worker. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#isClosing = true;
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    await this.ask("close", undefined);
    await exited;
  }

  /** Ends the worker at once, as a crash would; the store survives it. For a store that does not close in time. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.kind === "progress") {
      waiting.onProgress?.(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    switch (message.kind) {
      case "result":
        waiting.resolve(message.output as never);
        break;
      case "error":
        waiting.reject(new ProtocolError(message.code, message.params));
        break;
      case "defect":
        waiting.reject(new Error(message.message));
        break;
    }
  }

  #finish(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}
