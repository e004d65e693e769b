/** From what the engine printed to what went wrong (chapter 08 §10.11): the first rule that matches decides. */
import type { RunningFailure, StartFailure } from "./errors.ts";

export interface StartFault {
  readonly code: StartFailure;
  /** Of `port-in-use` and `port-forbidden`. */
  readonly port?: number;
}

/** How a probe through the tunnel went (§10.9): `reset` also for a local 503, `empty` for a close without a byte. */
export type ProbeResult = "ok" | "reset" | "empty" | "timeout";

const STATUS_CONFIGURATION = 23;
/** A refused account closes at once; a refused target takes the exit a second (§11.2). Milliseconds. */
const ACCOUNT_CLOSES_WITHIN_MS = 500;

const START_RULES: readonly (readonly [RegExp, StartFailure])[] = [
  [/bind: address already in use|Only one usage of each socket address/, "port-in-use"],
  [/bind: permission denied|forbidden by its access permissions/, "port-forbidden"],
  [/failed to create server > .*wintun/i, "tun-driver-missing"],
  [/failed to create server > (?:permission denied|operation not permitted)/, "tun-permission"],
  [/> device or resource busy/, "tun-busy"],
  [/geoip\.dat|geosite\.dat/, "geo-files-missing"],
  [/(?:invalid|empty) "password"/, "bad-public-key"],
  [/"shortIds?(?:\[\d+\])?"/, "bad-short-id"],
  [/(?:unknown|invalid) "fingerprint"/, "unsupported-fingerprint"],
  [/invalid UUID/, "bad-uuid"],
  [/"flow" doesn't support/, "unsupported-flow"],
];

/** Of an engine that ended before it was ready. `status` is null when a signal ended it. */
export function diagnoseStart(status: number | null, lines: readonly string[]): StartFault {
  const text = lines.join("\n");
  const code = START_RULES.find(([pattern]) => pattern.test(text))?.[1];
  if (code === undefined) return { code: status === STATUS_CONFIGURATION ? "config-invalid" : "engine-crashed" };
  if (code !== "port-in-use" && code !== "port-forbidden") return { code };
  const port = /listen (?:tcp|udp)\d? \S*:(\d{1,5})\b/.exec(text)?.[1];
  return port === undefined ? { code } : { code, port: Number(port) };
}

const RUNNING_RULES: readonly (readonly [RegExp, RunningFailure])[] = [
  [/REALITY: (?:received real certificate|processed invalid connection)/, "exit-rejected-key"],
  [/does not support TLS 1\.3, REALITY/, "unsupported-fingerprint"],
  [/x509: /, "exit-wrong-certificate"],
  [/no such host|record not found/, "exit-name-unresolved"],
  [/connection refused/, "exit-refused"],
  [/no route to host|network is unreachable/, "no-network"],
  [/i\/o timeout|context deadline exceeded/, "exit-timeout"],
  [/common\/retry: \[(?:remote error: )?tls: /, "exit-decoy-unfit"],
  [/common\/retry: \[.*(?:EOF|connection reset by peer)/, "exit-closed"],
];

/**
 * Of an engine that runs. `lines` are what it printed since the probe began; without a probe only what the lines alone tell.
 */
export function diagnoseRunning(
  lines: readonly string[],
  probe?: { readonly result: ProbeResult; readonly ms: number } | null,
): RunningFailure {
  const text = lines.join("\n");
  const code = RUNNING_RULES.find(([pattern]) => pattern.test(text))?.[1];
  if (code !== undefined) return code;
  if (text.includes("tunneling request to") && probe?.result === "empty") {
    return probe.ms < ACCOUNT_CLOSES_WITHIN_MS ? "account-rejected" : "target-unreachable";
  }
  if (text.includes("XTLS rejected UDP/443")) return "quic-rejected";
  return probe?.result === "timeout" ? "exit-timeout" : "unknown";
}
