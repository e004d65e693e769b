/**
 * The program's tunnel, as a person runs it: `node program.ts FOLDER SOCKET LINKS`, in the machine's namespace, without any
 * right. Reads one command a line, `{"do":…}`, and answers each with a line; says its state whenever that changes.
 */
import { get } from "node:http";
import { createInterface } from "node:readline";

import { cityOf } from "../../../main/vpn/cityOf.fixture.ts";
import { parseShareLink } from "../../../main/cities/shareLink.ts";
import { networkFingerprint } from "../../../main/vpn/networkWatch.ts";
import { Tunnel } from "../../../main/vpn/tunnel.ts";
import type { TunnelMode, TunnelNetwork } from "../../../main/vpn/tunnelPorts.ts";
import { findWays } from "../../../main/vpn/wholeDevice/ways.ts";
import { DEVICE_INTERFACE, openWholeDevice, repairWholeDevice } from "../../../main/vpn/wholeDevice/wholeDevice.ts";
import { findBinaries } from "../../../main/xray/binaries.ts";
import { endLeftover } from "../../../main/xray/leftover.ts";
import { openEngineDirectory } from "../../../main/xray/directory.ts";
import { RESOLVER, SITE } from "./namespaces.ts";
import { CITIES, EXIT_NAME } from "./outside.ts";

export type Command =
  | {
      readonly do: "connect";
      readonly city: string;
      readonly killSwitch: boolean;
      readonly bypass?: readonly string[];
      readonly mode?: TunnelMode;
    }
  | { readonly do: "disconnect" | "status" | "repair" | "end-pause" | "ways" }
  | { readonly do: "pause"; readonly seconds: number }
  | { readonly do: "fetch"; readonly url: string; readonly timeoutMs: number };

/** A line to the program. */
export type Asked = Command & { readonly id: number };

/** A line of the program's: an answer, or a change of state. */
export interface Said {
  readonly id?: number;
  readonly ok?: unknown;
  readonly error?: string;
  readonly state?: string;
  readonly cause?: string | null;
}

/** A city whose exit does not take the account. */
export const DEAD = "bad";
/** A city whose exit is known by its name. */
export const NAMED = "nam";
const STRANGER = "00000000-0000-4000-8000-000000000000";
const FETCHED_MAX = 4_096;

/** As any program does that knows nothing of a tunnel. */
function fetchDirectly(url: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text = (text + chunk.toString()).slice(0, FETCHED_MAX)));
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}

if (import.meta.main) {
  const [directory = "", socket = "", links = "[]"] = process.argv.slice(2);
  const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
  const routes = (JSON.parse(links) as string[]).map((url, i) => ({
    code: `${CITIES[i]}-direct`,
    city: CITIES[i] as string,
    link: parseShareLink(url),
  }));
  const { link } = routes[0]!;
  const network: TunnelNetwork = {
    routes: [
      ...routes,
      { code: `${DEAD}-direct`, city: DEAD, link: { ...link, uuid: STRANGER } },
      { code: `${NAMED}-direct`, city: NAMED, link: { ...link, host: EXIT_NAME } },
    ],
    cities: [...CITIES, DEAD, NAMED].map((code, i) => cityOf(code, i)),
    health: new Map(),
  };
  const tunnel = new Tunnel({
    binaries: findBinaries,
    directory,
    probeUrls: [`http://${SITE}/204`],
    source: { read: () => network, refresh: () => Promise.resolve(), onVerified: () => undefined },
    systemProxy: undefined,
    wholeDevice: openWholeDevice({ directory, socket }),
    resolvers: [RESOLVER],
    clock: { now: () => performance.now(), unixMs: () => Date.now() },
    random: Math.random,
    network: networkFingerprint,
    timing: { retryMin: 500, retryMax: 1_000 },
  });
  tunnel.onChange(({ state, cause }) => say({ state, cause }));

  const carryOut = async (command: Command): Promise<unknown> => {
    switch (command.do) {
      case "connect": {
        const { city, killSwitch, bypass = [], mode = "device" } = command;
        const rules = { domains: [], cidrs: bypass };
        return (await tunnel.connect({ city, killSwitch, strict: true, mode, bypass: rules })).city;
      }
      case "disconnect":
        return tunnel.disconnect();
      case "status":
        return { ...tunnel.status, bytesUp: 0, bytesDown: 0, pid: tunnel.pid, log: tunnel.log.slice(-20) };
      case "repair":
        await endLeftover(openEngineDirectory(directory, "tunnel").path);
        return (await repairWholeDevice(socket)).outcome;
      case "ways": {
        const { resolvers, ...rest } = await findWays(DEVICE_INTERFACE);
        return { resolvers: [...resolvers], ...rest };
      }
      case "pause":
        return (await tunnel.pauseBlock(command.seconds)).pausedUntilMs;
      case "end-pause":
        return tunnel.endPause();
      case "fetch":
        return fetchDirectly(command.url, command.timeoutMs);
    }
  };

  // One after the other, but for a change of mind.
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line) as Asked;
    const { id } = asked;
    void carryOut(asked).then(
      (ok) => say({ id, ok: ok ?? null }),
      (error: unknown) => say({ id, error: (error as { code?: string }).code ?? String(error) }),
    );
  }
  await tunnel.disconnect();
}
