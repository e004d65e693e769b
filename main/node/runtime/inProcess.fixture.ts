/** Several nodes in one process: their messages go from one to the other in later turns of the event loop. */
import type { PeerId } from "../../consensus/events.ts";
import type { FetchedWindow } from "../../consensus/material.ts";
import type { Message } from "../../consensus/objects.ts";
import { loadCrypto } from "../../native/index.ts";
import { WindowAssembler } from "../gossip/windowAssembler.ts";
import type { FetchedAnswer, PeerHandler, Transport } from "./transport.ts";

export class InProcessNetwork {
  readonly #up = new Map<PeerId, PeerHandler>();

  transport(name: PeerId): Transport {
    return new InProcessTransport(this, name);
  }

  handler(name: PeerId): PeerHandler | undefined {
    return this.#up.get(name);
  }

  others(name: PeerId): PeerId[] {
    return [...this.#up.keys()].filter((other) => other !== name);
  }

  join(name: PeerId, handler: PeerHandler): void {
    const others = this.others(name);
    this.#up.set(name, handler);
    for (const other of others) {
      this.#up.get(other)!.onConnected(name);
      handler.onConnected(other);
    }
  }

  leave(name: PeerId): void {
    if (!this.#up.delete(name)) return;
    for (const other of this.#up.values()) other.onDisconnected(name);
  }

  deliver(from: PeerId, to: PeerId, message: Message): void {
    const handler = this.#up.get(to);
    setImmediate(() => {
      // Whoever has stopped or started anew meanwhile hears nothing of it.
      if (handler !== undefined && this.#up.get(to) === handler) handler.onMessage(from, message);
    });
  }
}

class InProcessTransport implements Transport {
  readonly isAlone = false;
  readonly #network: InProcessNetwork;
  readonly #name: PeerId;
  #turn = 0;

  constructor(network: InProcessNetwork, name: PeerId) {
    this.#network = network;
    this.#name = name;
  }

  get peers(): readonly PeerId[] {
    return this.#network.others(this.#name);
  }

  start(handler: PeerHandler): Promise<void> {
    this.#network.join(this.#name, handler);
    return Promise.resolve();
  }

  broadcast(message: Message, except?: PeerId): void {
    for (const peer of this.peers) if (peer !== except) this.#network.deliver(this.#name, peer, message);
  }

  send(to: PeerId, messages: readonly Message[]): void {
    for (const message of messages) this.#network.deliver(this.#name, to, message);
  }

  judge(): void {
    // Nobody is punished.
  }

  blame(): void {
    // Nor blamed.
  }

  fetchObjects(hashes: Parameters<Transport["fetchObjects"]>[0]): void {
    const peer = this.#nextPeer();
    if (peer === undefined) return;
    void this.#network
      .handler(peer)!
      .findObjects(hashes)
      .then((found) => {
        for (const message of found) this.#network.deliver(peer, this.#name, message);
      })
      .catch(() => undefined);
  }

  async fetchWindows(first: bigint, count: bigint): Promise<FetchedAnswer | undefined> {
    const from = this.#nextPeer();
    if (from === undefined) return undefined;
    try {
      return { from, windows: await this.#windowsOf(from, first, count) };
    } catch {
      return undefined;
    }
  }

  async #windowsOf(from: PeerId, first: bigint, count: bigint): Promise<readonly FetchedWindow[]> {
    const last = first + count - 1n;
    const assembler = new WindowAssembler(loadCrypto().crypto, first, last);
    for (let cursor = 0; ;) {
      const asked = { first, last, cursor, bytesMax: 100_000 };
      const { objects, more, nextCursor } = await this.#network.handler(from)!.findRange(asked);
      for (const object of objects) assembler.add(object);
      if (!more) return assembler.finish();
      cursor = nextCursor;
    }
  }

  stop(): Promise<void> {
    this.#network.leave(this.#name);
    return Promise.resolve();
  }

  #nextPeer(): PeerId | undefined {
    const { peers } = this;
    return peers[this.#turn++ % Math.max(1, peers.length)];
  }
}
