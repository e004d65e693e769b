import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ZERO_HASH, type AccountId } from "../../protocol/bytes.ts";
import { candidateFromRegistration, nodeFromCandidate } from "../../protocol/entry/records.ts";
import { accountIdOf, nodeIdOf } from "../../protocol/identity/ids.ts";
import { TYPE_NODE_REGISTRATION } from "../../protocol/objects/nodeRegistration.ts";
import type { Signature } from "../../protocol/crypto.ts";
import type { CandidateRecord } from "../../protocol/state/records.ts";
import { candidateVdfInit } from "../../protocol/timechain/candidateChain.ts";
import { freshState, resumeActions, step, type Self } from "./machine.ts";
import { crypto, D, EMISSION, hashOf, keyOf, RULES, TAU2 } from "./network.fixture.ts";
import type { OwnStanding } from "./standing.ts";
import type { LifecycleAction, LifecycleEvent, LifecycleNews, LifecycleState, WindowFacts } from "./state.ts";

const SELF: Self = { crypto, rules: RULES, nodePubkey: keyOf("own node") };
const NODE_ID = nodeIdOf(crypto, SELF.nodePubkey);
const OPERATOR = accountIdOf(crypto, 1, SELF.nodePubkey);

const OUTSIDE: OwnStanding = {
  ...{ node: undefined, candidate: undefined, position: undefined, refusal: undefined },
  ...{ queueLength: 0n, activeNodes: 1n, requiredLength: TAU2 },
};

type Facts = Partial<Omit<WindowFacts, "standing">> & { readonly standing?: Partial<OwnStanding> };

function windowEvent(window: bigint, { standing, ...facts }: Facts = {}): LifecycleEvent {
  return {
    ...{ kind: "window", window, timechainValue: hashOf(`T ${String(window)}`), aggregate: ZERO_HASH, d: D },
    ...{ isSynchronised: true, refusal: undefined, isFastEnough: undefined },
    ...facts,
    standing: { ...OUTSIDE, ...standing },
  };
}

const candidateIn = (window: bigint): CandidateRecord =>
  candidateFromRegistration(
    crypto,
    {
      ...{ type: TYPE_NODE_REGISTRATION, suiteId: 1, nodePubkey: SELF.nodePubkey, operatorAccountId: OPERATOR },
      ...{
        proofEndpoint: hashOf("end"),
        wStart: 5n,
        vdfChainLength: TAU2,
        signature: new Uint8Array(3309) as Signature,
      },
    },
    window,
    RULES.params,
  );

/** A machine that is driven by a test. */
class Driver {
  state: LifecycleState = freshState(SELF);
  actions: readonly LifecycleAction[] = [];

  do(event: LifecycleEvent): this {
    ({ state: this.state, actions: this.actions } = step(SELF, this.state, event));
    return this;
  }

  window(window: bigint, facts?: Facts): this {
    return this.do(windowEvent(window, facts));
  }

  segments(upTo: bigint): this {
    for (let done = (this.state.chain?.done ?? 0n) + 1n; done <= upTo; done++) {
      this.do({ kind: "segment", done, value: hashOf(`v ${String(done)}`) });
    }
    return this;
  }

  get news(): LifecycleNews[] {
    return this.actions.flatMap((action) => (action.kind === "tell" ? [action.news] : []));
  }

  get kinds(): string[] {
    return this.actions.map((action) => (action.kind === "tell" ? action.news.kind : action.kind));
  }
}

/** Joined, with a chain that window 5 seeded. */
const candidate = (): Driver => new Driver().do({ kind: "join", operatorAccountId: OPERATOR }).window(5n);
/** …and finished. */
const finished = (): Driver => candidate().segments(TAU2);
const registered = (): Driver => finished().window(17n, { standing: { candidate: candidateIn(17n) } });

test("the bootstrap node is Active without a file, everybody is where its key is zeros, nobody else", () => {
  expect(freshState({ ...SELF, nodePubkey: RULES.params.bootstrapNodePubkey }).phase).toBe("Active");
  const unfinished = { ...RULES, params: { ...RULES.params, bootstrapNodePubkey: new Uint8Array(1952) as never } };
  expect(freshState({ ...SELF, rules: unfinished }).phase).toBe("Active");
  expect(freshState(SELF).phase).toBe("Bootstrap");
});

test("nothing begins before the person joins, nor before the node is in step with the network", () => {
  const driver = new Driver().window(3n);
  expect(driver.state.phase).toBe("Bootstrap");
  driver.do({ kind: "join", operatorAccountId: OPERATOR }).window(4n, { isSynchronised: false });
  expect(driver.state.phase).toBe("Bootstrap");
  driver.window(5n);
  expect(driver.state.phase).toBe("CandidateVdf");
  expect(driver.kinds).toEqual(["run-chain", "chain-begun"]);
});

test("a chain begins with the window that the person named, at the earliest, and a later word counts", () => {
  const driver = new Driver().do({ kind: "join", operatorAccountId: OPERATOR, notBefore: 7n });
  expect(driver.window(6n).state.phase).toBe("Bootstrap");
  expect(driver.window(7n).state.chain?.wStart).toBe(7n);
  const hasty = new Driver().do({ kind: "join", operatorAccountId: OPERATOR, notBefore: 7n });
  expect(hasty.do({ kind: "join", operatorAccountId: OPERATOR }).window(6n).state.chain?.wStart).toBe(6n);
});

test("the chain is seeded by the window that closes, for τ₂ segments of its D", () => {
  const { state } = candidate();
  const init = candidateVdfInit(crypto, hashOf("T 5"), ZERO_HASH, NODE_ID);
  expect(state.chain).toEqual({ wStart: 5n, init, d: D, target: TAU2, done: 0n, value: init });
});

describe("publishing", () => {
  test("begins when the chain is long enough and the window may apply it, and repeats the same object", () => {
    const driver = finished();
    expect(driver.kinds).toEqual(["rest-chain", "chain-finished"]);
    // W_start + τ₂ is window 15, which publishing after 13 reaches.
    expect(driver.window(12n).kinds).toEqual([]);
    expect(driver.window(13n).kinds).toEqual(["publish", "published"]);
    const first = driver.actions[0];
    expect(first).toMatchObject({ draft: { vdfChainLength: TAU2, wStart: 5n, proofEndpoint: hashOf("v 10") } });
    expect(driver.window(14n).kinds).toEqual(["publish"]);
    expect(driver.actions[0]).toEqual(first);
  });

  test("an unfinished chain is not published", () => {
    expect(
      candidate()
        .segments(TAU2 - 1n)
        .window(16n).kinds,
    ).toEqual([]);
  });

  test("a refusal that the tables foretell is told once and holds the registration back until it is mended", () => {
    const driver = finished();
    const standing = { refusal: "operator-account-already-node" } as const;
    expect(driver.window(15n, { standing }).news).toEqual([
      { kind: "hindered", hindrance: "operator-account-already-node" },
    ]);
    expect(driver.window(16n, { standing }).kinds).toEqual([]);
    driver.do({ kind: "join", operatorAccountId: hashOf("another") as AccountId });
    expect(driver.window(17n).kinds).toEqual(["publish", "published"]);
    expect(driver.actions[0]).toMatchObject({ draft: { operatorAccountId: hashOf("another") } });
    expect(driver.state.hindrance).toBeUndefined();
  });

  test("another account makes another object", () => {
    const driver = finished().window(15n);
    driver.do({ kind: "join", operatorAccountId: hashOf("another") as AccountId }).window(16n);
    expect(driver.kinds).toEqual(["publish", "published"]);
  });
});

describe("a chain that is too short", () => {
  test("is extended to what is required, from where it is, and published then", () => {
    const driver = finished().window(15n);
    driver.window(16n, { refusal: "vdf-chain-too-short", standing: { requiredLength: 13n } });
    expect(driver.kinds).toEqual(["refused", "run-chain", "chain-extended"]);
    expect(driver.state).toMatchObject({ chain: { target: 13n, done: TAU2 }, publication: undefined });
    expect(driver.window(17n, { standing: { requiredLength: 13n } }).kinds).toEqual([]);
    driver.segments(13n).window(18n, { standing: { requiredLength: 13n } });
    expect(driver.actions[0]).toMatchObject({ kind: "publish", draft: { vdfChainLength: 13n } });
  });

  test("waits where more is required than can be proven in time, and is published when pressure falls", () => {
    const driver = finished().window(15n, { standing: { requiredLength: 2n * TAU2 + 1n } });
    expect(driver.news).toEqual([{ kind: "hindered", hindrance: "entry-closed" }]);
    expect(driver.window(16n, { standing: { requiredLength: 1000n } }).kinds).toEqual([]);
    expect(driver.window(17n).kinds).toEqual(["publish", "published"]);
  });
});

describe("a chain that is late", () => {
  const LAST = 5n + 2n * TAU2;

  test("is kept up to W_start + 2τ₂ and begun anew after it, with the reason", () => {
    const driver = candidate().segments(7n);
    expect(driver.window(LAST).state.chain?.wStart).toBe(5n);
    driver.window(LAST + 1n);
    expect(driver.kinds).toEqual(["rest-chain", "run-chain", "chain-begun"]);
    expect(driver.news).toEqual([{ kind: "chain-begun", wStart: LAST + 1n, target: TAU2, cause: "deadline-missed" }]);
    expect(driver.state.chain).toMatchObject({ wStart: LAST + 1n, done: 0n });
  });

  test.each([
    ["too-slow", 7n, false],
    ["deadline-missed", 7n, true],
    ["not-registered-in-time", TAU2, false],
  ] as const)("says %s", (cause, segments, isFastEnough) => {
    const driver = candidate()
      .segments(segments)
      .window(LAST + 1n, { isFastEnough });
    expect(driver.state.lastRestart).toBe(cause);
  });

  test("is not given up by a node that is behind: it waits until it knows the present", () => {
    const driver = finished().window(LAST + 1n, { isSynchronised: false });
    expect(driver.state.chain?.wStart).toBe(5n);
    expect(driver.kinds).toEqual([]);
  });
});

describe("in the pool", () => {
  test("the node is Registered, whatever it was before, and its chain rests", () => {
    const driver = registered();
    expect(driver.state).toMatchObject({ phase: "Registered", registration: { window: 17n } });
    expect(driver.kinds).toEqual(["rest-chain", "registered"]);
    const restored = new Driver().window(20n, { standing: { candidate: candidateIn(17n) } });
    expect(restored.state).toMatchObject({ phase: "Registered", operatorAccountId: OPERATOR });
  });

  test("an admission makes it Active and tells the window, the bonus and the account", () => {
    const node = nodeFromCandidate(candidateIn(17n), 18n);
    const driver = registered().window(18n, { standing: { node } });
    expect(driver.state).toMatchObject({ phase: "Active", admissionWindow: 18n, chain: undefined });
    expect(driver.news).toEqual([{ kind: "admitted", window: 18n, bonus: EMISSION, operatorAccountId: OPERATOR }]);
    expect(driver.window(19n, { standing: { node } }).actions).toEqual([]);
  });

  test("an admission during an absence is told with its own window", () => {
    const node = nodeFromCandidate(candidateIn(17n), 18n);
    const driver = registered().window(30n, { standing: { node } });
    expect(driver.news).toMatchObject([{ kind: "admitted", window: 18n }]);
  });

  test("a node that was Active before this computer knew it is not told to have a bonus", () => {
    const node = nodeFromCandidate(candidateIn(17n), 18n);
    expect(new Driver().window(30n, { standing: { node } }).news).toEqual([
      { kind: "already-a-node", startWindow: 18n },
    ]);
  });

  test("a dropped one uses its chain again where R8 still holds, and begins anew where it does not", () => {
    const early = registered().window(20n);
    expect(early.state).toMatchObject({ phase: "CandidateVdf", chain: { wStart: 5n, done: TAU2 } });
    expect(early.kinds).toEqual(["lost-place", "chain-taken-up"]);
    expect(early.window(21n).kinds).toEqual(["publish", "published"]);

    const late = registered().window(24n);
    expect(late.state).toMatchObject({ phase: "CandidateVdf", chain: { wStart: 24n, done: 0n } });
    expect(late.state.lastRestart).toBe("registration-dropped");
  });

  test("an expired one begins anew and says so", () => {
    const driver = registered().window(17n + 3n * TAU2);
    expect(driver.state).toMatchObject({ phase: "CandidateVdf", lastRestart: "registration-expired" });
  });

  test("it can neither join again nor withdraw nor start over", () => {
    const driver = registered();
    const { state } = driver;
    for (const kind of ["withdraw", "start-over"] as const) expect(driver.do({ kind }).state).toBe(state);
    expect(driver.do({ kind: "join", operatorAccountId: hashOf("x") as AccountId }).state).toBe(state);
  });
});

test("an evicted node is at Bootstrap and starts again with the next window", () => {
  const driver = registered().window(18n, { standing: { node: nodeFromCandidate(candidateIn(17n), 18n) } });
  driver.window(200n);
  expect(driver.state).toMatchObject({ phase: "Bootstrap", lastRestart: "evicted" });
  expect(driver.kinds).toEqual(["lost-place", "rest-chain"]);
  expect(driver.window(201n).state).toMatchObject({ phase: "CandidateVdf", chain: { wStart: 201n } });
});

test("withdrawing gives the chain up for good, starting over only the chain", () => {
  expect(candidate().do({ kind: "withdraw" }).window(9n).state).toMatchObject({ phase: "Bootstrap", chain: undefined });
  const again = candidate().do({ kind: "start-over" }).window(9n);
  expect(again.state).toMatchObject({ phase: "CandidateVdf", lastRestart: "requested", chain: { wStart: 9n } });
});

test("a chain that went back takes what was published of its lost part with it", () => {
  const driver = finished()
    .window(15n)
    .do({ kind: "segment", done: 9n, value: hashOf("v 9") });
  expect(driver.state).toMatchObject({ chain: { done: 9n }, publication: undefined });
});

test("a start of the program lets an unfinished chain go on, and nothing else", () => {
  const { state } = candidate().segments(3n);
  expect(resumeActions(state)).toEqual([{ kind: "run-chain", chain: state.chain }]);
  for (const { state } of [new Driver(), finished(), registered()]) expect(resumeActions(state)).toEqual([]);
});

const eventPlan = fc.oneof(
  fc.record({ do: fc.constantFrom("join", "withdraw", "start-over") }),
  fc.record({ do: fc.constant("segment") }),
  fc.record({
    do: fc.constant("window"),
    ahead: fc.bigInt(1n, 8n),
    isSynchronised: fc.boolean(),
    place: fc.constantFrom("outside", "outside", "outside", "pool", "node"),
    requiredLength: fc.constantFrom(TAU2, 12n, 20n, 21n, 5000n),
    refusal: fc.constantFrom(undefined, undefined, "operator-account-not-found" as const),
    wasRefused: fc.boolean(),
  }),
);

test("over any history, the tables decide the phase, and what is published could be applied", () => {
  fc.assert(
    fc.property(fc.array(eventPlan, { maxLength: 60 }), (plans) => {
      const driver = new Driver();
      let now = 0n;
      for (const plan of plans) {
        if (plan.do === "join") driver.do({ kind: "join", operatorAccountId: OPERATOR });
        else if (plan.do === "withdraw" || plan.do === "start-over") driver.do({ kind: plan.do });
        else if (!("place" in plan)) driver.segments((driver.state.chain?.done ?? 0n) + 1n);
        else {
          now += plan.ahead;
          const { place, isSynchronised, requiredLength, refusal } = plan;
          const record = candidateIn(now);
          driver.window(now, {
            isSynchronised,
            refusal: plan.wasRefused && driver.state.publication ? "vdf-chain-too-short" : undefined,
            standing: {
              ...{ requiredLength, refusal },
              candidate: place === "pool" ? record : undefined,
              node: place === "node" ? nodeFromCandidate(record, now) : undefined,
            },
          });
          const { phase } = driver.state;
          expect(phase === "Active").toBe(place === "node");
          expect(phase === "Registered").toBe(place === "pool");
        }
        const { phase, chain, operatorAccountId } = driver.state;
        if (phase === "CandidateVdf") {
          expect(chain !== undefined && operatorAccountId !== undefined).toBe(true);
          expect(chain!.done).toBeLessThanOrEqual(chain!.target);
          expect(chain!.target).toBeLessThanOrEqual(2n * TAU2);
        }
        for (const action of driver.actions) {
          if (action.kind !== "publish") continue;
          const { wStart, vdfChainLength } = action.draft;
          expect(vdfChainLength).toBeLessThanOrEqual(chain!.done);
          expect(vdfChainLength).toBeGreaterThanOrEqual(TAU2);
          expect(wStart + TAU2 <= now + 2n && now + 2n <= wStart + 2n * TAU2).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});
