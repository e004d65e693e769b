/** What can go wrong with the engine, by code (chapter 08 §10.11 and what this room adds). */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";

/** Why the engine did not start. */
export type StartFailure =
  | "port-in-use"
  | "port-forbidden"
  | "tun-permission"
  | "tun-busy"
  | "tun-driver-missing"
  | "geo-files-missing"
  | "bad-public-key"
  | "bad-short-id"
  | "bad-uuid"
  | "unsupported-flow"
  | "unsupported-fingerprint"
  | "config-invalid"
  | "engine-crashed";

/** Why traffic does not get through. */
export type RunningFailure =
  | "exit-rejected-key"
  | "unsupported-fingerprint"
  | "exit-wrong-certificate"
  | "exit-name-unresolved"
  | "exit-refused"
  | "no-network"
  | "exit-timeout"
  | "exit-decoy-unfit"
  | "exit-closed"
  | "account-rejected"
  | "target-unreachable"
  | "quic-rejected"
  | "unknown";

export type EngineErrorCode =
  | StartFailure
  /** There is no engine for this machine: `path` names where it was looked for. */
  | "engine-missing"
  /** It runs but does not answer. */
  | "engine-not-ready"
  /** Its directory cannot be used: `path`, `errno`, or it is another user's. */
  | "engine-directory-unusable"
  /** The engine was stopped while something was asked of it. */
  | "engine-stopped"
  /** In full-device mode every exit must be an address (§10.6). */
  | "exit-not-resolved"
  | "unknown-exit"
  /** Empty, not of letters, digits and hyphens, or the beginning of another one's, which the engine could not tell apart. */
  | "bad-exit-code"
  | "bad-bypass-domain"
  | "bad-bypass-cidr"
  /** A resolver that bypasses the tunnel (§10.6). */
  | "bad-dns-server"
  | "bad-socket-path"
  | "api-unreachable"
  /** The engine refused: `status` is gRPC's. */
  | "api-refused"
  | "bad-api-response";

export const engineError = (code: EngineErrorCode, params: ErrorParams = {}): ProtocolError<EngineErrorCode> =>
  new ProtocolError(code, params);
