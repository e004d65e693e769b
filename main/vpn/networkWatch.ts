/** Notices that the machine slept or changed networks, by looking once in a while: the same on every system. */
import { networkInterfaces } from "node:os";

/** Wall-clock milliseconds between two looks beyond what was asked for: asleep, or as good as. */
const ASLEEP_MS = 10_000;

/** Addresses of this machine that others could reach it at, in one text; empty without a network. */
export function networkFingerprint(interfaces = networkInterfaces()): string {
  return Object.entries(interfaces)
    .flatMap(([name, addresses = []]) => addresses.map((address) => ({ name, ...address })))
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ name, address }) => `${name} ${address}`)
    .sort()
    .join("\n");
}

export class NetworkWatch {
  #lookedMs: number;
  #network: string;

  constructor(unixMs: number, network: string) {
    this.#lookedMs = unixMs;
    this.#network = network;
  }

  /** What has happened since the last look, which was to be `periodMs` ago. */
  look(unixMs: number, network: string, periodMs: number): "resumed" | "network-changed" | undefined {
    const slept = unixMs - this.#lookedMs > periodMs + ASLEEP_MS;
    const changed = network !== this.#network;
    this.#lookedMs = unixMs;
    this.#network = network;
    if (slept) return "resumed";
    return changed ? "network-changed" : undefined;
  }
}
