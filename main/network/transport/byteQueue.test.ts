import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteQueue } from "./byteQueue.ts";

test("gives back in order what was pushed, whatever the sizes", () => {
  const step = fc.oneof(
    fc.record({ push: fc.uint8Array({ maxLength: 9000 }) }),
    fc.record({ take: fc.integer({ min: 0, max: 12_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new ByteQueue();
      let model: number[] = [];
      for (const one of steps) {
        if ("push" in one) {
          queue.push(one.push);
          model = model.concat([...one.push]);
        } else {
          const count = Math.min(one.take, model.length);
          expect([...queue.take(count)]).toEqual(model.slice(0, count));
          model = model.slice(count);
        }
        expect(queue.length).toBe(model.length);
        if (model.length > 0) expect(queue.at(model.length - 1)).toBe(model.at(-1));
      }
    }),
    { numRuns: 50 },
  );
});
