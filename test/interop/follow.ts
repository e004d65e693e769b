/** A node in profile `rc1` behind a producer of the reference; README.md says how to call it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";

import { call } from "../../main/api/client.ts";
import { reach } from "../../main/app/attach.ts";
import { Playground, type Started } from "../../main/app/cli.fixture.ts";
import { locateData } from "../../main/app/dataDirectory.ts";
import { isRecomputed } from "../../main/consensus/rc1/headers.ts";
import { loadCrypto } from "../../main/native/index.ts";
import { genesisOf } from "../../main/node/network/genesis.ts";
import { formatNetworkFile, type Network } from "../../main/node/network/networkFile.ts";
import { StateClient } from "../../main/node/state/client.ts";
import { decodeEnvelope } from "../../main/network/messages/envelope.ts";
import { MESSAGE } from "../../main/network/messages/registry.ts";
import { listen } from "../../main/network/transport/listen.ts";
import { equalBytes, isAllZero, sized, toHex } from "../../main/protocol/bytes.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { rulesOf } from "../../main/protocol/genesis/rules.ts";
import { accountIdOf, nodeIdOf, SUITE_MLDSA65 } from "../../main/protocol/identity/ids.ts";
import { deriveMasterSeed, deriveRoleSeeds } from "../../main/protocol/identity/kdf.ts";
import { deriveKeys } from "../../main/protocol/identity/keys.ts";
import { formatPeerId, peerIdOf } from "../../main/protocol/identity/peerId.ts";
import { proposalHeader, type ProposalHeader } from "../../main/protocol/objects/consensus.ts";
import { answering, newIdentity, peerIdTextOf } from "./peer.ts";
import { freePort } from "../integration/freePort.ts";
import { RcNode, type RcNodeOptions } from "./rcNode.ts";

const ENTROPY = new Uint8Array(32).fill(0x5c);
const NAME = "rc1-interop";
const PATIENCE_MS = 120_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    d0: { type: "string", default: "2000000" },
    tau2: { type: "string", default: "16" },
    windows: { type: "string", default: "48" },
    record: { type: "string" },
  },
});
const [binary] = positionals;
if (binary === undefined)
  throw new Error("usage: node test/interop/follow.ts BINARY [--d0 N] [--tau2 N] [--windows N]");

const { crypto } = loadCrypto();
const folder = mkdtempSync(join(tmpdir(), "montana-follow-"));
const say = (what: string, seen: unknown): void => console.log(`${what}: ${JSON.stringify(seen)}`);
const masterSeed = deriveMasterSeed(crypto, sized(ENTROPY, 32));
const keys = deriveKeys(crypto, masterSeed);
const params = {
  ...MONTANA_PARAMS,
  ...{ d0: BigInt(values.d0), tau2Windows: BigInt(values.tau2) },
  ...{ bootstrapAccountPubkey: keys.account.publicKey, bootstrapNodePubkey: keys.node.publicKey },
};

/** Every header that the producer sent, in the order of their coming. */
const received: ProposalHeader[] = [];
const recording = newIdentity(crypto);
const recorder = await listen({
  crypto,
  identity: recording,
  served: [
    answering((request) => {
      const { msgType, payload } = decodeEnvelope(request);
      if (msgType === MESSAGE.proposal) received.push(proposalHeader.decode(payload.slice()));
    }),
  ],
  address: "/ip4/127.0.0.1/tcp/0",
  accepted: () => undefined,
});
const recorderPeer = { label: "recorder", multiaddr: recorder.address, peer_id: peerIdTextOf(crypto, recording) };
const data = join(folder, "producer");
const startProducer = (more: RcNodeOptions = {}): Promise<RcNode> =>
  RcNode.start(binary, data, [recorderPeer], { entropy: toHex(ENTROPY), ...more });

try {
  if (values.record === undefined) await follow(Number(values.windows));
  else await record(values.record);
} finally {
  recorder.close();
  rmSync(folder, { recursive: true });
}

/** Six windows, a restart, six more, as a fixture of tests. */
async function record(file: string): Promise<void> {
  for (let i = 0; i < 2; i++) await (await startProducer({ maxWindows: 6 })).exited;
  const note =
    "Headers as a node of v1.0.0-rc.1 sent them to a peer (test/interop/follow.ts --record): six windows from its genesis, a restart, " +
    "six more. Of its binary the two bootstrap keys, D0 and tau2 were replaced; docs/interop.md says how.";
  const json = {
    note,
    ...{ d0: Number(params.d0), tau2_windows: Number(params.tau2Windows) },
    bootstrap_account_pubkey: toHex(params.bootstrapAccountPubkey),
    bootstrap_node_pubkey: toHex(params.bootstrapNodePubkey),
    node_seed: toHex(deriveRoleSeeds(crypto, masterSeed).node),
    headers: received.map((header) => toHex(proposalHeader.encode(header))),
  };
  writeFileSync(file, `${JSON.stringify(json, undefined, 2)}\n`);
  say("recorded", received.map(describe));
}

async function follow(windows: number): Promise<void> {
  // Idle: who follows must hash faster, or it never comes back from being killed.
  const place = { address: `/ip4/127.0.0.1/tcp/${await freePort()}`, isIdle: true };
  let producer: RcNode | undefined;
  const network: Network = {
    ...{ name: NAME, rules: rulesOf(params, "rc1"), otherFounders: [], isManifestNeeded: false, tunnel: undefined },
    stateHash: undefined,
    peers: [
      {
        ...{ label: "producer", multiaddr: place.address, isBootstrap: true },
        peerId: formatPeerId(peerIdOf(crypto, keys.node.publicKey)),
        accountIdHex: toHex(accountIdOf(crypto, SUITE_MLDSA65, keys.account.publicKey)),
        nodeIdHex: toHex(nodeIdOf(crypto, keys.node.publicKey)),
      },
    ],
  };
  const playground = await Playground.make();
  let host: Started | undefined;
  try {
    await playground.init();
    const file = join(playground.folder, "network.json");
    writeFileSync(file, formatNetworkFile(network));
    host = await playground.start(["--log-level", "info"], file);
    const untilWindow = (window: number) => untilStatus(playground, ({ window: at }) => (at ?? -1) >= window);

    producer = await startProducer(place);
    say("followed from the start", await untilWindow(Math.floor(windows / 4)));
    host.process.kill("SIGKILL");
    await host.ended;
    const atKill = received.length;
    while (received.length < atKill + 5) await wait(50);
    host = await playground.start(["--log-level", "info"], file);
    say("after kill -9 and five windows without it", await untilWindow(Math.floor(windows / 2)));

    await producer.stop("SIGTERM");
    producer = await startProducer(place);
    say("after a restart of the producer", await untilWindow(Math.floor((3 * windows) / 4)));
    await producer.stop("SIGKILL");
    producer = await startProducer(place);
    say("after kill -9 of the producer", await untilWindow(windows));
    await producer.stop();
    host.process.kill("SIGTERM");
    const { err } = await host.ended;
    say(
      "log",
      err.split("\n").filter((line) => /behind|refused|fault|penalty|notice|producer's D/.test(line)),
    );
    await compare(network, playground);
  } catch (error) {
    await playground.kill();
    say("last words", (await host?.ended)?.err.split("\n").slice(-40));
    throw error;
  } finally {
    await producer?.stop().catch(() => undefined);
    await playground.remove();
  }
}

interface Seen {
  readonly window: number | null;
}

async function untilStatus(playground: Playground, holds: (status: Seen) => boolean): Promise<unknown> {
  for (const end = performance.now() + PATIENCE_MS; ;) {
    const host = await reach(locateData(playground.data));
    if (host === undefined) throw new Error("the follower is gone");
    const status = await call(host.client.status.query());
    const { window, stateRoot, supply, peers, progress, notices } = status;
    const seen = {
      window,
      stateRoot,
      supply,
      peers,
      progress,
      notices,
      producer: Number(received.at(-1)?.windowIndex),
    };
    if (holds(status)) return seen;
    if (performance.now() > end) throw new Error(`stands still: ${JSON.stringify(seen)}`);
    await wait(100);
  }
}

/** Byte for byte, from the store of the stopped node. */
async function compare(network: Network, playground: Playground): Promise<void> {
  const state = new StateClient({ onFailure: () => undefined });
  try {
    await state.ask("open", {
      directory: join(locateData(playground.data).networks, NAME),
      ...{ rules: network.rules, networkId: genesisOf(crypto, network).stateHash, founders: [] },
      whenMissing: "must-exist",
    });
    const pages = await state.ask("headers", { first: 0n, count: 1000 });
    const stored = pages.map((bytes) => proposalHeader.decode(bytes));
    const sent = new Map(received.map((header) => [header.windowIndex, header]));
    const windowsOf = (some: readonly ProposalHeader[]) => some.map(({ windowIndex }) => Number(windowIndex));
    const compared = stored.flatMap((header) => {
      const original = sent.get(header.windowIndex);
      return original === undefined ? [] : [{ header, original }];
    });
    const different = compared.filter(({ header, original }) => !equalBytes(header.stateRoot, original.stateRoot));
    say("stored windows", {
      windows: stored.length,
      signed: stored.filter((header) => !isRecomputed(header)).length,
      recomputed: windowsOf(stored.filter(isRecomputed)),
      comparedWithWhatTheProducerSent: compared.length,
      sentToNobody: windowsOf(stored.filter(({ windowIndex }) => !sent.has(windowIndex))),
      differentStateRoot: windowsOf(different.map(({ header }) => header)),
      zeroParents: windowsOf(received.filter(({ prevProposalHash }) => isAllZero(prevProposalHash))),
      d: (await state.ask("times", { first: 0n, last: BigInt(stored.length - 1) }))
        .map(({ d }) => Number(d))
        .filter((d, i, all) => d !== all[i - 1]),
      problemsOfCheck: (await state.ask("check", undefined)).problems.map(({ code }) => code),
    });
  } finally {
    await state.close();
  }
}

function describe({ windowIndex, prevProposalHash, stateRoot }: ProposalHeader): object {
  return {
    window: Number(windowIndex),
    parent: toHex(prevProposalHash).slice(0, 8),
    state: toHex(stateRoot).slice(0, 8),
  };
}
