/**
 * Where the system would send questions for names, and IPv6, while the whole device is led into the tunnel (chapter 08 §10.6): asked of
 * the kernel itself, which decides it.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { isIP, isIPv6 } from "node:net";

import type { LeakCheck } from "./leakTest.ts";

/** The exit status is 0 where there is a way; gives what was printed, or undefined where the program cannot be run. */
export type AskRoute = (
  args: readonly string[],
) => Promise<{ readonly isThere: boolean; readonly text: string } | undefined>;

export interface DeviceLeakOptions {
  /** Of the tunnel. */
  readonly interface: string;
  readonly ask?: AskRoute;
  /** Texts of the files in which the system notes its resolvers. */
  readonly resolverFiles?: () => readonly string[];
}

/** Of the documentation range: nobody is there, and everything goes the way of the rest of the internet. */
const SOMEWHERE_IPV6 = "2001:db8::1";
/** The second one where systemd's resolver stands between. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
const RESOLVERS_MAX = 16;

export async function findDeviceLeaks(options: DeviceLeakOptions): Promise<LeakCheck[]> {
  const { ask = askIp, resolverFiles = readFiles } = options;
  const isOutside = async (args: readonly string[]): Promise<boolean | undefined> => {
    const answer = await ask(args);
    return answer && answer.isThere && !answer.text.includes(` dev ${options.interface} `);
  };
  const resolvers = resolversIn(resolverFiles()).slice(0, RESOLVERS_MAX);
  const names = await Promise.all(
    resolvers.map((address) =>
      isOutside([familyOf(address), "route", "get", address, "ipproto", "udp", "dport", "53"]),
    ),
  );
  const ipv6 = await isOutside(["-6", "route", "get", SOMEWHERE_IPV6]);
  return [
    judge("resolvers", names, "leak-resolvers-inside", "leak-resolvers-outside"),
    judge("ipv6", [ipv6], "leak-ipv6-inside", "leak-ipv6-outside"),
  ];
}

function judge(
  what: LeakCheck["what"],
  outside: readonly (boolean | undefined)[],
  ok: string,
  leak: string,
): LeakCheck {
  const count = outside.filter((is) => is === true).length;
  if (count > 0) return { what, result: "leak", notice: { code: leak, params: { count } } };
  if (outside.includes(undefined))
    return { what, result: "unknown", notice: { code: "leak-routes-unknown", params: {} } };
  return { what, result: "ok", notice: { code: ok, params: {} } };
}

const familyOf = (address: string): string => (isIPv6(address) ? "-6" : "-4");

/** Those on this machine itself only pass questions on. */
function resolversIn(texts: readonly string[]): string[] {
  const found = texts.flatMap((text) => [...text.matchAll(/^\s*nameserver\s+([0-9a-f.:]+)/gim)].map(([, a = ""]) => a));
  return [...new Set(found)].filter((address) => isIP(address) !== 0 && !/^(?:127\.|::1$)/.test(address));
}

function readFiles(): string[] {
  return FILES.flatMap((path) => {
    try {
      return [readFileSync(path, "utf8")];
    } catch {
      return [];
    }
  });
}

const askIp: AskRoute = (args) =>
  new Promise((resolve) => {
    execFile("ip", args, { timeout: 5_000, env: { ...process.env, LC_ALL: "C" } }, (error, stdout) => {
      if (error !== null && typeof error.code !== "number") return resolve(undefined);
      // Status 2: the kernel knows no way.
      resolve({ isThere: error === null, text: `${stdout} ` });
    });
  });
