/** Long work on a store, as a person asks for it: with a node running on it, or with none. */
import { ProtocolError, type ErrorParams } from "../../protocol/errors.ts";
import type { StateClient } from "../state/client.ts";
import type { Progress } from "../store/tables.ts";

/** How such work tells where it is, and learns that it is not wanted any more. */
export interface Task {
  readonly signal: AbortSignal;
  report(progress: { readonly done: number; readonly total: number | null; readonly unit: string }): void;
}

type Result = Record<string, string | number | boolean>;

/** Throws the first problem by its name; `onProblem` hears of all. */
export async function checkStored(
  state: StateClient,
  task: Task,
  onProblem: (problem: { readonly code: string; readonly params: ErrorParams }) => void,
): Promise<Result> {
  const { height, problems } = await state.ask("check", undefined, {
    signal: task.signal,
    onProgress: progressOf(task),
  });
  problems.forEach(onProblem);
  const [first] = problems;
  if (first !== undefined) throw new ProtocolError(first.code, first.params);
  return { windows: Number(height), problems: 0 };
}

/** `directory` must not be there yet. */
export async function backUpStored(state: StateClient, directory: string, task: Task): Promise<Result> {
  await state.ask("backup", { target: directory }, { signal: task.signal, onProgress: progressOf(task) });
  return { directory };
}

export function progressOf(task: Pick<Task, "report">) {
  return ({ step, done, total }: Progress): void => {
    task.report({ done, total, unit: step });
  };
}
