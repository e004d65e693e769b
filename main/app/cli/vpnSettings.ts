/** `montana vpn settings`: what connect takes where nothing else is said. */
import { call, type Client } from "../../api/client.ts";
import type { Output } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";

type Settings = Output<"vpnSettings">;
type Change = Parameters<Client["vpnSetSettings"]["mutate"]>[0];

const NONE = "none";

const wrong = (name: string, takes: string): Error =>
  apiError("usage", { reason: `${name} takes ${takes}`, command: "vpn" });

const isOn = (name: string, value: string): boolean => {
  if (value !== "on" && value !== "off") throw wrong(name, "on, off");
  return value === "on";
};

/** By the name that people write. */
const NAMES: Readonly<Record<string, (value: string) => Change>> = {
  mode(value) {
    if (value !== "local" && value !== "proxy" && value !== "device") throw wrong("mode", "local, proxy, device");
    return { mode: value };
  },
  "kill-switch": (value) => ({ killSwitch: isOn("kill-switch", value) }),
  strict: (value) => ({ strict: isOn("strict", value) }),
  port(value) {
    if (value !== NONE && !/^[1-9]\d{0,4}$/.test(value)) throw wrong("port", "a port, none");
    return { port: value === NONE ? null : Number(value) };
  },
  direct: (value) => ({ direct: value === NONE ? [] : value.split(",").filter((rule) => rule !== "") }),
  "probe-url": (value) => ({ probeUrl: value === NONE ? null : value }),
  "address-url": (value) => ({ addressUrl: value === NONE ? null : value }),
  "connect-at-start": (value) => ({ connectsAtStart: isOn("connect-at-start", value) }),
};

export function changeSettings(client: Client, name: string, value: string | undefined): Promise<Settings> {
  const read = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (read === undefined) throw wrong("settings", Object.keys(NAMES).join(", "));
  if (value === undefined) throw wrong(name, `a value; ${NONE} for none`);
  return call(client.vpnSetSettings.mutate(read(value)));
}

export function describeSettings(settings: Settings): string {
  const { mode, killSwitch, strict, port, direct, probeUrl, probeUrlInForce, addressUrl, connectsAtStart } = settings;
  const onOff = (isOn: boolean): string => (isOn ? "on" : "off");
  const desktop = settings.desktop ?? "none whose settings this program knows: the mode is local instead of proxy";
  return [
    `network           ${settings.network}`,
    `desktop           ${desktop}`,
    `mode              ${mode}`,
    `kill-switch       ${onOff(killSwitch)}`,
    `strict            ${onOff(strict)}`,
    `port              ${port ?? NONE}`,
    `direct            ${direct.length === 0 ? NONE : direct.join(",")}`,
    `probe-url         ${probeUrl ?? (probeUrlInForce === null ? NONE : `the network's own, ${probeUrlInForce}`)}`,
    `address-url       ${addressUrl ?? NONE}`,
    `connect-at-start  ${onOff(connectsAtStart)}`,
  ].join("\n");
}
