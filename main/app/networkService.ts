/** What the running node knows of its network, for whoever looks at it. Peers are told by their cities, never by addresses. */
import type { Input, Notice, Output, Status } from "../api/contract.ts";
import { WINDOWS_SHOWN_MAX } from "../api/networkContract.ts";
import type { NetworkService as Service, NodeService } from "../api/services.ts";
import type { City } from "../cities/cities.ts";
import type { Explorer } from "../cities/explorer.ts";
import { NETWORK_NAME as PRACTICE } from "../local/networkFile.ts";
import type { Network } from "../node/network/networkFile.ts";
import type { RunningNode } from "../node/runtime/node.ts";
import type { CandidateRow, NodeRow, WindowFacts } from "../node/state/requests.ts";
import { equalBytes, fromHex, sized, toHex, ZERO_HASH, type NodeId } from "../protocol/bytes.ts";

/** A day of the network's windows. */
const EMISSION_WINDOWS = 1440n;
const PEERS_SHOWN_MAX = 256;

type View = Output<"networkView">;
type ShownCity = NonNullable<View["peers"][number]["city"]>;

/** What a network publishes of its cities and nodes. */
export interface Published {
  readonly network: string;
  readonly cities: readonly City[];
  readonly explorer: Explorer | undefined;
}

export interface NetworkServiceOptions {
  readonly node: RunningNode & Pick<NodeService, "time">;
  readonly nodeId: NodeId;
  readonly network: Network;
  readonly published: () => Published | undefined;
}

export class NetworkService implements Service {
  readonly #options: NetworkServiceOptions;
  /** When windows of this run were decided in step with the others, oldest first. */
  readonly #closedAtMs = new Map<bigint, number>();
  readonly #listeners = new Set<() => void>();

  constructor(options: NetworkServiceOptions) {
    this.#options = options;
    options.node.onDecided(({ window, isLive }) => {
      if (!isLive) return;
      this.#closedAtMs.set(window, Date.now());
      if (this.#closedAtMs.size > WINDOWS_SHOWN_MAX) this.#closedAtMs.delete(this.#closedAtMs.keys().next().value!);
    });
  }

  get silentNodes(): Status["silentNodes"] {
    const silent = this.#options.node.peers.filter(({ silentMs }) => silentMs !== undefined);
    if (silent.length === 0) return [];
    const cities = this.#cities();
    const nowMs = Date.now();
    return silent.slice(0, PEERS_SHOWN_MAX).map(({ nodeId, silentMs = 0 }) => {
      return { city: cities.of(nodeId)?.id ?? null, sinceMs: Math.round(nowMs - silentMs) };
    });
  }

  onSilence(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A peer fell silent, or is heard again. */
  tellSilence(): void {
    for (const listener of this.#listeners) listener();
  }

  async countNodes(): Promise<number> {
    return (await this.#options.node.state.ask("summary", undefined)).nodes;
  }

  async view({ limit }: Input<"networkView">): Promise<View> {
    const { node, network } = this.#options;
    const status = await node.status();
    const summary = await node.state.ask("summary", undefined);
    const time = summary.height === 0n ? undefined : await node.time();
    const { height } = summary;
    const newest = height - 1n;
    const first = newest > EMISSION_WINDOWS ? newest - EMISSION_WINDOWS + 1n : 1n;
    const isPaid = network.rules.admission === "per-window";
    const admitted = isPaid && height > 1n ? await node.state.ask("admittedSince", first) : [];
    const cities = this.#cities();
    const { profile, params } = network.rules;
    const isKnown = time !== undefined && status.window !== null;
    return {
      ...{ name: network.name, profile, window: status.window, windowAtMs: status.windowAtMs },
      timechainValue: isKnown ? time.timechainValue : null,
      d: time?.d ?? Number(params.d0),
      meanWindowSeconds: time?.meanWindowSeconds ?? null,
      supply: status.supply,
      credited: height === 0n ? null : summary.totalBalance.toString(),
      accounts: summary.accounts,
      nodes: { count: summary.nodes, rows: (await this.nodeTable({ limit })).rows },
      candidates: { count: summary.candidates, rows: (await this.candidatePool({ limit })).rows },
      emission: {
        windows: height > 1n ? Number(newest - first + 1n) : 0,
        toNewcomers: new Set(admitted.map(({ startWindow }) => startWindow)).size,
      },
      peers: node.peers.slice(0, PEERS_SHOWN_MAX).map(({ nodeId, isOutbound }) => ({
        ...{ nodeId: toHex(nodeId), city: cities.of(nodeId), isOutbound },
        isNode: node.startWindowOf(nodeId) !== undefined,
      })),
      table: this.#table(),
      sync: { state: syncState(node, status.progress), behind: Number(node.behind) },
      ability: abilityOf(network, node.isAlone),
    };
  }

  async nodeTable({ after, limit }: Input<"nodeTable">): Promise<Output<"nodeTable">> {
    const rows = await this.#options.node.state.ask("nodeRows", { after: idOf(after), count: limit });
    const cities = this.#cities();
    return { rows: rows.map((row) => this.#shownNode(row, cities)), hasMore: rows.length === limit };
  }

  async candidatePool({ after, limit }: Input<"candidatePool">): Promise<Output<"candidatePool">> {
    const rows = await this.#options.node.state.ask("candidateRows", { after: idOf(after), count: limit });
    return { rows: rows.map((row) => this.#shownCandidate(row)), hasMore: rows.length === limit };
  }

  async recentWindows({ count }: Input<"recentWindows">): Promise<Output<"recentWindows">> {
    const { node, nodeId, network } = this.#options;
    const facts = await this.#facts(count);
    const oldest = facts.at(-1)?.window;
    const isPaid = network.rules.admission === "per-window";
    const admitted = isPaid && oldest !== undefined ? await node.state.ask("admittedSince", oldest) : [];
    const byWindow = new Map(admitted.map(({ nodeId: id, startWindow }) => [startWindow, toHex(id)]));
    return {
      windows: facts.map(({ window, timechainValue, d, winnerId, proposerNodeId, fallbackDepth }) => ({
        ...{ window: Number(window), atMs: this.#closedAtMs.get(window) ?? null, fallbackDepth },
        ...{ timechainValue: toHex(timechainValue), d: d === undefined ? null : Number(d) },
        winner: equalBytes(winnerId, ZERO_HASH) ? null : toHex(winnerId),
        isOwnWin: equalBytes(winnerId, nodeId),
        proposer: toHex(proposerNodeId),
        // Nodes of the genesis were never admitted.
        bonusTo: window === 0n ? null : (byWindow.get(window) ?? null),
      })),
    };
  }

  async activity({ count }: Input<"activity">): Promise<Output<"activity">> {
    const { node, nodeId } = this.#options;
    const facts = await this.#facts(count);
    const newest = facts[0]?.window;
    // The row of one id: the page that begins right before it.
    const [row] = await node.state.ask("nodeRows", { after: before(nodeId), count: 1 });
    if (newest === undefined || row === undefined || !equalBytes(row.nodeId, nodeId)) return { activity: null };
    return {
      activity: {
        ...{ startWindow: Number(row.startWindow), chainLength: Number(row.chainLength) },
        windowsSinceStart: Number(newest - row.startWindow) + 1,
        windows: facts
          .filter(({ window }) => window >= row.startWindow)
          .map(({ window, own, winnerId }) => ({
            ...{ window: Number(window), atMs: this.#closedAtMs.get(window) ?? null },
            ...{ isPresent: own?.isPresent ?? null, hasRevealed: own?.hasRevealed ?? null },
            hasWon: equalBytes(winnerId, nodeId),
          })),
      },
    };
  }

  async #facts(count: number): Promise<readonly WindowFacts[]> {
    const { node, nodeId } = this.#options;
    const { height } = await node.state.ask("summary", undefined);
    return height === 0n ? [] : node.state.ask("windowFacts", { last: height - 1n, count, nodeId });
  }

  #shownNode(
    { nodeId, startWindow, chainLength, lastConfirmationWindow }: NodeRow,
    cities: Cities,
  ): View["nodes"]["rows"][number] {
    return {
      ...{ nodeId: toHex(nodeId), isSelf: equalBytes(nodeId, this.#options.nodeId), city: cities.of(nodeId) },
      ...{ startWindow: Number(startWindow), chainLength: Number(chainLength) },
      lastPresenceWindow: Number(lastConfirmationWindow),
    };
  }

  #shownCandidate(row: CandidateRow): View["candidates"]["rows"][number] {
    const { nodeId, wStart, vdfChainLength, registrationWindow, expires } = row;
    return {
      ...{ nodeId: toHex(nodeId), isSelf: equalBytes(nodeId, this.#options.nodeId) },
      ...{ startWindow: Number(wStart), chainLength: Number(vdfChainLength) },
      ...{ registrationWindow: Number(registrationWindow), expiresWindow: Number(expires) },
    };
  }

  /** Of this network alone: the tunnel may know the cities of another one. */
  get #published(): Published | undefined {
    const published = this.#options.published();
    return published?.network === this.#options.network.name ? published : undefined;
  }

  #cities(): Cities {
    return new Cities(this.#options.network, this.#published);
  }

  #table(): View["table"] {
    const published = this.#published;
    if (published?.explorer === undefined) return null;
    const { updated_unix: updatedUnix, nodes } = published.explorer;
    const byLabel = new Map(published.cities.map((city) => [city.node, city]));
    const rows = nodes.map(
      ({ label, host, status, phase, current_window: window, node_table: nodes_, balance_nj: balance }) => ({
        city: shownCity(byLabel.get(host)) ?? { id: host, name: { en: label, ru: label } },
        status: status === "no_data" && isRelay(byLabel.get(host)) ? ("relay" as const) : status,
        ...{ phase: phase ?? null, window: window ?? null, nodeTable: nodes_ ?? null },
        balance: balance?.toString() ?? null,
      }),
    );
    return { atMs: updatedUnix * 1000, rows };
  }
}

/** In which city a node stands: as the network's own file names it, or as its explorer does. */
class Cities {
  readonly #byNode = new Map<string, ShownCity>();

  constructor({ peers }: Network, published: Published | undefined) {
    if (published === undefined) return;
    const byLabel = new Map(published.cities.map((city) => [city.node, city]));
    const named = [
      ...(published.explorer?.nodes ?? []).map(({ host, node_id: id }) => [id, host] as const),
      ...peers.map(({ nodeIdHex, label }) => [nodeIdHex, label.toLowerCase()] as const),
    ];
    for (const [id, label] of named) {
      const city = shownCity(byLabel.get(label));
      if (id != null && city !== undefined) this.#byNode.set(id, city);
    }
  }

  of(nodeId: NodeId): ShownCity | null {
    return this.#byNode.get(toHex(nodeId)) ?? null;
  }
}

const isRelay = (city: City | undefined): boolean => city?.vpn.enabled === true && city.vpn.exit !== city.code;

const shownCity = (city: City | undefined): ShownCity | undefined => city && { id: city.code, name: city.name };

const idOf = (hex: string | undefined): NodeId | undefined =>
  hex === undefined ? undefined : (sized(fromHex(hex) ?? ZERO_HASH, 32) as NodeId);

/** The greatest id below. */
function before(nodeId: NodeId): NodeId {
  const bytes = Uint8Array.from(nodeId);
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = (bytes[i]! + 255) % 256;
    if (bytes[i] !== 255) break;
  }
  return sized(bytes, 32) as NodeId;
}

function syncState(node: RunningNode, progress: { readonly what: string } | null): View["sync"]["state"] {
  if (progress?.what === "open") return "opening";
  if (progress?.what === "snapshot") return "snapshot";
  if (node.isAlone) return "alone";
  if (node.peers.length === 0) return "waiting";
  return node.isLive ? "live" : "catching-up";
}

/** In one line what can be done here. */
export function abilityOf({ name, rules }: Network, isAlone: boolean): Notice {
  const params = { network: name };
  if (name === PRACTICE) return { code: "network-practice", params };
  if (isAlone) return { code: "network-alone", params };
  if (rules.profile === "rc1") return { code: "network-one-producer", params };
  if (rules.admission === "per-window") return { code: "network-young", params };
  return { code: "network-by-lot", params: { ...params, windows: Number(rules.params.selectionInterval) } };
}
