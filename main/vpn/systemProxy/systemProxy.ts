/**
 * The desktop's proxy settings, borrowed: noted before they are changed, given back as they were, and never more than that.
 * What the person changed meanwhile is theirs (chapter 08 §10.3, §10.12).
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../../xray/processes.ts";
import type { Adapter, ProxyEndpoint, Settings } from "./adapter.ts";
import { deleteJournal, loadJournal, OURS_MAX, saveJournal, type Journal, type JournalEntry } from "./journal.ts";
import { isAlive, withLock } from "./lock.ts";
import type { LoginEntry } from "./loginEntry.ts";
import { awaitOrphans } from "./orphans.ts";

export interface Borrowing {
  /** Where the journal lives; of the person alone. */
  readonly directory: string;
  readonly adapterOf: (name: Adapter["name"]) => Adapter;
  /** There only while something is borrowed. */
  readonly loginEntry: LoginEntry;
}

export interface Restored {
  /** `in-use`: another process, which still runs, has borrowed them. */
  readonly outcome: "nothing" | "restored" | "in-use";
  /** Names of the settings that the person changed meanwhile. */
  readonly kept: readonly string[];
}

/**
 * Sends what follows the system's proxy to `endpoint`; called again with another port, what was there at first stays noted.
 * Throws `proxy-journal-corrupt`, `proxy-journal-unwritable` (nothing was changed), `proxy-held` (`pid`), `proxy-busy`,
 * `proxy-policy`, `proxy-unreadable`, `proxy-unwritable`, `proxy-not-applied` (what was changed is changed back).
 */
export async function borrowSystemProxy(
  borrowing: Borrowing,
  name: Adapter["name"],
  endpoint: ProxyEndpoint,
): Promise<void> {
  const self = await identifySelf();
  await withLock(borrowing.directory, self, async () => {
    const { outcome } = await giveBack(borrowing, self, { evenOwn: false });
    const held = loadJournal(borrowing.directory);
    if (outcome === "in-use" && !isSameProcess(held!.owner, self))
      throw new ProtocolError("proxy-held", { pid: held!.owner.pid });
    const adapter = borrowing.adapterOf(name);
    const present = await adapter.read();
    const wanted = await adapter.wanted(present, endpoint);
    saveJournal(borrowing.directory, {
      version: 1,
      adapter: name,
      owner: self,
      settings: noteSettings(held?.settings ?? [], present, wanted),
    });
    try {
      await borrowing.loginEntry.install();
      await adapter.write(filter(wanted, (setting, value) => (present.get(setting) ?? null) !== value));
      await demandApplied(adapter, wanted);
    } catch (error) {
      await giveBack(borrowing, self, { evenOwn: true });
      throw error;
    }
  });
}

/**
 * Gives back what this process, or one that has ended, had borrowed: on disconnecting, on exit, on every start. Needs no
 * network; again is nothing. Throws `proxy-journal-corrupt`, `proxy-not-restored` (`settings`; the journal stays) and what reading and
 * writing throw.
 */
export async function restoreSystemProxy(borrowing: Borrowing): Promise<Restored> {
  // The common case needs neither a lock nor a folder.
  if (loadJournal(borrowing.directory) === undefined) return NOTHING;
  const self = await identifySelf();
  const work = (): Promise<Restored> => giveBack(borrowing, self, { evenOwn: true });
  try {
    return await withLock(borrowing.directory, self, work);
  } catch (error) {
    // A full disk lets no lock be written, and must not keep anybody without a network.
    if (error instanceof ProtocolError && error.code === "proxy-journal-unwritable") return work();
    throw error;
  }
}

const NOTHING: Restored = { outcome: "nothing", kept: [] };

async function giveBack(
  borrowing: Borrowing,
  self: ProcessIdentity,
  { evenOwn }: { evenOwn: boolean },
): Promise<Restored> {
  const journal = loadJournal(borrowing.directory);
  if (journal === undefined) return NOTHING;
  const isOwn = isSameProcess(journal.owner, self);
  if (isOwn ? !evenOwn : await isAlive(journal.owner)) return { outcome: "in-use", kept: [] };
  if (!isOwn) await awaitOrphans(journal.owner.pid);
  const adapter = borrowing.adapterOf(journal.adapter);
  const { changes, kept } = planRestoring(adapter, journal, await adapter.read());
  if (changes.size > 0) await adapter.write(changes);
  const left = findLeft(adapter, journal, await adapter.read(), changes);
  if (left.length > 0) throw new ProtocolError("proxy-not-restored", { settings: left.join(", ") });
  // In this order: while there is a journal, the next log-in looks at it.
  await borrowing.loginEntry.remove();
  deleteJournal(borrowing.directory);
  return { outcome: "restored", kept };
}

/** What was there before stays noted where what is there now is this program's own. */
function noteSettings(held: readonly JournalEntry[], present: Settings, wanted: Settings): JournalEntry[] {
  const noted = new Map(held.map((entry) => [entry.name, entry]));
  for (const [name, value] of wanted) {
    const now = present.get(name) ?? null;
    const entry = noted.get(name);
    const isOurs = entry?.ours.includes(now) === true;
    const ours = isOurs ? entry.ours.filter((other) => other !== value).slice(1 - OURS_MAX) : [];
    noted.set(name, { name, before: isOurs ? entry.before : now, ours: [...ours, value] });
  }
  return [...noted.values()];
}

interface Plan {
  readonly changes: Settings;
  readonly kept: readonly string[];
}

/** A setting that is as this program left it becomes what it was; a switch stays where the person gave it something to switch. */
function planRestoring(adapter: Adapter, { settings }: Journal, present: Settings): Plan {
  const nowOf = (name: string): string | null => present.get(name) ?? null;
  const kept = settings.filter(({ name, before, ours }) => nowOf(name) !== before && !ours.includes(nowOf(name)));
  const isKept = (name: string): boolean => {
    const isSwitched = adapter.switchedBy(name);
    return isSwitched !== undefined && kept.some((entry) => isSwitched(entry.name));
  };
  const changes = settings
    .filter(({ name, before, ours }) => nowOf(name) !== before && ours.includes(nowOf(name)) && !isKept(name))
    .map(({ name, before }): [string, string | null] => [name, before]);
  return { changes: new Map(changes), kept: kept.map(({ name }) => name) };
}

/** Changes that did not happen and matter: a server that its switch has turned off sends nothing anywhere. */
function findLeft(adapter: Adapter, { settings }: Journal, present: Settings, changes: Settings): string[] {
  const isAsBefore = ({ name, before }: JournalEntry): boolean => (present.get(name) ?? null) === before;
  const off = settings.filter((entry) => adapter.switchedBy(entry.name) !== undefined && isAsBefore(entry));
  return settings
    .filter((entry) => changes.has(entry.name) && !isAsBefore(entry))
    .map(({ name }) => name)
    .filter((name) => !off.some((entry) => adapter.switchedBy(entry.name)!(name)));
}

async function demandApplied(adapter: Adapter, wanted: Settings): Promise<void> {
  const present = await adapter.read();
  for (const [name, value] of wanted) {
    if ((present.get(name) ?? null) !== value) throw new ProtocolError("proxy-not-applied", { setting: name });
  }
}

const filter = (settings: Settings, keep: (name: string, value: string | null) => boolean): Settings =>
  new Map([...settings].filter(([name, value]) => keep(name, value)));

async function identifySelf(): Promise<ProcessIdentity> {
  const self = await identifyProcess(process.pid);
  if (self === undefined) throw new ProtocolError("process-unidentified");
  return self;
}
