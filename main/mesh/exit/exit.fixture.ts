/** A city of a test's own on loopback, with a client that goes through it. */
import { loadCrypto } from "../../native/index.ts";
import { parseShareLink } from "../../cities/shareLink.ts";
import { decodeMyVpn } from "../../cities/myVpn.ts";
import { findBinaries } from "../../xray/binaries.ts";
import { clientConfig } from "../../xray/config/clientConfig.ts";
import { openEngineDirectory } from "../../xray/directory.ts";
import { startEngine } from "../../xray/engine.ts";
import { DECOY_NAME, freePort, type TestDecoy } from "../../xray/mesh.fixture.ts";
import { probeThrough, type ProbeOutcome } from "../../xray/probe.ts";
import { readGazetteer } from "../cities/gazetteer.ts";
import { ExitService, type ExitOptions } from "./exitService.ts";
import type { ExitWish } from "./wish.ts";

/** Quick, for a loopback where nothing has to be learnt. Milliseconds. */
const TIMING = { settleMs: 0, pollMs: 100, decoyPeriodMs: 60_000, cutMs: 600_000, retryMs: 500 };

export function serviceIn(directory: string, options: Partial<ExitOptions> = {}): ExitService {
  return new ExitService({
    directory,
    x25519: loadCrypto().crypto.x25519,
    binaries: () => findBinaries(),
    gazetteer: () => readGazetteer(),
    ...options,
    timing: { ...TIMING, ...options.timing },
  });
}

export function wishFor(
  decoy: Pick<TestDecoy, "port" | "certificate">,
  port: number,
  more: Partial<ExitWish> = {},
): ExitWish {
  return {
    ...{ city: "Frankfurt", code: "fra", node: "frankfurt", host: "127.0.0.1", listen: "127.0.0.1", port },
    decoy: { name: DECOY_NAME, host: "127.0.0.1", port: decoy.port, certificate: decoy.certificate },
    practice: { leavesFrom: "127.0.0.21", hosts: [] },
    ...more,
  };
}

export const linkIn = (myVpn: string, node = "frankfurt"): string => decodeMyVpn(myVpn, node, true).vless;

let clients = 0;

/** Asks `url` through the city behind a share URL with an engine of its own, as any client would. */
export async function askThrough(folder: string, link: string, url: string): Promise<ProbeOutcome> {
  const client = await startClient(folder, link);
  try {
    return await probeThrough({ via: { port: client.port }, url, timeoutMs: 20_000 });
  } finally {
    await client.stop();
  }
}

export async function startClient(folder: string, link: string) {
  const directory = openEngineDirectory(folder, `client-${++clients}`);
  const port = await freePort();
  const exits = [{ code: "one", link: parseShareLink(link) }];
  const engine = await startEngine({
    ...{ binaries: findBinaries(), directory: directory.path, onEvent: () => undefined },
    config: clientConfig({ exits, selected: "one", mixedPort: port, api: directory.apiSocket }),
  });
  return { port, stop: () => engine.stop() };
}
