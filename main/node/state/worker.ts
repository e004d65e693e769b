/** The thread that owns the store. It answers in the order of the requests, but for those that take long. */
import { parentPort, workerData } from "node:worker_threads";

import { loadCrypto, type LoadOptions } from "../../native/index.ts";
import { invariant, ProtocolError } from "../../protocol/errors.ts";
import { translateError } from "../store/errors.ts";
import type { FromWorker, ToWorker } from "./requests.ts";
import { StateService } from "./service.ts";

invariant(parentPort !== null, "this file is a worker's");
const port = parentPort;
const service = new StateService(loadCrypto(workerData as LoadOptions).crypto);
const running = new Map<number, AbortController>();

const answer = (message: FromWorker): void => {
  port.postMessage(message);
};

async function handle({ id, name, input }: Extract<ToWorker, { kind: "request" }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const context = {
    signal: controller.signal,
    onProgress: (progress: Extract<FromWorker, { kind: "progress" }>["progress"]): void => {
      answer({ kind: "progress", id, progress });
    },
  };
  try {
    const output = await service.handlers[name](input as never, context);
    answer({ kind: "result", id, output });
  } catch (error) {
    const known: Error = translateError(error);
    if (known instanceof ProtocolError) answer({ kind: "error", id, ...namesOf(known as ProtocolError) });
    else
      answer({ kind: "defect", id, message: known instanceof Error ? (known.stack ?? known.message) : String(known) });
  } finally {
    running.delete(id);
  }
  if (name === "close") port.close();
  else if (name === "persist") await service.maintain();
}

const namesOf = ({ code, params }: ProtocolError) => ({ code, params });

port.on("message", (message: ToWorker) => {
  if (message.kind === "cancel") running.get(message.id)?.abort();
  else void handle(message);
});
