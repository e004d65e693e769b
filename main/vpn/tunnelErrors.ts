/** What can go wrong with the tunnel besides its engine (`main/xray/errors.ts`), by code. */
import { ProtocolError, type ErrorParams } from "../protocol/errors.ts";

export type TunnelErrorCode =
  /** `city` is none of the network's. */
  | "unknown-city"
  /** `city` carries no VPN. */
  | "city-without-vpn"
  /** There is no entry to connect to; `city` where one was chosen. */
  | "no-entries"
  /** Disconnected, or another city chosen, before the tunnel was up. */
  | "tunnel-cancelled"
  /** This machine has nothing that the mode could use; `mode`. */
  | "mode-unavailable"
  /** Nothing is blocked that could be let past. */
  | "not-blocked"
  /** No address of any exit could be had. */
  | "exits-not-resolved";

export const tunnelError = (code: TunnelErrorCode, params: ErrorParams = {}): ProtocolError<TunnelErrorCode> =>
  new ProtocolError(code, params);

export interface TunnelFault {
  readonly code: string;
  readonly params: ErrorParams;
}

/** Of an error that names itself; throws every other one. */
export function faultOf(error: unknown): TunnelFault {
  const { code, params } = error as { readonly code?: unknown; readonly params?: ErrorParams };
  if (typeof code !== "string" || params === undefined) throw error;
  return { code, params };
}
