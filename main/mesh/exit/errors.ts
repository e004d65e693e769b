/** What can go wrong with a city that this machine runs, by code. */
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";

/** Why a site cannot be the decoy (chapter 08 §11.1). */
export type DecoyFault =
  | "decoy-name-unresolved"
  | "decoy-unreachable"
  | "decoy-no-tls13"
  | "decoy-no-x25519"
  | "decoy-no-h2"
  | "decoy-certificate"
  | "decoy-key-type"
  | "decoy-flight-too-large"
  | "decoy-slow"
  | "decoy-redirects"
  | "decoy-refused-name";

export type ExitErrorCode =
  | DecoyFault
  | "exit-absent"
  | "exit-exists"
  | "exit-record-damaged"
  | "exit-removing"
  | "exit-value-missing"
  | "exit-bad-value"
  | "exit-not-publishable"
  | "exit-relay-has-no-keys"
  | "exit-needs-second-port"
  | "exit-too-many-accounts"
  | "rate-not-privileged"
  | "rate-foreign-shaper"
  | "rate-failed"
  | "city-unknown"
  | "city-ambiguous"
  | "gazetteer-missing"
  | "cities-list-invalid";

export const exitError = (code: ExitErrorCode, params: ErrorParams = {}): ProtocolError<ExitErrorCode> =>
  new ProtocolError(code, params);
