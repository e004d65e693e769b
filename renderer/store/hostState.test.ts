import { describe, expect, test } from "vitest";

import type { HostEvent, Status, Task } from "../../main/api/contract.ts";
import {
  apply,
  hear,
  lose,
  NO_HOST,
  RATES_MAX,
  withEarlierRates,
  withoutNotice,
  type Figures,
  type HostState,
  type TunnelStatus,
} from "./hostState.ts";

// Of a status these tests read what tells one host from another, and a window.
const status = (startedAtMs: number, window = 1): Status => ({ startedAtMs, window }) as Status;
const tunnel = (state: TunnelStatus["state"]): TunnelStatus => ({ state }) as TunnelStatus;
const figures = (atMs: number): Figures => ({ rate: { atMs, up: 1, down: 2 } }) as Figures;
const task = (id: string, state: Task["state"]): Task => ({ id, state }) as Task;

let seq = 0;
function event<K extends HostEvent["kind"]>(kind: K, payload: Extract<HostEvent, { kind: K }>["payload"]): HostEvent {
  seq += 1;
  return { seq, cursor: "", kind, payload } as unknown as HostEvent;
}
const snapshot = (startedAtMs: number, of: TunnelStatus | null = tunnel("connected")): HostEvent =>
  event("snapshot", { status: status(startedAtMs), tasks: [], tunnel: of });
const after = (events: readonly HostEvent[], state: HostState = NO_HOST): HostState =>
  events.reduce((now, next, index) => apply(now, next, 1_000 + index), state);

describe("what the page knows of its host", () => {
  test("is nothing, and is not called live, before the first snapshot", () => {
    expect(hear(NO_HOST, 5)).toMatchObject({ link: "connecting", heardAtMs: 5, status: null });
    expect(after([snapshot(1)])).toMatchObject({ link: "live", status: status(1), heardAtMs: 1_000 });
  });

  test("stays as it was last heard when the host is lost, with the time of that", () => {
    const lost = lose(after([snapshot(1), event("window-closed", status(1, 7))]), 9_000);
    expect(lost).toMatchObject({ link: "lost", lostAtMs: 1_001, status: status(1, 7), tunnel: tunnel("connected") });
    expect(lose(lost, 99_000)).toBe(lost);
    expect(lose(NO_HOST, 9_000)).toMatchObject({ link: "lost", lostAtMs: 9_000 });
  });

  test("is not live again because an answer came, but with the snapshot that says how things are now", () => {
    const lost = lose(after([snapshot(1)]), 9_000);
    const heard = hear(lost, 10_000);
    expect(heard.link).toBe("lost");
    expect(apply(heard, snapshot(1), 10_100)).toMatchObject({ link: "live", lostAtMs: null });
  });

  test("forgets with a snapshot what may have changed unseen, and of another host what was said to the first", () => {
    const before = after([
      snapshot(1),
      event("notice", { code: "computer-slept", params: {} }),
      event("tunnel-figures", figures(1)),
      event("task", task("a", "running")),
    ]);
    expect(before).toMatchObject({ tasks: [task("a", "running")], rates: [{ atMs: 1 }] });
    const gap = apply(before, snapshot(1), 2_000);
    expect(gap).toMatchObject({ tasks: [], history: [], rates: [{ atMs: 1 }] });
    expect(gap.notices).toHaveLength(1);
    expect(apply(before, snapshot(2, null), 2_000)).toMatchObject({ notices: [], rates: [], tunnel: null });
  });

  test("counts what happened for those who ask again then", () => {
    const { occasions } = after([snapshot(1), event("tunnel", tunnel("blocked")), event("tunnel", tunnel("blocked"))]);
    expect(occasions).toEqual({ snapshot: 1, link: 1, tunnel: 2 });
  });

  test("keeps rates of one session, a bounded number, none twice, and those from before the page was opened", () => {
    const many = Array.from({ length: RATES_MAX + 20 }, (_, index) => event("tunnel-figures", figures(index)));
    const full = after([snapshot(1), ...many, many.at(-1)!]);
    expect(full.rates).toHaveLength(RATES_MAX);
    expect(full.rates.at(-1)?.atMs).toBe(RATES_MAX + 19);
    const young = after([snapshot(1), event("tunnel-figures", figures(50))]);
    const earlier = [10, 20, 50, 60].map((atMs) => ({ atMs, up: 0, down: 0 }));
    expect(withEarlierRates(young, earlier).rates.map(({ atMs }) => atMs)).toEqual([10, 20, 50]);
    expect(apply(young, event("tunnel", tunnel("disconnected")), 0).rates).toEqual([]);
  });

  test("shows a notice once, until it is dismissed", () => {
    const told = (code: string): HostEvent => event("notice", { code, params: { n: 1 } });
    const state = after([snapshot(1), told("a"), told("a"), told("b")]);
    expect(state.notices.map(({ notice }) => notice.code)).toEqual(["b", "a"]);
    const [newest] = state.notices;
    expect(withoutNotice(state, newest!.id).notices.map(({ notice }) => notice.code)).toEqual(["a"]);
  });

  test("has of a task what was said last", () => {
    const { tasks } = after([
      snapshot(1),
      ...["a", "b"].map((id) => event("task", task(id, "running"))),
      event("task", task("a", "done")),
    ]);
    expect(tasks).toEqual([task("a", "done"), task("b", "running")]);
  });

  test("takes an event that it does not know for a sign of life", () => {
    const live = after([snapshot(1)]);
    expect(apply(live, event("later" as "notice", {} as never), 7_000)).toMatchObject({
      heardAtMs: 7_000,
      notices: [],
    });
  });
});
