import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { compareBytes, equalBytes, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { decodeProof, verifyProof } from "../../protocol/merkle/proof.ts";
import { proposalHeader } from "../../protocol/objects/consensus.ts";
import { accountRecord } from "../../protocol/state/records.ts";
import { History } from "../../protocol/transition/history.fixture.ts";
import type { DecidedWindow } from "../../consensus/material.ts";
import { viewOf } from "../../consensus/tables.ts";
import { STORE_FOLDER } from "../store/backup.ts";
import { createStore } from "../store/builder.ts";
import { headerOf, busyWindow } from "../store/store.fixture.ts";
import { StateClient } from "./client.ts";
import type { OpenOptions } from "./requests.ts";

const { crypto } = loadCrypto();
const NETWORK = crypto.sha256(new Uint8Array(1));

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "montana-state-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

class Node {
  readonly model = new History(crypto, "per-window");
  readonly client: StateClient;
  readonly options: OpenOptions;
  prevHash: Hash32 = ZERO_HASH;

  constructor(directory: string) {
    const { rules } = this.model;
    this.options = { directory, rules, networkId: NETWORK, founders: [], whenMissing: "create" };
    this.client = new StateClient({
      onFailure: (error) => {
        throw error;
      },
    });
    onTestFinished(() => this.client.close());
  }

  /** The model's genesis has more accounts than the parameters alone give. */
  open() {
    const directory = join(this.options.directory, STORE_FOLDER);
    const { accounts, nodes } = this.model.state;
    const genesis = { accounts: [...accounts.rows()], nodes: [...nodes.rows()] };
    if (!existsSync(directory)) createStore({ ...this.options, crypto, directory }, genesis, this.model.settled.epoch);
    return this.client.ask("open", this.options);
  }

  async decide(): Promise<DecidedWindow> {
    const inputs = this.model.inputs(busyWindow);
    const key = crypto.sha256(new Uint8Array([Number(inputs.window)]));
    const outcome = await this.client.ask("computeTransition", { kind: "compute-transition", key, inputs });
    if ("failure" in outcome) throw new Error(outcome.failure);
    const header = headerOf(inputs.window, this.prevHash, outcome.roots, inputs.timechainValue);
    const hash = proposalHeader.identify(crypto, header);
    const bundles = inputs.bundleSigners.toSorted(compareBytes).map((nodeId) => ({ nodeId, hash: ZERO_HASH }));
    const decided: DecidedWindow = {
      header,
      hash,
      key,
      inputs,
      body: { proposalHash: hash, windowIndex: inputs.window, bundles, evidence: [], reveals: [], controlHashes: [] },
      certificate: [],
      bundles: [],
      reveals: [],
      operations: inputs.operations.map(({ operation }) => operation),
      registrations: inputs.registrations,
    };
    const { view } = await this.client.ask("persist", decided);
    this.model.commit(this.model.evaluate(inputs));
    this.prevHash = hash;
    expect(view).toEqual(viewOf(crypto, this.model.state, this.model.settled.epoch, this.model.window, decided));
    return decided;
  }
}

describe("the state worker", () => {
  test("decides windows and, started again, gives the machine the view and the past that it had before", async () => {
    const directory = testFolder();
    const node = new Node(directory);
    await node.open();
    const decided: DecidedWindow[] = [];
    for (let window = 0; window < 6; window++) decided.push(await node.decide());
    const before = await node.client.ask("standing", undefined);
    expect(before.past.map(({ header }) => header)).toEqual(decided.slice(3).map(({ header }) => header));
    await node.client.close();

    const again = new Node(directory);
    expect(await again.open()).toEqual({ height: 6n, notes: [] });
    expect(await again.client.ask("standing", undefined)).toEqual(before);
  });

  test("answers a wallet: balance, history, and a proof against the last header", async () => {
    const node = new Node(testFolder());
    await node.open();
    for (let window = 0; window < 4; window++) await node.decide();
    const id = node.model.personId(0);
    const account = await node.client.ask("account", id);
    expect(account).toEqual(node.model.state.accounts.get(id));
    const history = await node.client.ask("history", { subject: id });
    expect(history[0]!.window).toBe(3n);
    const { header, totalBalance } = await node.client.ask("summary", undefined);
    expect(totalBalance).toBe(node.model.state.accounts.totalBalance);
    for (const subject of [id, crypto.sha256(new Uint8Array(7)) as typeof id]) {
      const { window, proof } = await node.client.ask("accountProof", subject);
      expect(window).toBe(3n);
      const decoded = decodeProof(crypto, proof, accountRecord.size);
      expect(verifyProof(crypto, header!.accountRoot, decoded)).toBe(true);
      expect(decoded.leafValue.length > 0).toBe(equalBytes(subject, id));
    }
  });

  test("serves a snapshot by chunks while windows go on", async () => {
    const node = new Node(testFolder());
    await node.open();
    for (let window = 0; window < 3; window++) await node.decide();
    const { totalChunks } = await node.client.ask("holdSnapshot", 2n);
    const chunks = async () => {
      const all = Array.from({ length: totalChunks }, (_, index) =>
        node.client.ask("snapshotChunk", { window: 2n, index }),
      );
      return Promise.all(all);
    };
    const first = await chunks();
    await node.decide();
    expect(await chunks()).toEqual(first);
    await node.client.ask("releaseSnapshot", 2n);
    await expect(chunks()).rejects.toMatchObject({ code: "snapshot-unavailable" });
  });

  test("checks and backs up while windows are decided, and stops when it is told to", async () => {
    const node = new Node(testFolder());
    await node.open();
    for (let window = 0; window < 3; window++) await node.decide();
    const target = join(testFolder(), "copy");
    const [report] = await Promise.all([
      node.client.ask("check", undefined),
      node.client.ask("backup", { target }),
      node.decide(),
    ]);
    expect(report.problems).toEqual([]);
    const controller = new AbortController();
    const cancelled = node.client.ask("backup", { target: `${target}-2` }, { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
    const copy = new Node(target);
    expect((await copy.open()).height).toBeGreaterThanOrEqual(3n);
  });

  test("names what is wrong, and refuses when too many wait or the store is closed", async () => {
    const node = new Node(testFolder());
    await expect(node.client.ask("summary", undefined)).rejects.toMatchObject({ code: "store-closed" });
    const missing = { ...node.options, whenMissing: "must-exist" as const };
    await expect(node.client.ask("open", missing)).rejects.toMatchObject({ code: "store-missing" });
    const fresh = await node.client.ask("open", node.options);
    expect(fresh).toEqual({ height: 0n, notes: [] });
    const many = Array.from({ length: 300 }, () => node.client.ask("summary", undefined));
    const codes = (await Promise.allSettled(many)).map((one) =>
      one.status === "rejected" ? (one.reason as { code: string }).code : "answered",
    );
    expect(codes.filter((code) => code === "answered")).toHaveLength(256);
    expect(codes.filter((code) => code === "busy")).toHaveLength(44);
    await node.client.close();
    await expect(node.client.ask("summary", undefined)).rejects.toMatchObject({ code: "store-closed" });
  });
});
