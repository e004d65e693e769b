/** `montana local`: a whole network on this computer, started through this very command line. */
import { existsSync, mkdirSync } from "node:fs";

import { call } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { addCity, breakCity, healCity } from "../../local/breakage.ts";
import { localError } from "../../local/errors.ts";
import { Local } from "../../local/local.ts";
import { NETWORK_NAME } from "../../local/networkFile.ts";
import { nodeAddress } from "../../local/nodes.ts";
import { runSites } from "../../local/sites.ts";
import { startLocal } from "../../local/start.ts";
import { localStatus } from "../../local/status.ts";
import { stopLocal } from "../../local/stop.ts";
import { attachIfRunning } from "../attach.ts";
import { laterCommand } from "../commandLine.ts";
import type { DataDirectory } from "../dataDirectory.ts";
import { takeLock } from "../lock.ts";
import type { Call, Command, Result } from "./command.ts";
import { EXIT } from "./exitCodes.ts";
import { describeCity, describeStarted, describeLocal } from "./localTexts.ts";
import { endHost } from "./vpnConnection.ts";

const BREAKS = ["vpn", "node"] as const;
const CHAIN_WINDOWS_MIN = 4;
const CHAIN_WINDOWS_MAX = 20_160;

type Action = (called: Call, local: Local) => Promise<Result | undefined>;

const actions = {
  start: alone(async ({ options }, local) => {
    const interrupt = (): void => void local.processes.close().finally(() => process.exit(EXIT.failed));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
    const tau2Windows = readWindows(options.text("candidate-windows"));
    const started = await startLocal(local, tau2Windows === undefined ? {} : { tau2Windows });
    return { json: started, text: describeStarted(started) };
  }),
  stop: alone(async ({ directory }, local) => {
    // First, so that it looks for no other city meanwhile; whatever comes of it, the network ends.
    const left = await leaveTunnel(directory).catch((error: unknown) => ({ error }));
    const stopped = await stopLocal(local);
    if (typeof left === "object") throw left.error;
    const ended =
      stopped.ended === 0 ? "Nothing of it was running." : `Stopped: ${stopped.ended} processes have ended.`;
    const text = left ? `${ended} The tunnel through it was disconnected.` : ended;
    return { json: { ...stopped, wasTunnelLeft: left }, text };
  }),
  async status(_, local) {
    const status = await localStatus(local);
    return { json: status, text: describeLocal(status), exitCode: status.state === "partial" ? EXIT.failed : EXIT.ok };
  },
  "add-city": alone(async ({ arguments: [, name] }, local) => {
    const city = await addCity(local, need(name, "The name of a city"));
    return { json: city, text: `${city.name.en} (${city.code}) is a city now; its node computes its candidate chain.` };
  }),
  break: alone(async ({ arguments: [, name, what = "vpn"] }, local) => {
    const broken = BREAKS.find((known) => known === what);
    if (broken === undefined) throw usage(`break takes vpn or node, not ${what}`);
    const city = await breakCity(local, need(name, "A city"), broken);
    return { json: city, text: describeCity(city) };
  }),
  heal: alone(async ({ arguments: [, name] }, local) => {
    const city = await healCity(local, need(name, "A city"));
    return { json: city, text: describeCity(city) };
  }),
  async address({ arguments: [, name] }, local) {
    const address = await nodeAddress(local, local.city(need(name, "A city")));
    return { json: { address }, text: address };
  },
  async sites({ print }, { directory }) {
    const stopping = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
    await runSites(directory, stopping.signal, () => print({ json: {}, text: "The sites answer." }));
    return undefined;
  },
} satisfies Record<string, Action>;

export const local: Command = {
  name: "local",
  summary:
    "a practice network of real nodes and exits on this computer: start, stop, status, add-city, break, heal, address",
  arguments: [
    { name: "ACTION", choices: Object.keys(actions) },
    { name: "CITY", isOptional: true },
    { name: "WHAT", isOptional: true },
  ],
  options: {
    "candidate-windows": {
      type: "string",
      value: "N",
      summary: "start, the first time: windows of a candidate chain (120: about two minutes)",
    },
  },
  detail:
    "start runs Moscow, Frankfurt and Helsinki, each with a node and an exit, a relay in Istanbul, and what tells clients of them; " +
    "the commands that it runs are those of montana init, start, exit, city, mesh and join. Afterwards montana vpn connect " +
    "Frankfurt --network local goes through it. break CITY [vpn|node] ends a city's exit (or its node), heal CITY brings both " +
    "back. address CITY prints where one pays that city's node. stop ends everything, a tunnel through it as well; the next start goes on from there. sites runs, in the foreground, what the exits borrow and the " +
    "site that says which city one comes from; start does that. All of it lies in the folder local of the data directory.",
  async run(called) {
    const [name = ""] = called.arguments;
    // In the desktop app, too, its parts are the command line and not windows.
    const program = laterCommand([]);
    const practice = new Local({ dataRoot: called.directory.root, program, onStep: (step) => called.say(step) });
    return actions[name as keyof typeof actions](called, practice);
  },
};

/** Ends a tunnel of the person's own host that leads through the network, and the host that was started for it. */
async function leaveTunnel(directory: DataDirectory): Promise<boolean> {
  const host = await attachIfRunning(directory);
  if (host === undefined) return false;
  const { client } = host;
  const { network } = await call(client.vpnSettings.query());
  if (network !== NETWORK_NAME) return false;
  // Its end gives back what the tunnel had borrowed.
  if ((await call(client.status.query())).isBackground) await endHost(client, directory);
  else if ((await call(client.vpnStatus.query())).state === "disconnected") return false;
  else await call(client.vpnDisconnect.mutate());
  return true;
}

/** One command at a time changes the network. */
function alone(work: Action): Action {
  return async (called, practice) => {
    const { root, lock } = practice.directory;
    if (!existsSync(root)) mkdirSync(root, { recursive: true, mode: 0o700 });
    const held = takeLock(lock);
    if (held === undefined) throw localError("local-busy", { directory: root });
    try {
      return await work(called, practice);
    } finally {
      held.release();
    }
  };
}

function readWindows(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const windows = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (windows >= CHAIN_WINDOWS_MIN && windows <= CHAIN_WINDOWS_MAX) return windows;
  throw usage(`--candidate-windows takes ${CHAIN_WINDOWS_MIN} to ${CHAIN_WINDOWS_MAX}, not ${text}`);
}

function need(value: string | undefined, what: string): string {
  if (value === undefined) throw usage(`${what} is missing`);
  return value;
}

const usage = (reason: string): Error => apiError("usage", { reason, command: "local" });
