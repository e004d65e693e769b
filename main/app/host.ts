/**
 * The host: the process in which everything runs, wired here and nowhere else. Started in order: identity, network, node and
 * wallet, the API, metrics; stopped the other way round. Below it nothing knows whether it is a daemon or the desktop app.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import type { Status } from "../api/contract.ts";
import { EventRing } from "../api/events.ts";
import { readStatus, type Context } from "../api/router.ts";
import { createApiListener, listenOnSocket, type ApiOptions, type ApiServer } from "../api/server.ts";
import type { HostService, NodeService, Services, WalletService } from "../api/services.ts";
import { Tasks } from "../api/tasks.ts";
import { keystoreContext } from "../keystore/context.ts";
import { IdentityStore } from "../keystore/identityStore.ts";
import { loadCrypto, type Native } from "../native/index.ts";
import type { VpnWish } from "../vpn/vpnService.ts";
import { openNetwork, type OpenedNetwork } from "../node/network/openNetwork.ts";
import type { LocalRules } from "../node/network/networkFile.ts";
import { STOP_MS_MAX, type Claimed } from "./attach.ts";
import { prepareSocketPath } from "./dataDirectory.ts";
import { openExit } from "./exit.ts";
import { HostIdentity } from "./identityService.ts";
import type { Logger } from "./log.ts";
import { Loopback } from "./loopback/loopback.ts";
import { locatePage } from "./loopback/pageFiles.ts";
import { createMetrics, serveMetrics, type MetricsServer } from "./metrics.ts";
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
  /** Aborted when the host is to stop, also while the node still starts. */
  readonly stopping: AbortSignal;
  /** Hears how far the node is with opening its store: nobody else can be asked before that. */
  readonly onProgress: (progress: NonNullable<Status["progress"]>) => void;
}

export interface RunningNode {
  readonly node: NodeService;
  readonly wallet?: WalletService;
  /** Writes down what must be and ends all threads. */
  stop(): Promise<void>;
}

export interface HostOptions {
  readonly claimed: Claimed;
  /** As `openNetwork` takes it. Left out, or with `isWithoutNode`, the host runs the tunnel alone and needs no identity. */
  readonly network?: string;
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
  /** For lines of monitors; none are written without. */
  readonly writeLine?: NodeContext["writeLine"];
  readonly onProgress?: NodeContext["onProgress"];
  readonly startNode?: (context: NodeContext) => Promise<RunningNode>;
  readonly stopping: AbortSignal;
  /** Somebody asked this host to stop. */
  readonly onStopRequest: () => void;
}

export interface Host {
  /** The node's; undefined without one. */
  readonly network: OpenedNetwork | undefined;
  readonly socket: string;
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

  const opened = await openNode(options, crypto, () => changes.mark("status"));
  const { identity, network } = opened ?? {};
  if (identity !== undefined) parts.add("identity", () => identity.lock());
  if (network !== undefined) {
    logger.info({ network: network.network.name, profile: network.network.rules.profile }, "network");
  }
  const vpnNetwork = await findVpnNetwork(directory, { node: network?.network, asked: options.network });
  const vpn = openVpn({ directory, network: vpnNetwork, events });

  const exit = openExit(directory, (error) => logger.error({ err: error }, "city"));
  let running: RunningNode | undefined;
  let page: Loopback | undefined;
  const services = (): Services => ({ identity, node: running?.node, wallet: running?.wallet, vpn, exit, page });
  const host: HostService = {
    version: VERSION,
    pid: process.pid,
    startedAtMs: claimed.startedAtMs,
    network: { network: network?.network.name ?? null, profile: network?.network.rules.profile ?? null },
    isBackground: options.isBackground ?? false,
    requestStop: options.onStopRequest,
    metrics: () => figures.scrape(),
  };
  const currentStatus = () => readStatus({ host, services });
  const figures = createMetrics(currentStatus, exit);
  const changes = new ChangePublisher(events, currentStatus, (error) => logger.error({ err: error }, "status"));

  // First of all: what a killed program left in the way of the machine's traffic is in the way of the node's, too.
  parts.add("tunnel", () => vpn.stop());
  const onTunnelError = (error: unknown): void => logger.error({ err: error }, "tunnel");
  const isToConnect = options.tunnel !== undefined || options.isBackground === true;
  await vpn.start(onTunnelError, { isToConnect });
  if (options.tunnel !== undefined) vpn.connect(options.tunnel).catch(onTunnelError);
  parts.add("city", () => exit.stop());
  await exit.start();

  if (options.startNode !== undefined && identity !== undefined && network !== undefined) {
    const { listen = [], announce, asnMap, timeCpuShare, stopping } = options;
    const reached = {
      ...(announce === undefined ? {} : { announce }),
      ...(asnMap === undefined ? {} : { asnMap }),
      ...(timeCpuShare === undefined ? {} : { timeCpuShare }),
    };
    const { onProgress = () => undefined, writeLine = () => undefined } = options;
    const context = { crypto, identity, network, logger, writeLine, listen, ...reached, stopping, onProgress };
    running = await options.startNode(context);
    const { node, wallet } = running;
    parts.add("node", () => running?.stop());
    const ends = [
      node.onChange((change) => {
        if (change.kind === "notice") events.publish({ kind: "notice", payload: change.notice });
        else changes.mark(change.kind);
      }),
      wallet?.onChange((entry) => events.publish({ kind: "history", payload: entry })),
    ];
    parts.add("listeners", () => ends.forEach((end) => end?.()));
  }
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
  page = new Loopback({
    ...{ directory: join(directory.root, "page"), folder: locatePage(), api: createApiListener(apiOptions) },
    ...{ streams: context.streams, onDefect: onPageError },
  });
  // Before the socket's, for that ends the streams first.
  parts.add("page", () => page?.stop());
  const api = await listenOnSocket(socket, apiOptions);
  parts.add("api", () => closeApi(api, closing, socket));

  let metrics: MetricsServer | undefined;
  if (options.metricsPort !== undefined) {
    metrics = await serveMetrics(options.metricsPort, figures, () => running !== undefined);
    parts.add("metrics", () => metrics?.close());
  }
  // What keeps the page from being served does not keep the host from running.
  await page.start().catch(onPageError);
  await claimed.announce(socket);
  logger.info({ directory: directory.root, pid: process.pid }, "host started");
  return { network, socket, metricsPort: metrics?.port, stop: () => parts.stop() };
}

interface OpenedNode {
  readonly identity: HostIdentity;
  readonly network: OpenedNetwork;
}

/** Undefined for a host without a node. */
async function openNode(
  { claimed: { directory }, logger, network: asked, isWithoutNode = false, local }: HostOptions,
  crypto: Native,
  onChange: () => void,
): Promise<OpenedNode | undefined> {
  if (asked === undefined || isWithoutNode) return undefined;
  const store = await IdentityStore.open(keystoreContext({ directory: directory.identity, crypto }));
  for (const { code, params } of store.warnings) logger.warn({ code, params }, "identity");
  const { accountPublicKey, nodePublicKey } = store.summary;
  const network = await openNetwork({
    ...{ crypto, asked, networksDirectory: directory.networks },
    self: { accountPubkey: accountPublicKey, nodePubkey: nodePublicKey },
    ...(local === undefined ? {} : { local }),
  });
  return { identity: new HostIdentity(store, onChange), network };
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
