/** What was there before this program changed it, on the disk before the first change (chapter 08 §10.12). */
import { join } from "node:path";

import { count, listOf, nullable, oneOf, record, text, type Shape } from "../../cities/shape.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { readSealed, removeSealed, setAside, writeSealed } from "../../files/sealedFile.ts";
import { ADAPTER_NAMES } from "./adapter.ts";

const JOURNAL = "system-proxy.journal";
const JOURNAL_MAX = 4_194_304;
const SETTINGS_MAX = 1024;
/** A list of hosts that a person wrote may be long. */
const VALUE_MAX = 65_536;
/** Ports that were applied one after another without a disconnection. The oldest go. */
export const OURS_MAX = 16;

const value = nullable(text(VALUE_MAX));
const readJournal = record({
  version: oneOf(1),
  adapter: oneOf(...ADAPTER_NAMES),
  owner: record({ pid: count, startTime: text(256), executable: text(4096) }),
  settings: listOf(record({ name: text(1024), before: value, ours: listOf(value, OURS_MAX) }), SETTINGS_MAX),
});

export type Journal = Shape<typeof readJournal>;
export type JournalEntry = Journal["settings"][number];

const pathIn = (directory: string): string => join(directory, JOURNAL);

/** Throws `proxy-journal-corrupt` (`path`): then nothing is known of what was there, and nothing may be changed. */
export function loadJournal(directory: string): Journal | undefined {
  const path = pathIn(directory);
  const found = readSealed(path, JOURNAL_MAX, readJournal);
  if (found.kind === "corrupt") throw new ProtocolError("proxy-journal-corrupt", { path });
  return found.kind === "absent" ? undefined : found.value;
}

/** Throws `proxy-journal-unwritable` (`errno`), also when its own reader would refuse it. */
export function saveJournal(directory: string, journal: Journal): void {
  try {
    readJournal(journal, "");
    writeSealed(pathIn(directory), journal);
  } catch (error) {
    const errno = error instanceof ProtocolError ? String(error.params["errno"] ?? error.code) : "unknown";
    throw new ProtocolError("proxy-journal-unwritable", { errno });
  }
}

export const deleteJournal = (directory: string): void => removeSealed(pathIn(directory));

/** For a person who has read that it is corrupt and has looked at the settings. Gives the path where it is kept. */
export const setJournalAside = (directory: string): string => setAside(pathIn(directory));
