/** How the record of a city changes. Pure: time and fresh keys are arguments. */
import { FLOW_VISION, buildShareLink, parseShareLink } from "../../cities/shareLink.ts";
import type { ExitKeys } from "../../xray/exitKeys.ts";
import { exitError } from "./errors.ts";
import { ACCOUNTS_MAX, type Door, type ExitRecord } from "./record.ts";

export interface Rotation {
  readonly nowUnix: number;
  /** How long the old UUID and short id go on working. */
  readonly overlapSeconds: number;
  readonly fresh: ExitKeys;
  /**
   * A new X25519 key, too: one port holds one key, so the new one gets a second port beside the old, or the old one ends at
   * once.
   */
  readonly newKey?: { readonly port: number } | "cut-over";
}

export function doorOf(keys: ExitKeys, port: number): Door {
  const { uuid, shortId, privateKey, publicKey } = keys;
  return { port, privateKey, publicKey, accounts: [{ uuid, shortId, untilUnix: null }] };
}

/** Throws "exit-relay-has-no-keys", "exit-needs-second-port", "exit-too-many-accounts". */
export function rotated(record: ExitRecord, { nowUnix, overlapSeconds, fresh, newKey }: Rotation): ExitRecord {
  const [current, ...older] = record.doors;
  if (current === undefined) throw exitError("exit-relay-has-no-keys");
  const untilUnix = nowUnix + overlapSeconds;
  const ending = (door: Door): Door => ({
    ...door,
    accounts: door.accounts.map((account) => ({
      ...account,
      untilUnix: Math.min(account.untilUnix ?? untilUnix, untilUnix),
    })),
  });
  const old = record.doors.map(ending);
  const doors = ((): readonly Door[] => {
    if (newKey === undefined) {
      const { uuid, shortId } = fresh;
      const [first, ...rest] = old;
      return [{ ...first!, accounts: [{ uuid, shortId, untilUnix: null }, ...first!.accounts] }, ...rest];
    }
    if (newKey === "cut-over") return [doorOf(fresh, current.port), ...older.map(ending)];
    if (record.doors.some(({ port }) => port === newKey.port)) {
      throw exitError("exit-needs-second-port", { port: newKey.port });
    }
    return [doorOf(fresh, newKey.port), ...old];
  })();
  const accounts = doors.reduce((sum, door) => sum + door.accounts.length, 0);
  if (accounts > ACCOUNTS_MAX) throw exitError("exit-too-many-accounts", { max: ACCOUNTS_MAX });
  return expired({ ...record, doors }, nowUnix);
}

/** Without what has had its time. The same record where nothing has. */
export function expired(record: ExitRecord, nowUnix: number): ExitRecord {
  const isOver = (untilUnix: number | null): boolean => untilUnix !== null && untilUnix <= nowUnix;
  const hasOld = record.doors.some(({ accounts }) => accounts.some(({ untilUnix }) => isOver(untilUnix)));
  const hasDrained = record.stage === "draining" && isOver(record.stageUntilUnix);
  if (!hasOld && !hasDrained) return record;
  const doors = record.doors
    .map((door) => ({ ...door, accounts: door.accounts.filter(({ untilUnix }) => !isOver(untilUnix)) }))
    .filter(({ accounts }) => accounts.length > 0);
  return hasDrained ? { ...record, doors, stage: "withdrawn", stageUntilUnix: null } : { ...record, doors };
}

/** When {@link expired} next changes something. */
export function nextExpiry({ doors, stageUntilUnix }: ExitRecord): number | undefined {
  const times = [...doors.flatMap(({ accounts }) => accounts.map(({ untilUnix }) => untilUnix)), stageUntilUnix];
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The share URL that is published: of a relay its own place and the exit's credentials (chapter 08 §3.2). */
export function publishedLink({ city, host, decoy, doors, relay }: ExitRecord): string {
  const label = `Montana ${city.code.toUpperCase()}`;
  if (relay !== null) return buildShareLink({ ...parseShareLink(relay.link), host, port: relay.port, label });
  const [door] = doors;
  const account = door?.accounts[0];
  if (door === undefined || account === undefined || decoy === null) throw new Error("an exit without keys");
  const { uuid, shortId: sid } = account;
  return buildShareLink({
    uuid,
    host,
    port: door.port,
    flow: FLOW_VISION,
    sni: decoy.name,
    pbk: door.publicKey,
    sid,
    label,
  });
}

/** All ports that it listens on, the published one first. */
export const portsOf = ({ doors, relay }: ExitRecord): readonly number[] =>
  relay === null ? doors.map(({ port }) => port) : [relay.port];
