import fc from "fast-check";
import { expect, test } from "vitest";

import { sized } from "../bytes.ts";
import { checkControlSet, controlSet, type CementedControl } from "./controlSet.ts";

const control = fc.record({
  hash: fc.nat(255).map((byte) => sized(new Uint8Array(32).fill(byte), 32)),
  cementedWindow: fc.bigInt(0n, 9n),
});
const cemented = fc.uniqueArray(control, { maxLength: 12, selector: ({ hash }) => hash[0] });
const window = fc.bigInt(0n, 9n);

test("a control set holds what was cemented since the window before, by window and identifier", () => {
  fc.assert(
    fc.property(cemented, window, window, (all, previous, current) => {
      const set = controlSet(all, previous, current);
      expect(new Set(set)).toEqual(
        new Set(all.filter((c) => c.cementedWindow > previous && c.cementedWindow <= current)),
      );
      expect(set.map(rank)).toEqual(set.map(rank).sort((a, b) => a - b));
      expect(controlSet(all.toReversed(), previous, current)).toEqual(set);
    }),
  );
});

test("consecutive windows split the control objects without a gap or an overlap", () => {
  fc.assert(
    fc.property(cemented, window, window, window, (all, a, b, c) => {
      const [first, second, third] = [a, b, c].sort((x, y) => Number(x - y)) as [bigint, bigint, bigint];
      expect([...controlSet(all, first, second), ...controlSet(all, second, third)]).toEqual(
        controlSet(all, first, third),
      );
    }),
  );
});

test("only the set itself is accepted: nothing missing, additional or misplaced", () => {
  fc.assert(
    fc.property(cemented, control, (all, extra) => {
      const set = controlSet(all, -1n, 9n);
      expect(checkControlSet(set, set)).toBeUndefined();
      expect(checkControlSet([...set, extra], set)).toBe("control-set-mismatch");
      if (set.length > 0) expect(checkControlSet(set.slice(1), set)).toBe("control-set-mismatch");
      if (set.length > 1) expect(checkControlSet(set.toReversed(), set)).toBe("control-set-mismatch");
    }),
  );
});

function rank({ hash, cementedWindow }: CementedControl): number {
  return Number(cementedWindow) * 256 + hash[0]!;
}
