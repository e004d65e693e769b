/**
 * A producer of v1.0.0-rc.1 as it was recorded (test/fixtures/rc1/producer.json), from both sides: what a follower makes of its
 * headers, and whether the headers that this program derives are those that the producer sent.
 */
import { describe, expect, it } from "vitest";

import { equalBytes, sized, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import { rulesOf } from "../../protocol/genesis/rules.ts";
import { nodeIdOf } from "../../protocol/identity/ids.ts";
import { proposalHeader, type ProposalHeader } from "../../protocol/objects/consensus.ts";
import { genesisTimechainValue } from "../../protocol/timechain/genesisValue.ts";
import type { WindowResult } from "../../protocol/transition/applyWindow.ts";
import type { DecidedWindow } from "../material.ts";
import type { Effect, RestartVdf, RunVdf } from "../effects.ts";
import type { MachineEvent } from "../events.ts";
import { computeTransition, outcomeOf, viewOf } from "../tables.ts";
import type { Verdict } from "../verdict.ts";
import { ProducerFollower } from "./follow.ts";
import { isRecomputed } from "./headers.ts";
import {
  AFTER_RESTART,
  chainOf,
  crypto,
  genesis,
  headers,
  params,
  payloads,
  rules,
  signed,
  stepFrom,
} from "./producer.fixture.ts";

const other = sized(new Uint8Array(32).fill(0xcd), 32);

/** Carries out a follower's effects at once, but for its own TimeChain, which goes as far as it is let. */
class Bench {
  follower = new ProducerFollower(crypto, rules);
  readonly stored: DecidedWindow[] = [];
  readonly verdicts = new Map<number, Verdict>();
  readonly effects: Effect[] = [];
  #settled = genesis();
  #computed: WindowResult | undefined;
  #due: RunVdf | undefined;
  #time: { window: bigint; value: Hash32 };

  constructor() {
    this.#time = { window: 0n, value: genesisTimechainValue(crypto) };
    this.#begin();
  }

  get window(): bigint {
    return this.follower.window;
  }

  /** A new process on the same store. */
  restart(): void {
    this.follower = new ProducerFollower(crypto, rules);
    this.#due = undefined;
    const tip = this.stored.at(-1)!;
    this.#time = { window: tip.header.windowIndex, value: tip.header.timechainValue };
    this.#begin();
  }

  send(payload: Uint8Array, id = 0): Verdict | undefined {
    this.step({ kind: "received", messages: [{ type: "header", payload, id, from: "producer" }] });
    return this.verdicts.get(id);
  }

  /** The own TimeChain computes up to `window`, as far as its D is known. */
  hashTo(window: bigint): void {
    while (this.#due !== undefined && this.#due.window <= window) {
      const { window: next, from, iterations } = this.#due;
      this.#due = undefined;
      this.#time = { window: next, value: stepFrom(from, iterations) };
      this.step({ kind: "ticked", ...this.#time });
    }
  }

  step(event: MachineEvent): void {
    for (const effect of this.follower.step(event)) {
      this.effects.push(effect);
      this.#carryOut(effect);
    }
  }

  of<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  #begin(): void {
    const { state, epoch } = this.#settled;
    const tip = this.stored.at(-1);
    const view = viewOf(crypto, state, epoch, tip === undefined ? 0n : tip.header.windowIndex + 1n, tip);
    const past = tip === undefined ? [] : [{ view, header: tip.header, body: tip.body, bundles: [] }];
    this.step({ kind: "started", view, past, log: [], times: [] });
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "verdict":
        this.verdicts.set(effect.id, effect.verdict);
        return;
      case "run-vdf":
        this.#due = effect;
        return;
      case "restart-vdf":
        this.#restartVdf(effect);
        return;
      case "find-iterations": {
        const { window, from, to, candidates } = effect;
        const iterations = candidates.find((candidate) => equalBytes(stepFrom(from, candidate), to));
        this.step({ kind: "iterations-found", window, iterations });
        return;
      }
      case "compute-transition": {
        const { outcome, result } = computeTransition(crypto, rules, this.#settled, effect.inputs);
        this.#computed = result;
        this.step({ kind: "transition-computed", key: effect.key, outcome });
        return;
      }
      case "persist": {
        const { changes, trees, epoch } = this.#computed!;
        const { state } = this.#settled;
        state.apply(changes);
        this.#settled = { state, trees, epoch };
        this.stored.push(effect.decided);
        const view = viewOf(crypto, state, epoch, effect.decided.header.windowIndex + 1n, effect.decided);
        this.step({ kind: "committed", ...outcomeOf(this.#computed!), view });
        return;
      }
      case "broadcast":
      case "notify":
      case "report":
        // Looked at afterwards.
        return;
      case "sign":
      case "send":
      case "list-objects":
      case "check-objects":
      case "fetch-objects":
      case "fetch-windows":
      case "set-timer":
      case "cancel-timer":
      case "halt":
        throw new Error(`a follower does not ${effect.kind}`);
    }
  }

  #restartVdf({ window, value, iterations }: RestartVdf): void {
    this.#due = { kind: "run-vdf", window: window + 1n, from: value, iterations };
  }
}

/** Window after window, each T first. */
function followTo(bench: Bench, count: number): void {
  for (const [window, payload] of payloads.slice(0, count).entries()) {
    bench.hashTo(BigInt(window));
    bench.send(payload, window);
  }
}

const rootsStored = (bench: Bench): Hash32[] => bench.stored.map(({ header }) => header.stateRoot);
const rootsSent = (count: number): Hash32[] => headers.slice(0, count).map(({ stateRoot }) => stateRoot);

describe("the recorded producer", () => {
  it("sends what this program derives from its genesis, its node id and D", () => {
    const derived = chainOf(rules, headers.length, [AFTER_RESTART]);
    expect(derived.map((payload) => proposalHeader.scope(proposalHeader.decode(payload)))).toEqual(
      headers.map((header) => proposalHeader.scope(header)),
    );
    expect(headers.every((header) => proposalHeader.verify(crypto, params.bootstrapNodePubkey, header))).toBe(true);
    expect(headers.length).toBeGreaterThan(2 * Number(params.tau2Windows));
  });
});

describe("a follower", () => {
  it("takes every header, over two changes of D and a restart of the producer, and relays what it has checked", () => {
    const bench = new Bench();
    followTo(bench, headers.length);
    expect(bench.stored.map(({ header }) => header)).toEqual(headers);
    expect([...bench.verdicts.values()].every(({ verdict }) => verdict === "accept")).toBe(true);
    expect(bench.of("broadcast").map(({ message, except }) => [message.payload, except])).toEqual(
      payloads.map((payload) => [payload, "producer"]),
    );
    expect(bench.of("sign")).toEqual([]);
    expect(bench.of("find-iterations")).toEqual([]);
  });

  it("waits with a header until its own TimeChain is there", () => {
    const bench = new Bench();
    followTo(bench, 2);
    expect(bench.send(payloads[2]!, 2)).toBeUndefined();
    expect(bench.window).toBe(2n);
    bench.hashTo(2n);
    expect(bench.window).toBe(3n);
    expect(bench.verdicts.get(2)).toEqual({ verdict: "accept" });
  });

  it("goes on after a restart of its own with what its store has", () => {
    const bench = new Bench();
    followTo(bench, 5);
    bench.restart();
    for (const [i, payload] of payloads.slice(5).entries()) {
      bench.hashTo(BigInt(5 + i));
      bench.send(payload, 5 + i);
    }
    expect(bench.stored.map(({ header }) => header)).toEqual(headers);
  });

  it("computes windows whose headers it missed, without a signature, and only once a later header is there", () => {
    const bench = new Bench();
    followTo(bench, 2);
    bench.hashTo(4n);
    expect(bench.window).toBe(2n);
    bench.send(payloads[4]!, 4);
    expect(bench.window).toBe(5n);
    expect(bench.stored.map(({ header }) => isRecomputed(header))).toEqual([false, false, true, true, false]);
    expect(rootsStored(bench)).toEqual(rootsSent(5));
    const [, , , missed] = bench.stored;
    expect(proposalHeader.identify(crypto, missed!.header)).toEqual(proposalHeader.identify(crypto, headers[3]!));
  });

  it("begins late and computes everything from the genesis on", () => {
    const bench = new Bench();
    bench.send(payloads.at(-1)!, 1);
    expect(bench.of("notify").some(({ notice }) => notice.code === "behind")).toBe(true);
    bench.hashTo(99n);
    expect(rootsStored(bench)).toEqual(rootsSent(headers.length));
    expect(bench.stored.filter(({ header }) => !isRecomputed(header))).toHaveLength(1);
    expect(bench.verdicts.get(1)).toEqual({ verdict: "accept" });
  });

  it("computes no missed window in a new epoch before a header confirms its D", () => {
    const bench = new Bench();
    followTo(bench, 4);
    bench.send(payloads[6]!, 6);
    bench.hashTo(5n);
    expect(bench.window).toBe(5n);
    bench.hashTo(6n);
    expect(rootsStored(bench)).toEqual(rootsSent(7));
  });

  it("takes the header that a killed producer makes a second time as a parent, as long as it knows the first", () => {
    const bench = new Bench();
    followTo(bench, 2);
    const again = { ...headers[1]!, prevProposalHash: ZERO_HASH };
    expect(bench.send(signed(again), 1)).toEqual({ verdict: "ignore", code: "window-not-monotone" });
    bench.hashTo(2n);
    const next = { ...headers[2]!, prevProposalHash: proposalHeader.identify(crypto, again) };
    expect(bench.send(signed(next), 2)).toEqual({ verdict: "accept" });
  });

  it("does not ask which parent follows a window that it computed without a header", () => {
    const bench = new Bench();
    followTo(bench, 2);
    bench.send(signed({ ...headers[3]!, prevProposalHash: other }), 3);
    bench.hashTo(3n);
    expect(bench.verdicts.get(3)).toEqual({ verdict: "accept" });
  });

  it("finds the D of a producer that does not raise it at a boundary, and goes on with that one", () => {
    const frozen = rulesOf({ ...params, dAdjustmentRateNum: 0 }, "rc1");
    const bench = new Bench();
    bench.hashTo(2n);
    const sent = chainOf(frozen, 10);
    for (const [window, payload] of sent.entries()) {
      bench.hashTo(BigInt(window));
      bench.send(payload, window);
      bench.hashTo(BigInt(window));
    }
    expect(bench.window).toBe(10n);
    // At each boundary anew: the rule raises it again.
    expect(bench.of("restart-vdf").map(({ window, iterations }) => [window, iterations])).toEqual([
      [4n, params.d0],
      [8n, params.d0],
    ]);
    expect(bench.stored.map(({ header }) => proposalHeader.encode(header))).toEqual(sent);
  });

  it.each<[string, Partial<ProposalHeader>, string, string]>([
    ["the parent", { prevProposalHash: other }, "wrong-parent", "prevProposalHash"],
    ["T", { timechainValue: other }, "wrong-timechain-value", ""],
    ["the state root", { stateRoot: other }, "wrong-state-root", "stateRoot"],
    ["the account root", { accountRoot: other }, "header-differs", "accountRoot"],
    ["the node root", { nodeRoot: other }, "header-differs", "nodeRoot"],
    ["the candidate root", { candidateRoot: other }, "header-differs", "candidateRoot"],
    ["the control root", { controlRoot: other }, "header-differs", "controlRoot"],
    ["the bundles", { includedBundlesRoot: other }, "header-differs", "includedBundlesRoot"],
    ["the reveals", { includedRevealsRoot: other }, "header-differs", "includedRevealsRoot"],
    ["the endpoint", { winnerEndpoint: other }, "header-differs", "winnerEndpoint"],
    ["the winner", { winnerId: sized(other, 32) as ProposalHeader["winnerId"] }, "header-differs", "winnerId"],
    ["the target", { target: 1n }, "header-differs", "target"],
    ["the depth", { fallbackDepth: 2 }, "header-differs", "fallbackDepth"],
    ["the version", { protocolVersion: 2 }, "header-differs", "protocolVersion"],
  ])("refuses a header whose producer has %s wrong, says which check failed, and stays", (_, wrong, failure, field) => {
    const bench = new Bench();
    followTo(bench, 3);
    bench.hashTo(3n);
    const spoilt = signed({ ...headers[3]!, ...wrong });
    expect(bench.send(spoilt, 3)).toEqual({ verdict: "ignore", code: failure });
    const fault = { code: "producer-header-refused", window: 3n, failure, field: field === "" ? undefined : field };
    expect(bench.of("report").map((report) => report.fault)).toEqual([fault]);
    expect(bench.window).toBe(3n);
    // Neither again, nor past it; but the right one is taken.
    expect(bench.send(spoilt, 13)).toEqual({ verdict: "ignore", code: "duplicate" });
    bench.send(payloads[4]!, 4);
    bench.hashTo(4n);
    expect(bench.window).toBe(3n);
    bench.send(payloads[3]!, 23);
    expect(rootsStored(bench)).toEqual(rootsSent(5));
  });

  it.each<[string, Uint8Array, Verdict]>([
    ["of a stranger", strange(), { verdict: "reject", code: "proposer-not-canonical" }],
    ["whose signature is spoilt", flipped(payloads[2]!, 3000), { verdict: "reject", code: "invalid-signature" }],
    ["whose content is spoilt", flipped(payloads[2]!, 100), { verdict: "reject", code: "invalid-signature" }],
    ["that is cut", payloads[2]!.slice(1), { verdict: "reject", code: "malformed" }],
    ["of a window before", payloads[1]!, { verdict: "ignore", code: "window-not-monotone" }],
  ])("refuses a header %s", (_, payload, verdict) => {
    const bench = new Bench();
    followTo(bench, 2);
    bench.hashTo(2n);
    expect(bench.send(payload, 2)).toEqual(verdict);
    expect(bench.window).toBe(2n);
  });

  it("takes nothing but headers", () => {
    const bench = new Bench();
    bench.step({
      kind: "received",
      messages: [{ type: "operation", payload: new Uint8Array(10), id: 1, from: "own" }],
    });
    expect(bench.verdicts.get(1)).toEqual({ verdict: "reject", code: "producer-takes-nothing" });
  });

  it("keeps a bounded number of headers that are ahead, the nearest ones", () => {
    const bench = new Bench();
    for (let i = 0; i < 70; i++) bench.send(signed({ ...headers[3]!, windowIndex: BigInt(200 - i) }), i);
    const dropped = [...bench.verdicts].filter(([, verdict]) => "code" in verdict && verdict.code === "surplus");
    expect(dropped.map(([id]) => id)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

function strange(): Uint8Array {
  const key = crypto.mldsa65.generate(new Uint8Array(32).fill(9));
  const proposerNodeId = nodeIdOf(crypto, key.publicKey);
  return proposalHeader.encode(proposalHeader.sign(crypto, key.secretKey, { ...headers[2]!, proposerNodeId }));
}

function flipped(payload: Uint8Array, at: number): Uint8Array {
  return payload.with(at, payload[at]! ^ 1);
}
