/** Output of `montana-node status` as fields (chapter 08 §4.10). */
import { STATUS_TEXT_MAX } from "./limits.ts";

/** Null where the output has no such line. */
export interface NodeStatus {
  readonly current_window: number | null;
  readonly phase: string | null;
  readonly d: number | null;
  readonly candidate_progress: number | null;
  readonly candidate_target: number | null;
  readonly registration_window: number | null;
  readonly account_id: string | null;
  readonly node_id: string | null;
  readonly account_table: number | null;
  readonly node_table: number | null;
  readonly candidate_pool: number | null;
  readonly balance_nj: string | null;
  readonly supply_nj: string | null;
}

/** `undefined` where the text is no status. Of a name that comes twice the first line counts. */
export function parseNodeStatus(text: string): NodeStatus | undefined {
  if (text.length > STATUS_TEXT_MAX || !/^=== montana-node status ===\s*$/m.test(text)) return undefined;
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^(\S[^:]*?) *: *(\S.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !values.has(name)) values.set(name, value);
  }
  const find = (name: string, pattern: RegExp): string | null => pattern.exec(values.get(name) ?? "")?.[1] ?? null;
  const number = (name: string, pattern = /^(\d{1,15})(?!\d)/): number | null => {
    const digits = find(name, pattern);
    return digits === null ? null : Number(digits);
  };
  const amount = (name: string): string | null => find(name, /^(\d{1,39}) nɈ/);
  return {
    current_window: number("current_window"),
    phase: find("phase", /^(\w{1,32})/),
    d: number("D (current)"),
    candidate_progress: number("candidate VDF", /^(\d{1,15})\/\d{1,15}(?!\d)/),
    candidate_target: number("candidate VDF", /^\d{1,15}\/(\d{1,15})(?!\d)/),
    registration_window: number("registration_window"),
    account_id: find("account_id", /^([0-9a-f]{64})\b/),
    node_id: find("node_id", /^([0-9a-f]{64})\b/),
    account_table: number("AccountTable"),
    node_table: number("NodeTable"),
    candidate_pool: number("CandidatePool"),
    balance_nj: amount("balance"),
    supply_nj: amount("supply (closed-form)"),
  };
}
