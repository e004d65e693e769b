/** The engine under supervision: started, watched, started again by the policy, and never left behind (chapter 08 §10.1). */
import { EngineApi } from "./api/client.ts";
import { apiEndpointOf } from "./config/apiEndpoint.ts";
import type { EngineConfig } from "./config/engineConfig.ts";
import { EngineProcess, type ProcessOptions } from "./engineProcess.ts";
import { engineError, type EngineErrorCode } from "./errors.ts";
import { EngineLog, OutputReader, type OutputEvent } from "./output.ts";
import { nextRestartDelay } from "./restartPolicy.ts";
import { ProtocolError } from "../protocol/errors.ts";

export type EngineEvent =
  | OutputEvent
  /** It answers; `pid` is the engine's. */
  | { readonly kind: "ready"; readonly pid: number }
  /** It ended unasked and is started again in so many milliseconds. */
  | { readonly kind: "exited"; readonly status: number | null; readonly restartInMs: number }
  /** It ended unasked and is not started again: `engine-crashed` after three ends in a minute, else why it does not start. */
  | { readonly kind: "gave-up"; readonly code: EngineErrorCode; readonly port?: number };

export interface EngineOptions extends Omit<ProcessOptions, "onLine"> {
  /** Called as things happen; must neither throw nor take long. */
  readonly onEvent: (event: EngineEvent) => void;
}

/** Starts it; throws as `EngineProcess.start` does. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const engine = new Engine(options);
  await engine.restart(options.config);
  return engine;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #log = new EngineLog();
  readonly #abort = new AbortController();
  readonly #exits: number[] = [];
  #reader = new OutputReader();
  #config: EngineConfig;
  #api: EngineApi;
  #process: EngineProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Everything that starts or ends a process, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#api = apiOf(options.config);
  }

  /** Its interface; while it is being started again, calls throw `api-unreachable`. */
  get api(): EngineApi {
    return this.#api;
  }

  /** Its last lines about exits and start, redacted: for `diagnoseRunning` and diagnostics. */
  get log(): Pick<EngineLog, "position" | "since" | "recent"> {
    return this.#log;
  }

  /** The engine's process, where one runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Ends the engine and starts it with another configuration, also after it gave up. Throws as `startEngine`. */
  restart(config: EngineConfig): Promise<void> {
    return this.#inOrder(async () => {
      await this.#end();
      this.#api.close();
      this.#api = apiOf(config);
      this.#config = config;
      this.#exits.length = 0;
      await this.#start();
    });
  }

  /** What its next start by itself takes: the present configuration with another exit selected. */
  prepare(config: EngineConfig): void {
    this.#config = config;
  }

  /** Ends the engine for good; at the end nothing of it is left. */
  stop(): Promise<void> {
    this.#abort.abort();
    return this.#inOrder(async () => {
      await this.#end();
      this.#api.close();
    });
  }

  async #start(): Promise<void> {
    if (this.#abort.signal.aborted) throw engineError("engine-stopped");
    // Connections of the last process mean nothing now.
    this.#reader = new OutputReader();
    const onLine = (line: string): void => {
      const { event, isKept } = this.#reader.read(line);
      if (isKept) this.#log.push(line);
      if (event !== undefined) this.#options.onEvent(event);
    };
    const options = { ...this.#options, config: this.#config, onLine };
    const engine = await EngineProcess.start(options, this.#abort.signal);
    this.#process = engine;
    this.#options.onEvent({ kind: "ready", pid: engine.pid });
    void engine.ended.then((status) => {
      if (this.#process !== engine) return;
      this.#process = undefined;
      this.#onExit(status);
    });
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    const engine = this.#process;
    // Its end is now asked for.
    this.#process = undefined;
    await engine?.stop();
  }

  #onExit(status: number | null): void {
    this.#exits.push(performance.now());
    const restartInMs = nextRestartDelay(this.#exits);
    if (restartInMs === undefined) {
      this.#options.onEvent({ kind: "gave-up", code: "engine-crashed" });
      return;
    }
    this.#options.onEvent({ kind: "exited", status, restartInMs });
    this.#timer = setTimeout(() => void this.#inOrder(() => this.#startAgain()), restartInMs);
  }

  async #startAgain(): Promise<void> {
    if (this.#process !== undefined || this.#abort.signal.aborted) return;
    try {
      await this.#start();
    } catch (error) {
      const { code, params } = asEngineError(error);
      if (code === "engine-stopped") return;
      // What is wrong with configuration or machine will be wrong the next time, too.
      if (code === "engine-crashed" || code === "engine-not-ready") this.#onExit(null);
      else {
        const port = typeof params["port"] === "number" ? { port: params["port"] } : {};
        this.#options.onEvent({ kind: "gave-up", code, ...port });
      }
    }
  }

  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** What else may throw is the disk, below the engine's folder. */
function asEngineError(error: unknown): ProtocolError<EngineErrorCode> {
  if (error instanceof ProtocolError) return error as ProtocolError<EngineErrorCode>;
  return engineError("engine-directory-unusable", { errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
}

function apiOf(config: EngineConfig): EngineApi {
  const endpoint = apiEndpointOf(config);
  if (endpoint === undefined) throw engineError("config-invalid");
  return new EngineApi(endpoint);
}
