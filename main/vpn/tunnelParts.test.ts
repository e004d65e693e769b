import { describe, expect, test } from "vitest";

import { networkFingerprint, NetworkWatch } from "./networkWatch.ts";
import { StallDetector, TunnelFigures } from "./tunnelFigures.ts";
import { RouteMeasures } from "./tunnelMeasures.ts";
import { orderRoutes, type RouteChoice } from "./tunnelRoutes.ts";

const link = {} as RouteChoice["network"]["routes"][number]["link"];
const cityOf = (code: string, exit = code): RouteChoice["network"]["cities"][number] => ({
  code,
  node: code,
  vpn: { enabled: true, primary: false, exit, fronts: [], fronted_by: [], endpoint: null },
});

describe("the order of routes", () => {
  const network = {
    routes: ["aaa", "bbb", "ccc"].map((code) => ({ code, city: code, link })),
    cities: ["aaa", "bbb", "ccc"].map((code) => cityOf(code)),
    health: new Map(),
  };
  const measuresOf = (delays: Readonly<Record<string, number | "failed">>): RouteMeasures => {
    const measures = new RouteMeasures();
    for (const [code, delayMs] of Object.entries(delays)) {
      if (delayMs === "failed") measures.record(code, { result: "timeout", ms: 1 }, "exit-timeout", 1);
      else measures.record(code, { result: "ok", ms: delayMs, delayMs }, undefined, 1);
    }
    return measures;
  };
  const order = (delays: Parameters<typeof measuresOf>[0], change: Partial<RouteChoice> = {}): string[] =>
    orderRoutes({
      network,
      measures: measuresOf(delays),
      chosen: "auto",
      strict: false,
      current: undefined,
      ...change,
    }).map(({ code }) => code);

  test("is the network's before anything is measured, then the faster one's among equals", () => {
    expect(order({})).toEqual(["aaa", "bbb", "ccc"]);
    expect(order({ aaa: 90, bbb: 50, ccc: 70 })).toEqual(["bbb", "ccc", "aaa"]);
    expect(order({ aaa: "failed", bbb: 50, ccc: 70 })).toEqual(["bbb", "ccc", "aaa"]);
    expect(order({ aaa: "failed", bbb: 50, ccc: 10 }, { chosen: "aaa" })).toEqual(["aaa", "ccc", "bbb"]);
  });

  test("keeps the route in use unless another is clearly faster or healthier", () => {
    expect(order({ aaa: 65, bbb: 50 }, { current: "aaa" })[0]).toBe("aaa");
    expect(order({ aaa: 400, bbb: 350 }, { current: "aaa" })[0]).toBe("aaa");
    expect(order({ aaa: 90, bbb: 50 }, { current: "aaa" })[0]).toBe("bbb");
    expect(order({ aaa: "failed", bbb: 500 }, { current: "aaa" })[0]).toBe("bbb");
  });

  test("takes entries of no known city, and says when there are none", () => {
    const strangers = { ...network, cities: [] };
    expect(order({}, { network: strangers, chosen: "bbb" })[0]).toBe("bbb");
    expect(() => order({}, { network: { ...network, routes: [] } })).toThrow("no-entries");
    expect(() => order({}, { chosen: "zzz" })).toThrow("unknown-city");
  });
});

test("figures add up over restarts of the engine and forget what is old", () => {
  const figures = new TunnelFigures();
  figures.sample({ up: 10n, down: 1_000n }, 1_000);
  figures.sample({ up: 30n, down: 5_000n }, 3_000);
  expect(figures.latest).toEqual({ atMs: 3_000, rateUp: 10, rateDown: 2_000 });
  figures.onEngineStart();
  figures.sample({ up: 5n, down: 7n }, 4_000);
  expect(figures.total).toEqual({ up: 35n, down: 5_007n });
  for (let i = 5; i < 500; i++) figures.sample({ up: 5n, down: 7n }, 1_000 * i);
  expect(figures.history.length).toBe(300);
});

describe("a stall is suspected", () => {
  const none = { up: 0n, down: 0n };

  test("when traffic flowed and nothing comes for three seconds, once", () => {
    const detector = new StallDetector();
    detector.settle(none, 0);
    expect(detector.sample(none, 9_000)).toBe(false);
    const flowed = { up: 500n, down: 9_000n };
    expect(detector.sample(flowed, 10_000)).toBe(false);
    expect(detector.sample(flowed, 13_000)).toBe(true);
    detector.settle(flowed, 13_000);
    expect(detector.sample(flowed, 30_000)).toBe(false);
  });

  test("when a connection was opened and nothing has come since", () => {
    const detector = new StallDetector();
    detector.settle(none, 0);
    detector.onOpened(1_000);
    expect(detector.sample(none, 3_000)).toBe(false);
    expect(detector.sample(none, 4_000)).toBe(true);
    detector.settle(none, 4_000);
    detector.onOpened(5_000);
    expect(detector.sample({ up: 1n, down: 1n }, 6_000)).toBe(false);
    expect(detector.sample({ up: 1n, down: 1n }, 20_000)).toBe(false);
  });
});

test("sleep shows as a jump of the clock, another network in the machine's addresses", () => {
  const watch = new NetworkWatch(0, "eth0 192.0.2.1");
  expect(watch.look(1_000, "eth0 192.0.2.1", 1_000)).toBeUndefined();
  expect(watch.look(2_000, "wlan0 192.0.2.9", 1_000)).toBe("network-changed");
  expect(watch.look(60_000, "wlan0 192.0.2.9", 1_000)).toBe("resumed");
  expect(watch.look(61_000, "wlan0 192.0.2.9", 1_000)).toBeUndefined();
  const address = { netmask: "", mac: "", cidr: null, family: "IPv4", internal: false } as const;
  expect(
    networkFingerprint({
      lo: [{ ...address, address: "127.0.0.1", internal: true }],
      eth0: [{ ...address, address: "192.0.2.1" }],
    }),
  ).toBe("eth0 192.0.2.1");
});
