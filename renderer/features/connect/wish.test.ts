import { describe, expect, test } from "vitest";

import type { TunnelStatus } from "../../store/hostState.ts";
import { offerOf } from "./wish.ts";

const tunnel = (
  state: TunnelStatus["state"],
  chosen: string | null = "fra",
  city: string | null = null,
): TunnelStatus => ({ state, chosen, city }) as TunnelStatus;

describe("the one button", () => {
  test("waits until the host has said how its tunnel is, and while the machine is put back", () => {
    expect(offerOf(null, "fra")).toEqual({ main: { kind: "wait" }, other: null });
    expect(offerOf(tunnel("disconnecting"), "fra").main).toEqual({ kind: "wait" });
  });

  test("connects to the city that is looked at, else to the last one, else to the fastest", () => {
    expect(offerOf(tunnel("disconnected"), "fin").main).toEqual({ kind: "connect", city: "fin" });
    expect(offerOf(tunnel("disconnected"), null).main).toEqual({ kind: "connect", city: "fra" });
    expect(offerOf(tunnel("disconnected", null), null).main).toEqual({ kind: "connect", city: "auto" });
  });

  test("ends what is up, unless another city is looked at: then it goes there, and ending is beside it", () => {
    const up = tunnel("connected", "fra", "fra");
    expect(offerOf(up, null)).toEqual({ main: { kind: "disconnect" }, other: null });
    expect(offerOf(up, "fra")).toEqual({ main: { kind: "disconnect" }, other: null });
    expect(offerOf(up, "fin")).toEqual({ main: { kind: "switch", city: "fin" }, other: { kind: "disconnect" } });
  });

  test("cancels an attempt, also one whose city is looked at", () => {
    expect(offerOf(tunnel("connecting"), "fra")).toEqual({ main: { kind: "cancel" }, other: null });
    expect(offerOf(tunnel("connecting"), "fin").other).toEqual({ kind: "switch", city: "fin" });
  });

  test("tries again where the kill switch holds, and offers to let go", () => {
    expect(offerOf(tunnel("blocked"), null)).toEqual({
      main: { kind: "retry", city: "fra" },
      other: { kind: "unblock" },
    });
  });
});
