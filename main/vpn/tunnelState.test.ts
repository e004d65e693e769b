import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DISCONNECTED, nextTunnel, type Tunnel, type TunnelEvent, type TunnelState } from "./tunnelState.ts";

const EVENTS: readonly TunnelEvent[] = [
  ...(["connect", "disconnect", "verified", "attempt-failed", "child-exited", "probe-ok", "probe-failed"] as const),
  ...(["network-changed", "resumed", "city-selected", "retry-timer", "cleaned"] as const),
];
const anyEvents = fc.array(fc.constantFrom(...EVENTS), { maxLength: 80 });
const anySettings = fc.record({ killSwitch: fc.boolean(), candidates: fc.integer({ min: 1, max: 5 }) });

const ALLOWED: Readonly<Record<TunnelState, readonly TunnelState[]>> = {
  disconnected: ["connecting"],
  connecting: ["connected", "blocked", "disconnected", "disconnecting"],
  connected: ["reconnecting", "disconnecting"],
  reconnecting: ["connected", "blocked", "disconnected", "disconnecting"],
  blocked: ["reconnecting", "disconnecting"],
  disconnecting: ["disconnected"],
};

describe("the tunnel", () => {
  test("moves only along the table of states, and names the event that moved it", () => {
    fc.assert(
      fc.property(anySettings, anyEvents, (settings, events) => {
        let tunnel: Tunnel = DISCONNECTED;
        for (const event of events) {
          const before = tunnel;
          tunnel = nextTunnel(before, event, settings);
          if (tunnel.state === before.state) continue;
          expect(ALLOWED[before.state]).toContain(tunnel.state);
          expect(tunnel.cause).toBe(event);
        }
      }),
    );
  });

  test("with the kill switch on opens only after a disconnect that was asked for", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let tunnel: Tunnel = DISCONNECTED;
        for (const event of events) {
          const before = tunnel.state;
          tunnel = nextTunnel(tunnel, event, { killSwitch: true, candidates: 2 });
          if (tunnel.state === "disconnected" && before !== "disconnected") expect(before).toBe("disconnecting");
        }
      }),
    );
  });

  test("tries as many candidates as there are, in every attempt", () => {
    fc.assert(
      fc.property(anySettings, (settings) => {
        let tunnel = nextTunnel(DISCONNECTED, "connect", settings);
        let tries = 0;
        while (tunnel.state === "connecting" && tries <= settings.candidates) {
          tunnel = nextTunnel(tunnel, "attempt-failed", settings);
          tries++;
        }
        expect(tries).toBe(settings.candidates);
        expect(tunnel.state).toBe(settings.killSwitch ? "blocked" : "disconnected");
      }),
    );
  });

  test("is the same value after an event that means nothing to it", () => {
    expect(nextTunnel(DISCONNECTED, "cleaned", { killSwitch: false, candidates: 1 })).toBe(DISCONNECTED);
  });
});
