/** The fixtures' networks as their nodes' own words: what `status` prints, and what stands in the journals. */
import { readFixture } from "../../cities/cities.fixture.ts";
import { decodeExplorer, type Explorer } from "../../cities/explorer.ts";
import { isoTime } from "../../cities/time.ts";
import { fixtureFetcher } from "../aggregator/aggregator.fixture.ts";
import type { Answer, Fetcher } from "../aggregator/fetcher.ts";

export const readExplorerFixture = (network: string): Explorer =>
  decodeExplorer(readFixture(`${network}/explorer-data.json`));

export function explorerFetcher(network: string): Fetcher {
  const data = readExplorerFixture(network);
  return fixtureFetcher(network, (node, file): Answer | undefined => {
    const row = data.nodes.find(({ host }) => host === node)!;
    if (file === "my-vpn" || file === "peers") return undefined;
    if (row.status === "unreachable") return { kind: "failed", reason: "unreachable" };
    if (row.status === "no_data") return { kind: "missing" };
    return { kind: "body", body: file === "status" ? statusText(row) : journalText(data, node) };
  });
}

const statusText = (row: Explorer["nodes"][number]): string =>
  `=== montana-node status ===

data-dir              : /var/lib/montana
current_window        : ${row.current_window!}
phase                 : ${row.phase!}
D (current)           : ${row.D!}

--- ваша identity ---
account_id            : ${row.account_id!}
node_id               : ${row.node_id!}

--- размеры таблиц локального state ---
AccountTable          : ${row.account_table!} записей
NodeTable             : ${row.node_table!} записей (активные узлы)

--- ваш статус ---
balance               : ${String(row.balance_nj!)} nɈ
supply (closed-form)  : ${String(row.supply_nj!)} nɈ (Ɉ) = emission × (W+1)
`;

/** What witnesses tell of outsiders, with addresses, as real journals do; and of a peer of the manifest. */
function journalText({ discovered_peers: peers, updated_unix: nowUnix }: Explorer, node: string): string {
  const line = (ageSeconds: number, text: string): string =>
    `${isoTime(nowUnix - ageSeconds)} ${node} montana-node[812]: [network] ${text}\n`;
  const own = "QmY37L8g1StPwmphJ9kkZRZHVyWeVYXEGkWptdrCY8qx2e";
  const seen = peers.filter(({ witnessed_by: witnesses }) => witnesses.includes(node));
  return [
    line(300, `local_peer_id=${own} listen=/ip4/0.0.0.0/tcp/8444 peers_to_dial=2`),
    ...seen.map(({ peer_id: peer }) =>
      line(200, `CONNECTION ESTABLISHED peer=${peer} label=unknown remote=/ip4/192.0.2.44/tcp/51514`),
    ),
    line(100, `heartbeat OK peer=${own} request_id=9`),
    ...seen.map(({ peer_id: peer, last_heartbeat_seconds_ago: age }) =>
      line(age!, `heartbeat OK peer=${peer} request_id=18446744073709551615`),
    ),
  ].join("");
}
