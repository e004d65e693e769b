/**
 * What the aggregator remembers from run to run: last good entries, health, first-seen times. Whole files with their digest
 * in front; one that is not what was written is named and never read as empty, for that would forget cities.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import type { LastGood } from "../../cities/aggregation.ts";
import type { FirstSeen } from "../../cities/discovery.ts";
import { decodeHealth, type EndpointHealth, healthDocument } from "../../cities/health.ts";
import { parseJson } from "../../cities/json.ts";
import { SHARE_LINK_MAX } from "../../cities/limits.ts";
import { NODE_LABEL } from "../../cities/myVpn.ts";
import { count, flag, listOf, peerIdText, record, text, type Reader } from "../../cities/shape.ts";
import { createDirectory } from "../../files/blocking.ts";
import { replaceFile } from "../../files/replaceFile.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { errnoOf, meshError } from "./errors.ts";
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

export interface StateFiles {
  readLastGood(): ReadonlyMap<string, LastGood>;
  writeLastGood(lastGood: ReadonlyMap<string, LastGood>): Promise<void>;
  readHealth(): readonly EndpointHealth[];
  writeHealth(nodes: readonly EndpointHealth[], nowUnix: number): Promise<void>;
  readFirstSeen(): FirstSeen;
  writeFirstSeen(firstSeen: FirstSeen): Promise<void>;
}

/** Every call throws `ProtocolError`: `mesh-state-damaged`, `mesh-file-unreadable`, `mesh-file-unwritable`. */
export function openStateFiles(directory: string): StateFiles {
  const files = { lastGood: "last-good.json", health: "health.json", firstSeen: "first-seen.json" };
  const at = (name: string): string => join(directory, name);
  return {
    readLastGood: () =>
      new Map(readSealed(at(files.lastGood), readLastGoodList, []).map(({ node, ...rest }) => [node, rest])),
    writeLastGood: (lastGood) =>
      writeSealed(
        directory,
        at(files.lastGood),
        Array.from(lastGood, ([node, { vless, primary, fetched_unix }]) => ({ node, vless, primary, fetched_unix })),
      ),
    readHealth: () => readSealed(at(files.health), readHealthNodes, []),
    writeHealth: (nodes, nowUnix) => writeSealed(directory, at(files.health), healthDocument(nodes, nowUnix)),
    readFirstSeen: () =>
      new Map(
        readSealed(at(files.firstSeen), readFirstSeenList, []).map(({ peer_id, first_seen_unix, last_seen_unix }) => [
          peer_id,
          { firstSeenUnix: first_seen_unix, lastSeenUnix: last_seen_unix },
        ]),
      ),
    writeFirstSeen: (firstSeen) =>
      writeSealed(
        directory,
        at(files.firstSeen),
        Array.from(firstSeen, ([peer_id, { firstSeenUnix, lastSeenUnix }]) => ({
          ...{ peer_id, first_seen_unix: firstSeenUnix, last_seen_unix: lastSeenUnix },
        }))
          .sort((a, b) => b.last_seen_unix - a.last_seen_unix)
          .slice(0, FIRST_SEEN_MAX),
      ),
  };
}

const readHealthNodes: Reader<readonly EndpointHealth[]> = (value) => decodeHealth(JSON.stringify(value)).nodes;

function readSealed<T>(file: string, read: Reader<T>, absent: T): T {
  let sealed;
  try {
    if (statSync(file).size > STATE_FILE_MAX) throw meshError("mesh-state-damaged", { file });
    sealed = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    if (errnoOf(error) === "ENOENT") return absent;
    throw meshError("mesh-file-unreadable", { file, errno: errnoOf(error) });
  }
  const end = sealed.indexOf("\n");
  const body = sealed.slice(end + 1);
  if (end < 0 || sealed.slice(0, end) !== digestOf(body)) throw meshError("mesh-state-damaged", { file });
  try {
    return read(parseJson(body, STATE_FILE_MAX), "");
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw meshError("mesh-state-damaged", { file });
  }
}

async function writeSealed(directory: string, file: string, value: unknown): Promise<void> {
  const body = JSON.stringify(value);
  try {
    createDirectory(directory);
    await replaceFile(file, `${digestOf(body)}\n${body}`);
  } catch (error) {
    throw meshError("mesh-file-unwritable", { file, errno: errnoOf(error) });
  }
}

const digestOf = (body: string): string => createHash("sha256").update(body).digest("hex");
