/** What of a node's journal says anything of its peers: little, whatever its length (chapter 08 §4.10, §12). */
import { parseJournalLine, type JournalEvent } from "../../cities/journal.ts";
import { WITNESSED_MAX } from "../aggregator/limits.ts";

type Told = Extract<JournalEvent, { readonly peer: string }>;

/** Heard, connected, gone: of each peer the last of each. */
const KINDS: readonly JournalEvent["event"][] = ["heartbeat", "connection-established", "connection-closed"];
const OWN_IDS_MAX = 16;
/** While it is read, before the newest are taken. */
const EVENTS_MAX = 30_000;

/** The node's own ids, then of its peers the newest events, of WITNESSED_MAX peers at least where there are so many. */
export function readJournal(text: string): readonly JournalEvent[] {
  const newest = new Map<string, Told>();
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const event = parseJournalLine(text.slice(start, end));
    if (event !== undefined && isTold(event)) remember(newest, event);
    start = end + 1;
  }
  const events = [...newest.values()];
  const own = events.filter(({ event }) => event === "local-peer").slice(-OWN_IDS_MAX);
  const others = events.filter(({ event }) => event !== "local-peer").sort((a, b) => b.unix! - a.unix!);
  // Copied: a piece of the journal would keep all of it in memory.
  return structuredClone([...own, ...others.slice(0, WITNESSED_MAX * KINDS.length)]);
}

/** Without a time nothing follows from it but whom the node itself is. */
const isTold = (event: JournalEvent): event is Told =>
  event.event === "local-peer" || (KINDS.includes(event.event) && event.unix !== undefined);

function remember(newest: Map<string, Told>, event: Told): void {
  const key = `${event.event} ${event.peer}`;
  const before = newest.get(key);
  if (before?.unix !== undefined && event.unix !== undefined && before.unix > event.unix) return;
  // At the end again: what is forgotten first was told first.
  newest.delete(key);
  newest.set(key, event);
  if (newest.size > EVENTS_MAX) newest.delete(newest.keys().next().value!);
}
