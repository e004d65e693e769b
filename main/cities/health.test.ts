import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { ProtocolError } from "../protocol/errors.ts";
import { NETWORKS, readFixture } from "./cities.fixture.ts";
import { decodeHealth, healthDocument, recordProbe, unprobed, type Probe } from "./health.ts";
import { EVICT_AFTER_SECONDS } from "./limits.ts";

const fresh = unprobed("berlin", "ber");

const anyProbe: fc.Arbitrary<Probe> = fc.oneof(
  fc.constant({ handshakeMs: 30 }),
  fc.constantFrom("reset", "dns").map((error) => ({ error }) as const),
);
const anyTimeline = fc.array(fc.record({ probe: anyProbe, pause: fc.integer({ min: 1, max: 90_000 }) }), {
  maxLength: 60,
});

describe("the health of an endpoint", () => {
  test("goes down only after three failures in a row, and from there up only after two successes in a row", () => {
    fc.assert(
      fc.property(anyTimeline, (timeline) => {
        let health = fresh;
        let now = 1_778_414_400;
        const outcomes: boolean[] = [];
        let wasDown = false;
        for (const { probe, pause } of timeline) {
          now += pause;
          const before = health;
          health = recordProbe(before, probe, now);
          outcomes.push("handshakeMs" in probe);
          if (health.state === "down") {
            wasDown = true;
            if (before.state !== "down") expect(outcomes.slice(-3)).toEqual([false, false, false]);
          }
          if (health.state === "up" && wasDown) {
            if (before.state !== "up") expect(outcomes.slice(-2)).toEqual([true, true]);
            wasDown = false;
          }
          const silence = now - (health.last_ok_unix ?? health.first_probe_unix!);
          expect(health.state === "expired").toBe(silence > EVICT_AFTER_SECONDS);
          expect(health.since_unix).toBe(before.state === health.state ? before.since_unix : now);
        }
      }),
    );
  });

  test("is published and read back as it is", () => {
    const health = recordProbe(fresh, { error: "cert-name" }, 1_778_414_400);
    const document = healthDocument([health], 1_778_414_400);
    expect(decodeHealth(JSON.stringify(document))).toEqual(document);
    expect(document.updated).toBe("2026-05-10T12:00:00Z");
  });

  test("of the fixtures' networks can be read", () => {
    for (const network of NETWORKS) {
      const body = readFixture(`${network}/health.json`);
      expect(decodeHealth(body)).toEqual(JSON.parse(body));
    }
  });

  test("is refused with the place of what is wrong", () => {
    const document = healthDocument([recordProbe(fresh, { handshakeMs: 1 }, 1)], 1);
    const body = JSON.stringify(document).replace('"up"', '"fine"');
    expect(() => decodeHealth(body)).toThrow(
      expect.objectContaining({ code: "bad-field", params: { at: "nodes[0].state" } }) as ProtocolError,
    );
  });
});
