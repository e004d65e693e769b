/** What joining a network costs this computer: measured here, by the figures of the network's file or of the running node. */
import { availableParallelism } from "node:os";

import type { Output } from "../api/contract.ts";
import { sharesOf } from "../local/local.ts";
import type { Native } from "../native/index.ts";
import { outlookOf } from "../node/lifecycle/deadline.ts";
import type { Network } from "../node/network/networkFile.ts";
import { PRACTICE, readNetwork } from "../node/network/openNetwork.ts";
import { SOLO } from "../node/network/solo.ts";
import { measureSpeed } from "../node/vdf/speedTest.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { MONTANA_PARAMS } from "../protocol/genesis/montana.ts";
import type { StartedNode } from "./nodeRunner.ts";

type Cost = Output<"speedTest">;

const DEFAULT_NETWORK = "montana";
/** Of a window as the network is meant: τ₁ (chapter 03 §4.1). */
const WINDOW_SECONDS = 60;
const DAY_SECONDS = 86_400;
/** What one core under full load takes beyond what an idle computer does, from a small notebook to a desktop. */
const CORE_WATTS = { low: 4, high: 15 };
/** Bundle, reveal and both votes of a node, and the header of a window (chapter 03 §3). */
const BYTES_PER_NODE = 3385 + 3381 + 2 * 3383;
const BYTES_PER_WINDOW = 3722;
/** Each object comes in about once and goes out to one or two peers. */
const COPIES = 3;

export interface JoinCostOptions {
  readonly crypto: Native;
  readonly networksDirectory: string;
  readonly running: () => StartedNode | undefined;
}

/** The part of a TimeChain's core that a node of the practice network takes: many share one computer there. */
export function timeShareOf(network: string): number | undefined {
  return network === PRACTICE ? sharesOf(availableParallelism()).time / 100 : undefined;
}

export class JoinCost {
  readonly #options: JoinCostOptions;
  #measuring: { readonly asked: string | undefined; readonly cost: Promise<Cost> } | undefined;

  constructor(options: JoinCostOptions) {
    this.#options = options;
  }

  /** Throws `network-unknown` and what reading a network file throws. */
  async measure(asked: string | undefined): Promise<Cost> {
    for (;;) {
      const measuring = this.#measuring;
      if (measuring === undefined) break;
      if (measuring.asked === asked) return measuring.cost;
      // One beside the other would measure half of what there is.
      await measuring.cost.catch(() => undefined);
    }
    const cost = this.#measure(asked).finally(() => (this.#measuring = undefined));
    this.#measuring = { asked, cost };
    return cost;
  }

  async #measure(asked: string | undefined): Promise<Cost> {
    const { crypto, networksDirectory } = this.#options;
    const started = this.#options.running();
    const name = asked ?? started?.network.network.name ?? DEFAULT_NETWORK;
    const found = await readNetwork({ asked: name, networksDirectory });
    if (found === undefined && name !== SOLO) throw new ProtocolError("network-unknown", { network: name });
    const running = started?.network.network.name === (found?.network.name ?? name) ? started : undefined;
    const chains = running !== undefined || availableParallelism() < 2 ? 1 : 2;
    const iterationsPerSecond = await measureSpeed(chains);
    const time = await running?.running.node.time().catch(() => undefined);
    const params = found?.network.rules.params ?? { ...MONTANA_PARAMS, d0: BigInt(Math.round(iterationsPerSecond)) };
    const { tau2Windows } = params;
    const d = time === undefined ? params.d0 : BigInt(time.d);
    const windowSeconds = time?.meanWindowSeconds ?? meantSeconds(found?.network);
    const outlook = (share: number) =>
      outlookOf(iterationsPerSecond * share, { d, tau2Windows, target: tau2Windows, windowSeconds });
    const [full, half] = [outlook(1), outlook(0.5)];
    const inTime = ({ verdict, shortestSeconds }: typeof full): number | null =>
      verdict === "too-slow" ? null : Math.round(shortestSeconds);
    const nodes = await this.#countNodes(running, found?.network);
    return {
      ...{ network: found?.network.name ?? name, iterationsPerSecond: Math.round(iterationsPerSecond), chains },
      ...{ backEnd: crypto.backEnd, kernel: crypto.kernels.chain, d: Number(d), tau2Windows: Number(tau2Windows) },
      ...{ windowSeconds, segmentSeconds: full.segmentSeconds, hoursPerDay: full.hoursPerDayNeeded },
      ...{ canMakeIt: full.verdict !== "too-slow", verdict: full.verdict },
      chainSeconds: { full: inTime(full), half: inTime(half) },
      coreHours: full.coreHours,
      energyKwh: { low: (full.coreHours * CORE_WATTS.low) / 1000, high: (full.coreHours * CORE_WATTS.high) / 1000 },
      megabytesPerDay:
        ((DAY_SECONDS / windowSeconds) * COPIES * (BYTES_PER_WINDOW + nodes * BYTES_PER_NODE)) / 1_000_000,
    };
  }

  /** As many as the file names where no node knows. */
  async #countNodes(started: StartedNode | undefined, network: Network | undefined): Promise<number> {
    const counted = await started?.running.countNodes?.().catch(() => undefined);
    return counted ?? Math.max(network?.peers.length ?? 0, 1 + (network?.otherFounders.length ?? 0));
  }
}

/** Where nobody has measured a window yet: the practice network's is a second, and others are made for computers like Montana's. */
function meantSeconds(network: Network | undefined): number {
  if (network === undefined || network.name === PRACTICE || network.name === SOLO) return 1;
  return (WINDOW_SECONDS * Number(network.rules.params.d0)) / Number(MONTANA_PARAMS.d0);
}
