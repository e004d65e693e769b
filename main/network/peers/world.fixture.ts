/** Nodes of a simulated network, each with a peer manager. */
import { toHex } from "../../protocol/bytes.ts";
import type { ManifestPeer } from "../../protocol/genesis/manifest.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import { loadCrypto } from "../../native/index.ts";
import type { Peer, PeerIdText, Served } from "../ports.ts";
import { noAsnMap } from "./asnMap.ts";
import { PeerManager } from "./manager.ts";
import { MemoryNetwork, memoryKey, seededChance, SimulatedClock } from "./memoryCarrier.fixture.ts";
import type { PeerEvent, PeerSettings } from "./settings.ts";

export interface TestNode {
  readonly number: number;
  readonly address: string;
  readonly manager: PeerManager;
  readonly journal: string[];
  readonly events: PeerEvent[];
  /** Peer ids that the listener was told of and not told the end of. */
  readonly connected: PeerIdText[];
}

export class World {
  readonly clock = new SimulatedClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly crypto = loadCrypto().crypto;
  readonly #addressOf: (number: number) => string;

  /** `addressOf`: IP part of the multiaddr of node `number`; each in its own /16 unless given. */
  constructor(addressOf: (number: number) => string = (number) => `/ip4/5.${number}.0.1`) {
    this.#addressOf = addressOf;
  }

  peerId(number: number): PeerIdText {
    return formatPeerId(peerIdOf(this.crypto, memoryKey(number)));
  }

  multiaddr(number: number): string {
    return `${this.#addressOf(number)}/tcp/8444`;
  }

  manifestOf(...numbers: number[]): ManifestPeer[] {
    return numbers.map((number, index) => ({
      label: `node${number}`,
      multiaddr: this.multiaddr(number),
      peerId: this.peerId(number),
      accountIdHex: "00".repeat(32),
      nodeIdHex: toHex(nodeIdOf(this.crypto, memoryKey(number))),
      isBootstrap: index === 0,
    }));
  }

  make(number: number, settings: Partial<PeerSettings> = {}): TestNode {
    const journal: string[] = [];
    const events: PeerEvent[] = [];
    const manager = new PeerManager({
      crypto: this.crypto,
      publicKey: memoryKey(number),
      openCarrier: this.network.carrierOf(memoryKey(number), this.peerId(number), this.#addressOf(number)),
      clock: this.clock,
      chance: seededChance(number),
      manifest: [],
      listen: this.multiaddr(number),
      allowPrivateAddresses: false,
      asnMap: noAsnMap,
      stateFile: undefined,
      journal: (line) => journal.push(line),
      log: (event) => events.push(event),
      ...settings,
    });
    return { number, address: this.multiaddr(number), manager, journal, events, connected: [] };
  }

  async start(node: TestNode, served: readonly Served<Peer>[] = []): Promise<TestNode> {
    const { connected } = node;
    await node.manager.start(
      {
        connected: ({ peerId }) => connected.push(peerId),
        disconnected: ({ peerId }) => connected.splice(connected.indexOf(peerId), 1),
      },
      served,
    );
    return node;
  }

  /** Stops while the clock runs. */
  async stop(...nodes: TestNode[]): Promise<void> {
    const stopped = Promise.all(nodes.map(({ manager }) => manager.stop()));
    await this.clock.advance(6000);
    await stopped;
  }
}
