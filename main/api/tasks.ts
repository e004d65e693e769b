/** What takes long: started at once, followed by its events, cancellable. One of a kind at a time. */
import { randomBytes } from "node:crypto";

import type { Notice, Task, TaskKind } from "./contract.ts";
import { apiError, noticeOf } from "./errors.ts";
import type { TaskControl, TaskResult } from "./services.ts";

/** Finished ones beyond this are forgotten, oldest first. */
const TASKS_MAX = 16;
/** Between two progress events of one task. */
const REPORT_INTERVAL_MS = 200;

interface Entry {
  task: Task;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export class Tasks {
  readonly #entries = new Map<string, Entry>();
  readonly #publish: (task: Task) => void;
  readonly #reportDefect: (error: unknown) => void;

  /** `publish` gets a task whenever it changed, `reportDefect` what no person can be told. */
  constructor(publish: (task: Task) => void, reportDefect: (error: unknown) => void) {
    this.#publish = publish;
    this.#reportDefect = reportDefect;
  }

  get all(): Task[] {
    return Array.from(this.#entries.values(), ({ task }) => task);
  }

  /** Throws `ProtocolError("task-running")`. */
  start(kind: TaskKind, run: (control: TaskControl) => Promise<TaskResult>): Task {
    for (const { task } of this.#entries.values()) {
      if (task.kind === kind && task.state === "running") throw apiError("task-running", { kind, id: task.id });
    }
    this.#forgetOldest();
    const id = `${kind}-${randomBytes(4).toString("hex")}`;
    const abort = new AbortController();
    let reportedAt = -Infinity;
    const report: TaskControl["report"] = (progress) => {
      const now = performance.now();
      if (now - reportedAt < REPORT_INTERVAL_MS) return;
      reportedAt = now;
      this.#change(id, { progress });
    };
    const task: Task = { id, kind, state: "running", progress: null, result: null, error: null };
    const ended = Promise.resolve()
      .then(() => run({ signal: abort.signal, report }))
      .then(
        (result) => {
          this.#change(id, { state: "done", result });
        },
        (error: unknown) => {
          if (abort.signal.aborted) this.#change(id, { state: "cancelled" });
          else this.#change(id, { state: "failed", error: this.#noticeOf(error) });
        },
      );
    this.#entries.set(id, { task, abort, ended });
    this.#publish(task);
    return task;
  }

  /** Throws `ProtocolError("task-unknown")`. */
  find(id: string): Task {
    return this.#entry(id).task;
  }

  /** Gives the task as it ended, which may be "done" if it was quicker. Throws `ProtocolError("task-unknown")`. */
  async cancel(id: string): Promise<Task> {
    const { abort, ended } = this.#entry(id);
    abort.abort();
    await ended;
    return this.find(id);
  }

  async cancelAll(): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { abort } of entries) abort.abort();
    await Promise.all(entries.map(({ ended }) => ended));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw apiError("task-unknown", { id });
    return entry;
  }

  #change(id: string, change: Partial<Task>): void {
    const entry = this.#entries.get(id);
    if (entry?.task.state !== "running") return;
    entry.task = { ...entry.task, ...change };
    this.#publish(entry.task);
  }

  #forgetOldest(): void {
    for (const [id, { task }] of this.#entries) {
      if (this.#entries.size < TASKS_MAX) return;
      if (task.state !== "running") this.#entries.delete(id);
    }
  }

  #noticeOf(error: unknown): Notice {
    const { notice, isDefect } = noticeOf(error);
    if (isDefect) this.#reportDefect(error);
    return notice;
  }
}
