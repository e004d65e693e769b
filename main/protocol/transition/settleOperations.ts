/** Step 0 (chapter 03 §6.7, chapter 04 §4.5): settle the user operations that were cemented for this proposal. */
import { applyOperation } from "../accounts/apply.ts";
import { validateOperation, type OperationFailure } from "../accounts/validate.ts";
import { compareBytes, equalBytes, type Hash32 } from "../bytes.ts";
import type { Crypto, PublicKey, VerifyJob } from "../crypto.ts";
import { operation as operationClass, type Operation } from "../objects/operations.ts";
import type { AccountTable, StateDraft } from "../state/table.ts";

export interface CementedOperation {
  readonly operation: Operation;
  /** The key its signature was found valid with before; it is checked again unless that is still the sender's key. */
  readonly verifiedWith?: PublicKey;
}

export interface SkippedOperation {
  readonly opHash: Hash32;
  readonly failure: OperationFailure;
}

export interface Settlement {
  /** Ascending: the order in which they took effect. */
  readonly settled: readonly Hash32[];
  readonly skipped: readonly SkippedOperation[];
}

interface Entry {
  readonly operation: Operation;
  readonly opHash: Hash32;
  failure: OperationFailure | undefined;
}

/**
 * Filters, never rejects: an operation was attested one window earlier and may not fit any more. The check against
 * `settled` (S_{W−1}) makes the result independent of what else the window brings; the second, on the partly updated table,
 * decides collisions.
 */
export function settleOperations(
  crypto: Crypto,
  settled: AccountTable,
  draft: StateDraft,
  cemented: readonly CementedOperation[],
  window: bigint,
  tau2Windows: bigint,
): Settlement {
  const entries = checkAgainstSettled(crypto, settled, cemented, window, tau2Windows);
  entries.sort((a, b) => compareBytes(a.opHash, b.opHash));
  for (const entry of entries) {
    const { operation, opHash } = entry;
    entry.failure ??= validateOperation(crypto, operation, draft.accounts, window, tau2Windows, {
      signature: "assume-valid",
    });
    if (entry.failure === undefined) applyOperation(operation, opHash, draft.accounts, window);
  }
  return {
    settled: entries.filter(({ failure }) => failure === undefined).map(({ opHash }) => opHash),
    skipped: entries.flatMap(({ opHash, failure }) => (failure === undefined ? [] : [{ opHash, failure }])),
  };
}

/** Signatures are by far the dearest check: they come last and in one batch. */
function checkAgainstSettled(
  crypto: Crypto,
  settled: AccountTable,
  cemented: readonly CementedOperation[],
  window: bigint,
  tau2Windows: bigint,
): Entry[] {
  const unverified: { readonly entry: Entry; readonly job: VerifyJob }[] = [];
  const entries = cemented.map(({ operation, verifiedWith }) => {
    const failure = validateOperation(crypto, operation, settled, window, tau2Windows, { signature: "assume-valid" });
    const message = operationClass.scope(operation);
    const entry: Entry = { operation, opHash: operationClass.identifyByScope(crypto, message), failure };
    if (failure !== undefined) return entry;
    const publicKey = settled.get(operation.sender)!.currentPubkey;
    if (verifiedWith === undefined || !equalBytes(publicKey, verifiedWith)) {
      unverified.push({ entry, job: { publicKey, message, signature: operation.signature } });
    }
    return entry;
  });
  const verdicts = crypto.mldsa65.verifyBatch(unverified.map(({ job }) => job));
  for (const [i, { entry }] of unverified.entries()) if (verdicts[i] !== true) entry.failure = "invalid-signature";
  return entries;
}
