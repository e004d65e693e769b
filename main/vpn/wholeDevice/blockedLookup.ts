/**
 * Looks exits up from behind a kill switch that already holds: nothing but the engine's own packets leaves then, so an engine
 * that does nothing else passes the questions on (chapter 08 §6, property j; §10.6).
 */
import { Resolver } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";

import type { EngineConfig } from "../../xray/config/engineConfig.ts";
import type { EngineLauncher } from "../../xray/engineProcess.ts";
import { choosePort } from "../../xray/ports.ts";

/** The second where the first names only a resolver of this machine: what that one asks is kept back like everything else. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
const STARTED = "core: Xray ";
/** Milliseconds. */
const START_DEADLINE = 5_000;
const ANSWER_DEADLINE = 2_000;

/** By host, those that are answered; none where the helper has no engine to lend, or nobody to ask is known. */
export async function lookUpBehindBlock(
  launcher: EngineLauncher,
  mark: number,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const server = findResolver();
  if (server === undefined || hosts.length === 0) return new Map();
  const { port } = await choosePort(0);
  const { promise: started, resolve: onStarted } = Promise.withResolvers<boolean>();
  const engine = await launcher({
    config: JSON.stringify(forwarder(port, server, mark)),
    onLine: (line) => {
      if (line.includes(STARTED)) onStarted(true);
    },
  });
  const late = setTimeout(() => onStarted(false), START_DEADLINE);
  void engine.ended.then(() => onStarted(false));
  try {
    if (!(await started)) return new Map();
    const resolver = new Resolver({ timeout: ANSWER_DEADLINE, tries: 2 });
    resolver.setServers([`127.0.0.1:${port}`]);
    const answers = await Promise.all(hosts.map((host) => lookUp(resolver, host)));
    return new Map(hosts.flatMap((host, i) => (answers[i] === undefined ? [] : [[host, answers[i]]])));
  } finally {
    clearTimeout(late);
    engine.stop();
    await engine.ended;
  }
}

async function lookUp(resolver: Resolver, host: string): Promise<string | undefined> {
  for (const ask of [() => resolver.resolve4(host), () => resolver.resolve6(host)]) {
    const [address] = await ask().catch(() => []);
    if (address !== undefined) return address;
  }
  return undefined;
}

function forwarder(port: number, address: string, mark: number): EngineConfig {
  return {
    log: { loglevel: "info", access: "none" },
    inbounds: [
      {
        tag: "questions-in",
        listen: "127.0.0.1",
        port,
        protocol: "dokodemo-door",
        settings: { address, port: 53, network: "tcp,udp" },
      },
    ],
    outbounds: [{ tag: "direct", protocol: "freedom", streamSettings: { sockopt: { mark } } }],
  };
}

function findResolver(): string | undefined {
  const found = FILES.filter((path) => existsSync(path)).flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/^\s*nameserver\s+([0-9a-f.:]+)\s*$/gim)].map(
      ([, address = ""]) => address,
    ),
  );
  return found.find((address) => isIP(address) !== 0 && !address.startsWith("127.") && address !== "::1");
}
