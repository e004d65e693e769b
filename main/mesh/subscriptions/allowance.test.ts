import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ALLOWANCE, Allowances, blockOf } from "./allowance.ts";

describe("an allowance", () => {
  test("gives in any stretch of time no more than a burst and what a minute brings", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 400 }), (pauses) => {
        const allowances = new Allowances();
        let now = 0;
        let given = 0;
        for (const pause of pauses) {
          now += pause;
          if (allowances.take("192.0.2.1", now)) given++;
          expect(given).toBeLessThanOrEqual(ALLOWANCE.burst + Math.floor((now * ALLOWANCE.perMinute) / 60_000));
        }
      }),
    );
  });

  test("remembers only so many addresses, and none that was silent for long", () => {
    const allowances = new Allowances({ ...ALLOWANCE, addressesMax: 100 });
    for (let i = 0; i < 1000; i++) allowances.take(`192.0.2.${i}`, i);
    expect(allowances.size).toBe(100);
    allowances.forgetIdle(1_000_000);
    expect(allowances.size).toBe(0);
  });

  test("is one for a household's IPv6 addresses, and for both notations of an IPv4 address", () => {
    expect(blockOf("2001:db8:1:2:aaaa::1")).toBe(blockOf("2001:db8:1:2:3:4:5:6"));
    expect(blockOf("2001:db8:1:2::1")).not.toBe(blockOf("2001:db8:1:3::1"));
    expect(blockOf("2001:db8::1")).toBe("2001:db8:0:0");
    expect(blockOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
  });
});
