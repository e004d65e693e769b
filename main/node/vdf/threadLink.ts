/** One thread of a chain and the messages to and from it. */
import { Worker } from "node:worker_threads";

import { ProtocolError } from "../../protocol/errors.ts";
import { COMMANDS_MAX, type Answer, type ChainJob, type Command, type FromThread, type ToThread } from "./messages.ts";

/** A chain needs little: its messages are small and its buffers 32 bytes. */
const HEAP_MIB_MAX = 64;
/** A slice, a rest and a write on a slow disk end within it. */
const STOP_TIMEOUT_MS = 4_000;

export type Ready = Extract<FromThread, { kind: "ready" }>;
export type Report = Exclude<FromThread, { kind: "ready" | "answer" }>;

export interface LinkListener {
  report(report: Report): void;
  /** The thread is gone without being asked to. */
  failed(error: Error): void;
}

export class ThreadLink {
  readonly #worker: Worker;
  readonly #listener: LinkListener;
  readonly #waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  #ready: { resolve: (ready: Ready) => void; reject: (error: Error) => void } | undefined;
  #nextId = 0;
  #isEnding = false;
  #error: Error | undefined;

  /** Resolves when the thread has read its progress file. Rejects with what it failed of. */
  static async open(job: ChainJob, listener: LinkListener): Promise<{ link: ThreadLink; ready: Ready }> {
    const link = new ThreadLink(job, listener);
    const ready = await new Promise<Ready>((resolve, reject) => {
      link.#ready = { resolve, reject };
    });
    link.#ready = undefined;
    return { link, ready };
  }

  private constructor(job: ChainJob, listener: LinkListener) {
    this.#listener = listener;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: job,
      name: `vdf-${job.purpose}`,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    this.#worker.on("message", (message: FromThread) => {
      this.#hear(message);
    });
    this.#worker.on("error", (error) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#gone(this.#error ?? new ProtocolError("chain-thread-ended", { code }));
        resolve();
      });
    });
  }

  /** Throws `ProtocolError("chain-thread-busy")` while too many are unanswered. Rejects when the thread ends before. */
  command(command: Command): Promise<Answer> {
    if (this.#waiting.size >= COMMANDS_MAX) throw new ProtocolError("chain-thread-busy");
    if (this.#isEnding) return Promise.reject(new ProtocolError("chain-stopped"));
    const id = this.#nextId++;
    this.#send({ kind: "command", id, command });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Resolves when the thread has written its progress and is gone; a thread that hangs is ended after some seconds. */
  async end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#send({ kind: "command", id: this.#nextId++, command: { kind: "stop" } });
    }
    const timeout = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timeout);
  }

  #hear(message: FromThread): void {
    if (message.kind === "ready") this.#ready?.resolve(message);
    else if (message.kind === "answer") {
      this.#waiting.get(message.id)?.resolve(message.answer);
      this.#waiting.delete(message.id);
    } else {
      if (message.kind === "segment") this.#send({ kind: "segments-seen", count: 1 });
      this.#listener.report(message);
    }
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #gone(error: Error): void {
    for (const { reject } of this.#waiting.values())
      reject(this.#isEnding ? new ProtocolError("chain-stopped") : error);
    this.#waiting.clear();
    if (this.#ready !== undefined) this.#ready.reject(error);
    else if (!this.#isEnding) this.#listener.failed(error);
    this.#isEnding = true;
  }
}
