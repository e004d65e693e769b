import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { discoverPeers } from "../../cities/discovery.ts";
import { parseJournalLine } from "../../cities/journal.ts";
import { isoTime } from "../../cities/time.ts";
import { WITNESSED_MAX } from "../aggregator/limits.ts";
import { readJournal } from "./readJournal.ts";

const NOW = 1_778_414_400;
const idOf = (i: number): string => `Qm${String(i).replaceAll("0", "z")}`;
const lineOf = (ageSeconds: number, rest: string): string => `${isoTime(NOW - ageSeconds)} n m[1]: [network] ${rest}`;

const anyLine = fc
  .record({ age: fc.integer({ min: -5, max: 700 }), peer: fc.nat(6), kind: fc.nat(4), isTimed: fc.boolean() })
  .map(({ age, peer, kind, isTimed }) => {
    const rest = [
      `heartbeat OK peer=${idOf(peer)} request_id=1`,
      `CONNECTION ESTABLISHED peer=${idOf(peer)} label=unknown remote=/ip4/192.0.2.44/tcp/51514`,
      `connection closed peer=${idOf(peer)} label= cause=none`,
      `outgoing connection ERROR peer=Some(PeerId("${idOf(peer)}")) error=none`,
      `dialing frankfurt (/ip4/192.0.2.44/tcp/8444)`,
    ][kind]!;
    return isTimed ? lineOf(age, rest) : `[network] ${rest}`;
  });

describe("a journal", () => {
  test("tells of peers the same as all of its events, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 60 }), (lines) => {
        const all = lines.flatMap((line) => parseJournalLine(line) ?? []);
        const kept = readJournal(lines.join("\n"));
        expect(kept.length).toBeLessThanOrEqual(3 * 7);
        const discover = (events: typeof kept) => discoverPeers(NOW, [{ node: "a", events }], new Set());
        expect(discover(kept)).toEqual(discover(all));
      }),
    );
  });

  test("of very many peers tells of those that were heard last, and of the node's own names", () => {
    const own = lineOf(9000, `local_peer_id=${idOf(7)} listen=/ip4/0.0.0.0/tcp/8444 peers_to_dial=2`);
    const lines = Array.from({ length: 40_000 }, (_, i) =>
      lineOf(40_000 - i, `heartbeat OK peer=${idOf(i + 10)} request_id=1`),
    );
    const events = readJournal([...lines.slice(0, 20_000), own, ...lines.slice(20_000)].join("\n"));
    expect(events.length).toBeLessThanOrEqual(3 * WITNESSED_MAX + 1);
    expect(events[0]).toMatchObject({ event: "local-peer", peer: idOf(7) });
    expect(events.slice(1).map(({ unix }) => NOW - unix!)).toEqual(events.slice(1).map((_, i) => i + 1));
  });
});
