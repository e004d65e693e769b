/** The tunnel of a host, put together: it needs neither a node nor an identity. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { apiError } from "../api/errors.ts";
import type { EventRing } from "../api/events.ts";
import { prepareDirectory, writeOwnerFile } from "../keystore/ownerFiles.ts";
import type { Network } from "../node/network/networkFile.ts";
import { readNetwork } from "../node/network/openNetwork.ts";
import { desktopProxy, type DesktopProxy } from "../vpn/systemProxy/desktop.ts";
import { VpnService, type VpnNetwork } from "../vpn/vpnService.ts";
import { findBinaries } from "../xray/binaries.ts";
import { laterCommand } from "./commandLine.ts";
import type { DataDirectory } from "./dataDirectory.ts";

/** Whose cities are meant where nobody said otherwise. */
const DEFAULT_NETWORK = "montana";

/** Of this machine; `montana vpn repair` at log-in finds the same. */
export function desktopOf({ root }: DataDirectory): DesktopProxy {
  const repairCommand = laterCommand(["vpn", "repair", "--data-dir", root]);
  return desktopProxy({ directory: tunnelFolder(root), repairCommand });
}

export interface VpnStart {
  readonly directory: DataDirectory;
  readonly network: VpnNetwork;
  readonly events: Pick<EventRing, "publish">;
}

/** Reads what is kept and starts nothing. Throws `ProtocolError`. */
export function openVpn({ directory, network, events }: VpnStart): VpnService {
  const service = new VpnService({
    ...{ directory: directory.root, network, desktop: desktopOf(directory) },
    binaries: () => findBinaries(),
    async installHelper() {
      // Only here: no other command of a host needs it.
      const { administerHelper } = await import("./wholeDeviceHelper.ts");
      await administerHelper("install", { hasTerminal: false, say: () => undefined });
    },
    onChange: () => events.publish({ kind: "tunnel", payload: service.status() }),
    onFigures() {
      const { bytesUp, bytesDown, rate, sessionMs, delayMs } = service.status();
      events.publish({ kind: "tunnel-figures", payload: { bytesUp, bytesDown, rate, sessionMs, delayMs } });
    },
  });
  return service;
}

/**
 * The network whose cities a tunnel leads to: that of the node, where its file says something of cities; else the one `asked`
 * for, which is remembered with its file; else the one of last time. Throws "network-unknown" and what reading a file throws.
 */
export async function findVpnNetwork(
  directory: DataDirectory,
  { node, asked }: { readonly node?: Network | undefined; readonly asked?: string | undefined },
): Promise<VpnNetwork> {
  if (node !== undefined) return node.tunnel === undefined ? remembered(directory) : describe(node);
  if (asked === undefined) return remembered(directory);
  const found = (await readNetwork({ asked, ...places(directory) })) ?? (await readTunnelFile(directory, asked));
  if (found === undefined) throw apiError("network-unknown", { network: asked });
  const { network, text } = found;
  await prepareDirectory(join(tunnelFolder(directory.root), "files"));
  await writeOwnerFile(fileOf(directory, network.name), new TextEncoder().encode(text));
  await writeOwnerFile(choiceOf(directory), new TextEncoder().encode(JSON.stringify({ network: network.name })));
  return describe(network);
}

/** Of the network that `asked` names by name or file. Throws what reading a file throws. */
export async function nameOfNetwork(directory: DataDirectory, asked: string): Promise<string> {
  const found = await readNetwork({ asked, ...places(directory) });
  return found?.network.name ?? asked;
}

const tunnelFolder = (root: string): string => join(root, "tunnel");
const fileOf = ({ root }: DataDirectory, name: string): string => join(tunnelFolder(root), "files", `${name}.json`);
const choiceOf = ({ root }: DataDirectory): string => join(tunnelFolder(root), "network");
const places = ({ networks }: DataDirectory) => ({ networksDirectory: networks });
const describe = ({ name, tunnel }: Network): VpnNetwork => ({ name, ...tunnel });

const choice = z.object({ network: z.string() });

async function remembered(directory: DataDirectory): Promise<VpnNetwork> {
  const name = await readFile(choiceOf(directory), "utf8").then(
    (text) => choice.safeParse(parse(text)).data?.network ?? DEFAULT_NETWORK,
    () => DEFAULT_NETWORK,
  );
  const found = (await readTunnelFile(directory, name)) ?? (await readNetwork({ asked: name, ...places(directory) }));
  return found === undefined ? { name: DEFAULT_NETWORK } : describe(found.network);
}

/** As it was given to the tunnel; a node keeps its own. */
async function readTunnelFile(directory: DataDirectory, name: string): ReturnType<typeof readNetwork> {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) return undefined;
  return readNetwork({ asked: fileOf(directory, name), ...places(directory) });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
