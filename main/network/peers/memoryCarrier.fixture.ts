/** A network in memory, on a simulated clock: connections deliver requests to what the other end serves. */
import { sized } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Connection, PeerIdText, ProtocolName, RequestFailure, RequestOptions, Served } from "../ports.ts";
import type { Carrier, CarrierHooks, OpenCarrier } from "./carrier.ts";
import type { Chance, Clock } from "./clock.ts";

/** Runs what is due, in order, and lets promises settle between. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  #nextId = 0;
  readonly #startUnixMs: number;
  readonly #timers = new Map<number, { readonly atMs: number; readonly run: () => void }>();

  constructor(startUnixMs = Date.UTC(2026, 0, 1)) {
    this.#startUnixMs = startUnixMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return this.#startUnixMs + this.#nowMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  after(delayMs: number, run: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, run });
    return () => this.#timers.delete(id);
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      let next: [number, { readonly atMs: number; readonly run: () => void }] | undefined;
      for (const timer of this.#timers) if (next === undefined || timer[1].atMs < next[1].atMs) next = timer;
      if (next === undefined || next[1].atMs > untilMs) break;
      this.#timers.delete(next[0]);
      this.#nowMs = Math.max(this.#nowMs, next[1].atMs);
      next[1].run();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Enough turns for every chain of promises here, none of which waits for anything but its own. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

/** Reproducible chance; `seed` is any whole number. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
    below: (below) => Math.floor(next() * below),
  };
}

/** Not a real key: the peer manager only hashes it. */
export function memoryKey(number: number): PublicKey {
  const key = new Uint8Array(1952);
  new DataView(key.buffer).setUint32(0, number + 1);
  return sized(key, 1952);
}

interface Host {
  readonly publicKey: PublicKey;
  readonly peerId: PeerIdText;
  readonly hooks: CarrierHooks;
}

export class MemoryNetwork {
  readonly #clock: SimulatedClock;
  readonly #listening = new Map<string, Host>();
  readonly #dead = new Set<PeerIdText>();
  readonly connections = new Set<MemoryConnection>();
  /** Multiaddr → what a dial of it ends with. */
  readonly broken = new Set<string>();
  dials = 0;
  #nextPort = 50_000;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** `ownAddress` is where dials come from, without a port. */
  carrierOf(publicKey: PublicKey, peerId: PeerIdText, ownAddress: string): OpenCarrier {
    return (hooks) => {
      const host: Host = { publicKey, peerId, hooks };
      const carrier: Carrier = {
        listen: (multiaddr) => {
          this.#listening.set(multiaddr, host);
          return Promise.resolve(multiaddr);
        },
        dial: (multiaddr, expected, signal) => this.#dial(host, ownAddress, multiaddr, expected, signal),
        close: () => {
          for (const [address, listening] of this.#listening) if (listening === host) this.#listening.delete(address);
          for (const connection of this.connections) if (connection.owner === host) connection.close("carrier closed");
          return Promise.resolve();
        },
      };
      return carrier;
    };
  }

  /** As a process that is killed: nothing is said, the other ends notice. */
  kill(peerId: PeerIdText): void {
    this.#dead.add(peerId);
    for (const [address, listening] of this.#listening)
      if (listening.peerId === peerId) this.#listening.delete(address);
    for (const connection of [...this.connections]) if (connection.owner.peerId === peerId) connection.close("killed");
  }

  async #dial(
    host: Host,
    from: string,
    multiaddr: string,
    expected: PeerIdText | undefined,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (this.#dead.has(host.peerId)) throw new ProtocolError("connect-failed");
    this.dials++;
    await Promise.resolve();
    const other = this.#listening.get(multiaddr);
    if (other === undefined || this.broken.has(multiaddr)) throw new ProtocolError("connect-failed");
    if (signal.aborted) throw new ProtocolError("upgrade-aborted");
    if (expected !== undefined && expected !== other.peerId) throw new ProtocolError("wrong-peer");
    const remote = `${from}/tcp/${this.#nextPort++}`;
    if (!other.hooks.admits(remote)) throw new ProtocolError("connection-lost");
    const own = new MemoryConnection(this, host, other, multiaddr, true);
    const far = new MemoryConnection(this, other, host, remote, false);
    own.join(far);
    far.join(own);
    other.hooks.accepted(far);
    return own;
  }

  get clock(): SimulatedClock {
    return this.#clock;
  }
}

export class MemoryConnection implements Connection {
  readonly owner: Host;
  readonly peerId: PeerIdText;
  readonly publicKey: PublicKey;
  readonly isDialer: boolean;
  readonly remote: string;
  readonly closed: Promise<string>;
  /** Requests of this side come to nothing, as over a link that swallows everything. */
  isMute = false;
  readonly #network: MemoryNetwork;
  #other: MemoryConnection | undefined;
  #end: ((cause: string) => void) | undefined;

  constructor(network: MemoryNetwork, owner: Host, far: Host, remote: string, isDialer: boolean) {
    this.#network = network;
    this.owner = owner;
    this.peerId = far.peerId;
    this.publicKey = far.publicKey;
    this.remote = remote;
    this.isDialer = isDialer;
    this.closed = new Promise((resolve) => (this.#end = resolve));
    network.connections.add(this);
  }

  join(other: MemoryConnection): void {
    this.#other = other;
  }

  async request(protocol: ProtocolName, request: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const far = this.#other;
    if (this.#end === undefined || far === undefined) throw failure("connection-closed");
    const served = far.owner.hooks.served.find((handler: Served) => handler.protocol === protocol);
    if (served === undefined) throw failure("protocol-not-served");
    const { clock } = this.#network;
    const timedOut = new Promise<never>((_, reject) => {
      const cancel = clock.after(options.timeoutMs ?? 10_000, () => reject(failure("request-timeout")));
      void this.closed.then(() => {
        cancel();
        reject(failure("connection-closed"));
      });
    });
    timedOut.catch(() => undefined);
    // The other end's owner hears of the connection before it serves anything.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    const answer = this.isMute ? new Promise<never>(() => undefined) : served.serve(far, request);
    const reply = await Promise.race([answer, timedOut]);
    if (reply === undefined) throw failure("stream-reset");
    return reply;
  }

  close(cause: string): void {
    if (this.#end === undefined) return;
    const end = this.#end;
    this.#end = undefined;
    this.#network.connections.delete(this);
    end(cause);
    this.#other?.close("closed by the other end");
  }
}

function failure(code: RequestFailure): ProtocolError<RequestFailure> {
  return new ProtocolError<RequestFailure>(code);
}
