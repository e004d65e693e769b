/**
 * What the explorer shows: every node's status and journal become `data.json`, with peers that no manifest knows (chapter 08
 * §3.8, §4.10). Journals are read as they come and only their events are kept, which hold no address.
 */
import { discoverPeers, rememberFirstSeen } from "../../cities/discovery.ts";
import { encodeExplorer, explorerDocument } from "../../cities/explorer.ts";
import { secretsOf } from "../aggregator/aggregator.ts";
import { openPublicFiles, PUBLIC_PATHS, type Alarm } from "../aggregator/publicFiles.ts";
import { readCities, type Settings } from "../aggregator/settings.ts";
import { openStateFiles } from "../aggregator/stateFiles.ts";
import { publishPage } from "./page.ts";
import { readNodes, type ReadingPorts } from "./readNodes.ts";

export interface ExplorerReport {
  /** That gave a status. */
  readonly nodes: number;
  readonly discovered: number;
  readonly alarms: readonly Alarm[];
  readonly milliseconds: number;
}

/** The caller holds the explorer's lock. Throws what {@link readCities} and the files throw; a node never makes it throw. */
export async function runExplorer(settings: Settings, ports: ReadingPorts): Promise<ExplorerReport> {
  const start = performance.now();
  const { cities } = readCities(settings);
  const state = openStateFiles(settings.stateDirectory);
  const publicFiles = openPublicFiles(settings.publicDirectory);
  const lastGood = state.readLastGood();
  const firstSeenBefore = state.readFirstSeen();

  const { statuses, witnesses, known } = await readNodes(settings, ports);
  const nowUnix = ports.nowUnix();
  const inOrder = cities.flatMap(({ node }) => witnesses.get(node) ?? []);
  const discovered = discoverPeers(nowUnix, inOrder, known);
  const firstSeen = rememberFirstSeen(firstSeenBefore, discovered.peers, nowUnix);
  state.writeFirstSeen(firstSeen);

  const nodes = cities.map(({ node, name }) => ({
    ...{ label: name.en, node, status: statuses.get(node) ?? ("unreachable" as const) },
  }));
  const document = explorerDocument({ nowUnix, nodes, discovered, firstSeen });
  const entries = Array.from(lastGood, ([node, { vless, primary }]) => ({ node, vless, primary }));
  const secrets = secretsOf(settings, { entries });
  const alarm = await publicFiles.publishDocument(PUBLIC_PATHS.explorer, encodeExplorer(document), secrets);
  await publishPage(settings.publicDirectory);
  return {
    nodes: document.network_summary.active_nodes,
    discovered: discovered.count,
    alarms: alarm === undefined ? [] : [alarm],
    milliseconds: Math.round(performance.now() - start),
  };
}
