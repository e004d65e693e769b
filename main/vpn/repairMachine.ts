/** The machine as it was, after a program that was killed: proxy settings, engines, what whole-device mode had set. */
import { join } from "node:path";

import { ProtocolError } from "../protocol/errors.ts";
import { openEngineDirectory } from "../xray/directory.ts";
import { endLeftover, type LeftoverOutcome } from "../xray/leftover.ts";
import type { DesktopProxy } from "./systemProxy/desktop.ts";
import { repairWholeDevice, type DeviceRepaired } from "./wholeDevice/wholeDevice.ts";

export interface RepairOptions {
  /** A damaged record of the proxy settings is to be forgotten: the person has looked at them. */
  readonly setsAsideJournal: boolean;
  /** A kill switch that still blocks goes on. */
  readonly keepsBlock: boolean;
}

export interface Repaired {
  readonly proxy: "nothing" | "restored" | "in-use";
  readonly kept: string[];
  readonly engine: LeftoverOutcome | "in-use";
  /** Of the whole-device mode: ways into the tunnel and blocks. */
  readonly device: DeviceRepaired["outcome"];
  readonly setAside: string | null;
}

/**
 * Gives back what a program that was killed had borrowed, and ends the engines that it left; for a machine on which no host
 * runs. Again is nothing. Throws `proxy-journal-corrupt` and what giving back throws, after all else was done.
 */
export async function repairMachine(
  directory: string,
  desktop: DesktopProxy,
  { setsAsideJournal, keepsBlock }: RepairOptions,
): Promise<Repaired> {
  const { path } = openEngineDirectory(directory, "tunnel");
  const test = await endLeftover(openEngineDirectory(join(path, TEST_FOLDER), "tunnel").path);
  const own = await endLeftover(path);
  const engine = own === "none" ? test : own;
  const [device, proxy] = await Promise.allSettled([
    repairWholeDevice(undefined, keepsBlock),
    repairProxy(desktop, setsAsideJournal),
  ]);
  if (proxy.status === "rejected") throw proxy.reason;
  if (device.status === "rejected") throw device.reason;
  return { ...proxy.value, engine, device: device.value.outcome };
}

async function repairProxy(desktop: DesktopProxy, setsAsideJournal: boolean) {
  try {
    const { outcome: proxy, kept } = await desktop.repair();
    return { proxy, kept: [...kept], setAside: null };
  } catch (error) {
    const isCorrupt = error instanceof ProtocolError && error.code === "proxy-journal-corrupt";
    if (!isCorrupt || !setsAsideJournal) throw error;
    return { proxy: "nothing" as const, kept: [], setAside: await desktop.setJournalAside() };
  }
}

/** Of the tunnel's own folder: where the engine of a test of routes has its. */
export const TEST_FOLDER = "test";
