/** Asking before what cannot be undone. */
import { createInterface } from "node:readline/promises";

import { apiError, explain } from "../../api/errors.ts";
import type { Notice } from "../../api/contract.ts";
import type { Call, Option } from "./command.ts";

export const yes: Option = { type: "boolean", summary: "do not ask, do it" };

/** What is to be known before, in sentences. */
export function describeWarnings(warnings: readonly Notice[]): string[] {
  return warnings.map((warning) => {
    const { sentence, remedy } = explain(warning);
    return `- ${sentence} ${remedy}`;
  });
}

/**
 * Resolves where the person agrees, at the terminal or by `--yes`. Throws `ProtocolError("not-confirmed")`; without a
 * terminal, and for scripts, nothing but the option is an answer.
 */
export async function confirm({ options, isJson, say }: Call, lines: readonly string[]): Promise<void> {
  for (const line of lines) say(line);
  if (options.flag("yes")) return;
  if (isJson || !process.stdin.isTTY) throw apiError("not-confirmed");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question("Go on? Type yes: ");
    if (answer.trim().toLowerCase() !== "yes") throw apiError("not-confirmed");
  } finally {
    terminal.close();
  }
}
