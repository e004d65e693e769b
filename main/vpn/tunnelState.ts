/** The tunnel of the desktop client as one value that events move (chapter 08 §6). Pure: what it demands of the world others do. */

export type TunnelState = "disconnected" | "connecting" | "connected" | "reconnecting" | "blocked" | "disconnecting";

export type TunnelEvent =
  | "connect"
  | "disconnect"
  /** Something answered through the tunnel: a listening port is not enough. */
  | "verified"
  | "attempt-failed"
  | "child-exited"
  | "probe-ok"
  | "probe-failed"
  | "network-changed"
  | "resumed"
  | "city-selected"
  | "retry-timer"
  /** What disconnecting had to undo is undone. */
  | "cleaned";

export interface Tunnel {
  readonly state: TunnelState;
  /** Candidates of the attempt that have not failed; 0 outside an attempt. */
  readonly candidatesLeft: number;
  /** Probes lost in a row while connected. */
  readonly probesLost: number;
  /** What led into this state; absent at the very beginning. */
  readonly cause?: TunnelEvent;
}

export interface TunnelSettings {
  readonly killSwitch: boolean;
  /** Entries that an attempt tries. */
  readonly candidates: number;
}

const PROBES_LOST_MAX = 2;

export const DISCONNECTED: Tunnel = { state: "disconnected", candidatesLeft: 0, probesLost: 0 };

/** The tunnel after an event; the same value where the event means nothing in its state. */
export function nextTunnel(tunnel: Tunnel, event: TunnelEvent, { killSwitch, candidates }: TunnelSettings): Tunnel {
  const enter = (state: TunnelState, candidatesLeft = 0): Tunnel => ({
    state,
    candidatesLeft,
    probesLost: 0,
    cause: event,
  });
  switch (tunnel.state) {
    case "disconnected":
      return event === "connect" ? enter("connecting", candidates) : tunnel;
    case "connecting":
    case "reconnecting": {
      if (event === "verified") return enter("connected");
      if (event === "disconnect") return enter("disconnecting");
      if (event !== "attempt-failed" && event !== "child-exited") return tunnel;
      const candidatesLeft = tunnel.candidatesLeft - 1;
      if (candidatesLeft > 0) return { ...tunnel, candidatesLeft };
      return enter(killSwitch ? "blocked" : "disconnected");
    }
    case "connected":
      if (event === "disconnect") return enter("disconnecting");
      if (event === "probe-ok") return { ...tunnel, probesLost: 0 };
      if (event === "probe-failed" && tunnel.probesLost + 1 < PROBES_LOST_MAX) {
        return { ...tunnel, probesLost: tunnel.probesLost + 1 };
      }
      return ENDS_CONNECTION.has(event) ? enter("reconnecting", candidates) : tunnel;
    case "blocked":
      if (event === "disconnect") return enter("disconnecting");
      return ENDS_BLOCK.has(event) ? enter("reconnecting", candidates) : tunnel;
    case "disconnecting":
      return event === "cleaned" ? enter("disconnected") : tunnel;
  }
}

const ENDS_CONNECTION: ReadonlySet<TunnelEvent> = new Set([
  ...(["probe-failed", "child-exited", "network-changed", "resumed", "city-selected"] as const),
]);
const ENDS_BLOCK: ReadonlySet<TunnelEvent> = new Set([
  ...(["connect", "network-changed", "resumed", "city-selected", "retry-timer"] as const),
]);
