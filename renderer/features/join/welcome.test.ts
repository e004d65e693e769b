import { describe, expect, it } from "vitest";

import type { HistoryEntry } from "../../../main/api/contract.ts";
import { welcomeOf, withSeen } from "./welcome.ts";

const REWARD: HistoryEntry = {
  ...{ id: "emission-8", kind: "emission", direction: "in", state: "settled", reason: null, window: 8 },
  ...{ accountId: "0a".repeat(32), counterparty: null, amount: "13000000000", opHash: null },
};
const BONUS: HistoryEntry = { ...REWARD, id: "emission-7", kind: "bonus", window: 7 };

describe("the welcome bonus", () => {
  it("is found in the history, behind what was earned since", () => {
    expect(welcomeOf([REWARD])).toBeNull();
    expect(welcomeOf([REWARD, BONUS])).toEqual({
      ...{ amount: "13000000000", window: 7, accountId: BONUS.accountId, name: "welcome-7-0a0a0a0a0a0a0a0a" },
    });
  });

  it("is remembered as seen by a name that differs with window and account, and fits where it is kept", () => {
    const other = welcomeOf([{ ...BONUS, window: Number.MAX_SAFE_INTEGER, accountId: "0b".repeat(32) }])!;
    expect(other.name).not.toBe(welcomeOf([BONUS])!.name);
    expect(other.name.length).toBeLessThanOrEqual(64);
    const full = Array.from({ length: 64 }, (_, i) => `moment-${i}`);
    expect(withSeen(full, "welcome")).toEqual([...full.slice(1), "welcome"]);
    expect(withSeen(["welcome", "other"], "welcome")).toEqual(["other", "welcome"]);
  });
});
