import fc from "fast-check";
import { expect, test } from "vitest";

import { ZERO_HASH, type Hash32 } from "../protocol/bytes.ts";
import { operation } from "../protocol/objects/operations.ts";
import {
  EXPIRY_WINDOWS,
  holdsPlace,
  isOver,
  isToBeSent,
  stepOperation,
  type OperationEvent,
  type TrackedOperation,
} from "./trackedOperation.ts";

const blank = operation.decode(new Uint8Array(3422).with(0, 2));
const queued: TrackedOperation = {
  id: ZERO_HASH,
  opHash: ZERO_HASH,
  role: "account",
  operation: blank,
  state: "queued",
  isPublished: false,
  isWithdrawn: false,
  isContradicted: false,
  since: 0n,
  quietWindows: 0,
  stateWindow: 0n,
  reason: "",
  cancels: ZERO_HASH,
  order: ZERO_HASH,
};
const turn: OperationEvent = { kind: "turn", operation: blank, opHash: new Uint8Array(32).fill(1) as Hash32 };
const windowOf = (
  window: bigint,
  fields: Partial<Extract<OperationEvent, { kind: "window" }>> = {},
): OperationEvent => ({ kind: "window", window, isLive: true, slot: "open", skipped: undefined, ...fields });
const after = (...events: readonly OperationEvent[]): TrackedOperation => events.reduce(stepOperation, queued);
const published = [turn, { kind: "publishing" }, { kind: "accepted" }] as const;

const anyEvent: fc.Arbitrary<OperationEvent> = fc.oneof(
  fc.constantFrom<OperationEvent>(
    turn,
    { kind: "publishing" },
    { kind: "accepted" },
    { kind: "refused", failure: "zero-amount", window: 3n, isFirst: true },
    { kind: "refused", failure: "zero-amount", window: 3n, isFirst: false },
    { kind: "confirmed", window: 4n },
    { kind: "contradicted" },
    { kind: "again" },
    { kind: "withdrawn" },
    { kind: "dropped", reason: "cancelled", window: 5n },
  ),
  fc
    .record({
      window: fc.bigInt(1n, 40n),
      isLive: fc.boolean(),
      slot: fc.constantFrom("open" as const, "open" as const, "taken" as const, { settledIn: 7n }),
      skipped: fc.constantFrom(undefined, undefined, "receiver-already-exists"),
    })
    .map((fields) => ({ kind: "window" as const, ...fields })),
);

test("what is over stays as it is, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), anyEvent, (events, last) => {
      const reached = after(...events);
      if (isOver(reached)) expect(stepOperation(reached, last)).toBe(reached);
    }),
  );
});

test("what others may have seen never ends without the chain's word, and is sent only in its turn", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
      let tracked = queued;
      for (const event of events) {
        const next = stepOperation(tracked, event);
        const isEnd = next.state === "rejected" && tracked.state !== "rejected";
        if (isEnd && tracked.isPublished && event.kind !== "refused") expect(event.kind).toBe("window");
        if (next.state === "settled" && tracked.state !== "settled") {
          expect(event).toMatchObject({ kind: "window", slot: { settledIn: 7n } });
        }
        if (next.isPublished) expect(next.state).not.toBe("queued");
        if (isToBeSent(next)) expect(holdsPlace(next, 0n)).toBe(true);
        expect(next.quietWindows).toBeLessThanOrEqual(EXPIRY_WINDOWS);
        tracked = next;
      }
    }),
  );
});

test("thirteen quiet windows after it was sent it has expired, and again when it was sent again", () => {
  const windows = (from: number, count: number) => Array.from({ length: count }, (_, i) => windowOf(BigInt(from + i)));
  expect(after(...published, ...windows(1, 12)).state).toBe("cementing");
  const expired = after(...published, ...windows(1, 13));
  expect([expired.state, expired.stateWindow]).toEqual(["expired", 13n]);
  expect(after(turn, ...windows(1, 50)).state).toBe("signed");
  expect(after(...published, ...windows(1, 50).map((each) => ({ ...each, isLive: false }))).state).toBe("cementing");
  const again = [{ kind: "again" }, { kind: "publishing" }, { kind: "accepted" }] as const;
  expect(after(...published, ...windows(1, 13), ...again, ...windows(14, 12)).state).toBe("cementing");
  expect(after(...published, ...windows(1, 13), ...again, ...windows(14, 13)).state).toBe("expired");
});

test("a confirmation that did not settle in the window after it is none", () => {
  const confirmed = [...published, { kind: "confirmed", window: 4n }] as const;
  expect(after(...confirmed, windowOf(4n)).state).toBe("confirmed");
  expect(after(...confirmed, windowOf(4n), windowOf(5n)).state).toBe("cementing");
  expect(after(...confirmed, windowOf(5n, { slot: { settledIn: 5n } }))).toMatchObject({
    state: "settled",
    stateWindow: 5n,
  });
  expect(after(...confirmed, windowOf(5n, { skipped: "receiver-already-exists" }))).toMatchObject({
    state: "skipped",
    reason: "receiver-already-exists",
  });
});

test("a skipped operation keeps its place until nodes have forgotten it, and its state when another takes it", () => {
  const skipped = after(...published, windowOf(5n, { skipped: "receiver-already-exists" }));
  expect([holdsPlace(skipped, 17n), holdsPlace(skipped, 18n)]).toEqual([true, false]);
  expect(stepOperation(skipped, windowOf(20n, { slot: "taken" })).state).toBe("skipped");
  expect(stepOperation(skipped, windowOf(20n, { slot: { settledIn: 20n } })).state).toBe("settled");
});
