/** KDE Plasma: the group `Proxy Settings` of `kioslaverc`, by its own programs of version 6 or 5 (chapter 08 §10.3). */
import { ProtocolError } from "../../protocol/errors.ts";
import { demand, PRIVATE_RANGES, PRIVATE_RANGES_6, type Adapter, type Run, type Settings } from "./adapter.ts";

const FILE = ["--file", "kioslaverc", "--group", "Proxy Settings"];
const SWITCH = "ProxyType";
const PROXIES = ["httpProxy", "httpsProxy", "socksProxy"];
const NAMES = [...PROXIES, "NoProxyFor", SWITCH];
const VERSIONS = ["6", "5"];

/** What `kreadconfig` is told to print for an entry that does not exist: an empty one prints nothing. */
const ABSENT = "montana-absent-entry";

const BYPASS = ["localhost", ".local", ...PRIVATE_RANGES, ...PRIVATE_RANGES_6].join(",");

export function kdeAdapter(run: Run): Adapter {
  let version: string | undefined;
  const configure = async (tool: "read" | "write", args: readonly string[]): Promise<string> => {
    const code = tool === "read" ? "proxy-unreadable" : "proxy-unwritable";
    version ??= await findVersion(run);
    return demand(run, code, `k${tool}config${version}`, [...FILE, ...args]);
  };
  return {
    name: "kde",
    async read() {
      const settings = new Map<string, string | null>();
      for (const name of NAMES) {
        const value = (await configure("read", ["--key", name, "--default", ABSENT])).replace(/\n$/, "");
        settings.set(name, value === ABSENT ? null : value);
      }
      return settings;
    },
    wanted: (_present, { host, port }) =>
      new Map([
        // The space before the port is KDE's notation.
        ["httpProxy", `http://${host} ${port}`],
        ["httpsProxy", `http://${host} ${port}`],
        ["socksProxy", `socks://${host} ${port}`],
        ["NoProxyFor", BYPASS],
        [SWITCH, "1"],
      ]),
    async write(changes: Settings) {
      for (const [name, value] of changes) {
        await configure("write", value === null ? ["--key", name, "--delete"] : ["--key", name, "--", value]);
      }
      await announce(run);
    },
    switchedBy: (name) => (name === SWITCH ? (other) => PROXIES.includes(other) : undefined),
  };
}

async function findVersion(run: Run): Promise<string> {
  for (const version of VERSIONS) {
    try {
      await run(`kreadconfig${version}`, ["--version"]);
      return version;
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== "command-missing") throw error;
    }
  }
  throw new ProtocolError("proxy-unreadable", { command: "kreadconfig6", status: -1 });
}

/** Running programs read the file again. Without a session bus there are none, and the file alone counts. */
async function announce(run: Run): Promise<void> {
  const signal = ["--type=signal", "/KIO/Scheduler", "org.kde.KIO.Scheduler.reparseSlaveConfiguration", "string:"];
  try {
    await run("dbus-send", signal);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}
