/** GNOME and the desktops that share its settings, by `gsettings` (chapter 08 §10.3). Values stay in GVariant notation. */
import { demand, PRIVATE_RANGES, PRIVATE_RANGES_6, type Adapter, type Run, type Settings } from "./adapter.ts";

const SCHEMA = "org.gnome.system.proxy";
const PROTOCOLS = ["http", "https", "socks"];
const SWITCH = `${SCHEMA} mode`;
const IGNORED = `${SCHEMA} ignore-hosts`;
const NAMES = [...PROTOCOLS.flatMap((name) => [`${SCHEMA}.${name} host`, `${SCHEMA}.${name} port`]), IGNORED, SWITCH];

const BYPASS = ["localhost", "*.local", ...PRIVATE_RANGES, ...PRIVATE_RANGES_6];

export function gnomeAdapter(run: Run): Adapter {
  return {
    name: "gnome",
    async read() {
      const listed = new Map<string, string>();
      for (const line of (await demand(run, "proxy-unreadable", "gsettings", ["list-recursively", SCHEMA])).split(
        "\n",
      )) {
        const [, name, value] = /^(\S+ \S+) (.*)$/.exec(line) ?? [];
        if (name !== undefined && value !== undefined) listed.set(name, withoutType(value));
      }
      return new Map(NAMES.map((name) => [name, listed.get(name) ?? null]));
    },
    wanted: (_present, { host, port }) =>
      new Map([
        ...PROTOCOLS.flatMap((name): [string, string][] => [
          [`${SCHEMA}.${name} host`, quoted(host)],
          [`${SCHEMA}.${name} port`, String(port)],
        ]),
        [IGNORED, `[${BYPASS.map(quoted).join(", ")}]`],
        [SWITCH, "'manual'"],
      ]),
    async write(changes: Settings) {
      for (const [name, value] of changes) {
        const [schema, key] = name.split(" ") as [string, string];
        const args = value === null ? ["reset", schema, key] : ["set", schema, key, value];
        await demand(run, "proxy-unwritable", "gsettings", args);
      }
    },
    switchedBy: (name) =>
      name === SWITCH ? (other) => /\.(?:http|https|socks) (?:host|port)$/.test(other) : undefined,
  };
}

/** An empty list is printed as `@as []`. */
const withoutType = (value: string): string => value.replace(/^@as /, "");

const quoted = (text: string): string => `'${text}'`;
