/** Which way packets of this machine would take now: the kernel is asked, nothing is sent. For the leak test (chapter 08 §10.6). */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";

/** `blocked`: nowhere, as where there is no IPv6 at all. `local`: a program of this machine takes them. */
export type Way = "tunnel" | "outside" | "blocked" | "local" | "unknown";

export interface Ways {
  /** Of the questions of every resolver that this machine is set to. */
  readonly resolvers: ReadonlyMap<string, Way>;
  readonly ipv4: Way;
  readonly ipv6: Way;
}

const IP = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"];
const RESOLV_CONF = "/etc/resolv.conf";
const RESOLVERS_MAX = 16;
/** Milliseconds. */
const TIMEOUT = 5_000;
/** Anywhere out there; a local resolver asks somewhere there. */
const FAR4 = "192.0.43.7";
const FAR6 = "2001:500:88:200::7";

/** On Linux; `tunnel` is the interface. */
export async function findWays(tunnel: string, resolvConf = RESOLV_CONF): Promise<Ways> {
  const way = async (address: string, ...packet: string[]): Promise<Way> =>
    judge(await askKernel(["route", "get", address, ...packet]), tunnel);
  const far = (): Promise<Way> => way(FAR4, ...QUESTION);
  const resolvers = await Promise.all(
    readResolvers(resolvConf).map(async (address): Promise<[string, Way]> => {
      const own = await way(address, ...QUESTION);
      return [address, own === "local" ? await far() : own];
    }),
  );
  const [ipv4, ipv6] = await Promise.all([FAR4, FAR6].map((address) => way(address)));
  return { resolvers: new Map(resolvers), ipv4: ipv4!, ipv6: ipv6! };
}

const QUESTION = ["ipproto", "udp", "dport", "53"];

function readResolvers(path: string): readonly string[] {
  try {
    const found = readFileSync(path, "utf8").matchAll(/^\s*nameserver\s+(\S+)/gm);
    return [...found]
      .map(([, address = ""]) => address.replace(/%.*$/, ""))
      .filter(isAddress)
      .slice(0, RESOLVERS_MAX);
  } catch {
    return [];
  }
}

const isAddress = (text: string): boolean => isIP(text) !== 0;

function judge({ status, output }: { readonly status: number | null; readonly output: string }, tunnel: string): Way {
  // "Network is unreachable", or a route that says so.
  if (status === 2) return "blocked";
  const device = /\bdev (\S+)/.exec(output)?.[1];
  if (/^(?:unreachable|prohibit|blackhole)\b/.test(output)) return "blocked";
  if (status !== 0 || device === undefined) return "unknown";
  if (device === tunnel) return "tunnel";
  return device === "lo" ? "local" : "outside";
}

function askKernel(args: readonly string[]): Promise<{ readonly status: number | null; readonly output: string }> {
  const ip = IP.find((path) => existsSync(path));
  if (ip === undefined) return Promise.resolve({ status: null, output: "" });
  return new Promise((resolve) => {
    const child = execFile(ip, args, { timeout: TIMEOUT, env: { LC_ALL: "C" } }, (_, output) =>
      resolve({ status: child.exitCode, output }),
    );
  });
}
