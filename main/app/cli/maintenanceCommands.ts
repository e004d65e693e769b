/** Commands about the store and the machine. */
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { call, follow, type Client } from "../../api/client.ts";
import type { Task } from "../../api/contract.ts";
import { apiError } from "../../api/errors.ts";
import { loadCrypto } from "../../native/index.ts";
import { MONTANA_PARAMS } from "../../protocol/genesis/montana.ts";
import { measureHashesPerSecond } from "../../node/network/solo.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Call, Command, Result } from "./command.ts";
import { createProgress } from "./progress.ts";

/** Where events are lost, the task itself is asked. */
const ASK_MS = 500;

export const check: Command = {
  name: "check",
  summary: "recompute everything that the store holds",
  arguments: [],
  options: {},
  detail: "Works on a running host, which goes on meanwhile, and on the data of a stopped one.",
  run: (called) => followTask(called, (client) => call(client.check.mutate())),
};

export const backup: Command = {
  name: "backup",
  summary: "write a copy of a network's data, also while the host runs",
  arguments: [{ name: "DIR" }],
  options: {},
  detail:
    "DIR must not be there yet. The copy is what lies in networks/NAME of the data directory: to go back to it, stop the host and " +
    "put it there in the other one's place. The identity is not in it; its 24 words bring that back.",
  run: (called) =>
    followTask(called, (client) => call(client.backup.mutate({ directory: resolve(called.arguments[0] ?? "") }))),
};

/** Shows the task's progress until it has ended; Ctrl-C cancels it. */
async function followTask({ connectStored, isJson }: Call, start: (client: Client) => Promise<Task>): Promise<Result> {
  const client = await connectStored();
  const progress = createProgress(isJson);
  let task = await start(client);
  const { id } = task;
  const following = follow(
    client,
    (event) => {
      if (event.kind === "task" && event.payload.id === id) progress.show(event.payload.kind, event.payload.progress);
    },
    () => undefined,
  );
  const cancel = (): void => {
    void client.cancelTask.mutate({ id });
  };
  process.once("SIGINT", cancel);
  try {
    while (task.state === "running") {
      await wait(ASK_MS / 10);
      task = await call(client.task.query({ id }));
    }
  } finally {
    process.off("SIGINT", cancel);
    following.stop();
    progress.end();
  }
  if (task.error !== null) throw new ProtocolError(task.error.code, task.error.params);
  if (task.state === "cancelled") throw apiError("task-cancelled", { kind: task.kind });
  const lines = Object.entries(task.result ?? {}).map(([name, value]) => `${name}: ${value}`);
  return { json: { ...task.result }, text: lines.length === 0 ? "Done." : lines.join("\n") };
}

const SIGNATURES = 200;

export const bench: Command = {
  name: "bench",
  summary: "how fast this computer is, and whether it can become a node",
  arguments: [],
  options: {},
  detail: "Takes about a second. The figures are for the seed network, whose window has 325,000,000 hashes.",
  async run() {
    const { crypto } = loadCrypto();
    const hashesPerSecond = await measureHashesPerSecond(crypto);
    const { d0, tau2Windows } = MONTANA_PARAMS;
    const windowSeconds = Number(d0) / hashesPerSecond;
    const chainDays = (windowSeconds * Number(tau2Windows)) / 86_400;
    const verificationsPerSecond = measureVerifications(crypto);
    const hoursADay = Math.ceil((24 * windowSeconds * 10) / (2 * WINDOW_SECONDS)) / 10;
    const json = {
      backEnd: crypto.backEnd,
      kernel: crypto.kernels.chain,
      hashesPerSecond,
      windowSeconds: round(windowSeconds),
      candidateChainDays: round(chainDays),
      hoursADayNeeded: Math.min(24, hoursADay),
      canMeetDeadline: hoursADay <= 24,
      verificationsPerSecond,
    };
    const verdict = json.canMeetDeadline
      ? `It can become a node when it works on the chain for at least ${json.hoursADayNeeded} hours a day.`
      : "It is too slow to become a node: its chain would be void before it is done.";
    const text = [
      `${(hashesPerSecond / 1e6).toFixed(2)} million hashes a second (${crypto.backEnd}, ${crypto.kernels.chain})`,
      `a window takes ${json.windowSeconds} s, a candidate chain ${json.candidateChainDays} days`,
      `${verificationsPerSecond} signatures verified a second on one core`,
      verdict,
    ];
    return { json, text: text.join("\n") };
  },
};

/** Of the network; a chain must be done within twice τ₂ windows (chapter 05 §4.6, R8). */
const WINDOW_SECONDS = 60;
const round = (value: number): number => Math.round(value * 100) / 100;

function measureVerifications(crypto: ReturnType<typeof loadCrypto>["crypto"]): number {
  const { publicKey, secretKey } = crypto.mldsa65.generate(new Uint8Array(32));
  const message = new Uint8Array(64);
  const signature = crypto.mldsa65.sign(secretKey, message);
  const start = performance.now();
  let count = 0;
  while (count < SIGNATURES && performance.now() - start < 500) {
    crypto.mldsa65.verify(publicKey, message, signature);
    count++;
  }
  return Math.round((count * 1000) / (performance.now() - start));
}
