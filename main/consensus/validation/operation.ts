/** User operations (chapter 04 §5.1): bytes here, everything else by the owner of the tables. */
import { decodeOperation, operation as operationClass } from "../../protocol/objects/operations.ts";
import type { HeldOperation } from "../../protocol/accounts/equivocation.ts";
import type { OperationCheck } from "../events.ts";
import { tryDecode } from "../objects.ts";
import type { NodeState } from "../state.ts";
import { hold, ignore, reject, type Verdict } from "../verdict.ts";

export function inspectOperation(state: NodeState, payload: Uint8Array): Verdict | HeldOperation {
  const operation = tryDecode(decodeOperation, payload);
  if (operation === undefined) return reject("malformed");
  const opHash = operationClass.identify(state.crypto, operation);
  return state.operations.get(opHash) === undefined ? { operation, opHash } : ignore("duplicate");
}

/** What a failed check means for the operation and its sender; undefined where nothing failed. */
export function judgeOperation(state: NodeState, held: HeldOperation, check: OperationCheck): Verdict | undefined {
  const { failure, verifiedWith } = check;
  const { operation } = held;
  switch (failure) {
    case undefined:
      return undefined;
    case "self-transfer":
    case "zero-amount":
    case "invalid-binding":
    case "unsupported-suite":
      return reject(failure);
    case "invalid-signature":
      return state.operations.hasChangedKey(operation.sender) ? ignore(failure) : reject(failure);
    case "account-not-found":
      return ignore(failure);
    case "invalid-prev-hash":
      // The next link of an operation that is itself on its way.
      return verifiedWith !== undefined && state.operations.get(operation.prevHash) !== undefined
        ? hold(failure)
        : ignore(failure);
    case "insufficient-balance":
    case "receiver-not-active":
    case "receiver-already-exists":
    case "activation-cooldown-not-elapsed":
      return verifiedWith === undefined ? reject("invalid-signature") : hold(failure);
  }
}
