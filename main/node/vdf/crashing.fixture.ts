/**
 * A process with a candidate chain, to be killed: `node crashing.fixture.ts PATH D TARGET`. Prints what the chain reports, a
 * line each: `saved SEGMENT ITERATIONS`, `at SEGMENT ITERATIONS`, `notice CODE`, `end HEX`.
 */
import { loadCrypto } from "../../native/index.ts";
import { ascii, toHex, type NodeId } from "../../protocol/bytes.ts";
import { CandidateChain } from "./candidateChain.ts";
import type { ChainEvent } from "./chainThread.ts";

const [path, d, target] = process.argv.slice(2) as [string, string, string];
const { crypto } = loadCrypto();
const init = crypto.sha256(ascii("init"));
const chain = CandidateChain.start(crypto, {
  ...{ nodeId: crypto.sha256(ascii("node")) as NodeId, wStart: 7n, init, d: BigInt(d) },
  ...{ done: 0n, value: init, target: BigInt(target), progressPath: path, saveIntervalMs: 20 },
  settings: { cpuShare: 0.2 },
  listener: (event) => void tell(event),
});

async function tell(event: ChainEvent): Promise<void> {
  if (event.kind === "saved") say("saved", event.position.segment, event.position.iterations);
  else if (event.kind === "progress") say("at", event.progress.segment, event.progress.iterations);
  else if (event.kind === "notice") say("notice", event.notice.code);
  else if (event.kind === "segment" && event.end.segment === BigInt(target)) {
    say("end", toHex(event.end.value));
    await (await chain).stop();
  }
}

function say(...words: unknown[]): void {
  process.stdout.write(`${words.join(" ")}\n`);
}
