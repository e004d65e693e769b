/** macOS: every network service, by `networksetup` (chapter 08 §10.3; networksetup(8)). */
import { ProtocolError } from "../../protocol/errors.ts";
import { demand, PRIVATE_RANGES, PRIVATE_RANGES_6, type Adapter, type Run, type Settings } from "./adapter.ts";

const PROGRAM = "/usr/sbin/networksetup";
const SERVICES_MAX = 64;

/** Settings of a service are named `KIND.server` (`host port`), `KIND.state` (`on`, `off`), `bypass` (one a line), `pac.state`. */
const KINDS = { web: "webproxy", secureweb: "securewebproxy", socks: "socksfirewallproxy" } as const;
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

const BYPASS = ["localhost", "*.local", ...PRIVATE_RANGES, ...PRIVATE_RANGES_6].join("\n");

export function macosAdapter(run: Run): Adapter {
  const ask = (...args: string[]): Promise<string> => demand(run, "proxy-unreadable", PROGRAM, args);
  const tell = async (...args: string[]): Promise<void> => {
    await demand(run, "proxy-unwritable", PROGRAM, args);
  };

  const readService = async (service: string): Promise<[string, string][]> => {
    const settings: [string, string][] = [];
    for (const kind of KIND_NAMES) {
      const fields = fieldsOf(await ask(`-get${KINDS[kind]}`, service));
      settings.push([`${service}/${kind}.server`, `${fields.get("Server") ?? ""} ${fields.get("Port") ?? "0"}`]);
      settings.push([`${service}/${kind}.state`, stateOf(fields)]);
    }
    settings.push([`${service}/bypass`, bypassOf(await ask("-getproxybypassdomains", service))]);
    settings.push([`${service}/pac.state`, stateOf(fieldsOf(await ask("-getautoproxyurl", service)))]);
    return settings;
  };

  const writeOne = async (name: string, value: string): Promise<void> => {
    const [service, setting] = splitName(name);
    if (setting === "bypass")
      return tell("-setproxybypassdomains", service, ...(value === "" ? ["Empty"] : value.split("\n")));
    if (setting === "pac.state") return tell("-setautoproxystate", service, value);
    const [kind, part] = setting.split(".") as [Kind, "server" | "state"];
    if (part === "state") return tell(`-set${KINDS[kind]}state`, service, value);
    const [host = "", port = "0"] = value.split(" ");
    return tell(`-set${KINDS[kind]}`, service, host, port);
  };

  const readState = async (name: string): Promise<string> => {
    const [service, setting] = splitName(name);
    return stateOf(fieldsOf(await ask(`-get${KINDS[setting.split(".")[0] as Kind]}`, service)));
  };

  return {
    name: "macos",
    async read() {
      const services = servicesOf(await ask("-listallnetworkservices"));
      const settings = new Map<string, string | null>();
      for (const service of services) for (const [name, value] of await readService(service)) settings.set(name, value);
      return settings;
    },
    wanted: (present, { host, port }) => new Map([...present.keys()].map((name) => [name, wantedOf(name, host, port)])),
    async write(changes: Settings) {
      for (const [name, value] of changes) {
        if (value === null) continue;
        if (!name.endsWith(".server")) {
          await writeOne(name, value);
          continue;
        }
        // Naming a server also turns it on, which only its own setting may do.
        const state = name.replace(/server$/, "state");
        const wanted = changes.get(state) ?? (await readState(state));
        await writeOne(name, value);
        if (wanted === "off") await writeOne(state, "off");
      }
    },
    switchedBy: (name) => (name.endsWith(".state") ? (other) => other === name.replace(/state$/, "server") : undefined),
  };
}

function wantedOf(name: string, host: string, port: number): string {
  if (name.endsWith("/bypass")) return BYPASS;
  if (name.endsWith(".server")) return `${host} ${port}`;
  return name.endsWith("/pac.state") ? "off" : "on";
}

/** A name of a service may hold any character, also a slash. */
function splitName(name: string): [service: string, setting: string] {
  const at = name.lastIndexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** The first line is a note; an asterisk marks a service that is turned off. */
function servicesOf(output: string): string[] {
  const services = output
    .split("\n")
    .slice(1)
    .map((line) => line.replace(/^\*/, ""))
    .filter((line) => line.trim() !== "");
  if (services.length > SERVICES_MAX) throw new ProtocolError("proxy-unreadable", { command: PROGRAM, status: 0 });
  return services;
}

/** `Name: value` lines. */
const fieldsOf = (output: string): ReadonlyMap<string, string> =>
  new Map(
    output.split("\n").flatMap((line): [string, string][] => {
      const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()]];
    }),
  );

function stateOf(fields: ReadonlyMap<string, string>): "on" | "off" {
  const enabled = fields.get("Enabled");
  if (enabled !== "Yes" && enabled !== "No")
    throw new ProtocolError("proxy-unreadable", { command: PROGRAM, status: 0 });
  return enabled === "Yes" ? "on" : "off";
}

/** A service without any says so in a sentence. */
const bypassOf = (output: string): string => (output.startsWith("There aren't any") ? "" : output.trim());
