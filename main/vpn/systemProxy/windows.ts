/** Windows: the person's Internet Settings in the registry, by `reg`, and WinINet's notice of it (chapter 08 §10.3). */
import { ProtocolError } from "../../protocol/errors.ts";
import { demand, type Adapter, type Run, type Settings } from "./adapter.ts";

const KEY = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings";
const POLICY_KEY = "HKLM\\Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings";
const SWITCH = "ProxyEnable";
/** Those that could send traffic past the proxy are turned off before it is turned on. */
const NAMES = ["ProxyServer", "ProxyOverride", "AutoConfigURL", "AutoDetect", SWITCH];

const PRIVATE = ["10.*", ...Array.from({ length: 16 }, (_, i) => `172.${16 + i}.*`), "192.168.*", "169.254.*"];
const BYPASS = ["localhost", "127.*", "[::1]", "*.local", ...PRIVATE, "<local>"].join(";");

/** InternetSetOption 39: settings changed; 37: read them again. */
const NOTICE = [
  `$t = Add-Type -PassThru -Name WinInet -Namespace Montana -MemberDefinition '[DllImport("wininet.dll")]`,
  "public static extern bool InternetSetOption(System.IntPtr h, int o, System.IntPtr b, int l);'",
  "; foreach ($o in 39, 37) { [void]$t::InternetSetOption(0, $o, 0, 0) }",
].join(" ");

/** Values are kept as `TYPE:data`, as `reg` prints them. */
export function windowsAdapter(run: Run): Adapter {
  return {
    name: "windows",
    async read() {
      const present = valuesOf(await demand(run, "proxy-unreadable", "reg.exe", ["query", KEY]));
      // What is not ASCII comes in the console's code page, and could not be written back as it was.
      const settings = new Map(NAMES.map((name) => [name, present.get(name) ?? null]));
      for (const [name, value] of settings) {
        if (value !== null && !/^[\x20-\x7e]*$/.test(value))
          throw new ProtocolError("proxy-unreadable", { command: name, status: 0 });
      }
      return settings;
    },
    async wanted(present, { host, port }) {
      if (await isPerMachine(run)) throw new ProtocolError("proxy-policy");
      return new Map([
        ["ProxyServer", `REG_SZ:${host}:${port}`],
        ["ProxyOverride", `REG_SZ:${BYPASS}`],
        ["AutoConfigURL", null],
        ["AutoDetect", present.get("AutoDetect") === null ? null : "REG_DWORD:0x0"],
        [SWITCH, "REG_DWORD:0x1"],
      ]);
    },
    async write(changes: Settings) {
      for (const [name, value] of changes) {
        await (value === null ? remove(run, name) : add(run, name, value));
      }
      await giveNotice(run);
    },
    switchedBy: (name) => (name === SWITCH ? (other) => other === "ProxyServer" : undefined),
  };
}

async function add(run: Run, name: string, value: string): Promise<void> {
  const colon = value.indexOf(":");
  const [type, data] = [value.slice(0, colon), value.slice(colon + 1)];
  await demand(run, "proxy-unwritable", "reg.exe", ["add", KEY, "/v", name, "/t", type, "/d", data, "/f"]);
}

/** `reg` fails for a value that does not exist, which is what is wanted. */
async function remove(run: Run, name: string): Promise<void> {
  const { status } = await run("reg.exe", ["query", KEY, "/v", name]);
  if (status === 0) await demand(run, "proxy-unwritable", "reg.exe", ["delete", KEY, "/v", name, "/f"]);
}

async function isPerMachine(run: Run): Promise<boolean> {
  const { status, stdout } = await run("reg.exe", ["query", POLICY_KEY, "/v", "ProxySettingsPerUser"]);
  return status === 0 && valuesOf(stdout).get("ProxySettingsPerUser") === "REG_DWORD:0x0";
}

/** Programs that run already learn of the change; those that start later read it anyway. */
async function giveNotice(run: Run): Promise<void> {
  try {
    await run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", NOTICE]);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** Lines `    NAME    REG_TYPE    DATA`; an empty value ends after its type. */
const valuesOf = (output: string): ReadonlyMap<string, string> =>
  new Map(
    output.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, name, type, data = ""] = /^ {4}(\S+) {4}(REG_[A-Z_]+)(?: {4}(.*))?$/.exec(line) ?? [];
      return name === undefined || type === undefined ? [] : [[name, `${type}:${data}`]];
    }),
  );
