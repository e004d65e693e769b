/** Commands about operations under way: taking one back, sending it again, moving the bonus, another key. */
import { call } from "../../api/client.ts";
import type { Output } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";
import { formatAmount } from "../../wallet/amounts.ts";
import type { Call, Command, Result } from "./command.ts";
import { confirm, describeWarnings, yes } from "./confirm.ts";
import { readText, writeNew } from "./files.ts";
import { withAccount } from "./identityCommands.ts";
import { readRequestFile } from "./requestCommands.ts";

const id = { name: "ID" };

export const cancel: Command = {
  name: "cancel",
  summary: "take an operation back that has not settled",
  arguments: [id],
  options: {},
  detail:
    "ID is the one that montana history shows. What nobody else has seen is forgotten at once. Of anything else the place is " +
    "taken by an empty operation, and either of the two may still win: see montana history.",
  async run(called) {
    const operation = readId(called, "cancel");
    const client = await called.connect();
    const result = await withAccount(called, () => call(client.cancelOperation.mutate({ id: operation })));
    const text =
      result.state === "cancelled"
        ? "Cancelled: nobody has seen it."
        : `The cancellation ${result.id} is on its way (${result.state}). See montana history.`;
    return { json: result, text };
  },
};

export const resend: Command = {
  name: "resend",
  summary: "send an expired operation again",
  arguments: [id],
  options: {},
  detail: "The same operation, not another one: it cannot take effect twice.",
  async run(called) {
    const operation = readId(called, "resend");
    const sent = await call((await called.connect()).sendAgain.mutate({ id: operation }));
    return { json: sent, text: `${sent.state}. See montana history.` };
  },
};

function readId({ arguments: [text = ""] }: Call, command: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw apiError("usage", { reason: `${text} is no id of an operation: those have 64 hex digits`, command });
}

type Way = "money" | "change-key";

export const bonus: Command = {
  name: "bonus",
  summary: "what lies on the account of the node key, and moving it",
  arguments: [{ name: "WAY", choices: ["money", "change-key"], isOptional: true }],
  options: { yes },
  detail:
    "The welcome bonus goes to an account that the machine's key opens. Without WAY this shows what lies there. money sends all " +
    "of it to the account of your words; change-key gives the account the key of your words, so that later rewards are " +
    "safe there, too.",
  async run(called) {
    const way = called.arguments[0] as Way | undefined;
    const client = await (way === undefined ? called.connectStored() : called.connect());
    const { offer } = await call(client.bonusOffer.query());
    if (way === undefined) return { json: { offer }, text: describeOffer(offer) };
    const chosen = offer?.ways.find((each) => each.way === way);
    if (offer === null || chosen === undefined) throw apiError("nothing-to-move");
    if (way === "change-key") await confirm(called, describeWarnings(chosen.warnings));
    const moved = await withAccount(called, () => call(client.moveBonus.mutate({ way })));
    return { json: moved, text: `${formatAmount(BigInt(offer.balance))}: ${moved.state}. See montana history.` };
  },
};

type Offer = Output<"bonusOffer">["offer"];

function describeOffer(offer: Offer): string {
  if (offer === null) return "Nothing lies on the account of the node key.";
  const lines = [`${formatAmount(BigInt(offer.balance))} lie on ${offer.address}, which the machine's key opens.`];
  for (const { way, to, creates, earliestWindow, cooldownWindows, laterRewardsStay } of offer.ways) {
    if (way === "change-key") {
      lines.push("montana bonus change-key: the account gets the key of your words, and later rewards with it.");
      continue;
    }
    lines.push(`montana bonus money: sends it to ${to ?? ""}.`);
    if (creates) {
      lines.push(
        `  That creates the account, from window ${earliestWindow ?? 0} on; then none other for ${cooldownWindows ?? 0} windows.`,
      );
    }
    if (laterRewardsStay) lines.push("  What the node earns later lands where the bonus did.");
  }
  return lines.join("\n");
}

export const key: Command = {
  name: "key",
  summary: "give an account another key: plan, prove, change",
  arguments: [
    { name: "ACTION", choices: ["plan", "prove", "change"] },
    { name: "FILE", isOptional: true },
  ],
  options: {
    account: { type: "string", choices: ["account", "node"], summary: "whose key; account unless given" },
    to: {
      type: "string",
      value: "FILE",
      summary: "the new key: account or node for one of this identity, else the account request of another one",
    },
    proof: { type: "string", value: "FILE", summary: "change: what key prove of the other identity has written" },
    yes,
  },
  detail:
    "For a key of another identity three steps: plan writes a challenge into FILE; there, key prove FILE --proof OUT writes the " +
    "proof that the new key is at hand; here, key change --proof OUT changes it. A key of this identity needs change alone. " +
    "Shows what it means and asks.",
  run: (called) => {
    const action = called.arguments[0] as "plan" | "prove" | "change";
    return { plan: planKey, prove: proveKey, change: changeKey }[action](called);
  },
};

async function planKey(called: Call): Promise<Result> {
  const wanted = await readWanted(called);
  const plan = await call((await called.connectStored()).planKeyChange.query(wanted));
  const [, file] = called.arguments;
  if (file !== undefined) await writeNew(file, `${plan.challenge}\n`);
  const lines = describeWarnings(plan.warnings);
  if (file !== undefined) lines.push(`The challenge for the new key's holder is written to ${file}.`);
  return { json: { ...plan, ...(file && { file }) }, text: lines.join("\n") };
}

async function proveKey(called: Call): Promise<Result> {
  const [, file] = called.arguments;
  const proof = called.options.text("proof");
  if (file === undefined) throw apiError("usage", { reason: "Give the challenge's file", command: "key" });
  const challenge = await readHex(file);
  const client = await called.connect();
  const proved = await withAccount(called, () => call(client.proveKey.mutate({ challenge })));
  if (proof === undefined) return { json: proved, text: proved.possession };
  await writeNew(proof, `${proved.possession}\n`);
  return { json: { ...proved, file: proof }, text: `Written to ${proof}.` };
}

async function changeKey(called: Call): Promise<Result> {
  const wanted = await readWanted(called);
  const proof = called.options.text("proof");
  const possession = proof === undefined ? undefined : await readHex(proof);
  const client = await called.connect();
  const plan = await call(client.planKeyChange.query(wanted));
  await confirm(called, describeWarnings(plan.warnings));
  const changed = await withAccount(called, () =>
    call(client.changeKey.mutate({ ...wanted, ...(possession && { possession }) })),
  );
  return { json: changed, text: `Change of the key: ${changed.state}. See montana history.` };
}

async function readWanted({ options }: Call): Promise<{ role: "account" | "node"; key: string }> {
  const to = options.text("to");
  if (to === undefined) throw apiError("usage", { reason: "Give --to", command: "key" });
  const role = (options.text("account") ?? "account") as "account" | "node";
  return { role, key: to === "account" || to === "node" ? to : await readRequestFile(to) };
}

async function readHex(file: string): Promise<string> {
  const text = (await readText(file)).trim();
  if (!/^([0-9a-f]{2})+$/.test(text))
    throw apiError("usage", { reason: `${file} does not hold hex digits`, command: "key" });
  return text;
}
