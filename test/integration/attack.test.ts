/** A whole node under attack: it goes on deciding windows with its honest peers, stays small and names who attacked. */
import { afterEach, beforeEach, expect, test } from "vitest";

import { MESSAGE } from "../../main/network/messages/registry.ts";
import {
  breakMuxer,
  floodConnections,
  floodHandshakes,
  holdConnections,
  makeAttacker,
  occupyPlaces,
  sendGarbage,
  sendOversized,
  sendUseless,
} from "./attacker.ts";
import { Cohort } from "./cohort.ts";
import { residentMib } from "./resident.ts";

const RSS_MIB_MAX = 500;
/** Decided while each attack runs and after it. */
const WINDOWS_PER_ATTACK = 3;
const SIGNED_ANCHOR_SIZE = 3438;

let cohort: Cohort;
beforeEach(async () => {
  cohort = await Cohort.make({ founders: 3, newcomers: 0, d: 400_000n, tau2Windows: 20_000n });
}, 60_000);
afterEach(() => cohort.remove(), 60_000);

test("a node of three, which all must agree, decides windows under attack and names the offenders", async () => {
  const { nodes } = cohort;
  const victim = nodes[0]!;
  await Promise.all(nodes.map((node) => node.start()));
  await Promise.all(nodes.map((node) => node.untilWindow(2)));
  const target = victim.manifestEntry(true).multiaddr;
  const [oversized, useless, pinger, breaker] = [1, 2, 3, 4].map(makeAttacker);

  // No window is decided without the victim: three of three are the quorum.
  const during = async (attack: () => Promise<unknown>): Promise<void> => {
    const { window } = victim;
    await attack();
    await Promise.all(nodes.map((node) => node.untilWindow(window + WINDOWS_PER_ATTACK)));
  };

  await during(() => floodConnections(target, 3000));
  await during(() =>
    Promise.all([sendGarbage(target, 200), floodHandshakes(target, 200), holdConnections(target, 200)]),
  );
  await during(() => breakMuxer(target, 20, breaker!));
  await during(() => sendOversized(target, 60, oversized!));
  await during(() => sendUseless(target, 2000, useless!, MESSAGE.anchor, SIGNED_ANCHOR_SIZE));
  await during(() => sendUseless(target, 500, pinger!, MESSAGE.ping, 0));
  await during(async () => {
    const places = await occupyPlaces(
      target,
      Array.from({ length: 40 }, (_, i) => makeAttacker(100 + i)),
    );
    for (const connection of places) connection.close("attack over");
  });

  expect(residentMib(victim.pid, "peak")).toBeLessThan(RSS_MIB_MAX);
  const [log] = await Promise.all(nodes.map((node) => node.stop()));
  const banned = log!.split("\n").filter((line) => line.includes("peer-banned"));
  for (const { peerId } of [oversized!, useless!, pinger!]) {
    expect(banned.filter((line) => line.includes(peerId)).length, `${peerId} is named`).toBeGreaterThan(0);
  }
  for (const { identity } of nodes) expect(banned.join("\n")).not.toContain(identity.peerId);
  const [first, ...others] = await Promise.all(nodes.map((node) => node.storedRoots(cohort.network)));
  expect(first!.length).toBeGreaterThan(7 * WINDOWS_PER_ATTACK);
  for (const roots of others) {
    const common = Math.min(roots.length, first!.length);
    expect(roots.slice(0, common)).toEqual(first!.slice(0, common));
  }
}, 600_000);
