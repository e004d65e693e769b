import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { WindowAssembler } from "../gossip/windowAssembler.ts";
import type { FetchedWindow } from "../../consensus/material.ts";
import { StateService } from "../state/service.ts";
import type { StateClient } from "../state/client.ts";
import { anchorInterval } from "./anchors.ts";
import { crypto, MadeChain, MadeNetwork, someOperations } from "./madeChain.fixture.ts";
import { MemoryNetwork, MemoryPeer, type Behaviour } from "./memoryPeers.fixture.ts";
import { syncState, type SyncOptions, type SyncOutcome } from "./syncState.ts";

const WINDOWS = 60n;
const BEHIND_MAX = 20n;
const folder = mkdtempSync(join(tmpdir(), "montana-sync-"));
const network = new MadeNetwork({
  ...{ accounts: 2000, senders: 12, candidates: 58 },
  params: { tau2Windows: 44n, candidateExpiryWindows: 3000n },
});
const chain = new MadeChain(network);
/** Latest first. */
const ANCHORS = [55n, 44n];

beforeAll(async () => {
  network.createStore(join(folder, "server"));
  await chain.open(join(folder, "server"));
  await chain.decideUpTo(WINDOWS, someOperations(chain, 3));
}, 120_000);
afterAll(() => {
  chain.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A joiner with a folder of its own. */
class Joiner {
  readonly directory = mkdtempSync(join(folder, "joiner-"));
  readonly network: MemoryNetwork;
  service = new StateService(crypto);
  readonly progress: string[] = [];
  onProgress: (step: string, done: number) => void = () => undefined;

  constructor(...behaviours: Behaviour[]) {
    this.network = new MemoryNetwork(behaviours.map((behaviour, i) => new MemoryPeer(`peer-${i}`, chain, behaviour)));
  }

  join(options: Partial<SyncOptions> = {}): Promise<SyncOutcome> {
    const { service } = this;
    const signal = options.signal ?? new AbortController().signal;
    const ask = ((name: keyof StateService["handlers"], input: never, { signal: own }: { signal?: AbortSignal } = {}) =>
      Promise.resolve().then(() =>
        service.handlers[name](input, { onProgress: () => undefined, signal: own ?? signal }),
      )) as StateClient["ask"];
    return syncState({
      ...{ crypto, network: this.network, state: { ask }, height: 0n, behindMax: BEHIND_MAX },
      open: { ...network.openOptions(this.directory), genesisStateRoot: network.roots.stateRoot },
      onProgress: ({ step, done }) => {
        if (this.progress.at(-1) !== step) this.progress.push(step);
        this.onProgress(step, done);
      },
      signal,
      ...options,
    });
  }

  /** As a crash does it: nothing is closed, what is on the disk stays. */
  crash(): void {
    this.service = new StateService(crypto);
  }

  /** Opens what was joined, and decides what the others have decided since; gives the last state root. */
  async catchUp(): Promise<Uint8Array> {
    const stranger = crypto.mldsa65.generate(crypto.sha256(new TextEncoder().encode("stranger")));
    const follower = new MadeChain(network, [stranger]);
    onTestFinished(() => follower.close());
    await follower.open(this.directory);
    await follower.follow(await decidedFrom(follower.height));
    expect(follower.height).toBe(WINDOWS);
    const { problems } = await follower.ask("check", undefined);
    expect(problems).toEqual([]);
    return (await follower.ask("summary", undefined)).roots.stateRoot;
  }
}

async function decidedFrom(first: bigint): Promise<readonly FetchedWindow[]> {
  const last = WINDOWS - 1n;
  const assembler = new WindowAssembler(crypto, first, last);
  for (let cursor = 0; ;) {
    const page = await chain.ask("range", { first, last, cursor, bytesMax: 1 << 20 });
    for (const message of page.objects) assembler.add(message);
    if (!page.more) return assembler.finish();
    cursor = page.nextCursor;
  }
}

const stateRoot = async () => (await chain.ask("summary", undefined)).roots.stateRoot;
const snapshotBytes = async (anchor: bigint): Promise<number> => {
  const { totalChunks } = await chain.ask("holdSnapshot", anchor);
  let bytes = 0;
  for (let index = 0; index < totalChunks; index++) {
    bytes += (await chain.ask("snapshotChunk", { window: anchor, index }))!.length;
  }
  return bytes;
};

const isAccounts = (resumeOffset: bigint): boolean => resumeOffset >> 62n === 1n;
const flipped = (payload: Uint8Array, at: number): Uint8Array => payload.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe("a newcomer", () => {
  test("joins from three peers, one of which lies about accounts, and names it", async () => {
    expect(anchorInterval(network.rules.params)).toBe(11n);
    const joiner = new Joiner(
      {},
      {
        tamper: (reply, { resumeOffset }) =>
          isAccounts(resumeOffset) ? { ...reply, payload: flipped(reply.payload, 13 + 40) } : reply,
      },
      {},
    );
    const { anchor, faults, bytesReceived } = await joiner.join();
    expect(anchor).toBe(ANCHORS[0]);
    expect(faults).toEqual([{ peerId: "peer-1", fault: "subtree-root-mismatch" }]);
    expect(joiner.network.penalised()).toEqual(["peer-1"]);
    expect(existsSync(join(joiner.directory, "sync"))).toBe(false);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
    // The tip and its surroundings weigh more here than in a state of any size.
    expect(bytesReceived).toBeLessThan(1.7 * (await snapshotBytes(anchor!)));
  });

  test("that was killed goes on with what it had verified", async () => {
    const joiner = new Joiner({}, {});
    const before = () => joiner.network.peers.reduce((sum, { requests }) => sum + requests, 0);
    const stop = new AbortController();
    joiner.onProgress = (step, done) => {
      if (step === "accounts" && done >= 4) stop.abort();
    };
    await expect(joiner.join({ signal: stop.signal })).rejects.toMatchObject({ code: "cancelled" });
    const first = before();
    joiner.crash();
    joiner.onProgress = () => undefined;
    joiner.progress.length = 0;
    expect((await joiner.join()).anchor).toBe(ANCHORS[0]);
    expect(joiner.progress).not.toContain("manifest");
    // 8 prefixes, of which the probe brought two.
    expect(before() - first).toBeLessThanOrEqual(6);
    expect(await joiner.catchUp()).toEqual(await stateRoot());
  });
});
