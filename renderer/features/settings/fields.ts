/** What a person typed into a field of the tunnel's settings, read and judged by the contract itself. */
import { contract, type Input } from "../../../main/api/contract.ts";

type Change = Input<"vpnSetSettings">;

/** `wrong` names the words that say what is the matter. */
export type Read<T, W extends string> =
  { readonly isOk: true; readonly value: T } | { readonly isOk: false; readonly wrong: W };

function judged<N extends keyof Change, W extends string>(name: N, value: NonNullable<Change>[N], word: W) {
  const isOk = contract.vpnSetSettings.input.safeParse({ [name]: value }).success;
  return isOk ? ({ isOk, value } as const) : ({ isOk: false, wrong: word } as const);
}

/** Nothing is the usual port. */
export function readPort(text: string): Read<Change["port"], "tunnelPortWrong"> {
  const trimmed = text.trim();
  // Number takes more than people call a number: 0x1f, 1e3.
  if (trimmed !== "" && !/^\d+$/.test(trimmed)) return { isOk: false, wrong: "tunnelPortWrong" };
  return judged("port", trimmed === "" ? null : Number(trimmed), "tunnelPortWrong");
}

/** Nothing is none. */
export function readUrl(name: "probeUrl" | "addressUrl", text: string): Read<Change["probeUrl"], "tunnelUrlWrong"> {
  const trimmed = text.trim();
  return judged(name, trimmed === "" ? null : trimmed, "tunnelUrlWrong");
}

/** One rule a line; what each means is the host's to check. */
export function readRules(text: string): Read<Change["direct"], "tunnelRulesWrong"> {
  const lines = text.split("\n").map((line) => line.trim());
  return judged("direct", [...new Set(lines.filter((line) => line !== ""))], "tunnelRulesWrong");
}
