/**
 * The process that is killed: `node driver.ts DIRECTORY WINDOWS`. It decides windows on the real store, signs into the real
 * log before it "sends", saves the progress of a chain, and says on standard output what it has done, each line only after it
 * is durable:
 *
 *     opened HEIGHT PROGRESS     sent KEY SHA256     decided WINDOW STATEROOT     saved PROGRESS     checked PROBLEMS
 */
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { join } from "node:path";

import { loadCrypto } from "../../main/native/index.ts";
import { concatBytes, toHex, ZERO_HASH } from "../../main/protocol/bytes.ts";
import { decode, encode, u64 } from "../../main/protocol/codec/codec.ts";
import { ProtocolError } from "../../main/protocol/errors.ts";
import { proposalHeader } from "../../main/protocol/objects/consensus.ts";
import { translateError } from "../../main/node/store/errors.ts";
import { SignedLog, type SignedKey } from "../../main/node/store/signedLog.ts";
import { StateService } from "../../main/node/state/service.ts";
import { SlotFile } from "../../main/node/vdf/slotFile.ts";
import { inputsOf, workloadRules } from "./workload.ts";

const [directory = "", last = "0", ...flags] = process.argv.slice(2);
const { crypto } = loadCrypto();
const service = new StateService(crypto);
const context = { onProgress: () => undefined, signal: new AbortController().signal };
const networkId = crypto.sha256(new Uint8Array(3));
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const EMPTY_HEADER = {
  protocolVersion: 1,
  controlRoot: ZERO_HASH,
  includedBundlesRoot: ZERO_HASH,
  includedRevealsRoot: ZERO_HASH,
  winnerEndpoint: ZERO_HASH,
  winnerId: ZERO_HASH as never,
  proposerNodeId: ZERO_HASH as never,
  target: 0n,
  fallbackDepth: 1,
  signature: new Uint8Array(3309) as never,
};

try {
  await run();
} catch (error) {
  const known = translateError(error);
  if (!(known instanceof ProtocolError)) throw error;
  say(`failed ${known.code}`);
  process.exitCode = 3;
}

async function run(): Promise<void> {
  const { handlers } = service;
  const rules = workloadRules(crypto);
  const options = { directory, rules, networkId, founders: [], whenMissing: "create" as const, treeFileLeavesMin: 20 };
  const { height } = await handlers.open({ ...options, diskReserveBytes: 0 }, context);
  const log = await SignedLog.open(directory, networkId);
  const progress = new SlotFile(crypto, join(directory, "chain.bin"), "timechainProgress");
  let done = progress.payload === undefined ? 0n : decode(u64, progress.payload);
  say(`opened ${height} ${done}`);
  await log.decided(height);
  const header = (await handlers.summary(undefined, context)).header;
  let parent = header === undefined ? ZERO_HASH : proposalHeader.identify(crypto, header);

  for (let window = height; window < BigInt(last); window++) {
    await sign(log, { kind: "bundle", window, round: 0, phase: 0 });
    const inputs = await inputsOf(crypto, window, async (id) => handlers.account(id, context));
    const key = crypto.sha256(encode(u64, window));
    const outcome = await handlers.computeTransition({ kind: "compute-transition", key, inputs }, context);
    if ("failure" in outcome) throw new Error(outcome.failure);
    await sign(log, { kind: "header", window, round: 1, phase: 0 });
    await Promise.all([
      sign(log, { kind: "vote", window, round: 1, phase: 1 }),
      sign(log, { kind: "vote", window, round: 1, phase: 2 }),
    ]);
    progress.write(encode(u64, ++done));
    say(`saved ${done}`);
    const decidedHeader = {
      ...EMPTY_HEADER,
      ...outcome.roots,
      prevProposalHash: parent,
      windowIndex: window,
      timechainValue: inputs.timechainValue,
    };
    const hash = proposalHeader.identify(crypto, decidedHeader);
    const body = { proposalHash: hash, windowIndex: window, bundles: [], evidence: [], reveals: [], controlHashes: [] };
    const operations = inputs.operations.map(({ operation }) => operation);
    const objects = { certificate: [], bundles: [], reveals: [], operations, registrations: [] };
    await handlers.persist({ header: decidedHeader, hash, key, inputs, body, ...objects }, context);
    say(`decided ${window} ${toHex(outcome.roots.stateRoot)}`);
    parent = hash;
    await log.decided(window + 1n);
    if (window % 16n === 0n) await log.compact();
    if (window % 8n === 0n) await service.maintain();
  }
  if (flags.includes("--check")) {
    const { problems } = await handlers.check(undefined, context);
    say(`checked ${JSON.stringify(problems.map(({ code }) => code))}`);
  }
  await log.close();
  progress.close();
  await handlers.close(undefined, context);
  say("closed");
}

/** What is signed contains a random part: signing twice for one key would be seen. */
async function sign(log: SignedLog, key: SignedKey): Promise<void> {
  const object = log.lookup(key) ?? concatBytes(randomBytes(16), new Uint8Array(3400).fill(Number(key.window & 255n)));
  await log.append(key, object);
  say(`sent ${key.kind}/${key.window}/${key.round}/${key.phase} ${toHex(crypto.sha256(object))}`);
}
