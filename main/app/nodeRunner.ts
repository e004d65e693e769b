/**
 * The node of a host: none, one that starts, one that runs. It comes and goes while the host stays; everybody else looks it up
 * anew for each call.
 */
import type { Notice, Status } from "../api/contract.ts";
import { apiError, noticeOf } from "../api/errors.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { OpenedNetwork } from "../node/network/openNetwork.ts";
import type { RunningNode } from "./host.ts";

export type OnProgress = (progress: NonNullable<Status["progress"]>) => void;

export interface StartedNode {
  readonly network: OpenedNetwork;
  readonly running: RunningNode;
}

export interface NodeStart {
  /** What the person asked for: a name or a file. */
  readonly asked: string;
  /** Opens network and node. Rejects once `stopping` is aborted, or ends soon in another way. */
  readonly start: (stopping: AbortSignal, onProgress: OnProgress) => Promise<StartedNode>;
}

export interface NodeRunnerOptions {
  /** Aborted when the host is to stop. */
  readonly stopping: AbortSignal;
  readonly onChange: () => void;
  /** A node runs from now on: who listens to it gives the way to end that. */
  readonly listen: (running: RunningNode) => () => void;
  /** Gets what nobody can be told. */
  readonly onDefect: (error: unknown) => void;
}

interface Starting {
  readonly asked: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class NodeRunner {
  readonly #options: NodeRunnerOptions;
  #started: (StartedNode & { readonly asked: string; readonly endListening: () => void }) | undefined;
  #starting: Starting | undefined;
  #stopping: Promise<void> | undefined;
  #progress: Status["progress"] = null;
  #fault: Notice | null = null;

  constructor(options: NodeRunnerOptions) {
    this.#options = options;
  }

  /** Undefined while it starts and while it stops. */
  get started(): StartedNode | undefined {
    return this.#started;
  }

  get state(): Pick<Status, "nodeState" | "nodeFault" | "progress"> {
    const [nodeFault, progress] = [this.#fault, this.#progress];
    if (this.#stopping !== undefined) return { nodeState: "stopping", nodeFault: null, progress: null };
    if (this.#starting !== undefined) return { nodeState: "starting", nodeFault: null, progress };
    return { nodeState: this.#started === undefined ? "none" : "running", nodeFault, progress: null };
  }

  /** Says what keeps the node from running, where it was not even started. */
  setFault(fault: Notice): void {
    this.#fault = fault;
    this.#options.onChange();
  }

  /**
   * Resolves once it runs; where the same runs or starts already, with that. Throws what stands in the way, which the state keeps
   * saying, and `node-running` where another one runs.
   */
  async start({ asked, start }: NodeStart): Promise<void> {
    await this.#stopping;
    const other = this.#starting ?? this.#started;
    if (other !== undefined) {
      const name = this.#started?.network.network.name ?? other.asked;
      if (asked !== other.asked && asked !== name) throw apiError("node-running", { network: name });
      return this.#starting?.done;
    }
    const abort = new AbortController();
    const stopping = AbortSignal.any([abort.signal, this.#options.stopping]);
    // Its end, which may come at once, is to find it under way.
    const done = Promise.resolve().then(() => this.#start({ asked, start }, stopping));
    this.#starting = { asked, abort, done };
    this.#options.onChange();
    return done;
  }

  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
      this.#options.onChange();
    });
    this.#options.onChange();
    return this.#stopping;
  }

  async #start({ asked, start }: NodeStart, stopping: AbortSignal): Promise<void> {
    this.#fault = null;
    try {
      if (stopping.aborted) throw new ProtocolError("cancelled");
      const started = await start(stopping, (progress) => {
        this.#progress = progress;
        this.#options.onChange();
      });
      this.#started = { ...started, asked, endListening: this.#options.listen(started.running) };
    } catch (error) {
      const { notice, isDefect } = noticeOf(error);
      if (isDefect) this.#options.onDefect(error);
      // Nothing is wrong where somebody did not want it any more.
      if (!stopping.aborted) this.#fault = notice;
      throw error;
    } finally {
      this.#starting = undefined;
      this.#progress = null;
      this.#options.onChange();
    }
  }

  async #stop(): Promise<void> {
    this.#fault = null;
    if (this.#starting !== undefined) {
      this.#starting.abort.abort();
      await this.#starting.done.catch(() => undefined);
    }
    const started = this.#started;
    this.#started = undefined;
    started?.endListening();
    await started?.running.stop();
  }
}
