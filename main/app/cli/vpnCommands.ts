/** The commands of the tunnel, `montana vpn ACTION`. */
import { call, type Client } from "../../api/client.ts";
import type { Output } from "../../api/contract.ts";
import { apiError, HELPER_LACKS, noticeOf } from "../../api/errors.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { attachIfRunning, claimForCommand } from "../attach.ts";
import type { Call, Command, Result } from "./command.ts";
import { confirm } from "./confirm.ts";
import { EXIT } from "./exitCodes.ts";
import { withVpn, type VpnConnection } from "./vpnConnection.ts";
import { readImport } from "./vpnImport.ts";
import { changeSettings, describeSettings } from "./vpnSettings.ts";
import {
  describeCities,
  describeKeys,
  describeLeaks,
  describeRepair,
  describeSubscriptions,
  describeTest,
  describeTunnel,
  sentenceOf,
} from "./vpnTexts.ts";

type Action = (called: Call, connection: VpnConnection) => Promise<Result>;

const PORT_MAX = 65_535;
const PAUSE_SECONDS_MAX = 300;

const actions = {
  cities: ask(async (client) => {
    const list = await call(client.vpnCities.query());
    return { json: list, text: describeCities(list) };
  }),
  connect,
  disconnect,
  status: ask(async (client) => {
    const status = await call(client.vpnStatus.query());
    return { json: status, text: describeTunnel(status) };
  }),
  test: ask(async (client, [, city]) => {
    const tested = await call(client.vpnTest.mutate(city === undefined ? {} : { city }));
    const isAnyOk = tested.routes.some(({ isOk }) => isOk);
    return { json: tested, text: describeTest(tested), exitCode: isAnyOk ? EXIT.ok : EXIT.failed };
  }),
  leaks: ask(async (client) => {
    const found = await call(client.vpnLeaks.mutate());
    const isLeaking = found.checks.some(({ result }) => result === "leak");
    return { json: found, text: describeLeaks(found), exitCode: isLeaking ? EXIT.failed : EXIT.ok };
  }),
  import: importInto,
  subs: subscriptions,
  keys,
  pause: ask(async (client, [, text = "120"]) => {
    const seconds = /^\d{1,3}$/.test(text) ? Number(text) : PAUSE_SECONDS_MAX + 1;
    if (seconds > PAUSE_SECONDS_MAX) {
      throw apiError("usage", { reason: `pause takes 0 to ${PAUSE_SECONDS_MAX} seconds`, command: "vpn" });
    }
    const status = await call(client.vpnPauseBlock.mutate({ seconds }));
    return { json: status, text: describeTunnel(status) };
  }),
  helper,
  settings: ask(async (client, [, name, value]) => {
    const known =
      name === undefined ? await call(client.vpnSettings.query()) : await changeSettings(client, name, value);
    return { json: known, text: describeSettings(known) };
  }),
} satisfies Record<string, Action>;

export const vpn: Command = {
  name: "vpn",
  summary: "the tunnel: cities, connect, disconnect, status, and what belongs to it",
  arguments: [
    { name: "ACTION", choices: [...Object.keys(actions), "repair"] },
    { name: "WHAT", isOptional: true },
    { name: "VALUE", isOptional: true },
  ],
  options: {
    mode: {
      type: "string",
      choices: ["local", "proxy", "device"],
      summary: "connect: a local port, the desktop's proxy settings, or the whole device",
    },
    "kill-switch": {
      type: "boolean",
      summary: "connect: block instead of going past the tunnel when every exit fails",
    },
    strict: { type: "boolean", summary: "connect: no other city may stand in" },
    port: { type: "string", value: "N", summary: "connect: of the local proxy" },
    direct: {
      type: "string",
      value: "TEXT",
      isRepeatable: true,
      summary:
        "connect: a name, domain:, full:, keyword: or regexp: rule or a range of addresses to let past the tunnel",
    },
    forget: { type: "boolean", summary: "repair: set a damaged record of the proxy settings aside" },
  },
  detail:
    "connect CITY|auto attaches to the running host, or starts one in the background that ends with disconnect; no identity is " +
    "needed. test [CITY] asks through every route. import LINK|ADDRESS|FILE takes links, the address of a subscription, a " +
    "montana: link, or a picture with a QR code; - reads standard input. subs [add ADDRESS|remove ID|refresh]. " +
    "keys [accept ID|refuse ID]: keys of cities that changed. settings [NAME VALUE]. repair gives back what a killed " +
    "program had borrowed; it needs no network. helper [install|uninstall]: what mode device needs, once, from an " +
    "administrator. pause [SECONDS]: let everything past a kill switch that holds, to sign in to a network.",
  run(called) {
    const [name = ""] = called.arguments;
    if (name === "repair") return repair(called);
    const action = actions[name as keyof typeof actions];
    return withVpn(called, (connection) => action(called, connection));
  },
};

/** An action of one question, to the host or to what it left. */
function ask(work: (client: Client, words: readonly string[]) => Promise<Result>): Action {
  return async (called, { client }) => work(await client(), called.arguments);
}

async function connect(called: Call, connection: VpnConnection): Promise<Result> {
  const { options, arguments: words } = called;
  const [, city] = words;
  if (city === undefined) throw apiError("usage", { reason: "Which city? Or auto", command: "vpn" });
  const port = readPort(options.text("port"));
  const mode = options.text("mode") as "local" | "proxy" | "device" | undefined;
  const direct = options.texts("direct");
  const wish = {
    city,
    ...(mode === undefined ? {} : { mode }),
    ...(options.flag("kill-switch") ? { killSwitch: true } : {}),
    ...(options.flag("strict") ? { strict: true } : {}),
    ...(port === undefined ? {} : { port }),
    ...(direct.length === 0 ? {} : { direct: [...direct] }),
  };
  const interrupt = new AbortController();
  const cancel = (): void => interrupt.abort();
  process.once("SIGINT", cancel);
  try {
    return await connectBy(called, connection, wish, interrupt.signal);
  } finally {
    process.off("SIGINT", cancel);
  }
}

async function connectBy(
  called: Call,
  connection: VpnConnection,
  wish: Parameters<Client["vpnConnect"]["mutate"]>[0],
  interrupted: AbortSignal,
): Promise<Result> {
  const { client, isNew } = await connection.host();
  try {
    if (interrupted.aborted) throw new ProtocolError("tunnel-cancelled");
    interrupted.addEventListener("abort", () => void client.vpnDisconnect.mutate().catch(() => undefined));
    called.say(`Connecting to ${wish.city}…`);
    const order = (): Promise<Output<"vpnStatus">> => call(client.vpnConnect.mutate(wish));
    const status = await order().catch((error: unknown) => installAndRetry(called, error, order));
    return { json: status, text: describeTunnel(status) };
  } catch (error) {
    // A host that was started for this has nothing left to do, unless it keeps traffic from going past the tunnel.
    if (isNew && (await call(client.vpnStatus.query())).state === "disconnected") await connection.end(client);
    throw error;
  }
}

/** Whole-device mode was chosen, and what it needs is not there: the person at the terminal is asked. */
async function installAndRetry<T>(called: Call, error: unknown, again: () => Promise<T>): Promise<T> {
  const { notice } = noticeOf(error);
  if (!HELPER_LACKS.has(notice.code) || called.isJson || !process.stdin.isTTY) throw error;
  await confirm(called, [sentenceOf(notice)]);
  await helper({ ...called, arguments: ["helper", "install"] });
  return again();
}

async function disconnect(_: Call, connection: VpnConnection): Promise<Result> {
  const client = await connection.client();
  const status = await call(client.vpnDisconnect.mutate());
  const { isBackground } = await call(client.status.query());
  // One whose page somebody looks at has more to do.
  if (isBackground && !(await call(client.pages.query())).isWatched) await connection.end(client);
  return { json: status, text: "Disconnected. The machine is as it was before." };
}

async function importInto(called: Call, connection: VpnConnection): Promise<Result> {
  const pasted = await readImport(called.arguments[1]);
  const imported = await call((await connection.client()).vpnImport.mutate(pasted));
  return { json: imported, text: describeImport(imported) };
}

function describeImport(imported: Output<"vpnImport">): string {
  if (imported.kind === "connect")
    return `The link asks to connect to ${imported.city}: montana vpn connect ${imported.city}`;
  if (imported.kind === "links") {
    const left = imported.skipped.map(({ line, reason }) => `  line ${line}: ${reason}`);
    return [`Links added: ${imported.added}. Left out: ${imported.skipped.length}.`, ...left].join("\n");
  }
  const { title, url, servers, skipped, fault } = imported.subscription;
  const added = `Subscription added: ${title ?? url}, ${servers} entries, ${skipped.length} left out.`;
  return fault === null ? added : `${added}\n${sentenceOf(fault)}`;
}

async function subscriptions({ arguments: [, what, value] }: Call, connection: VpnConnection): Promise<Result> {
  const client = await connection.client();
  const need = (name: string): string => {
    if (value === undefined) throw apiError("usage", { reason: `${name} is missing`, command: "vpn" });
    return value;
  };
  const ways: Record<string, () => Promise<Output<"vpnSubscriptions">>> = {
    list: () => client.vpnSubscriptions.query(),
    add: () => client.vpnAddSubscription.mutate({ url: need("ADDRESS") }),
    remove: () => client.vpnRemoveSubscription.mutate({ id: need("ID") }),
    refresh: () => client.vpnRefresh.mutate(),
  };
  const list = await call(pick(ways, what ?? "list")());
  return { json: list, text: describeSubscriptions(list) };
}

async function keys({ arguments: [, what, id = ""] }: Call, connection: VpnConnection): Promise<Result> {
  const client = await connection.client();
  const judge = (isAccepted: boolean) => () => {
    if (id === "") throw apiError("usage", { reason: "ID is missing", command: "vpn" });
    return client.vpnJudgeKey.mutate({ id, isAccepted });
  };
  const ways: Record<string, () => Promise<Output<"vpnKeys">>> = {
    list: () => client.vpnKeys.query(),
    accept: judge(true),
    refuse: judge(false),
  };
  const list = await call(pick(ways, what ?? "list")());
  return { json: list, text: describeKeys(list) };
}

/** In this process, whose terminal or desktop can ask for the administrator's password. */
async function helper({ arguments: [, what], say }: Call): Promise<Result> {
  const { administerHelper } = await import("../wholeDeviceHelper.ts");
  const deed = pick({ install: "install", uninstall: "uninstall" } as const, what ?? "install");
  const command = await administerHelper(deed, { hasTerminal: process.stdin.isTTY, say });
  return { json: { command }, text: "Done." };
}

function pick<T>(ways: Readonly<Record<string, T>>, name: string): T {
  const way = Object.hasOwn(ways, name) ? ways[name] : undefined;
  if (way === undefined) {
    throw apiError("usage", { reason: `${name} is none of ${Object.keys(ways).join(", ")}`, command: "vpn" });
  }
  return way;
}

/** Also where a host cannot be asked: then of the desktop's settings alone, which know whether that host still lives. */
async function repair({ directory, options }: Call): Promise<Result> {
  const setsAsideJournal = options.flag("forget");
  // Only here, as below: the other commands would load it all for nothing, each time.
  const [{ desktopOf }, { repairMachine }] = await Promise.all([
    import("../vpn.ts"),
    import("../../vpn/repairMachine.ts"),
  ]);
  const desktop = desktopOf(directory);
  let repaired: Output<"vpnRepair">;
  try {
    const host = await attachIfRunning(directory);
    if (host !== undefined) repaired = await call(host.client.vpnRepair.mutate({ setsAsideJournal }));
    else {
      const claimed = await claimForCommand(directory);
      const how = { setsAsideJournal, keepsBlock: false };
      repaired = await repairMachine(directory.root, desktop, how).finally(() => claimed.release());
    }
  } catch (error) {
    if (!(error instanceof ProtocolError) || !(error.code as string).startsWith("host-")) throw error;
    const { outcome: proxy, kept } = await desktop.repair();
    repaired = { proxy, kept: [...kept], engine: "in-use", device: "in-use", setAside: null };
  }
  return { json: repaired, text: describeRepair(repaired) };
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > PORT_MAX) throw apiError("usage", { reason: `${text} is no port`, command: "vpn" });
  return port;
}
