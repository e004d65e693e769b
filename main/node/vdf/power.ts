/** Does this computer run on mains or on its battery? */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** `isKnown` false: the system does not say, and mains is assumed. `note` says in words what was seen. */
export interface PowerState {
  readonly source: "mains" | "battery";
  readonly isKnown: boolean;
  readonly note: string;
}

export interface PowerProbe {
  readonly platform?: NodeJS.Platform;
  /** Linux: where the system describes its power supplies. */
  readonly suppliesFolder?: string;
  /** macOS and Windows: runs a program and gives what it prints. */
  readonly run?: (program: string, args: readonly string[]) => Promise<string>;
}

const COMMAND_TIMEOUT_MS = 10_000;
const execute = promisify(execFile);

/** Never rejects: a system that cannot be asked is one that does not say. */
export async function readPower({
  platform = process.platform,
  suppliesFolder = "/sys/class/power_supply",
  run = async (program, args) => (await execute(program, args, { timeout: COMMAND_TIMEOUT_MS })).stdout,
}: PowerProbe = {}): Promise<PowerState> {
  const ask: Partial<Record<NodeJS.Platform, () => Promise<PowerState>>> = {
    linux: async () => powerOfSupplies(await readSupplies(suppliesFolder)),
    darwin: async () => powerOfPmset(await run("pmset", ["-g", "batt"])),
    win32: async () => powerOfBatteryStatus(await run("powershell", ["-NoProfile", "-Command", BATTERY_STATUS])),
  };
  try {
    return (await ask[platform]?.()) ?? unknown(`this program cannot ask ${platform}`);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

const unknown = (why: string): PowerState => ({
  source: "mains",
  isKnown: false,
  note: `the power source is not known (${why}), mains is assumed`,
});
const known = (source: PowerState["source"], note: string): PowerState => ({ source, isKnown: true, note });

interface Supply {
  readonly name: string;
  readonly type: string;
  /** `Device`: of a mouse or a headset, which says nothing about the computer. */
  readonly scope: string;
  readonly online: string;
  readonly status: string;
}

/** The files of Linux' power supply class (Documentation/ABI/testing/sysfs-class-power). */
async function readSupplies(folder: string): Promise<Supply[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const field = async (file: string): Promise<string> => {
        try {
          return (await readFile(join(folder, name, file), "utf8")).trim();
        } catch {
          // A field that the driver does not have.
          return "";
        }
      };
      const [type, scope, online, status] = await Promise.all(["type", "scope", "online", "status"].map(field));
      return { name, type: type!, scope: scope!, online: online!, status: status! };
    }),
  );
}

function powerOfSupplies(all: readonly Supply[]): PowerState {
  const supplies = all.filter(({ scope }) => scope !== "Device");
  const chargers = supplies.filter(({ type }) => type === "Mains" || type === "USB" || type === "Wireless");
  const batteries = supplies.filter(({ type }) => type === "Battery" || type === "UPS");
  const online = chargers.find((charger) => charger.online === "1" || charger.online === "2");
  if (online !== undefined) return known("mains", `${online.name} is online`);
  const discharging = batteries.find(({ status }) => status === "Discharging");
  if (discharging !== undefined) return known("battery", `${discharging.name} is discharging`);
  const charged = batteries.find(
    ({ status }) => status === "Charging" || status === "Full" || status === "Not charging",
  );
  if (charged !== undefined) return known("mains", `${charged.name} is not discharging`);
  if (batteries.length > 0 && chargers.length > 0) return known("battery", "no charger is online");
  return unknown("the system describes no power supply of its own");
}

/** `pmset` says `Now drawing from 'AC Power'`, 'Battery Power' or 'UPS Power'. */
function powerOfPmset(text: string): PowerState {
  const source = /drawing from '([^']+)'/.exec(text)?.[1];
  if (source === "AC Power") return known("mains", source);
  if (source === "Battery Power" || source === "UPS Power") return known("battery", source);
  return unknown("pmset names no source");
}

const BATTERY_STATUS = "(Get-CimInstance -ClassName Win32_Battery).BatteryStatus";
/** Win32_Battery.BatteryStatus: discharging, low, critical. */
const ON_BATTERY: readonly number[] = [1, 4, 5];
/** On mains, fully charged, and the states of charging. */
const ON_MAINS: readonly number[] = [2, 3, 6, 7, 8, 9, 11];

/** A number for each battery; nothing where there is none. */
function powerOfBatteryStatus(text: string): PowerState {
  const states = text.trim().split(/\s+/).filter(Boolean).map(Number);
  if (states.length === 0) return known("mains", "there is no battery");
  if (states.some((state) => ON_MAINS.includes(state))) return known("mains", "the battery is not discharging");
  if (states.some((state) => ON_BATTERY.includes(state))) return known("battery", "the battery is discharging");
  return unknown("the battery does not tell its state");
}

const POLL_INTERVAL_MS = 30_000;

/** Tells once at the start, and whenever it changes. The function that comes back ends it. */
export function watchPower(
  listener: (state: PowerState) => void,
  probe: PowerProbe = {},
  intervalMs = POLL_INTERVAL_MS,
): () => void {
  let last: PowerState | undefined;
  let isEnded = false;
  const look = async (): Promise<void> => {
    const state = await readPower(probe);
    if (isEnded) return;
    if (state.source !== last?.source || state.isKnown !== last.isKnown) listener(state);
    last = state;
    timer = setTimeout(() => void look(), intervalMs).unref();
  };
  let timer: NodeJS.Timeout | undefined;
  void look();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
