/** What a person chooses about the node, for as long as it is not chosen otherwise. */
import { call } from "../../api/client.ts";
import type { Output } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";
import type { Command } from "./command.ts";

type Settings = Output<"settings">;

const NAMES = {
  "candidate-check": { field: "candidateVdfCheck", values: ["auto", "full", "none"] },
  "follow-time": { field: "followsTime", values: ["auto", "yes", "no"] },
} as const;
type Name = keyof typeof NAMES;

export const settings: Command = {
  name: "settings",
  summary: "show or change what this node does about candidates",
  arguments: [
    { name: "NAME", choices: Object.keys(NAMES), isOptional: true },
    { name: "VALUE", isOptional: true },
  ],
  options: {},
  detail:
    "candidate-check auto|full|none: whether the chain of a foreign candidate is recomputed before it is confirmed, where that is " +
    "short enough; others are let pass and shown as unverified in status. none is needed next to reference nodes, and auto " +
    "knows that. follow-time auto|yes|no: while this node is a candidate, take the network's time from decided windows and " +
    "spend the core on the own chain; auto does so where there is one core.",
  async run({ arguments: [name, value], connect }) {
    const client = await connect();
    if (name === undefined || value === undefined) {
      const known = await call(client.settings.query());
      return { json: known, text: describe(known) };
    }
    const { field, values } = NAMES[name as Name];
    if (!(values as readonly string[]).includes(value)) {
      throw apiError("usage", { reason: `${name} takes ${values.join(", ")}, not ${value}`, command: "settings" });
    }
    const changed = await call(client.setSettings.mutate({ [field]: value }));
    return { json: changed, text: describe(changed) };
  },
};

function describe({ candidateVdfCheck, followsTime, inForce }: Settings): string {
  const follows = inForce.followsTime ? "yes" : "no";
  return [
    `candidate-check  ${candidateVdfCheck}${candidateVdfCheck === "auto" ? ` (${inForce.candidateVdfCheck})` : ""}`,
    `follow-time      ${followsTime}${followsTime === "auto" ? ` (${follows})` : ""}`,
  ].join("\n");
}
