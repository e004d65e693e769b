/** Invariants of chapters 02 §6, 03 §9, 04 §6 and 05 §6.5 over generated histories of whole windows. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { loadCrypto } from "../../native/index.ts";
import { byteKey, compareBytes, equalBytes, toHex } from "../bytes.ts";
import { orderQueue } from "../entry/queue.ts";
import type { Admission } from "../genesis/rules.ts";
import { isEvictable } from "../state/lifecycle.ts";
import { releaseTrees, type StateRoots } from "../state/roots.ts";
import { recomputeRoots } from "../state/recomputeRoots.ts";
import { historyPlan, History, opHashOf, type WindowPlan } from "./history.fixture.ts";
import type { WindowInputs, WindowResult } from "./applyWindow.ts";

const { crypto } = loadCrypto();
const perWindow = fc.constant<Admission>("per-window");
const anyAdmission = fc.constantFrom<Admission>("per-window", "selection");
const HISTORIES = 200;

/** What a check sees of one window: the history stands before it, `after` after it. */
interface Step {
  readonly history: History;
  readonly inputs: WindowInputs;
  readonly result: WindowResult;
}

function replay(
  admission: Admission,
  plan: readonly WindowPlan[],
  before?: (step: Step) => void,
  after?: (step: Step) => void,
): History {
  const history = new History(crypto, admission);
  for (const window of plan) {
    const inputs = history.inputs(window);
    const result = history.evaluate(inputs);
    before?.({ history, inputs, result });
    history.commit(result);
    after?.({ history, inputs, result });
  }
  return history;
}

function holdsInEveryHistory(
  admissions: fc.Arbitrary<Admission>,
  check: (admission: Admission, plan: readonly WindowPlan[]) => void,
): void {
  fc.assert(fc.property(admissions, historyPlan, check), { numRuns: HISTORIES });
}

const hexRoots = (roots: StateRoots): string[] =>
  [roots.nodeRoot, roots.candidateRoot, roots.accountRoot, roots.stateRoot].map(toHex);

describe("in every history", () => {
  test("the balances add up to the emission of the windows before, and only the emission changes their sum", () => {
    holdsInEveryHistory(anyAdmission, (admission, plan) => {
      replay(admission, plan, undefined, ({ history, inputs }) => {
        let sum = 0n;
        for (const { balance } of history.state.accounts.rows()) sum += balance;
        expect(sum).toBe(history.rules.params.emissionMoneta * inputs.window);
        expect(history.state.accounts.totalBalance).toBe(sum);
      });
    });
  });

  test("the order and repetition of what arrives change nothing", () => {
    fc.assert(
      fc.property(anyAdmission, historyPlan, fc.infiniteStream(fc.nat()), (admission, plan, random) => {
        const shuffled = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, rank: random.next().value as number }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ item }) => item);
        replay(admission, plan, ({ history, inputs, result }) => {
          const other = history.evaluate({
            ...inputs,
            bundleSigners: shuffled([...inputs.bundleSigners, ...inputs.bundleSigners]),
            operations: shuffled([...inputs.operations, ...inputs.operations]),
            registrations: shuffled(inputs.registrations),
          });
          expect(hexRoots(other.roots)).toEqual(hexRoots(result.roots));
          expect(other.events.settled).toEqual(result.events.settled);
          expect(other.events.admitted).toEqual(result.events.admitted);
          releaseTrees(other.trees);
        });
      }),
      { numRuns: HISTORIES },
    );
  });

  test("the incremental roots are those of the tables", () => {
    holdsInEveryHistory(anyAdmission, (admission, plan) => {
      const history = replay(admission, plan);
      const { accounts, nodes, candidates } = history.settled.trees;
      const roots = recomputeRoots(crypto, history.state);
      expect(toHex(accounts.root)).toBe(toHex(roots.accountRoot));
      expect(toHex(nodes.root)).toBe(toHex(roots.nodeRoot));
      expect(toHex(candidates.root)).toBe(toHex(roots.candidateRoot));
    });
  });

  test("presence grows by one window at a time and checkpoints follow it", () => {
    holdsInEveryHistory(anyAdmission, (admission, plan) => {
      const before = new Map<string, bigint>();
      replay(
        admission,
        plan,
        ({ history }) => {
          before.clear();
          for (const node of history.state.nodes.rows()) before.set(byteKey(node.nodeId), node.chainLength);
        },
        ({ history, inputs }) => {
          const signers = new Set(inputs.bundleSigners.map(byteKey));
          for (const node of history.state.nodes.rows()) {
            const key = byteKey(node.nodeId);
            const previous = before.get(key);
            expect(node.chainLength).toBe(previous === undefined ? 1n : previous + (signers.has(key) ? 1n : 0n));
            if (signers.has(key)) expect(node.lastConfirmationWindow).toBe(inputs.window);
            const line = [...node.chainLengthCheckpoints, node.chainLength];
            expect(line).toEqual([...line].sort((a, b) => (a < b ? -1 : 1)));
            if (inputs.window > 0n && inputs.window % history.rules.params.tau2Windows === 0n) {
              expect(node.chainLengthSnapshot + node.chainLengthCheckpoints[0]!).toBe(node.chainLength);
              expect(node.chainLengthCheckpoints[5]).toBe(node.chainLength);
            }
          }
        },
      );
    });
  });

  test("no operation settles twice in the life of an account, and each sender's chain moves by at most one link a window", () => {
    holdsInEveryHistory(anyAdmission, (admission, plan) => {
      const settledEver = new Map<string, Set<string>>();
      replay(admission, plan, ({ history, inputs, result }) => {
        const bySender = new Map<string, string>();
        for (const cemented of inputs.operations) {
          const { operation } = cemented;
          const hash = opHashOf(crypto, cemented);
          if (!result.events.settled.some((settled) => byteKey(settled) === hash)) continue;
          const sender = byteKey(operation.sender);
          const life = settledEver.get(sender) ?? new Set();
          settledEver.set(sender, life.add(hash));
          expect(life.size).toBe(history.state.accounts.get(operation.sender)!.opHeight + 1);
          expect(bySender.get(sender) ?? hash).toBe(hash);
          bySender.set(sender, hash);
          expect(equalBytes(history.state.accounts.get(operation.sender)!.frontierHash, operation.prevHash)).toBe(true);
        }
        expect(result.events.settled).toEqual([...result.events.settled].sort(compareBytes));
        // A pruned account begins anew, and so may its operations: the known limit of chapter 04 §7 item 6.
        for (const id of result.events.pruned) settledEver.delete(byteKey(id));
        for (const { id, row } of result.changes.accounts) {
          const old = history.state.accounts.get(id);
          if (row === undefined || old === undefined) continue;
          const moved = !equalBytes(row.frontierHash, old.frontierHash);
          expect(moved ? byteKey(row.frontierHash) : undefined).toBe(bySender.get(byteKey(id)));
          expect(row.opHeight - old.opHeight).toBe(moved ? 1 : 0);
          expect(row.accountChainLength).toBe(row.opHeight);
        }
      });
    });
  });

  test("operations that are skipped change no byte", () => {
    holdsInEveryHistory(anyAdmission, (admission, plan) => {
      replay(admission, plan, ({ history, inputs, result }) => {
        const settled = new Set(result.events.settled.map(byteKey));
        const without = history.evaluate({
          ...inputs,
          operations: inputs.operations.filter((cemented) => settled.has(opHashOf(crypto, cemented))),
        });
        expect(hexRoots(without.roots)).toEqual(hexRoots(result.roots));
        releaseTrees(without.trees);
      });
    });
  });

  test("pool and Node Table are disjoint, and every operator is known and flagged, one account for one node", () => {
    holdsInEveryHistory(perWindow, (admission, plan) => {
      replay(admission, plan, undefined, ({ history, inputs, result }) => {
        const { accounts, nodes, candidates } = history.state;
        const operators = new Set<string>();
        for (const node of nodes.rows()) {
          expect(candidates.get(node.nodeId)).toBeUndefined();
          expect(accounts.get(node.operatorAccountId)?.isNodeOperator).toBe(true);
          expect(operators.has(byteKey(node.operatorAccountId))).toBe(false);
          operators.add(byteKey(node.operatorAccountId));
        }
        for (const account of accounts.rows()) {
          expect(account.isNodeOperator).toBe(operators.has(byteKey(account.accountId)));
          expect(account.creationWindow).toBeLessThanOrEqual(account.lastOpWindow);
          expect(BigInt(account.lastOpWindow)).toBeLessThanOrEqual(inputs.window);
        }
        for (const candidate of candidates.rows()) {
          expect(candidate.expires).toBeGreaterThan(inputs.window);
          expect(candidate.expires - candidate.registrationWindow).toBe(history.rules.params.candidateExpiryWindows);
        }
        expect(result.events.dropped).toEqual([]);
      });
    });
  });

  test("the queue keeps its order, moves up every window and is admitted from its head, one at a time", () => {
    const idsInQueue = (history: History) =>
      orderQueue(history.state.candidates.rows()).map(({ nodeId }) => byteKey(nodeId));
    holdsInEveryHistory(perWindow, (admission, plan) => {
      let queue: string[] = [];
      replay(
        admission,
        plan,
        ({ history }) => {
          queue = idsInQueue(history);
        },
        ({ history, inputs, result }) => {
          const { admitted, expired, registered } = result.events;
          const expiredIds = new Set(expired.map(byteKey));
          const waiting = queue.filter((id) => !expiredIds.has(id));
          const head = inputs.window > 0n ? waiting.slice(0, 1) : [];
          expect(admitted.map(({ nodeId }) => byteKey(nodeId))).toEqual(head);
          expect(idsInQueue(history).slice(0, waiting.length - head.length)).toEqual(waiting.slice(head.length));
          const newcomers = new Set(registered.map(byteKey));
          expect(new Set(idsInQueue(history).slice(waiting.length - head.length))).toEqual(newcomers);
        },
      );
    });
  });

  test("the whole emission of an admission window goes to the newcomer, else to the winner's operator", () => {
    holdsInEveryHistory(perWindow, (admission, plan) => {
      replay(admission, plan, undefined, ({ history, inputs, result }) => {
        const { admitted, rewarded } = result.events;
        if (inputs.window === 0n) {
          expect(rewarded).toBeUndefined();
          return;
        }
        const node = admitted[0] ?? history.state.nodes.get(inputs.winnerId);
        // An evicted winner was paid before its eviction; its record is gone by now.
        if (node !== undefined) expect(toHex(rewarded!)).toBe(toHex(node.operatorAccountId));
      });
    });
  });

  test("after a boundary nothing is left to snapshot, prune or evict", () => {
    holdsInEveryHistory(perWindow, (admission, plan) => {
      replay(admission, plan, undefined, ({ history, inputs, result }) => {
        const { tau2Windows, pruningIdleWindows } = history.rules.params;
        const { window } = inputs;
        if (window === 0n || window % tau2Windows !== 0n) {
          expect([...result.events.pruned, ...result.events.evicted]).toEqual([]);
          return;
        }
        const named = new Set(Array.from(history.state.candidates.rows(), (row) => byteKey(row.operatorAccountId)));
        const released = new Set(result.events.evicted.map(byteKey));
        for (const account of history.state.accounts.rows()) {
          expect(account.accountChainLengthSnapshot).toBe(account.accountChainLength);
          const isIdle = BigInt(account.lastOpWindow) + pruningIdleWindows <= window;
          const isPrunable = account.balance === 0n && isIdle && !account.isNodeOperator;
          if (isPrunable && released.size === 0) expect(named.has(byteKey(account.accountId))).toBe(true);
        }
        for (const node of history.state.nodes.rows()) expect(isEvictable(node, window, history.rules)).toBe(false);
      });
    });
  });

  test("D and target move at boundaries only, by the median of the epoch and by its reveals", () => {
    holdsInEveryHistory(perWindow, (admission, plan) => {
      let samples: number[] = [];
      let reveals = 0n;
      let { d, target } = new History(crypto, admission).settled.epoch;
      replay(admission, plan, undefined, ({ history, inputs, result }) => {
        if (inputs.window > 0n && inputs.window % history.rules.params.tau2Windows === 0n) {
          const median = samples.sort((a, b) => a - b)[Math.floor(samples.length / 2)]!;
          if (median >= 950) d = (d * 103n) / 100n;
          else if (median <= 850) d = (d * 97n) / 100n;
          if (reveals > 0n) {
            const next = (target * 13n * history.rules.params.tau2Windows) / reveals;
            target = next < 2n ** 128n ? next : 2n ** 128n - 1n;
          }
          samples = [];
          reveals = 0n;
        }
        samples.push(inputs.participationPermille);
        reveals += BigInt(inputs.includedReveals);
        expect(result.epoch.d).toBe(d);
        expect(result.epoch.target).toBe(target);
      });
    });
  });

  test("both admission modes agree as long as nobody registers", () => {
    fc.assert(
      fc.property(historyPlan, (plan) => {
        const nobody = plan.map((window) => ({ ...window, registrations: [] }));
        const a = replay("per-window", nobody).settled.trees;
        const b = replay("selection", nobody).settled.trees;
        for (const table of ["accounts", "nodes", "candidates"] as const) {
          expect(toHex(a[table].root)).toBe(toHex(b[table].root));
        }
      }),
      { numRuns: HISTORIES },
    );
  });
});

describe("the generated histories", () => {
  test("reach what they are made for: settlements, refusals, admissions, expiry, pruning and eviction", () => {
    const seen = new Map<string, number>();
    const plans = fc.sample(historyPlan, { numRuns: 60, seed: 1 });
    for (const plan of plans) {
      for (const admission of ["per-window", "selection"] as const) {
        replay(admission, plan, undefined, ({ result }) => {
          for (const [event, value] of Object.entries(result.events)) {
            if (Array.isArray(value)) seen.set(event, (seen.get(event) ?? 0) + value.length);
          }
        });
      }
    }
    const never = ["settled", "skipped", "registered", "refused", "expired", "admitted", "pruned", "evicted"].filter(
      (event) => (seen.get(event) ?? 0) === 0,
    );
    expect(never).toEqual([]);
  });
});
