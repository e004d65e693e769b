/** The network that is joined: made once for each size, and kept in the temporary folder for the next time. */
import { cpSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadCrypto } from "../../../main/native/index.ts";
import { crypto, MadeChain, MadeNetwork, someOperations } from "../../../main/node/sync/madeChain.fixture.ts";
import { STORE_FOLDER } from "../../../main/node/store/backup.ts";
import { SignedLog } from "../../../main/node/store/signedLog.ts";
import { ascii, fromHex, sized, toHex, type Hash32 } from "../../../main/protocol/bytes.ts";
import type { NetworkRules } from "../../../main/protocol/genesis/rules.ts";
import type { Founder } from "../../../main/protocol/genesis/state.ts";
import type { StateRoots } from "../../../main/protocol/state/roots.ts";

export interface Size {
  readonly windows: number;
  readonly accounts: number;
  readonly operationsPerWindow: number;
  readonly tau2Windows: number;
  readonly selectionInterval: number;
}

export const FULL: Size = {
  ...{ windows: 2000, accounts: 100_000, operationsPerWindow: 5, tau2Windows: 500, selectionInterval: 100 },
};
export const SMALL: Size = {
  ...{ windows: 60, accounts: 2000, operationsPerWindow: 5, tau2Windows: 44, selectionInterval: 336 },
};

const SENDERS = 24;
/** Raised when what is made changes. */
const VERSION = 3;

const paramsOf = ({ tau2Windows, selectionInterval }: Size) => ({
  ...{ d0: 200n, tau2Windows: BigInt(tau2Windows), selectionInterval: BigInt(selectionInterval) },
});

/** What a process of the network knows of it. */
export interface Knowledge {
  readonly rules: NetworkRules;
  readonly networkId: Hash32;
  readonly roots: StateRoots;
  readonly otherFounders: readonly Founder[];
}

interface Kept {
  readonly networkId: string;
  readonly roots: Readonly<Record<keyof StateRoots, string>>;
  readonly operations: number;
  readonly stateRoot: string;
  readonly snapshotBytes: Readonly<Record<string, number>>;
  readonly catchUpBytes: Readonly<Record<string, number>>;
}

export class JoinedNetwork {
  readonly size: Size;
  readonly folder: string;
  readonly kept: Kept;

  /** Makes it where it is not there yet. */
  static async make(size: Size, say: (line: string) => void): Promise<JoinedNetwork> {
    const name = toHex(loadCrypto().crypto.sha256(ascii(JSON.stringify({ size, VERSION })))).slice(0, 12);
    const folder = join(tmpdir(), `montana-join-${name}`);
    if (!existsSync(folder)) await build(size, folder, say);
    return new JoinedNetwork(size, folder);
  }

  constructor(size: Size, folder: string) {
    this.size = size;
    this.folder = folder;
    this.kept = JSON.parse(readFileSync(join(folder, "kept.json"), "utf8")) as Kept;
  }

  /** Without the accounts: they would take more memory than the node itself. */
  get knowledge(): Knowledge {
    const { rules, otherFounders } = new MadeNetwork({
      ...{ accounts: 0, senders: 0, candidates: 0, params: paramsOf(this.size) },
    });
    const { networkId, roots } = this.kept;
    const hashOf = (text: string): Hash32 => sized(fromHex(text)!, 32);
    return {
      ...{ rules, otherFounders, networkId: hashOf(networkId) },
      roots: {
        accountRoot: hashOf(roots.accountRoot),
        nodeRoot: hashOf(roots.nodeRoot),
        candidateRoot: hashOf(roots.candidateRoot),
        stateRoot: hashOf(roots.stateRoot),
      },
    };
  }

  /** A node's folder with the whole chain, and a log that knows that it is decided. */
  async copyTo(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true });
    cpSync(join(this.folder, STORE_FOLDER), join(directory, STORE_FOLDER), {
      ...{ recursive: true, mode: constants.COPYFILE_FICLONE },
    });
    const log = await SignedLog.open(directory, this.knowledge.networkId);
    await log.decided(BigInt(this.size.windows));
    await log.compact();
    await log.close();
  }
}

async function build(size: Size, folder: string, say: (line: string) => void): Promise<void> {
  const { windows, accounts, operationsPerWindow } = size;
  const startedMs = performance.now();
  const making = `${folder}.new`;
  rmSync(making, { recursive: true, force: true });
  const network = new MadeNetwork({ accounts, senders: SENDERS, candidates: 40, params: paramsOf(size) });
  network.createStore(making);
  const chain = new MadeChain(network);
  await chain.open(making);
  const operationsOf = someOperations(chain, operationsPerWindow);
  const step = Math.ceil(windows / 20);
  for (let height = step; ; height += step) {
    await chain.decideUpTo(BigInt(Math.min(height, windows)), operationsOf);
    say(`made ${chain.height} of ${windows} windows, ${Math.round((performance.now() - startedMs) / 1000)} s`);
    if (height >= windows) break;
  }
  const { roots } = await chain.ask("summary", undefined);
  const snapshotBytes: Record<string, number> = {};
  const catchUpBytes: Record<string, number> = {};
  for (const anchor of chain.servedAnchors()) {
    snapshotBytes[String(anchor)] = await chain.snapshotBytes(anchor);
    catchUpBytes[String(anchor)] = await chain.rangeBytes(anchor + 1n);
  }
  const kept: Kept = {
    networkId: toHex(network.networkId),
    roots: hexOf(network.roots),
    operations: chain.operations,
    stateRoot: toHex(roots.stateRoot),
    ...{ snapshotBytes, catchUpBytes },
  };
  writeFileSync(join(making, "kept.json"), JSON.stringify(kept));
  await chain.ask("close", undefined);
  renameSync(making, folder);
}

function hexOf({ accountRoot, nodeRoot, candidateRoot, stateRoot }: StateRoots): Kept["roots"] {
  return {
    ...{ accountRoot: toHex(accountRoot), nodeRoot: toHex(nodeRoot) },
    ...{ candidateRoot: toHex(candidateRoot), stateRoot: toHex(stateRoot) },
  };
}

export { crypto };
