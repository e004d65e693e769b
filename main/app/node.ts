/** Node and wallet of a host, put together. */
import { join } from "node:path";

import type { NodeSigner } from "../keystore/signers.ts";
import { startNode, type RunningNode as RuntimeNode } from "../node/runtime/node.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { WalletService } from "../wallet/service.ts";
import { Wallet } from "../wallet/wallet.ts";
import type { NodeContext, RunningNode } from "./host.ts";
import { NetworkService } from "./networkService.ts";
import { openTransport, readAsnMap, type OwnFacts } from "./peers.ts";
import { isWithoutRun, walletChain, walletNode } from "./walletPorts.ts";

/** Throws what stands in the way, with nothing left running. */
export async function startHostNode(context: NodeContext): Promise<RunningNode> {
  const signer = await context.identity.store.openNodeSigner();
  try {
    const running = await startParts(context, signer);
    const stop = (): Promise<void> => running.stop().finally(() => signer.close());
    return { ...running, stop };
  } catch (error) {
    signer.close();
    throw error;
  }
}

async function startParts(context: NodeContext, signer: NodeSigner): Promise<RunningNode> {
  const { crypto, identity, network, logger, stopping, onProgress, timeCpuShare } = context;
  let facts: OwnFacts | undefined;
  const own: OwnFacts = {
    startWindowOf: (nodeId) => facts?.startWindowOf(nodeId),
    windowSeconds: () => facts?.windowSeconds(),
    onSilence: () => facts?.onSilence(),
    status: () => facts?.status() ?? Promise.resolve(undefined),
  };
  const transport = openTransport(context, signer, { own, asnMap: await readAsnMap(context.asnMap) });
  const node = await startNode({
    ...{ crypto, identity: identity.store, network, transport, logger, stopping, onProgress, timeCpuShare },
  });
  try {
    const { accountPublicKey, nodePublicKey } = identity.store.summary;
    const wallet = await Wallet.open({
      ...{ crypto, rules: network.network.rules, networkId: network.genesis.stateHash },
      directory: join(network.directory, "wallet"),
      keys: { accountPublicKey, nodePublicKey },
      signers: () => identity.account,
      ...{ chain: walletChain(node), node: walletNode(node) },
    });
    const { nodeId } = identity.store.summary;
    const looking = new NetworkService({ node, nodeId, network: network.network, published: context.published });
    facts = ownFacts(node, wallet, looking);
    wallet.onNotice(({ code, params }) => node.tell(code, params));
    await wallet.resume();
    const note = (error: unknown): void => {
      // What a stop interrupts, the next start's resume() takes up.
      if (!isWithoutRun(error)) logger.error({ err: error }, "wallet");
    };
    let wasUnlocked = identity.isUnlocked;
    node.onDecided((decided) => {
      // What waits for the passphrase is taken up once it was given.
      const isNewlyUnlocked = identity.isUnlocked && !wasUnlocked;
      wasUnlocked = identity.isUnlocked;
      const taken = isNewlyUnlocked ? wallet.resume() : Promise.resolve();
      taken.then(() => wallet.windowDecided(decided)).catch(note);
    });
    node.onOperation(({ what, operation, window }) => {
      // Of an operation from elsewhere the wallet is told the last decided window.
      const told =
        what === "confirmed"
          ? wallet.operationConfirmed(operation, window)
          : wallet.operationSeen(operation, window - 1n);
      told.catch(note);
    });
    return {
      ...{ node, wallet: new WalletService(wallet, crypto), network: looking },
      countNodes: () => looking.countNodes(),
      stop: () => node.stop(),
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** For `peers.json`; no status before the first window and while no state worker runs. */
function ownFacts(node: RuntimeNode, wallet: Wallet, looking: NetworkService): OwnFacts {
  return {
    startWindowOf: (nodeId) => node.startWindowOf(nodeId),
    windowSeconds: () => node.windowSeconds,
    onSilence: () => looking.tellSilence(),
    async status() {
      try {
        const [{ phase, window, supply }, summary] = await Promise.all([
          node.status(),
          node.state.ask("summary", undefined),
        ]);
        if (window === null || supply === null) return undefined;
        const [{ d }, { total }] = await Promise.all([node.time(), wallet.balance()]);
        return {
          ...{ phase, currentWindow: BigInt(window), d: BigInt(d) },
          ...{ accountTable: summary.accounts, nodeTable: summary.nodes, candidatePool: summary.candidates },
          ...{ balance: total, supply: BigInt(supply) },
        };
      } catch (error) {
        if (error instanceof ProtocolError) return undefined;
        throw error;
      }
    },
  };
}
