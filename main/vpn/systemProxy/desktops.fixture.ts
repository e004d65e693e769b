/**
 * Desktops that keep their settings in memory and answer as the real programs do. Where the replies come from:
 *
 * - gsettings: recorded from GLib 2.74 (Debian 12), keyfile backend, `list-recursively org.gnome.system.proxy`.
 * - kreadconfig5, kwriteconfig5: recorded from KConfig 5.103 (Debian 12).
 * - networksetup: Apple's manual networksetup(8), which names the commands, their arguments and `Empty`; the notation of the replies is
 *   that of its `-get…proxy` commands in macOS 10.15 to 14. Not recorded on a Mac by this project.
 * - reg: Microsoft Learn, "reg query", "reg add", "reg delete" (four spaces between name, type and data; status 1 for what does not
 *   exist). Not recorded on Windows by this project.
 */
import type { CommandResult, Run } from "./adapter.ts";

export interface Desktop {
  readonly run: Run;
  /** All that is set, to compare. */
  snapshot(): Record<string, string>;
  /** A person's own change. */
  set(name: string, value: string): void;
}

const ok = (stdout = ""): CommandResult => ({ status: 0, stdout });
const FAILED: CommandResult = { status: 1, stdout: "" };

function inMemory(
  initial: Record<string, string>,
  answer: (values: Map<string, string>, line: readonly string[]) => CommandResult,
): Desktop {
  const values = new Map(Object.entries(initial));
  return {
    run: (command, args) => Promise.resolve(answer(values, [command, ...args])),
    snapshot: () => Object.fromEntries([...values].sort()),
    set: (name, value) => values.set(name, value),
  };
}

export function gnomeDesktop(): Desktop {
  const initial: Record<string, string> = {
    "org.gnome.system.proxy autoconfig-url": "''",
    "org.gnome.system.proxy ignore-hosts": "['localhost', '127.0.0.0/8', '::1']",
    "org.gnome.system.proxy mode": "'none'",
    "org.gnome.system.proxy.http host": "''",
    "org.gnome.system.proxy.http port": "8080",
    "org.gnome.system.proxy.https host": "''",
    "org.gnome.system.proxy.https port": "0",
    "org.gnome.system.proxy.socks host": "'old.example'",
    "org.gnome.system.proxy.socks port": "1080",
  };
  return inMemory(initial, (values, [, verb, schema, key, value]) => {
    if (verb === "list-recursively") return ok([...values].map(([name, text]) => `${name} ${text}\n`).join(""));
    if (verb === "set") values.set(`${schema} ${key}`, value!);
    else values.delete(`${schema} ${key}`);
    return ok();
  });
}

export function kdeDesktop(): Desktop {
  return inMemory({ ProxyType: "0", httpProxy: "http://old.example 3128" }, (values, [command, ...args]) => {
    const name = args[args.indexOf("--key") + 1]!;
    if (command === "kreadconfig6" && args[0] === "--version") return ok("kreadconfig6 1.0.1\n");
    if (command === "kreadconfig6") return ok(`${values.get(name) ?? args[args.indexOf("--default") + 1]!}\n`);
    if (command === "kwriteconfig6") {
      if (args.includes("--delete")) values.delete(name);
      else values.set(name, args.at(-1)!);
    }
    return ok();
  });
}

const SERVICES = ["Wi-Fi", "USB 10/100/1000 LAN", "Thunderbolt Bridge"];

export function macosDesktop(): Desktop {
  const initial: Record<string, string> = {};
  for (const service of SERVICES) {
    for (const kind of ["webproxy", "securewebproxy", "socksfirewallproxy"]) initial[`${service}|${kind}`] = "No||0";
    initial[`${service}|bypass`] = "*.local\n169.254/16";
    initial[`${service}|pac`] = "No";
  }
  initial["Wi-Fi|webproxy"] = "Yes|proxy.example|3128";
  initial["Wi-Fi|pac"] = "Yes";
  initial["Thunderbolt Bridge|bypass"] = "";
  return inMemory(initial, (values, [, flag, service, ...args]) => {
    if (flag === "-listallnetworkservices") {
      const note = "An asterisk (*) denotes that a network service is disabled.";
      return ok([note, "Wi-Fi", "USB 10/100/1000 LAN", "*Thunderbolt Bridge", ""].join("\n"));
    }
    if (!values.has(`${service}|bypass`)) return FAILED;
    const bypass = values.get(`${service}|bypass`)!;
    switch (flag ?? "") {
      case "-getproxybypassdomains":
        return ok(bypass === "" ? `There aren't any bypass domains set on ${service}.\n` : `${bypass}\n`);
      case "-setproxybypassdomains":
        values.set(`${service}|bypass`, args[0] === "Empty" ? "" : args.join("\n"));
        return ok();
      case "-getautoproxyurl":
        return ok(`URL: (null)\nEnabled: ${values.get(`${service}|pac`)}\n`);
      case "-setautoproxystate":
        values.set(`${service}|pac`, args[0] === "on" ? "Yes" : "No");
        return ok();
      default:
    }
    const [, verb, kind = "", state] = /^-(get|set)(.*?proxy)(state)?$/.exec(flag!) ?? [];
    const [enabled, server, port] = values.get(`${service}|${kind}`)!.split("|");
    if (verb === "get")
      return ok(`Enabled: ${enabled}\nServer: ${server}\nPort: ${port}\nAuthenticated Proxy Enabled: 0\n`);
    if (state === undefined) values.set(`${service}|${kind}`, `Yes|${args[0]}|${args[1]}`);
    else values.set(`${service}|${kind}`, `${args[0] === "on" ? "Yes" : "No"}|${server}|${port}`);
    return ok();
  });
}

export const INTERNET_SETTINGS = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings";

export function windowsDesktop(): Desktop {
  const initial: Record<string, string> = {
    [`${INTERNET_SETTINGS}|CertificateRevocation`]: "REG_DWORD:0x1",
    [`${INTERNET_SETTINGS}|User Agent`]: "REG_SZ:Mozilla/4.0 (compatible; MSIE 8.0; Win32)",
    [`${INTERNET_SETTINGS}|ProxyEnable`]: "REG_DWORD:0x0",
    [`${INTERNET_SETTINGS}|ProxyServer`]: "REG_SZ:proxy.example:8080",
    [`${INTERNET_SETTINGS}|AutoConfigURL`]: "REG_SZ:http://wpad.example/proxy.pac",
  };
  return inMemory(initial, (values, [command, verb, key, ...args]) => {
    if (command !== "reg.exe") return ok();
    const option = (flag: string): string | undefined =>
      args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
    const name = option("/v");
    const full = `${key}|${name}`;
    if (verb === "add") {
      const data = option("/t") === "REG_DWORD" ? `0x${Number(option("/d")).toString(16)}` : option("/d");
      values.set(full, `${option("/t")}:${data}`);
      return ok("The operation completed successfully.\r\n");
    }
    const found = [...values].filter(([path]) => (name === undefined ? path.startsWith(`${key}|`) : path === full));
    if (found.length === 0) return FAILED;
    if (verb === "delete") {
      values.delete(full);
      return ok("The operation completed successfully.\r\n");
    }
    const lines = found.map(([path, text]) => `    ${path.split("|")[1]}    ${text.replace(":", "    ")}`);
    return ok(["", key!.replace("HKCU", "HKEY_CURRENT_USER"), ...lines, "", ""].join("\r\n"));
  });
}
