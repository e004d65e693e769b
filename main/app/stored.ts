/**
 * The data of a stopped host, held and read for one command. It answers the same calls as a host, by the same router, within
 * this process: what only a running host can do is refused by name.
 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { Client } from "../api/client.ts";
import { apiError } from "../api/errors.ts";
import { EventRing } from "../api/events.ts";
import type { Context } from "../api/router.ts";
import { NO_NODE, type NodeService, type Services } from "../api/services.ts";
import { Tasks } from "../api/tasks.ts";
import { keystoreContext } from "../keystore/context.ts";
import { inspectIdentity } from "../keystore/identityStore.ts";
import { loadCrypto, type Native } from "../native/index.ts";
import { openNetwork, type OpenedNetwork } from "../node/network/openNetwork.ts";
import { backUpStored, checkStored } from "../node/runtime/storeTasks.ts";
import { StateClient } from "../node/state/client.ts";
import { STORE_FOLDER } from "../node/store/backup.ts";
import type { Progress } from "../node/store/tables.ts";
import { toHex } from "../protocol/bytes.ts";
import { supplyAt } from "../protocol/state/supply.ts";
import type { PersonKeys } from "../wallet/ports.ts";
import { WalletService } from "../wallet/service.ts";
import { Wallet } from "../wallet/wallet.ts";
import { claimForCommand } from "./attach.ts";
import type { DataDirectory } from "./dataDirectory.ts";
import { localClient } from "./localClient.ts";
import { VERSION } from "./version.ts";
import { walletChain } from "./walletPorts.ts";

export interface StoredData {
  readonly client: Client;
  /** Whose data these are, and up to which window; undefined before the first. */
  readonly network: string;
  readonly window: bigint | undefined;
  /** Releases the data directory. */
  close(): Promise<void>;
}

export interface StoredOptions {
  readonly directory: DataDirectory;
  /** Left out where the directory holds one network only. */
  readonly network: string | undefined;
  readonly onProgress: (progress: Progress) => void;
  /** Gets what nobody can be told. */
  readonly onDefect: (error: unknown) => void;
}

/**
 * Throws `ProtocolError` "nothing-stored", "networks-stored" where it must be said which, "host-running", what opening
 * network and store throws, and "identity-missing".
 */
export async function openStored({
  directory,
  network: asked,
  onProgress,
  onDefect,
}: StoredOptions): Promise<StoredData> {
  const name = await findStored(directory, asked);
  const ends: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
  };
  try {
    const claimed = await claimForCommand(directory);
    ends.push(() => claimed.release());
    const { crypto } = loadCrypto();
    const { accountPublicKey, nodePublicKey } = await inspectIdentity(
      keystoreContext({ directory: directory.identity, crypto }),
    );
    const network = await openNetwork({
      ...{ crypto, asked: name, networksDirectory: directory.networks },
      self: { accountPubkey: accountPublicKey, nodePubkey: nodePublicKey },
    });
    const state = new StateClient({ onFailure: () => undefined });
    ends.push(() => state.close().catch(() => undefined));
    const { rules, otherFounders: founders } = network.network;
    const networkId = network.genesis.stateHash;
    const where = { directory: network.directory, rules, networkId, founders };
    const { height } = await state.ask("open", { ...where, whenMissing: "must-exist" }, { onProgress });
    const keys = { accountPublicKey, nodePublicKey };
    const wallet = await openWallet(crypto, network, state, keys);
    const stopping = new AbortController();
    ends.push(() => stopping.abort());
    const node = storedNode(state, network);
    const client = localClient(contextOf({ node, wallet }, network, stopping.signal, onDefect), onDefect);
    return { client, network: network.network.name, window: height === 0n ? undefined : height - 1n, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function findStored({ root, networks }: DataDirectory, asked: string | undefined): Promise<string> {
  const names = await readdir(networks).catch(() => []);
  const stored = names.filter((name) => existsSync(join(networks, name, STORE_FOLDER)));
  if (asked !== undefined ? !stored.includes(asked) : stored.length === 0) {
    throw apiError("nothing-stored", { directory: root, network: asked ?? "any network" });
  }
  const [only = ""] = stored;
  if (asked === undefined && stored.length > 1) throw apiError("networks-stored", { networks: stored.join(", ") });
  return asked ?? only;
}

async function openWallet(
  crypto: Native,
  { network, genesis, directory }: OpenedNetwork,
  state: StateClient,
  keys: PersonKeys,
): Promise<WalletService> {
  const wallet = await Wallet.open({
    ...{ crypto, rules: network.rules, networkId: genesis.stateHash, directory: join(directory, "wallet"), keys },
    signers: () => undefined,
    chain: walletChain({ state }),
    node: { submit: () => Promise.resolve({ verdict: "unavailable" }) },
  });
  return new WalletService(wallet, crypto);
}

/** What can be said and done without a node. */
function storedNode(state: StateClient, { network, directory }: OpenedNetwork): NodeService {
  const refuse = (): Promise<never> => Promise.reject(apiError("host-not-running", { directory }));
  return {
    async status() {
      const { height, roots } = await state.ask("summary", undefined);
      const window = height === 0n ? undefined : height - 1n;
      return {
        ...NO_NODE,
        window: window === undefined ? null : Number(window),
        stateRoot: toHex(roots.stateRoot),
        supply: window === undefined ? null : supplyAt(network.rules.params.emissionMoneta, window).toString(),
      };
    },
    ...{
      time: refuse,
      join: refuse,
      leave: refuse,
      pause: refuse,
      resume: refuse,
      settings: refuse,
      setSettings: refuse,
    },
    check: (task) => checkStored(state, task, () => undefined),
    backup: (target, task) => backUpStored(state, target, task),
    onChange: () => () => undefined,
  };
}

function contextOf(
  services: Services,
  { network }: OpenedNetwork,
  stopping: AbortSignal,
  onDefect: StoredOptions["onDefect"],
): Context {
  const events = new EventRing();
  const tasks = new Tasks((task) => events.publish({ kind: "task", payload: task }), onDefect);
  const host = {
    ...{ version: VERSION, pid: process.pid, startedAtMs: Date.now() },
    network: { network: network.name, profile: network.rules.profile },
    requestStop: () => undefined,
    metrics: () => Promise.resolve(""),
  };
  return { host, services: () => services, events, tasks, streams: { open: 0 }, stopping };
}
