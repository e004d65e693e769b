import fc from "fast-check";
import { expect, test } from "vitest";

import { afterNatEvent, isRenewalDue, NEW_NAT_STATE, type NatEvent } from "./natState.ts";

const events: fc.Arbitrary<NatEvent> = fc.oneof(
  fc.constantFrom<NatEvent>(
    { kind: "mapping-released" },
    { kind: "hole-punched" },
    { kind: "relay-found" },
    { kind: "found-public" },
    { kind: "found-unreachable" },
  ),
  fc.record({
    kind: fc.constant("port-mapped" as const),
    externalPort: fc.nat(0xffff),
    nowSeconds: fc.bigInt(0n, 10_000n),
  }),
);

test("a mapping is renewed every half hour from when it was made until it is released or not needed", () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 20 }), fc.bigInt(0n, 20_000n), (history, now) => {
      let mappedAt: bigint | undefined;
      for (const event of history) {
        if (event.kind === "port-mapped") mappedAt = event.nowSeconds;
        if (event.kind === "mapping-released" || event.kind === "found-public") mappedAt = undefined;
      }
      const state = history.reduce(afterNatEvent, NEW_NAT_STATE);
      expect(isRenewalDue(state, now)).toBe(mappedAt !== undefined && now >= mappedAt + 1800n);
      // A port that is shown as mapped is one that will be renewed.
      if (typeof state.reachability === "object") expect(state.mappedAtSeconds).toBe(mappedAt);
    }),
  );
});
