/** Health and delay of every route as this machine measured them through the tunnel (chapter 08 §4.8, §10.9). */
import { recordProbe, unprobed, type EndpointHealth } from "../cities/health.ts";
import type { ProbeOutcome } from "../xray/probe.ts";

export interface RouteMeasure {
  /** As in the order of §4.9: 0 up, 1 degraded, 2 down or expired. */
  readonly rank: 0 | 1 | 2;
  /** Milliseconds of a request on an open connection, the latest that was measured. */
  readonly delayMs: number | undefined;
  /** Milliseconds of the last connection, from nothing to the first byte. */
  readonly connectMs: number | undefined;
  /** Why the last one failed. */
  readonly fault: string | undefined;
}

interface Entry {
  readonly health: EndpointHealth;
  readonly measure: RouteMeasure;
}

const RANKS = { up: 0, unknown: 0, degraded: 1, down: 2, expired: 2 } as const;

export class RouteMeasures {
  readonly #entries = new Map<string, Entry>();

  /** By the route's code; undefined before the first probe. */
  of(code: string): RouteMeasure | undefined {
    return this.#entries.get(code)?.measure;
  }

  /** `fault` says why a probe failed. */
  record(code: string, outcome: ProbeOutcome, fault: string | undefined, nowUnix: number): void {
    const before = this.#entries.get(code);
    const isOk = outcome.result === "ok";
    const probe = isOk
      ? { handshakeMs: outcome.ms }
      : ({ error: outcome.result === "timeout" ? "tls-timeout" : "reset" } as const);
    const health = recordProbe(before?.health ?? unprobed(code, code), probe, nowUnix);
    this.#entries.set(code, {
      health,
      measure: {
        rank: RANKS[health.state],
        delayMs: outcome.delayMs ?? before?.measure.delayMs,
        connectMs: isOk ? outcome.ms : before?.measure.connectMs,
        fault: isOk ? undefined : fault,
      },
    });
  }

  /** Forgets routes that are none any more. */
  keepOnly(codes: ReadonlySet<string>): void {
    for (const code of this.#entries.keys()) if (!codes.has(code)) this.#entries.delete(code);
  }

  /** On another network everything may be different. */
  clear(): void {
    this.#entries.clear();
  }
}
