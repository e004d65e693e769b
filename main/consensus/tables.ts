/**
 * What the owner of the tables does for the machine: pure functions from its state and an effect to the answering event. The
 * state worker and the simulator call them.
 */
import { byteKey, compareBytes } from "../protocol/bytes.ts";
import { listableOperations } from "../protocol/accounts/bundleRules.ts";
import { operationPriority } from "../protocol/accounts/priority.ts";
import { validateOperation } from "../protocol/accounts/validate.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { CandidateOperators, validateRegistration } from "../protocol/entry/validateRegistration.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { NetworkRules } from "../protocol/genesis/rules.ts";
import { operation as operationClass } from "../protocol/objects/operations.ts";
import { cementedBundleAggregate, lookbackOf } from "../protocol/quorum/aggregate.ts";
import type { State } from "../protocol/state/table.ts";
import { applyWindow, type Settled, type WindowInputs, type WindowResult } from "../protocol/transition/applyWindow.ts";
import type { EpochData } from "../protocol/transition/adaptEpoch.ts";
import type { CheckObjects, ListObjects } from "./effects.ts";
import type { Checked, Listed, TransitionOutcome } from "./events.ts";
import type { WindowView } from "./facts.ts";
import type { DecidedWindow, WindowOutcome } from "./material.ts";

/** The view of `window` over S_{W−1}; `decided` is window W − 1, undefined for window 0. */
export function viewOf(
  crypto: Crypto,
  state: State,
  epoch: EpochData,
  window: bigint,
  decided: Pick<DecidedWindow, "body"> | undefined,
): WindowView {
  const signers = (decided?.body.bundles ?? []).map(({ nodeId }) => nodeId);
  const aggregate = cementedBundleAggregate(crypto, lookbackOf(window), signers);
  return { window, nodes: [...state.nodes.rows()], epoch, aggregate };
}

/** For `compute-transition`. The result is kept until the window is decided; a halt of the transition is an outcome. */
export function computeTransition(
  crypto: Crypto,
  rules: NetworkRules,
  settled: Settled,
  inputs: WindowInputs,
): { readonly outcome: TransitionOutcome; readonly result?: WindowResult } {
  try {
    const result = applyWindow(crypto, rules, settled, inputs);
    const badlySigned = result.events.skipped.filter(({ failure }) => failure === "invalid-signature");
    return { outcome: { roots: result.roots, badlySigned: badlySigned.map(({ opHash }) => opHash) }, result };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { outcome: { failure: String(error.code) } };
  }
}

/** For `committed`. */
export function outcomeOf({ events }: WindowResult): WindowOutcome {
  return { settled: events.settled, registered: events.registered };
}

/** For `list-objects`, against S_{W−1} (§5.6). */
export function listObjects(crypto: Crypto, rules: NetworkRules, state: State, asked: ListObjects): Listed {
  const { window } = asked;
  const { tau2Windows } = rules.params;
  const bySlot = new Map(asked.attested.map((held) => [slotKey(held.operation), held.opHash]));
  const operations = listableOperations(crypto, asked.operations, {
    window,
    tau2Windows,
    accounts: state.accounts,
    attestations: { in: (operation) => bySlot.get(slotKey(operation)) },
    isAwaitingSettlement: () => false,
  });
  const tables = { ...state, candidateOperators: new CandidateOperators(state.candidates.rows()) };
  const registrations = asked.registrations.filter(
    ({ registration }) =>
      validateRegistration(crypto, registration, tables, rules, window + 1n, { signature: "assume-valid" }) ===
      undefined,
  );
  return {
    kind: "listed",
    window,
    operations: operations.map(({ opHash }) => opHash),
    registrations: registrations.map(({ hash }) => hash).sort(compareBytes),
  };
}

const slotKey = ({ sender, prevHash }: { sender: Uint8Array; prevHash: Uint8Array }): string =>
  byteKey(sender) + byteKey(prevHash);

/**
 * For `check-objects`, against S_{W−1}. Signatures of operations are verified in one batch, also of those that are not valid
 * yet, under the sender's settled key; those of registrations were verified on arrival.
 */
export function checkObjects(crypto: Crypto, rules: NetworkRules, state: State, asked: CheckObjects): Checked {
  const { window } = asked;
  const { tau2Windows } = rules.params;
  const senders = asked.operations.map(({ operation }) => state.accounts.get(operation.sender));
  const known = asked.operations.flatMap(({ operation }, i) => {
    const sender = senders[i];
    return sender === undefined ? [] : [{ i, operation, sender }];
  });
  const isSigned = crypto.mldsa65.verifyBatch(
    known.map(({ operation, sender }) => ({
      publicKey: sender.currentPubkey,
      message: operationClass.scope(operation),
      signature: operation.signature,
    })),
  );
  const verified = new Set(known.filter((_, k) => isSigned[k] === true).map(({ i }) => i));
  const tables = { ...state, candidateOperators: new CandidateOperators(state.candidates.rows()) };
  return {
    kind: "checked",
    window,
    operations: asked.operations.map(({ operation, opHash }, i) => {
      const sender = senders[i];
      const valid = validateOperation(crypto, operation, state.accounts, window, tau2Windows, {
        signature: "assume-valid",
      });
      return {
        opHash,
        failure: valid ?? (verified.has(i) ? undefined : "invalid-signature"),
        verifiedWith: verified.has(i) ? sender?.currentPubkey : undefined,
        priority: sender === undefined ? 0n : operationPriority(sender, window),
      };
    }),
    registrations: asked.registrations.map(({ registration, hash }) => ({
      hash,
      failure: validateRegistration(crypto, registration, tables, rules, window + 1n, { signature: "assume-valid" }),
    })),
  };
}
