/**
 * Whether the cities' doors answer just now, for who looks at them: each is asked, past the tunnel, for the handshake that any
 * stranger gets. Only where the network's file says how often, for it makes a connection to every city: a practice network, a
 * laboratory, a house. Elsewhere a city's health is what the network publishes, with its age.
 */
import { connect } from "node:tls";

export interface Door {
  readonly city: string;
  readonly host: string;
  readonly port: number;
  readonly sni: string;
}

export interface ExitWatchOptions {
  /** Asked anew in each round. */
  readonly doors: () => readonly Door[];
  /** Milliseconds between two questions to one door. */
  readonly period: number;
  readonly onSilent: (city: string) => void;
  readonly onHeard: (city: string) => void;
}

/** Milliseconds. On a machine that is busy with other things an answer may take a while. */
const ANSWER_MIN = 1_000;
/** More would be heard of in the network's own documents. */
const DOORS_MAX = 64;

interface Known {
  readonly city: string;
  readonly heardAtMs: number;
  readonly isSilent: boolean;
}

export class ExitWatch {
  readonly #options: ExitWatchOptions;
  readonly #known = new Map<string, Known>();
  #run: AbortController | undefined;

  constructor(options: ExitWatchOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#run !== undefined) return;
    const run = new AbortController();
    this.#run = run;
    const asked = new Set<string>();
    const round = (): void => this.#round(asked, run.signal);
    const timer = setInterval(round, this.#options.period).unref();
    run.signal.addEventListener("abort", () => clearInterval(timer));
    round();
  }

  /** What was seen says nothing any more. */
  stop(): void {
    this.#run?.abort();
    this.#run = undefined;
    this.#known.clear();
  }

  /** Cities of which no door answers, with the time (Unix, milliseconds) at which one last did or was first asked. */
  get silent(): ReadonlyMap<string, number> {
    const cities = Map.groupBy(this.#known.values(), ({ city }) => city);
    return new Map(
      [...cities]
        .filter(([, doors]) => doors.every(({ isSilent }) => isSilent))
        .map(([city, doors]) => [city, Math.max(...doors.map(({ heardAtMs }) => heardAtMs))]),
    );
  }

  /** A door that has not said yes or no stays what it was, and is not asked twice at a time. */
  #round(asked: Set<string>, signal: AbortSignal): void {
    const doors = new Map(this.#options.doors().map((door) => [keyOf(door), door]));
    for (const key of this.#known.keys()) if (!doors.has(key)) this.#known.delete(key);
    for (const [key, door] of [...doors].slice(0, DOORS_MAX)) {
      if (asked.has(key)) continue;
      asked.add(key);
      const askedAtMs = Date.now();
      void answers(door, Math.max(ANSWER_MIN, this.#options.period), signal).then((isHeard) => {
        asked.delete(key);
        if (!signal.aborted) this.#take(key, door, isHeard, askedAtMs);
      });
    }
  }

  #take(key: string, { city }: Door, isHeard: boolean, askedAtMs: number): void {
    const wasSilent = this.silent.has(city);
    const heardAtMs = isHeard ? Date.now() : (this.#known.get(key)?.heardAtMs ?? askedAtMs);
    this.#known.set(key, { city, heardAtMs, isSilent: !isHeard });
    const isSilent = this.silent.has(city);
    if (isSilent && !wasSilent) this.#options.onSilent(city);
    if (wasSilent && !isSilent) this.#options.onHeard(city);
  }
}

const keyOf = ({ city, host, port, sni }: Door): string => `${city} ${host} ${port} ${sni}`;

/** Whose certificate it shows does not matter here: who goes through it proves that by other means. */
function answers({ host, port, sni }: Door, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, servername: sni, minVersion: "TLSv1.3", rejectUnauthorized: false });
    const settle = (isHeard: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve(isHeard);
    };
    const stop = (): void => settle(false);
    const timer = setTimeout(stop, timeoutMs);
    signal.addEventListener("abort", stop, { once: true });
    socket
      .once("secureConnect", () => settle(true))
      .on("error", stop)
      .once("close", stop);
  });
}
