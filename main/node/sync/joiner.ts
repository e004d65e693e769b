/**
 * Joining as a part of a running node: notices that the others are too far ahead to be followed window by window, and takes a
 * snapshot with the window machine at rest.
 */
import { setTimeout as sleep } from "node:timers/promises";

import type { Native } from "../../native/interface.ts";
import type { Hash32 } from "../../protocol/bytes.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { PeerHandler, Transport } from "../runtime/transport.ts";
import { StateClient } from "../state/client.ts";
import type { OpenOptions } from "../state/requests.ts";
import type { Progress } from "../store/tables.ts";
import type { PeerFault, SyncNetwork } from "./peerPool.ts";
import { removeStaging } from "./staging.ts";
import { SyncPeer } from "./syncPeer.ts";
import { CATCH_UP_WINDOWS_MAX, syncState, type SyncOutcome } from "./syncState.ts";
import { findTip } from "./tip.ts";

/** More than half of those who are asked must be ahead: one alone does not stop a node. */
const PEERS_ASKED_MAX = 5;
/** For others to come after the first one. */
const GATHER_MS = 1000;
const POLL_MS = 200;

export interface JoinerParts {
  readonly crypto: Native;
  readonly transport: Transport;
  readonly open: OpenOptions;
  readonly genesisStateRoot: Hash32;
  /** Who is at most so many windows behind catches up window by window. */
  readonly behindMax?: bigint;
  readonly addonPath?: string;
  readonly onProgress: (progress: Progress) => void;
  readonly onFault: (fault: PeerFault) => void;
}

/** The last window that the others have decided, if that is too far ahead of `height`; waits for
 * peers. `hint` gives a window that somebody has shown to be open. Rejects: `cancelled`. */
export async function findFarTip(
  { crypto, transport: { joining }, open, behindMax = CATCH_UP_WINDOWS_MAX }: JoinerParts,
  height: bigint,
  hint: () => bigint | undefined,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  if (joining === undefined || open.rules.profile === "rc1") return undefined;
  while (joining.peers.length === 0) await pause(POLL_MS, signal);
  for (const endMs = performance.now() + GATHER_MS; performance.now() < endMs;) {
    if (joining.peers.length >= PEERS_ASKED_MAX) break;
    await pause(POLL_MS, signal);
  }
  const { tau2Windows } = open.rules.params;
  const tips: bigint[] = [];
  for (const connection of joining.peers.slice(0, PEERS_ASKED_MAX)) {
    const peer = new SyncPeer(crypto, connection);
    const search = { height, hint: hint() ?? tips[0], tau2Windows };
    const tip = await findTip(search, (window) => peer.serves(window, signal)).catch((error: unknown) => {
      if (error instanceof ProtocolError && !signal.aborted) return undefined;
      throw error;
    });
    if (tip !== undefined) tips.push(tip);
  }
  tips.sort((a, b) => (a < b ? -1 : 1));
  const tip = tips[(tips.length - 1) >> 1];
  if (tip !== undefined && tip + 1n - height > behindMax) return tip;
  if (tip !== undefined) removeStaging(open.directory);
  return undefined;
}

/** Takes the snapshot; the run that used transport and store has ended. Rejects as {@link syncState} does. */
export async function join(parts: JoinerParts, hint: bigint | undefined, signal: AbortSignal): Promise<SyncOutcome> {
  const { crypto, transport, open, genesisStateRoot, behindMax, addonPath, onProgress, onFault } = parts;
  const failed = new AbortController();
  const client = new StateClient({
    ...(addonPath === undefined ? {} : { addonPath }),
    onFailure: (error) => failed.abort(error),
  });
  try {
    const height = await heightOf(client, open);
    await transport.start(new AtRest(height));
    const network: SyncNetwork | undefined = transport.joining;
    if (network === undefined) throw new ProtocolError("cancelled");
    return await syncState({
      ...{ crypto, network, state: client, height, onProgress, onFault },
      open: { ...open, genesisStateRoot },
      ...(hint !== undefined && { hint }),
      ...(behindMax !== undefined && { behindMax }),
      signal: AbortSignal.any([signal, failed.signal]),
    });
  } finally {
    await transport.stop();
    await client.close().catch(() => undefined);
  }
}

/** 0 where there is no store yet. */
async function heightOf(client: StateClient, open: OpenOptions): Promise<bigint> {
  try {
    return (await client.ask("open", { ...open, whenMissing: "must-exist" })).height;
  } catch (error) {
    if (error instanceof ProtocolError && (error as ProtocolError).code === "store-missing") return 0n;
    throw error;
  }
}

/** What peers get from a node that has nothing to say yet. */
class AtRest implements PeerHandler {
  readonly position: PeerHandler["position"];

  constructor(height: bigint) {
    this.position = { window: height, round: 0 };
  }

  onMessage(): void {
    // It will fetch what it misses.
  }

  onConnected(): void {
    // The joiner looks for itself who is there.
  }

  onDisconnected(): void {
    // As above.
  }

  findObjects(): ReturnType<PeerHandler["findObjects"]> {
    return Promise.resolve([]);
  }

  findRange(): ReturnType<PeerHandler["findRange"]> {
    return Promise.resolve({ objects: [], nextCursor: 0, more: false });
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) throw new ProtocolError("cancelled");
}
