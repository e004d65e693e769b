/** What the practice network can fail of, as {code, params}; the sentences are in `main/api/sentences`. */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";

export type LocalErrorCode =
  /** `part` ended with `reason`; `log` says more. */
  | "local-part-failed"
  /** `part` said nothing for `seconds`; `log` says more. */
  | "local-part-silent"
  /** `what` did not come about within `seconds`. */
  | "local-too-slow"
  /** `file` is not what this program wrote. */
  | "local-record-damaged"
  | "local-not-running"
  /** `city`, `known`. */
  | "local-city-unknown"
  /** `city`. */
  | "local-city-exists"
  /** `max`. */
  | "local-cities-max"
  /** `city` has none: a relay. */
  | "local-no-node"
  /** τ₂ of a network that is there is what it is: `windows`. */
  | "local-chain-fixed"
  /** Another command works on it. */
  | "local-busy";

export const localError = (code: LocalErrorCode, params: ErrorParams = {}): ProtocolError<LocalErrorCode> =>
  new ProtocolError(code, params);
