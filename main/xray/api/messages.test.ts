import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { ProtocolError } from "../../protocol/errors.ts";
import { decodeCounters, queryStats, tunnelTraffic } from "./messages.ts";

describe("an answer of the engine's interface", () => {
  test("of any bytes is counters or refused by code", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isFramed) => {
        const frame = isFramed ? Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]) : bytes;
        try {
          for (const value of decodeCounters(frame).values()) expect(value).toBeGreaterThanOrEqual(0n);
        } catch (error) {
          expect((error as ProtocolError).code).toBe("bad-api-response");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("may have fields that this program does not know", () => {
    const stat = Buffer.from([0x0a, 1, 0x61, 0x10, 0x96, 1, 0x19, ...new Array<number>(8).fill(0), 0x25, 0, 0, 0, 0]);
    const message = Buffer.concat([Buffer.from([0x12, 1, 0xff, 0x0a, stat.length]), stat]);
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    expect([...decodeCounters(frame)]).toEqual([["a", 150n]]);
  });
});

test("a pattern of any length is framed with its length", () => {
  for (const length of [0, 1, 127, 128, 300]) {
    const { frame } = queryStats("x".repeat(length));
    expect(new DataView(frame.buffer).getUint32(1)).toBe(frame.length - 5);
  }
});

test("what goes past the tunnel is not its traffic", () => {
  const counters = new Map([
    ["outbound>>>exit-fra>>>traffic>>>uplink", 1n],
    ["outbound>>>direct>>>traffic>>>uplink", 10n],
    ["inbound>>>exit-fra>>>traffic>>>uplink", 100n],
  ]);
  expect(tunnelTraffic(counters)).toEqual({ uplink: 1n, downlink: 0n });
});
