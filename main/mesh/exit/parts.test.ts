import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseShareLink } from "../../cities/shareLink.ts";
import { loadCrypto } from "../../native/index.ts";
import { checkConfig } from "../../xray/checkConfig.fixture.ts";
import { createExitKeys } from "../../xray/exitKeys.ts";
import { binariesHere } from "../../xray/mesh.fixture.ts";
import { countIn } from "./connections.ts";
import { cityTraffic, engineConfigOf } from "./engineSetup.ts";
import { decoySeen, freshFigures, metered } from "./meter.ts";
import { publicationOf } from "./publication.ts";
import { asText, rateCommands, rateUndoCommand } from "./rateCap.ts";
import { ACCOUNTS_MAX, type ExitRecord } from "./record.ts";
import { doorOf, expired, nextExpiry, portsOf, publishedLink, rotated } from "./transitions.ts";

const freshKeys = () => createExitKeys(loadCrypto().crypto.x25519);

const exitRecord = (change: Partial<ExitRecord> = {}): ExitRecord => ({
  version: 1,
  city: {
    ...{ code: "fra", node: "frankfurt", name: { en: "Frankfurt am Main", ru: "Франкфурт-на-Майне" } },
    ...{ country: "DE", region: "eu", lat: 50.1109, lon: 8.6821 },
  },
  ...{ primary: true, host: "198.51.100.7", listen: "0.0.0.0" },
  decoy: { name: "www.site.example", host: "www.site.example", port: 443, certificate: null },
  doors: [doorOf(freshKeys(), 443)],
  ...{
    relay: null,
    limits: { monthlyBytes: null, connections: null },
    rate: null,
    practice: null,
    publishTo: "/nowhere",
  },
  ...{ stage: "serving", stageUntilUnix: null },
  ...change,
});

const accountsOf = ({ doors }: ExitRecord): readonly string[] =>
  doors.flatMap(({ accounts }) => accounts.map(({ uuid }) => uuid));

describe("a rotation", () => {
  const change = fc.record({
    afterSeconds: fc.nat(5000),
    overlapSeconds: fc.nat(5000),
    newKey: fc.constantFrom(undefined, "cut-over" as const, "port" as const),
  });

  test("always leaves one published account, drops each old one when its time has come, and no account before", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let record = exitRecord();
        let nowUnix = 1_800_000_000;
        /** What each old account was promised. */
        const promised = new Map<string, number>();
        let port = 444;
        for (const { afterSeconds, overlapSeconds, newKey } of changes) {
          nowUnix += afterSeconds;
          record = expired(record, nowUnix);
          if (accountsOf(record).length === ACCOUNTS_MAX) break;
          const fresh = freshKeys();
          const samePort = newKey === "cut-over" ? record.doors[0]!.accounts.map(({ uuid }) => uuid) : [];
          for (const uuid of accountsOf(record)) {
            promised.set(uuid, Math.min(promised.get(uuid) ?? Infinity, nowUnix + overlapSeconds));
          }
          for (const uuid of samePort) promised.set(uuid, nowUnix);
          const how = newKey === "port" ? { port: port++ } : newKey;
          record = rotated(record, { nowUnix, overlapSeconds, fresh, ...(how !== undefined && { newKey: how }) });
          expect(parseShareLink(publishedLink(record))).toMatchObject({ uuid: fresh.uuid, sid: fresh.shortId });
          const alive = [...promised].filter(([, until]) => until > nowUnix).map(([uuid]) => uuid);
          expect([...accountsOf(record)].sort()).toEqual([fresh.uuid, ...alive].sort());
          expect(
            record.doors.flatMap(({ accounts }) => accounts.filter(({ untilUnix }) => untilUnix === null)).length,
          ).toBe(1);
          expect(new Set(portsOf(record)).size).toBe(portsOf(record).length);
        }
        const next = nextExpiry(record);
        if (next !== undefined) {
          expect(expired(record, next - 1)).toBe(record);
          expect(accountsOf(expired(record, next)).length).toBeLessThan(accountsOf(record).length);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("is refused to more accounts than are kept", () => {
    let record = exitRecord();
    const rotation = () => ({ nowUnix: 0, overlapSeconds: 60, fresh: freshKeys() });
    for (let i = 1; i < ACCOUNTS_MAX; i++) record = rotated(record, rotation());
    expect(() => rotated(record, rotation())).toThrow(expect.objectContaining({ code: "exit-too-many-accounts" }));
  });
});

test("what is published is the aggregator's own form, and nothing that it would refuse", () => {
  const record = exitRecord();
  expect(JSON.parse(publicationOf(record))).toEqual({ node: "frankfurt", primary: true, vless: publishedLink(record) });
  for (const host of ["127.0.0.1", "10.0.0.1", "exit", "city.local", "::1"]) {
    expect(() => publicationOf(exitRecord({ host }))).toThrow(
      expect.objectContaining({ code: "exit-not-publishable", params: { reason: "forbidden-host" } }),
    );
  }
});

test.skipIf(binariesHere() === undefined)(
  "the engine takes the configuration of an exit with two keys and of a relay",
  async () => {
    const api = { socket: "/tmp/montana-none.sock" };
    const two = rotated(exitRecord(), { nowUnix: 0, overlapSeconds: 60, fresh: freshKeys(), newKey: { port: 8443 } });
    const config = engineConfigOf(two, api, false);
    expect(config.inbounds.map(({ port }) => port)).toEqual([8443, 443, undefined]);
    // A name that leads to a private address must have been resolved before the gate's rule lets everything through.
    expect(config.routing!.domainStrategy).toBe("IPOnDemand");
    await checkConfig(binariesHere()!, config);
    const relay = exitRecord({ doors: [], decoy: null, relay: { link: publishedLink(two), port: 443 } });
    await checkConfig(binariesHere()!, engineConfigOf(relay, api, true));
  },
);

test("the volume is what clients sent and got, by month in UTC, however often the engine starts", () => {
  const counters = new Map([
    ["inbound>>>reality-in>>>traffic>>>uplink", 5n],
    ["inbound>>>reality-in-2>>>traffic>>>downlink", 7n],
    ["inbound>>>api-in>>>traffic>>>downlink", 100n],
    ["outbound>>>direct>>>traffic>>>uplink", 100n],
  ]);
  expect(cityTraffic(counters)).toEqual({ up: 5n, down: 7n });
  const january = Date.UTC(2027, 0, 31, 23, 59, 59) / 1000;
  const figures = metered(metered(freshFigures(january), january, 5, 7), january, 1, 1);
  expect(figures).toMatchObject({ month: "2027-01", bytesUp: 6, bytesDown: 8 });
  expect(metered(figures, january + 1, 2, 3)).toMatchObject({ month: "2027-02", bytesUp: 2, bytesDown: 3 });
});

test("a decoy is unfit after three failures in a row, and fits again after one success", () => {
  let seen = freshFigures(0).decoy;
  const states = ["x", "x", null, "x", "x", "x", "x", null].map(
    (reason, i) => (seen = decoySeen(seen, reason, i)).state,
  );
  expect(states).toEqual(["failing", "failing", "ok", "failing", "failing", "unfit", "unfit", "ok"]);
  expect(seen).toMatchObject({ sinceUnix: 7, lastOkUnix: 7, failures: 0 });
});

test("connections are counted by local port, open ones alone", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt",
    "   0: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000",
    "   1: 0100007F:01BB 0100007F:D431 01 00000000:00000000 00:00000000 00000000",
    "   2: 0100007F:D431 0100007F:01BB 01 00000000:00000000 00:00000000 00000000",
    "   3: 0000000000000000FFFF00000100007F:01BB 0000000000000000FFFF00000100007F:D432 01 0:0 0:0 0",
    "   4: 0100007F:01BB 0100007F:D433 06 00000000:00000000 00:00000000 00000000",
  ].join("\n");
  expect(countIn(table, new Set([443]))).toBe(2);
  expect(countIn(table, new Set([80]))).toBe(0);
});

test("the rate cap is a class of the kernel's shaper for what leaves from the city's ports", () => {
  const cap = { device: "eth0", mbit: 50 };
  expect(asText(rateCommands(cap, [443]))).toEqual([
    "tc qdisc replace dev eth0 root handle 4d4f: htb",
    "tc class add dev eth0 parent 4d4f: classid 4d4f:1 htb rate 50mbit",
    "tc filter add dev eth0 parent 4d4f: protocol ip prio 1 u32 match ip sport 443 0xffff flowid 4d4f:1",
    "tc filter add dev eth0 parent 4d4f: protocol ipv6 prio 2 u32 match ip6 sport 443 0xffff flowid 4d4f:1",
  ]);
  expect(asText([rateUndoCommand(cap)])).toEqual(["tc qdisc del dev eth0 root handle 4d4f:"]);
});

const canUnshare = spawnSync("unshare", ["--net", "tc", "qdisc", "show"]).status === 0;

test.skipIf(!canUnshare)(
  "in a network of its own the cap holds back what leaves from the port, is undone, and respects others",
  () => {
    const main = fileURLToPath(new URL("rateMain.fixture.ts", import.meta.url));
    const script = `ip link set lo up && exec "$0" "$1"`;
    const told = execFileSync("unshare", ["--net", "sh", "-c", script, process.execPath, main], {
      encoding: "utf8",
      timeout: 60_000,
    });
    const { before, capped, after, foreign, free, slow } = JSON.parse(told) as Record<string, unknown>;
    expect(capped).toContain("4d4f:");
    expect(after).toEqual(before);
    expect(foreign).toEqual({ code: "rate-foreign-shaper", kind: "tbf" });
    // 8 Mbit/s are a megabyte a second: three of them cannot pass in less than two.
    expect(slow).toBeGreaterThan(2000);
    expect(free).toBeLessThan(slow as number);
  },
);
