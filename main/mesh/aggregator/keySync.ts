/** `keys.json`: the canonical exit's parameters for programs that read them from there (chapter 08 §3.4, §4.13). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { decodeMyVpn, keysOf, type Keys } from "../../cities/myVpn.ts";
import { createDirectory } from "../../files/blocking.ts";
import { replaceFile } from "../../files/replaceFile.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { errnoOf, meshError } from "./errors.ts";
import { fetchAll, type Answer, type Fetcher } from "./fetcher.ts";
import { FETCHES_DEADLINE_MS } from "./limits.ts";
import type { Settings } from "./settings.ts";

const FILE_NAME = "keys.json";
const MODE = 0o640;

export interface KeySync {
  readonly node: string;
  readonly isChanged: boolean;
  readonly file: string;
}

/** Throws `mesh-exit-unusable` when the canonical exit gives nothing usable; then the file before stays. */
export async function syncKeys(settings: Settings, fetcher: Fetcher, nowUnix: number): Promise<KeySync> {
  const { canonicalExit, peers, stateDirectory, allowLoopback } = settings;
  const peer = peers.find(({ node }) => node === canonicalExit);
  if (peer === undefined) {
    throw meshError("mesh-settings-invalid", { file: settings.file, reason: "missing", at: "canonical_exit" });
  }
  const { node } = peer;
  let answer: Answer | undefined;
  await fetchAll(fetcher, [peer], ["my-vpn"], { parallel: 1, deadlineMs: FETCHES_DEADLINE_MS }, (_, __, got) => {
    answer = got;
  });
  const keys = readKeys(answer, node, allowLoopback, nowUnix);
  const file = join(stateDirectory, FILE_NAME);
  const isChanged = isDifferent(readIfThere(file), keys);
  if (isChanged) {
    try {
      createDirectory(stateDirectory);
      await replaceFile(file, `${JSON.stringify(keys, undefined, 2)}\n`, MODE);
    } catch (error) {
      throw meshError("file-unwritable", { file, errno: errnoOf(error) });
    }
  }
  return { node, isChanged, file };
}

function readKeys(answer: Answer | undefined, node: string, allowLoopback: boolean, nowUnix: number): Keys {
  if (answer?.kind !== "body") {
    const reason = answer?.kind === "failed" ? answer.reason : "missing";
    throw meshError("mesh-exit-unusable", { node, reason });
  }
  try {
    return keysOf(decodeMyVpn(answer.body, node, allowLoopback), nowUnix);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw meshError("mesh-exit-unusable", { node, reason: (error as ProtocolError).code });
  }
}

/** Apart from its time. */
function isDifferent(before: string | undefined, keys: Keys): boolean {
  if (before === undefined) return true;
  try {
    const { updated_unix: updatedUnix } = JSON.parse(before) as Keys;
    return before !== `${JSON.stringify({ ...keys, updated_unix: updatedUnix }, undefined, 2)}\n`;
  } catch {
    return true;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw meshError("file-unreadable", { file, errno: errnoOf(error) });
  }
}
