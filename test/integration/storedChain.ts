/** What the store of a stopped node holds. */
import { join } from "node:path";

import { locateData } from "../../main/app/dataDirectory.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { genesisOf } from "../../main/node/network/genesis.ts";
import type { Network } from "../../main/node/network/networkFile.ts";
import { StateClient } from "../../main/node/state/client.ts";
import { toHex } from "../../main/protocol/bytes.ts";
import { proposalHeader } from "../../main/protocol/objects/consensus.ts";

const HEADERS_PER_REQUEST = 1000;

/** `data`: the node's data directory. */
export async function withStore<T>(
  data: string,
  network: Network,
  read: (client: StateClient) => Promise<T>,
): Promise<T> {
  const client = new StateClient({ onFailure: () => undefined });
  try {
    await client.ask("open", {
      directory: join(locateData(data).networks, network.name),
      ...{ rules: network.rules, founders: network.otherFounders },
      networkId: network.stateHash ?? genesisOf(loadCrypto().crypto, network).stateHash,
      whenMissing: "must-exist",
    });
    return await read(client);
  } finally {
    await client.close();
  }
}

/** Every decided window's state root, from window 0 on. */
export function storedRoots(data: string, network: Network): Promise<string[]> {
  return withStore(data, network, async (client) => {
    const roots: string[] = [];
    for (;;) {
      const page = await client.ask("headers", { first: BigInt(roots.length), count: HEADERS_PER_REQUEST });
      if (page.length === 0) return roots;
      roots.push(...page.map((bytes) => toHex(proposalHeader.decode(bytes).stateRoot)));
    }
  });
}
