/** Speaks with `montana-helper`, which may what this program may not (main/native/helper/README.md is the protocol's truth). */
import { connect, type Socket } from "node:net";

import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { EngineLaunch, EngineRun } from "../../xray/engineProcess.ts";
import { deviceError } from "./errors.ts";

export const HELPER_SOCKET = "/run/montana/helper.sock";
const VERSION = 1;
/** Bytes of one line, its end included. */
const LINE_MAX = 262_144;
/** Milliseconds. */
const ANSWER_DEADLINE = 15_000;

type Message = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly resolve: (ok: Message) => void;
  readonly reject: (error: Error) => void;
  readonly late: NodeJS.Timeout;
}

interface Running {
  readonly onLine: (line: string) => void;
  readonly end: (status: number | null) => void;
}

export class HelperClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #received: Buffer = Buffer.alloc(0);
  #id = 0;
  #engine: Running | undefined;
  #lost: ProtocolError | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#lose());
  }

  /**
   * Governs the helper from now on. `isBlocking`: a kill switch stands from before. Throws `helper-not-running`,
   * `helper-not-allowed`, `helper-busy`, `helper-outdated`, `helper-gone`.
   */
  static async connect(path: string): Promise<{ readonly client: HelperClient; readonly isBlocking: boolean }> {
    const client = new HelperClient(await open(path));
    try {
      const { isBlocking } = await client.call("hello", { version: VERSION });
      return { client, isBlocking: isBlocking === true };
    } catch (error) {
      client.close();
      const { code } = error as { readonly code?: unknown };
      if (code === "busy") throw deviceError("helper-busy");
      if (code === "version-unsupported") throw deviceError("helper-outdated");
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#lost === undefined;
  }

  /** The helper's answer. Throws its codes, or `helper-gone` where none comes. */
  call(name: string, args: Readonly<Record<string, string | number | boolean>> = {}): Promise<Message> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      // Whatever it does then, nobody knows: the connection's end lets it block what is to be blocked.
      const late = setTimeout(() => this.#socket.destroy(), ANSWER_DEADLINE);
      this.#waiting.set(id, { resolve, reject, late });
      this.#socket.write(`${JSON.stringify({ id, do: name, ...args })}\n`);
    });
  }

  /** As `EngineLauncher`. */
  async launch({ config, onLine }: EngineLaunch): Promise<EngineRun> {
    const { promise: ended, resolve: end } = Promise.withResolvers<number | null>();
    const engine: Running = {
      onLine,
      end: (status) => {
        if (this.#engine === engine) this.#engine = undefined;
        end(status);
      },
    };
    // Its lines may come before the answer does.
    const before = this.#engine;
    this.#engine = engine;
    try {
      const { pid } = await this.call("start", { config });
      const stop = (): void => void this.call("stop").catch(() => undefined);
      return { pid: typeof pid === "number" ? pid : undefined, ended, stop };
    } catch (error) {
      if (this.#engine === engine) this.#engine = before;
      throw error;
    }
  }

  /** Ends the engine; what blocks stays where a kill switch stands. */
  close(): void {
    this.#socket.destroy();
    this.#lose();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let from = 0;
    for (let end = this.#received.indexOf(10); end >= 0; end = this.#received.indexOf(10, from)) {
      this.#take(this.#received.toString("utf8", from, end));
      from = end + 1;
    }
    this.#received = this.#received.subarray(from);
    if (this.#received.length > LINE_MAX) this.#socket.destroy();
  }

  #take(line: string): void {
    const message = parse(line);
    if (message === undefined) {
      this.#socket.destroy();
      return;
    }
    const { id, ok, error, event } = message;
    if (event === "line") this.#engine?.onLine(typeof message["text"] === "string" ? message["text"] : "");
    else if (event === "exited") this.#engine?.end(typeof message["code"] === "number" ? message["code"] : null);
    const waiting = typeof id === "number" ? this.#waiting.get(id) : undefined;
    if (waiting === undefined) return;
    this.#waiting.delete(id as number);
    clearTimeout(waiting.late);
    if (isObject(ok)) waiting.resolve(ok);
    else waiting.reject(errorOf(error));
  }

  #lose(): void {
    if (this.#lost !== undefined) return;
    // A helper that does not know this user says nothing and closes.
    this.#lost = deviceError(this.#id <= 1 && this.#waiting.size > 0 ? "helper-not-allowed" : "helper-gone");
    for (const { reject, late } of this.#waiting.values()) {
      clearTimeout(late);
      reject(this.#lost);
    }
    this.#waiting.clear();
    // The helper ends its engine when the connection ends, and the kernel does when the helper does.
    this.#engine?.end(null);
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = ({ code }: NodeJS.ErrnoException): void => {
      reject(deviceError(code === "EACCES" || code === "EPERM" ? "helper-not-allowed" : "helper-not-running"));
    };
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

function parse(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Message =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function errorOf(error: unknown): ProtocolError {
  if (!isObject(error) || typeof error["code"] !== "string") return deviceError("helper-gone");
  const params = isObject(error["params"]) ? error["params"] : {};
  const plain = Object.entries(params).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return new ProtocolError(error["code"], Object.fromEntries(plain) as ErrorParams);
}
