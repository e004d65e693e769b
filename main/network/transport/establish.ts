/** Runs the upgrade on a socket, within its time, and makes a connection of it. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { equalBytes } from "../../protocol/bytes.ts";
import type { PublicKey } from "../../protocol/crypto.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { formatPeerId, peerIdOf } from "../../protocol/identity/peerId.ts";
import type { Native } from "../../native/interface.ts";
import type { PeerIdText, Served, TransportIdentity } from "../ports.ts";
import { SocketConnection, type ConnectionEvents } from "./connection.ts";
import { UPGRADE_TIMEOUT_MS } from "./limits.ts";
import { Upgrade, type Upgraded } from "./upgrade.ts";

/** What dialing and listening have in common. */
export interface TransportOptions {
  readonly crypto: Native;
  readonly identity: TransportIdentity;
  readonly served: readonly Served[];
  readonly events?: ConnectionEvents;
  /** 10 s unless given. */
  readonly upgradeTimeoutMs?: number;
  /** 60 s unless given. */
  readonly idleTimeoutMs?: number;
}

/**
 * `established` is called as soon as there is a connection, before anything on it is served. Rejects with `ProtocolError`
 * and destroys the socket: "upgrade-timeout", "wrong-peer", "upgrade-aborted", "connection-lost", or what went wrong in
 * negotiation, handshake or encryption.
 */
export function establish(
  socket: Socket,
  isDialer: boolean,
  remote: string,
  options: TransportOptions & {
    readonly expectedPeer?: PeerIdText | undefined;
    readonly signal?: AbortSignal | undefined;
  },
  established: (connection: SocketConnection) => void,
): Promise<void> {
  const { crypto, identity, upgradeTimeoutMs = UPGRADE_TIMEOUT_MS, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const upgrade = new Upgrade(isDialer, {
    crypto,
    identity,
    randomness: { ephemeralSeed: randomBytes(64), encapsulation: randomBytes(32) },
    check: (publicKey) => checkPeer(crypto, identity, publicKey, options.expectedPeer),
    send: (bytes) => socket.write(bytes),
  });

  const detach = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    socket.off("data", receive).off("end", end).off("error", lose).off("close", end);
  };
  const fail = (error: ProtocolError): void => {
    detach();
    upgrade.abort();
    // A late error must not be without a listener.
    socket.on("error", () => undefined).destroy();
    reject(error);
  };
  const finish = (upgraded: Upgraded): void => {
    const connection = new SocketConnection({
      socket,
      isDialer,
      peerId: formatPeerId(peerIdOf(crypto, upgraded.publicKey)),
      remote,
      upgraded,
      rest: upgrade.rest,
      served: options.served,
      events: options.events ?? {},
      idleTimeoutMs: options.idleTimeoutMs,
    });
    detach();
    established(connection);
    resolve(undefined);
    // The dialer's promise is heard in between.
    setImmediate(() => connection.start());
  };
  const receive = (bytes: Uint8Array): void => {
    try {
      const upgraded = upgrade.receive(bytes);
      if (upgraded !== undefined) finish(upgraded);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      fail(error as ProtocolError);
    }
  };
  const end = (): void => fail(upgrade.end());
  const lose = (error: NodeJS.ErrnoException): void =>
    fail(new ProtocolError("connection-lost", { reason: error.code ?? error.message }));
  const abort = (): void => fail(new ProtocolError("upgrade-aborted"));
  const timer = setTimeout(() => fail(new ProtocolError("upgrade-timeout")), upgradeTimeoutMs);

  signal?.addEventListener("abort", abort);
  socket.setNoDelay(true);
  socket.on("data", receive).on("end", end).on("error", lose).on("close", end);
  if (signal?.aborted) abort();
  else receive(new Uint8Array(0));
  return promise;
}

function checkPeer(
  crypto: Native,
  identity: TransportIdentity,
  publicKey: PublicKey,
  expected: PeerIdText | undefined,
): void {
  if (equalBytes(publicKey, identity.publicKey)) throw new ProtocolError("wrong-peer", { reason: "own-key" });
  const peerId = formatPeerId(peerIdOf(crypto, publicKey));
  if (expected !== undefined && peerId !== expected)
    throw new ProtocolError("wrong-peer", { reason: "other-peer", peerId });
}
