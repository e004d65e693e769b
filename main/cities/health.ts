/** Health of one endpoint, and `health.json` (chapter 08 §3.7, §4.8). */
import { CITY_CODE } from "./cities.ts";
import { parseJson } from "./json.ts";
import {
  CITIES_MAX,
  EVICT_AFTER_SECONDS,
  FAILURES_UNTIL_DOWN,
  PUBLIC_FILE_MAX,
  SUB_PERIOD_SECONDS,
  SUCCESSES_UNTIL_UP,
} from "./limits.ts";
import { NODE_LABEL } from "./myVpn.ts";
import { count, isoText, listOf, nullable, oneOf, record, text, type Shape } from "./shape.ts";
import { isoTime } from "./time.ts";

const readState = oneOf("unknown", "up", "degraded", "down", "expired");
export type HealthState = Shape<typeof readState>;

const readProbeError = oneOf(
  ...(["dns", "tcp-refused", "tcp-timeout", "reset", "tls-timeout", "tls-alert", "tls-version"] as const),
  ...(["cert-name", "cert-expired", "cert-untrusted"] as const),
);
export type ProbeError = Shape<typeof readProbeError>;

const readEndpoint = record({
  node: text(32, NODE_LABEL),
  city: text(3, CITY_CODE),
  state: readState,
  since_unix: nullable(count),
  first_probe_unix: nullable(count),
  last_probe_unix: nullable(count),
  last_ok_unix: nullable(count),
  consecutive_failures: count,
  consecutive_successes: count,
  handshake_ms: nullable(count),
  error: nullable(readProbeError),
});

const readHealth = record({
  version: oneOf(1),
  updated: isoText,
  updated_unix: count,
  interval_seconds: count,
  nodes: listOf(readEndpoint, CITIES_MAX),
});

/** Holds no address and no host name. */
export type EndpointHealth = Shape<typeof readEndpoint>;
export type Health = Shape<typeof readHealth>;

export type Probe = { readonly handshakeMs: number } | { readonly error: ProbeError };

/** An endpoint that was never probed. */
export const unprobed = (node: string, city: string): EndpointHealth => ({
  node,
  city,
  state: "unknown",
  since_unix: null,
  first_probe_unix: null,
  last_probe_unix: null,
  last_ok_unix: null,
  consecutive_failures: 0,
  consecutive_successes: 0,
  handshake_ms: null,
  error: null,
});

/** The health of an endpoint after one more probe. */
export function recordProbe(before: EndpointHealth, probe: Probe, nowUnix: number): EndpointHealth {
  const isOk = "handshakeMs" in probe;
  const successes = isOk ? before.consecutive_successes + 1 : 0;
  const failures = isOk ? 0 : before.consecutive_failures + 1;
  const firstProbe = before.first_probe_unix ?? nowUnix;
  const lastOk = isOk ? nowUnix : before.last_ok_unix;
  const state = nextState(before.state, failures, successes, nowUnix - (lastOk ?? firstProbe));
  return {
    node: before.node,
    city: before.city,
    state,
    since_unix: state === before.state ? before.since_unix : nowUnix,
    first_probe_unix: firstProbe,
    last_probe_unix: nowUnix,
    last_ok_unix: lastOk,
    consecutive_failures: failures,
    consecutive_successes: successes,
    handshake_ms: isOk ? probe.handshakeMs : before.handshake_ms,
    error: isOk ? null : probe.error,
  };
}

/** One failure degrades, three bring down; from there two successes in a row lead up again. */
function nextState(previous: HealthState, failures: number, successes: number, silence: number): HealthState {
  if (failures > 0 && silence > EVICT_AFTER_SECONDS) return "expired";
  if (failures >= FAILURES_UNTIL_DOWN) return "down";
  if (failures > 0) return previous === "down" || previous === "expired" ? previous : "degraded";
  if (successes >= SUCCESSES_UNTIL_UP || previous === "unknown" || previous === "up") return "up";
  return "degraded";
}

export function healthDocument(nodes: readonly EndpointHealth[], nowUnix: number): Health {
  const updated = isoTime(nowUnix);
  return { version: 1, updated, updated_unix: nowUnix, interval_seconds: SUB_PERIOD_SECONDS, nodes };
}

/** Throws `ProtocolError`: `too-large`, `not-json`, or `bad-field` with its place as `at`. */
export function decodeHealth(body: string): Health {
  return readHealth(parseJson(body, PUBLIC_FILE_MAX), "");
}
