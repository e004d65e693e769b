/**
 * Makes histories of whole windows for property tests: plans of what people and nodes try to do, carried out on the real
 * transition with small parameters, so that epochs, expiry, pruning and eviction all happen within a few dozen windows.
 */
import fc from "fast-check";

import { byteKey, compareBytes, ZERO_HASH, type AccountId, type NodeId } from "../bytes.ts";
import { encode, u32 } from "../codec/codec.ts";
import type { Crypto, PublicKey, Signature } from "../crypto.ts";
import { validateRegistration } from "../entry/validateRegistration.ts";
import { MONTANA_PARAMS } from "../genesis/montana.ts";
import type { ProtocolParams } from "../genesis/params.ts";
import { rulesOf, type Admission, type NetworkRules } from "../genesis/rules.ts";
import { genesisRecords, unusedAccount } from "../genesis/state.ts";
import { accountIdOf, nodeIdOf } from "../identity/ids.ts";
import { TYPE_NODE_REGISTRATION, type NodeRegistration } from "../objects/nodeRegistration.ts";
import {
  operation as operationClass,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../objects/operations.ts";
import { MemoryState } from "../state/memory.ts";
import { emptyTrees, releaseTrees, updateTrees } from "../state/roots.ts";
import { StateDraft } from "../state/table.ts";
import { genesisEpoch } from "./adaptEpoch.ts";
import { applyWindow, type Settled, type WindowInputs, type WindowResult } from "./applyWindow.ts";
import type { CementedOperation } from "./settleOperations.ts";

const SMALL_PARAMS: ProtocolParams = {
  ...MONTANA_PARAMS,
  tau2Windows: 2n,
  vdfEntryWindows: 2n,
  selectionInterval: 3n,
  candidateExpiryWindows: 6n,
  pruningIdleWindows: 8n,
};

const PEOPLE = 6;
/** People 1 to 3 start with an account without money: to fund, to operate a node, or to be pruned. */
const EMPTY_ACCOUNTS = 3;
const MACHINES = 8;
const NO_SIGNATURE = new Uint8Array(3309) as Signature;

type OperationPlan =
  | { readonly do: "transfer" | "create"; readonly from: number; readonly to: number; readonly percent: number }
  | { readonly do: "change-key" | "anchor"; readonly from: number; readonly to: number }
  | { readonly do: "replay"; readonly back: number };

interface RegistrationPlan {
  readonly machine: number;
  /** A person's account, or the machine's own. */
  readonly operator: number | "self";
  readonly startsBack: number;
  readonly length: number;
}

export interface WindowPlan {
  readonly operations: readonly OperationPlan[];
  readonly registrations: readonly RegistrationPlan[];
  /** Bit i: is node i of the table present? */
  readonly present: number;
  readonly winner: number;
  readonly participation: number;
  readonly reveals: number;
}

const person = fc.nat(PEOPLE - 1);
const operationPlan: fc.Arbitrary<OperationPlan> = fc.oneof(
  fc.record({
    do: fc.constantFrom("transfer" as const, "create" as const),
    from: person,
    to: person,
    percent: fc.oneof(fc.constant(100), fc.nat(110)),
  }),
  fc.record({ do: fc.constantFrom("change-key" as const, "anchor" as const), from: person, to: person }),
  fc.record({ do: fc.constant("replay" as const), back: fc.nat(20) }),
);
const registrationPlan: fc.Arbitrary<RegistrationPlan> = fc.record({
  machine: fc.nat(MACHINES - 1),
  operator: fc.oneof({ weight: 3, arbitrary: person }, fc.constant("self" as const)),
  startsBack: fc.nat(5),
  length: fc.constantFrom(1, 2, 100_000, 100_000, 100_000),
});

export const historyPlan: fc.Arbitrary<readonly WindowPlan[]> = fc.array(
  fc.record({
    operations: fc.array(operationPlan, { maxLength: 5 }),
    registrations: fc.array(registrationPlan, { maxLength: 4 }),
    // Mostly the low nodes of the table only, so that others fall silent for epochs.
    present: fc.constantFrom(0xff, 0x0f, 0x03, 0x01, 0x01, 0x01),
    winner: fc.nat(MACHINES),
    participation: fc.constantFrom(0, 700, 850, 900, 950, 1000),
    reveals: fc.nat(40),
  }),
  { minLength: 10, maxLength: 50, size: "max" },
);

/** The chain of one plan, window by window. */
export class History {
  readonly rules: NetworkRules;
  readonly state = new MemoryState();
  settled: Settled;
  window = 0n;
  /** All operations ever offered, for replays. */
  readonly offered: CementedOperation[] = [];
  readonly #crypto: Crypto;
  readonly #keys: PublicKey[];

  constructor(crypto: Crypto, admission: Admission) {
    this.#crypto = crypto;
    this.#keys = Array.from({ length: PEOPLE + MACHINES }, (_, i) => keyOf(crypto, i));
    const [bootstrapAccountPubkey, bootstrapNodePubkey] = [this.#keys[0]!, this.#keys[PEOPLE]!];
    this.rules = rulesOf({ ...SMALL_PARAMS, bootstrapAccountPubkey, bootstrapNodePubkey }, "spec", admission);
    const draft = new StateDraft(this.state);
    const genesis = genesisRecords(crypto, this.rules.params, "spec");
    for (const account of genesis.accounts) draft.accounts.put(account);
    for (let i = 1; i <= EMPTY_ACCOUNTS; i++) draft.accounts.put(unusedAccount(crypto, this.#keys[i]!));
    for (const node of genesis.nodes) draft.nodes.put(node);
    this.state.apply(draft.changes());
    const trees = updateTrees(crypto, emptyTrees(crypto), draft.changes());
    this.settled = { state: this.state, trees, epoch: genesisEpoch(this.rules) };
  }

  personId(index: number): AccountId {
    return accountIdOf(this.#crypto, 1, this.#keys[index]!);
  }

  /** What the plan comes to in the state as it is now. */
  inputs(plan: WindowPlan): WindowInputs {
    const nodes = [...this.state.nodes.rows()];
    const signers = nodes.filter((_, i) => (plan.present >> (i % 8)) & 1).map(({ nodeId }) => nodeId);
    const bootstrap = nodeIdOf(this.#crypto, this.#keys[PEOPLE]!);
    // The bootstrap node never falls silent: an evicted winner cannot happen (chapter 04 §8 g).
    const present = signers.some((id) => compareBytes(id, bootstrap) === 0) ? signers : [...signers, bootstrap];
    return {
      window: this.window,
      timechainValue: this.#crypto.sha256(encode(u32, Number(this.window))),
      aggregate: this.#crypto.sha256(encode(u32, Number(this.window) + 1_000_000)),
      bundleSigners: present,
      operations: plan.operations.flatMap((one) => this.#operation(one) ?? []),
      // A confirmer lists only what is valid in the state it knows; the transition meets what has changed since.
      registrations: plan.registrations
        .map((one) => this.#registration(one))
        .filter((one) => {
          const { state, rules, window } = this;
          return !validateRegistration(this.#crypto, one, state, rules, window, { signature: "assume-valid" });
        }),
      winnerId: this.#livingWinner(plan.winner, present),
      participationPermille: plan.participation,
      includedReveals: plan.reveals,
    };
  }

  evaluate(inputs: WindowInputs): WindowResult {
    return applyWindow(this.#crypto, this.rules, this.settled, inputs);
  }

  commit(result: WindowResult): void {
    this.state.apply(result.changes);
    const { trees: previous } = this.settled;
    this.settled = { state: this.state, trees: result.trees, epoch: result.epoch };
    releaseTrees(previous);
    this.window += 1n;
  }

  #livingWinner(index: number, present: readonly NodeId[]): NodeId {
    return present[index % present.length]!;
  }

  #operation(plan: OperationPlan): CementedOperation | undefined {
    if (plan.do === "replay") return this.offered.at(-1 - plan.back);
    const sender = this.personId(plan.from);
    const account = this.state.accounts.get(sender);
    const link = { prevHash: account?.frontierHash ?? ZERO_HASH, sender };
    const amount = "percent" in plan ? ((account?.balance ?? 0n) * BigInt(plan.percent)) / 100n : 0n;
    const receiver = this.personId(plan.to);
    const receiverPubkey = this.#keys[plan.to]!;
    const drafts = {
      transfer: { type: TYPE_TRANSFER, ...link, link: receiver, amount },
      create: { type: TYPE_CREATE, ...link, receiver, suiteId: 1, receiverPubkey, amount },
      "change-key": { type: TYPE_CHANGE_KEY, ...link, newSuiteId: 1, newPubkey: receiverPubkey },
      anchor: { type: TYPE_ANCHOR, ...link, appId: ZERO_HASH, dataHash: receiver },
    } as const;
    const operation = { ...drafts[plan.do], signature: NO_SIGNATURE } as Operation;
    // Signatures have their vectors; here they count as checked under the key of the moment.
    const cemented = { operation, ...(account && { verifiedWith: account.currentPubkey }) };
    this.offered.push(cemented);
    return cemented;
  }

  #registration(plan: RegistrationPlan): NodeRegistration {
    const nodePubkey = this.#keys[PEOPLE + plan.machine]!;
    const operatorKey = plan.operator === "self" ? nodePubkey : this.#keys[plan.operator]!;
    const back = BigInt(plan.startsBack);
    return {
      type: TYPE_NODE_REGISTRATION,
      suiteId: 1,
      nodePubkey,
      operatorAccountId: accountIdOf(this.#crypto, 1, operatorKey),
      proofEndpoint: this.#crypto.sha256(nodePubkey),
      wStart: this.window > back ? this.window - back : 0n,
      vdfChainLength: BigInt(plan.length),
      signature: NO_SIGNATURE,
    };
  }
}

export const opHashOf = (crypto: Crypto, { operation }: CementedOperation): string =>
  byteKey(operationClass.identify(crypto, operation));

function keyOf(crypto: Crypto, index: number): PublicKey {
  const key = new Uint8Array(1952);
  for (let i = 0; i < 61; i++) key.set(crypto.sha256(encode(u32, index * 100 + i)), 32 * i);
  return key as PublicKey;
}
