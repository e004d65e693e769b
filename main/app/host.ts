/**
 * The host: the process in which everything runs, wired here and nowhere else. Started in order: identity, network, node and
 * wallet, the API, metrics; stopped the other way round. Below it nothing knows whether it is a daemon or the desktop app.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import type { Status } from "../api/contract.ts";
import { EventRing } from "../api/events.ts";
import { apiError, noticeOf } from "../api/errors.ts";
import { readStatus, type Context } from "../api/router.ts";
import { createApiListener, listenOnSocket, type ApiOptions, type ApiServer } from "../api/server.ts";
import type { HostService, NetworkService, NodeService, Services, WalletService } from "../api/services.ts";
import { Tasks } from "../api/tasks.ts";
import { loadCrypto, type Native } from "../native/index.ts";
import type { VpnWish } from "../vpn/vpnService.ts";
import { readNetwork, type OpenedNetwork } from "../node/network/openNetwork.ts";
import type { LocalRules, Network } from "../node/network/networkFile.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { STOP_MS_MAX, type Claimed } from "./attach.ts";
import { prepareSocketPath } from "./dataDirectory.ts";
import { makeDiagnostics } from "./diagnostics.ts";
import { openExit } from "./exit.ts";
import type { HostIdentity } from "./identityService.ts";
import { timeShareOf } from "./joinCost.ts";
import { answerHere } from "./localClient.ts";
import type { HostLog, Logger } from "./log.ts";
import { Loopback } from "./loopback/loopback.ts";
import { locatePage } from "./loopback/pageFiles.ts";
import { createMetrics, serveMetrics, type MetricsServer } from "./metrics.ts";
import type { Published } from "./networkService.ts";
import { readNodeChoice } from "./nodeChoice.ts";
import { NodeRunner } from "./nodeRunner.ts";
import { HostPreferences } from "./preferences.ts";
import { Setup } from "./setup.ts";
import { VERSION } from "./version.ts";
import { findVpnNetwork, openVpn } from "./vpn.ts";

/** Answers that are on their way get this long when the API closes. */
const ANSWERS_MS_MAX = 500;

/** What a node is started with. */
export interface NodeContext {
  readonly crypto: Native;
  readonly identity: HostIdentity;
  readonly network: OpenedNetwork;
  readonly logger: Logger;
  /** A line for monitors, not JSON (chapter 06 §3.8). */
  readonly writeLine: (line: string) => void;
  /** Multiaddr to listen on; none for outbound connections only. */
  readonly listen: readonly string[];
  /** Multiaddr that others reach this node at, where that is not what it listens on. */
  readonly announce?: string;
  /** File that says which autonomous system an address belongs to. */
  readonly asnMap?: string;
  /** Of one core, for the TimeChain; all of it unless given. */
  readonly timeCpuShare?: number;
  /** What the tunnel's network says of its cities and nodes. */
  readonly published: () => Published | undefined;
  /** Aborted when the host is to stop, also while the node still starts. */
  readonly stopping: AbortSignal;
  /** Hears how far the node is with opening its store: nobody else can be asked before that. */
  readonly onProgress: (progress: NonNullable<Status["progress"]>) => void;
}

export interface RunningNode {
  readonly node: NodeService;
  readonly wallet?: WalletService;
  readonly network?: NetworkService;
  /** In the Node Table. */
  countNodes?(): Promise<number>;
  /** Writes down what must be and ends all threads. */
  stop(): Promise<void>;
}

export interface HostOptions {
  readonly claimed: Claimed;
  /**
   * As `openNetwork` takes it: its node must run before the host does. Left out, the host runs at once, and with it the node that
   * the person has started before, where there is one.
   */
  readonly network?: string;
  /** Where the network is asked for and there is no identity yet, the host waits for one to be made instead of failing. */
  readonly isPatient?: boolean;
  /** The host runs the tunnel alone, until somebody starts a node. */
  readonly isWithoutNode?: boolean;
  /** Started by a command that needed a host: nobody looks after it. */
  readonly isBackground?: boolean;
  /** Connected to as soon as the tunnel stands: what the host before this one was connected to. */
  readonly tunnel?: VpnWish;
  readonly local?: LocalRules;
  readonly listen?: readonly string[];
  readonly announce?: string;
  readonly asnMap?: string;
  readonly timeCpuShare?: number;
  /** Of the metrics on loopback; none without. */
  readonly metricsPort?: number;
  readonly logger: Logger;
  /** What the logger writes to; without, diagnostics hold no lines and the level stays. */
  readonly log?: Pick<HostLog, "recentLines" | "setLevel">;
  /** For lines of monitors; none are written without. */
  readonly writeLine?: NodeContext["writeLine"];
  readonly onProgress?: NodeContext["onProgress"];
  readonly startNode?: (context: NodeContext) => Promise<RunningNode>;
  readonly stopping: AbortSignal;
  /** Somebody asked this host to stop. */
  readonly onStopRequest: () => void;
}

export interface Host {
  /** Of the node that runs or starts; undefined without one. */
  readonly network: string | undefined;
  readonly socket: string;
  /** Answers requests for the API within the process, as its socket does; a stream ends with the request's signal. */
  readonly answer: (request: Request) => Promise<Response>;
  readonly metricsPort: number | undefined;
  /** Gives the part that was still at work when the time was over, after which the process must end: it keeps the lock. */
  readonly stop: () => Promise<string | undefined>;
}

/** Throws what stands in the way, with nothing left running and the data directory released. */
export async function startHost(options: HostOptions): Promise<Host> {
  const parts = new Parts(options.claimed);
  try {
    return await start(options, parts);
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

async function start(options: HostOptions, parts: Parts): Promise<Host> {
  const { claimed, logger } = options;
  const { directory } = claimed;
  const { crypto, note } = loadCrypto();
  logger.info({ note }, "cryptography");

  const events = new EventRing();
  const tasks = new Tasks(
    (task) => events.publish({ kind: "task", payload: task }),
    (error) => logger.error({ err: error }, "a task failed"),
  );
  parts.add("tasks", () => tasks.cancelAll());

  const asked = options.isWithoutNode === true ? undefined : options.network;
  const remembered = readNodeChoice(directory);
  const preferences = new HostPreferences(directory, (chosen) => {
    options.log?.setLevel(chosen.logLevel ?? undefined);
    events.publish({ kind: "preferences", payload: chosen });
  });
  options.log?.setLevel(preferences.read().logLevel ?? undefined);
  const vpnNetwork = await findVpnNetwork(directory, {
    node: await findNetwork(directory, asked ?? remembered.choice?.network),
    asked: options.isWithoutNode === true ? options.network : undefined,
  });
  const vpn = openVpn({ directory, network: vpnNetwork, events });
  const exit = openExit(directory, (error) => logger.error({ err: error }, "city"));
  /** What there is only after somebody may have asked for it. */
  const late: { setup?: Setup; page?: Loopback } = {};
  const services = (): Services => ({
    ...{ ...late, identity: late.setup?.identityService, vpn, exit },
    ...{ node: runner.started?.running.node, wallet: runner.started?.running.wallet },
    ...{ network: runner.started?.running.network, preferences, diagnostics },
  });
  const host: HostService = {
    version: VERSION,
    pid: process.pid,
    startedAtMs: claimed.startedAtMs,
    get network() {
      const network = runner.started?.network.network;
      return { network: network?.name ?? null, profile: network?.rules.profile ?? null };
    },
    // Who has a node does not end with the tunnel.
    get isBackground() {
      return options.isBackground === true && runner.state.nodeState === "none";
    },
    requestStop: options.onStopRequest,
    metrics: () => figures.scrape(),
  };
  const currentStatus = () => readStatus({ host, services });
  const diagnostics = () =>
    makeDiagnostics({
      ...{ services, status: currentStatus, nowMs: Date.now },
      logLines: () => options.log?.recentLines() ?? [],
    });
  const figures = createMetrics(currentStatus, exit);
  const changes = new ChangePublisher(events, currentStatus, (error) => logger.error({ err: error }, "status"));
  const runner = new NodeRunner({
    stopping: options.stopping,
    onChange: () => changes.mark("status"),
    listen: (running) => listenToNode(running, events, changes),
    onDefect: (error) => logger.error({ err: error }, "node"),
  });
  const onTunnelError = (error: unknown): void => logger.error({ err: error }, "tunnel");
  const setup = await Setup.open(remembered, {
    ...{ directory, crypto, logger, runner, onChange: () => changes.mark("status") },
    tunnelNetwork: () => vpn.network,
    // A tunnel that cannot take it is no reason for the node not to.
    onNetwork: (network) =>
      findVpnNetwork(directory, { node: network })
        .then((next) => vpn.setNetwork(next))
        .catch(onTunnelError),
    startNode: (identity, network, how) =>
      startNode(options, { crypto, identity, network, published: () => vpn.published() }, how),
  });
  late.setup = setup;
  parts.add("identity", () => setup.identityService?.lock());
  const isWaiting = asked !== undefined && options.isPatient === true && !setup.state.hasIdentity;

  // First of all: what a killed program left in the way of the machine's traffic is in the way of the node's, too.
  parts.add("tunnel", () => vpn.stop());
  // A command's host without a node is there for the tunnel; with one, for the page.
  const isToConnect = options.tunnel !== undefined || (options.isBackground === true && options.isWithoutNode === true);
  await vpn.start(onTunnelError, { isToConnect });
  if (options.tunnel !== undefined) vpn.connect(options.tunnel).catch(onTunnelError);
  parts.add("city", () => exit.stop());
  await exit.start();

  parts.add("node", () => runner.stop());
  if (isWaiting) await setup.chooseNetwork({ network: asked });
  else if (asked !== undefined) await setup.start(asked, options.local ?? {});
  // Again, for it must come before a node that takes its time to stop: the machine is to be as it was.
  parts.add("tunnel", () => vpn.stop());
  // From here on a stop changes things, and nobody is left to be told.
  parts.add("changes", () => changes.end());

  const closing = new AbortController();
  const context: Context = { host, services, events, tasks, streams: { open: 0 }, stopping: closing.signal };
  const socket = await prepareSocketPath(directory);
  const apiOptions: ApiOptions = {
    context,
    onDefect: (error, procedure) => logger.error({ err: error, procedure }, "a procedure failed"),
  };
  const onPageError = (error: unknown): void => logger.error({ err: error }, "page");
  const page = new Loopback({
    ...{ directory: join(directory.root, "page"), folder: locatePage(), api: createApiListener(apiOptions) },
    ...{ streams: context.streams, onDefect: onPageError },
  });
  late.page = page;
  // Before the socket's, for that ends the streams first.
  parts.add("page", () => page.stop());
  const api = await listenOnSocket(socket, apiOptions);
  parts.add("api", () => closeApi(api, closing, socket));

  let metrics: MetricsServer | undefined;
  if (options.metricsPort !== undefined) {
    metrics = await serveMetrics(options.metricsPort, figures, () => runner.started !== undefined);
    parts.add("metrics", () => metrics?.close());
  }
  // What keeps the page from being served does not keep the host from running.
  await page.start().catch(onPageError);
  await claimed.announce(socket);
  logger.info({ directory: directory.root, pid: process.pid }, "host started");
  const wanted = options.isWithoutNode === true ? undefined : setup.wanted;
  if (asked === undefined && wanted !== undefined) {
    setup.start(wanted.network, wanted.local).catch((error: unknown) => {
      // Whoever looks at the status reads it there.
      logger.warn(noticeOf(error).notice, "the node did not start");
    });
  }
  const network = runner.started?.network.network.name ?? wanted?.network;
  const answer = answerHere(context, apiOptions.onDefect);
  return { network, socket, answer, metricsPort: metrics?.port, stop: () => parts.stop() };
}

/** What the node is made from, with what the person said at the start of the host. */
function startNode(
  options: HostOptions,
  parts: Pick<NodeContext, "crypto" | "identity" | "network" | "published">,
  { stopping, onProgress }: Pick<NodeContext, "stopping" | "onProgress">,
): Promise<RunningNode> {
  const { logger, listen = [], announce, asnMap, writeLine = () => undefined } = options;
  if (options.startNode === undefined) return Promise.reject(apiError("service-unavailable", { service: "node" }));
  const timeCpuShare = options.timeCpuShare ?? timeShareOf(parts.network.network.name);
  return options.startNode({
    ...{ ...parts, logger, writeLine, listen, stopping },
    ...(announce === undefined ? {} : { announce }),
    ...(asnMap === undefined ? {} : { asnMap }),
    ...(timeCpuShare === undefined ? {} : { timeCpuShare }),
    onProgress(progress) {
      options.onProgress?.(progress);
      onProgress(progress);
    },
  });
}

function listenToNode({ node, wallet, network }: RunningNode, events: EventRing, changes: ChangePublisher): () => void {
  const ends = [
    node.onChange((change) => {
      if (change.kind === "notice") events.publish({ kind: "notice", payload: change.notice });
      else changes.mark(change.kind);
    }),
    wallet?.onChange((entry) => events.publish({ kind: "history", payload: entry })),
    network?.onSilence(() => changes.mark("status")),
  ];
  return () => ends.forEach((end) => end?.());
}

/** That the node is to work on, as far as its file can be read: what is wrong with it its start says. */
async function findNetwork(
  { networks: networksDirectory }: Claimed["directory"],
  asked: string | undefined,
): Promise<Network | undefined> {
  if (asked === undefined) return undefined;
  try {
    return (await readNetwork({ asked, networksDirectory }))?.network;
  } catch (error) {
    // Said again, and better, when the node starts.
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

async function closeApi(api: ApiServer, closing: AbortController, socket: string): Promise<void> {
  closing.abort();
  await Promise.race([api.close(), wait(ANSWERS_MS_MAX, undefined, { ref: false })]);
  if (process.platform !== "win32") await rm(socket, { force: true });
}

/** What has been started, to be stopped in the opposite order within one time. */
class Parts {
  readonly #claimed: Claimed;
  readonly #stops: { readonly name: string; readonly stop: () => Promise<void> | void }[] = [];
  #stopped: Promise<string | undefined> | undefined;

  constructor(claimed: Claimed) {
    this.#claimed = claimed;
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#stops.push({ name, stop });
  }

  stop(): Promise<string | undefined> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<string | undefined> {
    const end = performance.now() + STOP_MS_MAX - ANSWERS_MS_MAX;
    for (const { name, stop } of this.#stops.toReversed()) {
      const late = wait(Math.max(0, end - performance.now()), "late" as const, { ref: false });
      // A part that fails to stop has ended, too; the others go on.
      const ended = Promise.resolve()
        .then(stop)
        .then(
          () => "ended" as const,
          () => "ended" as const,
        );
      // It may still write: the lock stays with the process.
      if ((await Promise.race([ended, late])) === "late") return name;
    }
    await this.#claimed.release();
    return undefined;
  }
}

/** Turns changes into events with the status of that moment, one at a time: a slow status makes fewer of them. */
class ChangePublisher {
  readonly #events: EventRing;
  readonly #read: () => ReturnType<typeof readStatus>;
  readonly #onDefect: (error: unknown) => void;
  #marked: "window-closed" | "status" | undefined;
  #isReading = false;
  #isOver = false;

  constructor(events: EventRing, read: () => ReturnType<typeof readStatus>, onDefect: (error: unknown) => void) {
    this.#events = events;
    this.#read = read;
    this.#onDefect = onDefect;
  }

  end(): void {
    this.#isOver = true;
  }

  mark(kind: "window-closed" | "status"): void {
    if (this.#isOver) return;
    if (this.#marked !== "window-closed") this.#marked = kind;
    if (!this.#isReading) void this.#publishMarked();
  }

  async #publishMarked(): Promise<void> {
    this.#isReading = true;
    while (this.#marked !== undefined) {
      const kind = this.#marked;
      this.#marked = undefined;
      try {
        this.#events.publish({ kind, payload: await this.#read() });
      } catch (error) {
        if (!this.#isOver) this.#onDefect(error);
      }
    }
    this.#isReading = false;
  }
}
