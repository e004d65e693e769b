/** What the person chose about the tunnel, until it is chosen otherwise; on the disk, corrupt is set aside and named. */
import { join } from "node:path";

import { count, flag, listOf, nullable, oneOf, record, text, type Shape } from "../cities/shape.ts";
import { readSealed, setAside, writeSealed } from "../files/sealedFile.ts";

const RULES_MAX = 256;
const FILE_MAX = 1_048_576;

const readSettings = record({
  version: oneOf(1),
  mode: oneOf("local", "proxy", "device"),
  killSwitch: flag,
  strict: flag,
  direct: listOf(text(512), RULES_MAX),
  port: nullable(count),
  probeUrl: nullable(text(2048)),
  addressUrl: nullable(text(2048)),
  connectsAtStart: flag,
  /** What was last connected to. */
  city: nullable(text(64)),
});
export type VpnSettings = Omit<Shape<typeof readSettings>, "version">;
export type VpnMode = VpnSettings["mode"];

export const DEFAULT_SETTINGS: VpnSettings = {
  mode: "proxy",
  killSwitch: false,
  strict: false,
  direct: [],
  port: null,
  probeUrl: null,
  addressUrl: null,
  connectsAtStart: false,
  city: null,
};

const FILE = "settings";

/** The defaults where nothing was chosen; `corrupt` is where a damaged file lies now. Throws `file-unreadable`. */
export function loadSettings(directory: string): { readonly settings: VpnSettings; readonly corrupt?: string } {
  const path = join(directory, FILE);
  const found = readSealed(path, FILE_MAX, readSettings);
  if (found.kind === "corrupt") return { settings: DEFAULT_SETTINGS, corrupt: setAside(path) };
  return { settings: found.kind === "value" ? found.value : DEFAULT_SETTINGS };
}

/** Throws `file-unwritable`. */
export const saveSettings = (directory: string, settings: VpnSettings): void =>
  writeSealed(join(directory, FILE), { ...settings, version: 1 });
