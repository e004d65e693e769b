/**
 * What the aggregator remembers from run to run: last good entries, health, first-seen times. A file that is not what was
 * written is named and never read as empty, for that would forget cities.
 */
import { join } from "node:path";

import type { LastGood } from "../../cities/aggregation.ts";
import type { FirstSeen } from "../../cities/discovery.ts";
import { decodeHealth, healthDocument, type EndpointHealth } from "../../cities/health.ts";
import { SHARE_LINK_MAX } from "../../cities/limits.ts";
import { NODE_LABEL } from "../../cities/myVpn.ts";
import { count, flag, listOf, peerIdText, record, text, type Reader } from "../../cities/shape.ts";
import { readSealed, writeSealed } from "../../files/sealedFile.ts";
import { meshError } from "./errors.ts";
import { PEERS_MAX, STATE_FILE_MAX } from "./limits.ts";

const FIRST_SEEN_MAX = 200_000;

const readLastGoodList = listOf(
  record({ node: text(32, NODE_LABEL), vless: text(SHARE_LINK_MAX), primary: flag, fetched_unix: count }),
  PEERS_MAX,
);
const readFirstSeenList = listOf(
  record({ peer_id: peerIdText, first_seen_unix: count, last_seen_unix: count }),
  FIRST_SEEN_MAX,
);
const readHealthNodes: Reader<readonly EndpointHealth[]> = (value) => decodeHealth(JSON.stringify(value)).nodes;

export interface StateFiles {
  readLastGood(): ReadonlyMap<string, LastGood>;
  writeLastGood(lastGood: ReadonlyMap<string, LastGood>): void;
  readHealth(): readonly EndpointHealth[];
  writeHealth(nodes: readonly EndpointHealth[], nowUnix: number): void;
  readFirstSeen(): FirstSeen;
  /** Of more than FIRST_SEEN_MAX those that were seen last. */
  writeFirstSeen(firstSeen: FirstSeen): void;
}

/** Every call throws `ProtocolError`: `mesh-state-damaged`, `file-unreadable`, `file-unwritable`. */
export function openStateFiles(directory: string): StateFiles {
  const at = (name: string): string => join(directory, name);
  const lastGoodFile = at("last-good.json");
  const healthFile = at("health.json");
  const firstSeenFile = at("first-seen.json");
  return {
    readLastGood: () => new Map(readOr(lastGoodFile, readLastGoodList, []).map(({ node, ...rest }) => [node, rest])),
    writeLastGood: (lastGood) =>
      writeSealed(
        lastGoodFile,
        Array.from(lastGood, ([node, { vless, primary, fetched_unix }]) => ({ node, vless, primary, fetched_unix })),
      ),
    readHealth: () => readOr(healthFile, readHealthNodes, []),
    writeHealth: (nodes, nowUnix) => writeSealed(healthFile, healthDocument(nodes, nowUnix)),
    readFirstSeen: () =>
      new Map(
        readOr(firstSeenFile, readFirstSeenList, []).map(({ peer_id, first_seen_unix, last_seen_unix }) => [
          peer_id,
          { firstSeenUnix: first_seen_unix, lastSeenUnix: last_seen_unix },
        ]),
      ),
    writeFirstSeen: (firstSeen) =>
      writeSealed(
        firstSeenFile,
        Array.from(firstSeen, ([peer_id, { firstSeenUnix, lastSeenUnix }]) => ({
          ...{ peer_id, first_seen_unix: firstSeenUnix, last_seen_unix: lastSeenUnix },
        }))
          .sort((a, b) => b.last_seen_unix - a.last_seen_unix)
          .slice(0, FIRST_SEEN_MAX),
      ),
  };
}

function readOr<T>(file: string, read: Reader<T>, absent: T): T {
  const found = readSealed(file, STATE_FILE_MAX, read);
  if (found.kind === "corrupt") throw meshError("mesh-state-damaged", { file });
  return found.kind === "absent" ? absent : found.value;
}
