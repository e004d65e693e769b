/** A whole node behind a producer of the reference release: what it stores, shows and refuses to do. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { isRecomputed } from "../../consensus/rc1/headers.ts";
import { chainOf, headers, params, payloads } from "../../consensus/rc1/producer.fixture.ts";
import type { Message } from "../../consensus/objects.ts";
import type { Verdict } from "../../consensus/verdict.ts";
import { toHex } from "../../protocol/bytes.ts";
import type { ProtocolParams } from "../../protocol/genesis/params.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import { accountIdOf, SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { crypto, Member, Testnet, type TestNode } from "./testnet.fixture.ts";
import type { PeerHandler, Transport } from "./transport.ts";

/** Says what it is told to, and hears everything that is sent to it. */
class FakeProducer implements Transport {
  readonly isAlone = false;
  readonly peers = ["producer"];
  readonly heard: Message[] = [];
  readonly verdicts: Verdict[] = [];
  #handler: PeerHandler | undefined;

  start(handler: PeerHandler): Promise<void> {
    this.#handler = handler;
    handler.onConnected("producer");
    return Promise.resolve();
  }

  say(...sent: readonly Uint8Array[]): void {
    for (const payload of sent) this.#handler!.onMessage("producer", { type: "header", payload });
  }

  broadcast(message: Message, except?: string): void {
    if (except !== "producer") this.heard.push(message);
  }

  send(_: string, messages: readonly Message[]): void {
    this.heard.push(...messages);
  }

  judge(_: string, __: Message, verdict: Verdict): void {
    this.verdicts.push(verdict);
  }

  blame(): void {
    throw new Error("nothing was fetched");
  }

  fetchObjects(): void {
    throw new Error("the producer serves nothing");
  }

  fetchWindows(): Promise<never> {
    throw new Error("the producer serves nothing");
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

const me = new Member("follower");
let net: Testnet;

function open(own: ProtocolParams): void {
  net = new Testnet({ founders: [me], tau2Windows: own.tau2Windows, d: own.d0 }, rulesOf(own, "rc1"));
}

beforeEach(() => {
  open(params);
});

afterEach(() => net.end());

async function start(): Promise<[TestNode, FakeProducer]> {
  const producer = new FakeProducer();
  return [await net.start(me, { transport: producer }), producer];
}

async function stored({ node }: TestNode): Promise<ProposalHeader[]> {
  const pages = await node.state.ask("headers", { first: 0n, count: 100 });
  return pages.map((bytes) => proposalHeader.decode(bytes));
}

describe("a node of profile rc1", () => {
  test("follows the recorded producer over a restart of its own, shows its state, and says nothing to anybody", async () => {
    const [first, before] = await start();
    before.say(...payloads.slice(0, 4));
    await first.untilWindow(3);
    await first.stop();
    const [second, after] = await start();
    // Two headers were missed.
    after.say(...payloads.slice(6));
    await second.untilWindow(headers.length - 1);
    const kept = await stored(second);
    expect(kept.map(({ stateRoot }) => toHex(stateRoot))).toEqual(headers.map(({ stateRoot }) => toHex(stateRoot)));
    expect(kept.filter(isRecomputed).map(({ windowIndex }) => windowIndex)).toEqual([4n, 5n]);
    const producer = accountIdOf(crypto, SUITE_MLDSA65, params.bootstrapAccountPubkey);
    expect(await second.balance(producer)).toBe(params.emissionMoneta * BigInt(headers.length - 1));
    const status = await second.node.status();
    expect(status).toMatchObject({
      window: headers.length - 1,
      stateRoot: toHex(headers.at(-1)!.stateRoot),
      notices: [],
    });
    expect((await second.node.time()).timechainValue).toBe(toHex(headers.at(-1)!.timechainValue));
    expect([...before.heard, ...after.heard]).toEqual([]);
    expect((await second.node.state.ask("check", undefined)).problems).toEqual([]);
    await expect(second.node.join({})).rejects.toThrow("network-has-one-producer");
  });

  test("says which header it refused and by which check, and takes that back when the right one comes", async () => {
    const [follower, producer] = await start();
    producer.say(...payloads.slice(0, 2));
    await follower.untilWindow(1);
    const [wrong] = chainOf(rulesOf({ ...params, emissionMoneta: 14n }, "rc1"), 3).slice(2);
    producer.say(wrong!);
    const notice = await follower.untilNotice("producer-header-refused");
    expect(notice.params).toEqual({ window: "2", failure: "wrong-parent", field: "prevProposalHash" });
    expect((await follower.node.status()).notices).toEqual([notice]);
    producer.say(payloads[2]!);
    await follower.untilWindow(2);
    expect((await follower.node.status()).notices).toEqual([]);
  });

  test("finds out that the producer's D has not changed at a boundary, with its own TimeChain ahead already", async () => {
    await net.end();
    const small = { ...params, d0: 3000n };
    open(small);
    const [follower, producer] = await start();
    const sent = chainOf(rulesOf({ ...small, dAdjustmentRateNum: 0 }, "rc1"), 10);
    for (const [window, payload] of sent.entries()) {
      producer.say(payload);
      await follower.untilWindow(window);
    }
    expect((await stored(follower)).map((header) => proposalHeader.encode(header))).toEqual(sent);
    expect((await follower.node.time()).d).toBe(3000);
    await follower.stop();
    const [again, next] = await start();
    next.say(...chainOf(rulesOf({ ...small, dAdjustmentRateNum: 0 }, "rc1"), 12).slice(10));
    await again.untilWindow(11);
  });
});
