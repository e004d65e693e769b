/** What a node has found out about how others can reach it (chapter 07 §4.12). Immutable: every event gives a new state. */

export type Reachability =
  "unknown" | "public" | { readonly mappedPort: number } | "hole-punched" | "behind-relay" | "unreachable";

/** How the node last made itself reachable. */
export type NatMethod = "upnp-pcp" | "autonat-hole-punch" | "circuit-relay";

export interface NatState {
  readonly reachability: Reachability;
  readonly lastMethod: NatMethod | undefined;
  /** When the mapping of a port was made, in seconds. It lives on below other ways of being reached. */
  readonly mappedAtSeconds: bigint | undefined;
}

export type NatEvent =
  | { readonly kind: "port-mapped"; readonly externalPort: number; readonly nowSeconds: bigint }
  | { readonly kind: "mapping-released" }
  | { readonly kind: "hole-punched" }
  | { readonly kind: "relay-found" }
  | { readonly kind: "found-public" }
  | { readonly kind: "found-unreachable" };

/** After which a mapping is made again. */
const RENEWAL_SECONDS = 1800n;

export const NEW_NAT_STATE: NatState = { reachability: "unknown", lastMethod: undefined, mappedAtSeconds: undefined };

export function afterNatEvent(state: NatState, event: NatEvent): NatState {
  switch (event.kind) {
    case "port-mapped":
      return {
        reachability: { mappedPort: event.externalPort },
        lastMethod: "upnp-pcp",
        mappedAtSeconds: event.nowSeconds,
      };
    case "mapping-released": {
      const wasMapped = typeof state.reachability === "object";
      return { ...state, reachability: wasMapped ? "unknown" : state.reachability, mappedAtSeconds: undefined };
    }
    case "hole-punched":
      return { ...state, reachability: "hole-punched", lastMethod: "autonat-hole-punch" };
    case "relay-found":
      return { ...state, reachability: "behind-relay", lastMethod: "circuit-relay" };
    case "found-public":
      return { ...state, reachability: "public", mappedAtSeconds: undefined };
    case "found-unreachable":
      return { ...state, reachability: "unreachable" };
  }
}

/** Whether there is a mapping and it is 1,800 s old. */
export function isRenewalDue({ mappedAtSeconds }: NatState, nowSeconds: bigint): boolean {
  return mappedAtSeconds !== undefined && nowSeconds - mappedAtSeconds >= RENEWAL_SECONDS;
}
