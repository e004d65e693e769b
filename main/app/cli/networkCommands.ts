/** `montana network`: which networks there are, which one the node works on, and what happens in it. */
import { resolve } from "node:path";

import { call, type Client } from "../../api/client.ts";
import type { Output } from "../../api/contract.ts";
import { apiError, explain } from "../../api/errors.ts";
import { formatAmount } from "../../wallet/amounts.ts";
import type { Command, Result } from "./command.ts";
import { readText } from "./files.ts";

const ID_LENGTH = 12;

const actions = {
  async show(client) {
    const view = await call(client.networkView.query({}));
    return { json: view, text: describeView(view) };
  },
  async windows(client) {
    const { windows } = await call(client.recentWindows.query({}));
    const lines = windows.map(({ window, winner, isOwnWin, bonusTo }) => {
      const won = winner === null ? "nobody" : `${winner.slice(0, ID_LENGTH)}${isOwnWin ? " (this node)" : ""}`;
      return `${window}  won by ${won}${bonusTo === null ? "" : `, bonus to ${bonusTo.slice(0, ID_LENGTH)}`}`;
    });
    return { json: { windows }, text: lines.length === 0 ? "No window is decided yet." : lines.join("\n") };
  },
  async activity(client) {
    const { activity } = await call(client.activity.query({}));
    if (activity === null) return { json: { activity }, text: "This node is not in the Node Table." };
    const { startWindow, chainLength, windowsSinceStart, windows } = activity;
    const won = windows.filter(({ hasWon }) => hasWon).length;
    const text = `since window ${startWindow}: present in ${chainLength} of ${windowsSinceStart} windows; won ${won} of the last ${windows.length}`;
    return { json: { activity }, text };
  },
  list: async (client) => listed(await call(client.networks.query())),
  choose: async (client, what) =>
    listed(await call(client.chooseNetwork.mutate({ network: absolute(needed(what, "choose NETWORK")) }))),
  add: async (client, what) =>
    listed(await call(client.addNetwork.mutate({ file: await readText(needed(what, "add FILE")) }))),
  async start(client, what) {
    await call(client.startNode.mutate(what === undefined ? {} : { network: absolute(what) }));
    return { json: {}, text: "The node runs, and will with every start of the host." };
  },
  async stop(client) {
    await call(client.stopNode.mutate());
    return { json: {}, text: "The node has stopped and stays so until montana network start." };
  },
} satisfies Record<string, (client: Client, what: string | undefined) => Promise<Result>>;

export const network: Command = {
  name: "network",
  summary: "the network and its node: show, windows, activity, list, choose, add, start, stop",
  arguments: [
    { name: "ACTION", choices: Object.keys(actions), isOptional: true },
    { name: "WHAT", isOptional: true },
  ],
  options: {},
  detail:
    "show (also without ACTION) tells of the running node's network, windows and activity of the last windows. list names the " +
    "networks that are known, choose NETWORK takes one for the next start, add FILE enters a network file or an operator's " +
    "manifest. start [NETWORK] and stop start and end the node while the host runs; both are remembered.",
  async run({ arguments: [action = "show", what], connect }) {
    return actions[action as keyof typeof actions](await connect(), what);
  },
};

function describeView(view: Output<"networkView">): string {
  const { window, supply, credited, nodes, candidates, emission, peers, sync, ability } = view;
  const money = (value: string | null): string => (value === null ? "not known" : formatAmount(BigInt(value)));
  const { sentence, remedy } = explain(ability);
  const cities = peers.flatMap(({ city }) => city?.name.en ?? []);
  return [
    `network    ${view.name} (${view.profile})`,
    `window     ${window ?? "none yet"}, D ${view.d}`,
    `in step    ${sync.state}${sync.behind > 0 ? `, ${sync.behind} windows behind` : ""}`,
    `supply     ${money(supply)}, credited ${money(credited)}`,
    `nodes      ${nodes.count}, candidates ${candidates.count}`,
    `newcomers  got the emission of ${emission.toNewcomers} of the last ${emission.windows} windows`,
    `peers      ${peers.length}${cities.length === 0 ? "" : `: ${cities.join(", ")}`}`,
    `${sentence} ${remedy}`,
  ].join("\n");
}

function listed(known: Output<"networks">): Result {
  const lines = known.networks.map(({ name, origin, isManifestNeeded, fault }) => {
    const marks = [
      origin,
      ...(known.running === name ? ["running"] : known.chosen === name ? ["chosen"] : []),
      ...(isManifestNeeded ? ["needs an operator's file: montana network add FILE"] : []),
      ...(fault === null ? [] : [explain(fault).sentence]),
    ];
    return `${name}  ${marks.join(", ")}`;
  });
  return { json: known, text: lines.join("\n") };
}

function needed(what: string | undefined, usage: string): string {
  if (what === undefined) throw apiError("usage", { reason: `It takes ${usage}`, command: "network" });
  return what;
}

/** The host may have been started in another folder. */
const absolute = (asked: string): string => (/[/\\]/.test(asked) || asked.endsWith(".json") ? resolve(asked) : asked);
