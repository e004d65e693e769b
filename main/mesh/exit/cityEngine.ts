/** The engine of a city: run as its record says, measured, and with a gate for new connections. */
import { ProtocolError } from "../../protocol/errors.ts";
import type { Binaries } from "../../xray/binaries.ts";
import { openEngineDirectory } from "../../xray/directory.ts";
import { startEngine, type Engine, type EngineEvent } from "../../xray/engine.ts";
import { endLeftover } from "../../xray/leftover.ts";
import { cityTraffic, engineConfigOf, GATE, OPEN, SHUT } from "./engineSetup.ts";
import type { ExitRecord } from "./record.ts";
import type { ExitNotice } from "./status.ts";

export interface CityEngineOptions {
  /** The engine's folder is made in it. */
  readonly directory: string;
  readonly binaries: () => Binaries;
  /** Milliseconds before one that gave up is tried again. */
  readonly retryMs: number;
  /** It has come, or has given up. */
  readonly onChange: () => void;
}

export interface Gate {
  /** New connections are refused. */
  readonly isShut: boolean;
  /** Those under way end, too. */
  readonly isCut: boolean;
}

export class CityEngine {
  readonly #options: CityEngineOptions;
  #engine: Engine | undefined;
  /** What it runs with. */
  #key: string | undefined;
  #readyAt: number | undefined;
  #fault: ExitNotice | undefined;
  #retryAt = 0;
  #counted = { up: 0n, down: 0n };

  constructor(options: CityEngineOptions) {
    this.#options = options;
  }

  /** Milliseconds since it began to answer; undefined while it does not. */
  get upMs(): number | undefined {
    return this.#readyAt === undefined ? undefined : performance.now() - this.#readyAt;
  }

  /** Why it does not run. */
  get fault(): ExitNotice | undefined {
    return this.#fault;
  }

  /** The next {@link run} tries again at once. */
  retry(): void {
    this.#retryAt = 0;
  }

  /** Starts it where it does not run, and anew where the record has changed. What is wrong is its `fault`. */
  async run(record: ExitRecord, { isShut, isCut }: Gate): Promise<void> {
    const { binaries, retryMs } = this.#options;
    const key = JSON.stringify([record.doors, record.relay, record.decoy, record.listen, record.practice, isCut]);
    const isDone = this.#fault === undefined || performance.now() < this.#retryAt;
    if (this.#key === key && isDone) return this.#steer(record, isShut);
    try {
      const directory = this.#directory();
      const config = engineConfigOf(record, directory.apiSocket, isShut);
      this.#readyAt = undefined;
      this.#key = key;
      const onEvent = (event: EngineEvent): void => this.#onEvent(event);
      if (this.#engine !== undefined) await this.#engine.restart(config);
      else this.#engine = await startEngine({ binaries: binaries(), directory: directory.path, config, onEvent });
      this.#fault = undefined;
    } catch (error) {
      const { code, params } = asProtocolError(error);
      this.#fault = { code, params };
      this.#retryAt = performance.now() + retryMs;
    }
  }

  /** Bytes since the last time, as clients sent and got them; undefined where there were none, or nobody answers. */
  async measure(): Promise<{ readonly up: number; readonly down: number } | undefined> {
    const engine = this.#engine;
    if (engine === undefined || this.#readyAt === undefined) return undefined;
    let now;
    try {
      now = cityTraffic(await engine.api.counters("inbound>>>"));
    } catch (error) {
      // An engine that has just ended; its next one counts from 0.
      asProtocolError(error);
      return undefined;
    }
    const isNew = now.up < this.#counted.up || now.down < this.#counted.down;
    const before = isNew ? { up: 0n, down: 0n } : this.#counted;
    this.#counted = now;
    const [up, down] = [Number(now.up - before.up), Number(now.down - before.down)];
    return up === 0 && down === 0 ? undefined : { up, down };
  }

  /** Ends it, and one that a killed program left. */
  async end(): Promise<void> {
    const engine = this.#engine;
    [this.#engine, this.#key, this.#readyAt, this.#fault] = [undefined, undefined, undefined, undefined];
    if (engine !== undefined) await engine.stop();
    else await endLeftover(this.#directory().path);
  }

  /** New connections meet the gate; those under way go on. */
  async #steer(record: ExitRecord, isShut: boolean): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || this.#readyAt === undefined) return;
    engine.prepare(engineConfigOf(record, this.#directory().apiSocket, isShut));
    try {
      await engine.api.overrideBalancer(GATE, isShut ? SHUT : OPEN);
    } catch (error) {
      // Its next start takes what is prepared.
      asProtocolError(error);
    }
  }

  #onEvent(event: EngineEvent): void {
    if (event.kind === "ready") {
      this.#readyAt = performance.now();
      this.#counted = { up: 0n, down: 0n };
      this.#options.onChange();
    } else if (event.kind === "exited") {
      this.#readyAt = undefined;
    } else if (event.kind === "gave-up") {
      this.#readyAt = undefined;
      this.#fault = { code: event.code, params: event.port === undefined ? {} : { port: event.port } };
      this.#retryAt = performance.now() + this.#options.retryMs;
      this.#options.onChange();
    }
  }

  #directory() {
    return openEngineDirectory(this.#options.directory, "engine");
  }
}

/** Anything else is a defect. */
function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error as ProtocolError;
  throw error;
}
