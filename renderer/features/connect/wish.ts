/** What the one button means, as a pure function of what the host says of its tunnel and of the city that is looked at. */
import type { TunnelStatus } from "../../store/hostState.ts";

export const AUTOMATIC = "auto";

export type Deed =
  | { readonly kind: "connect" | "switch" | "retry"; readonly city: string }
  | { readonly kind: "cancel" | "disconnect" | "unblock" }
  /** Nothing can be done until the host has said more. */
  | { readonly kind: "wait" };

export interface Offer {
  readonly main: Deed;
  /** What else can be done now. */
  readonly other: Deed | null;
}

/** `looked` is the city whose card is open; without one it is what was chosen last. */
export function offerOf(tunnel: TunnelStatus | null, looked: string | null): Offer {
  if (tunnel === null) return { main: { kind: "wait" }, other: null };
  const city = looked ?? tunnel.chosen ?? AUTOMATIC;
  const isOther = looked !== null && looked !== tunnel.chosen && looked !== tunnel.city;
  switch (tunnel.state) {
    case "disconnected":
      return { main: { kind: "connect", city }, other: null };
    case "connecting":
      return { main: { kind: "cancel" }, other: isOther ? { kind: "switch", city } : null };
    case "connected":
    case "reconnecting": {
      const end = { kind: tunnel.state === "connected" ? "disconnect" : "cancel" } as const;
      return isOther ? { main: { kind: "switch", city }, other: end } : { main: end, other: null };
    }
    case "blocked":
      return { main: { kind: "retry", city }, other: { kind: "unblock" } };
    case "disconnecting":
      return { main: { kind: "wait" }, other: null };
  }
}
