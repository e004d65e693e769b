/** What can go wrong with whole-device mode, besides what the helper itself says (main/native/helper/README.md), by code. */
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";

export type DeviceErrorCode =
  /** It is not installed (`install.ts`). */
  | "helper-missing"
  /** This copy of the program has none to install: it would be at `path`. */
  | "helper-not-built"
  /** It is installed, and does not run. */
  | "helper-not-running"
  /** It serves another user of this machine. */
  | "helper-not-allowed"
  /** Another process of this user has it. */
  | "helper-busy"
  /** It is older than this program: install it again. */
  | "helper-outdated"
  /** It ended, or says nothing any more. */
  | "helper-gone"
  /** There is nothing here that asks for an administrator's password: `command` is to be typed. */
  | "helper-needs-administrator"
  /** The person, or the machine, refused: `status`. */
  | "helper-not-installed";

export const deviceError = (code: DeviceErrorCode, params: ErrorParams = {}): ProtocolError<DeviceErrorCode> =>
  new ProtocolError(code, params);
