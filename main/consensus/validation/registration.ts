/** NodeRegistration (chapter 05 §5.1, §5.2): bytes and signature here, the tables by their owner. */
import { compareBytes } from "../../protocol/bytes.ts";
import { SUITE_MLDSA65 } from "../../protocol/identity/ids.ts";
import { nodeRegistration, type NodeRegistration } from "../../protocol/objects/nodeRegistration.ts";
import type { RegistrationCheck } from "../events.ts";
import { tryDecode } from "../objects.ts";
import type { NodeState } from "../state.ts";
import { hold, ignore, reject, type Inspection, type Verdict } from "../verdict.ts";

export function inspectRegistration(state: NodeState, payload: Uint8Array): Inspection<NodeRegistration> {
  const registration = tryDecode((bytes) => nodeRegistration.decode(bytes), payload);
  if (registration === undefined) return reject("malformed");
  if (registration.suiteId !== SUITE_MLDSA65) return ignore("unsupported-suite");
  const identifier = nodeRegistration.identify(state.crypto, registration);
  const known = state.registrations.get(identifier);
  const isBetterCopy = known !== undefined && compareBytes(registration.signature, known.registration.signature) < 0;
  if (known !== undefined && !isBetterCopy) return ignore("duplicate");
  return {
    object: registration,
    identifier,
    signature: {
      publicKey: registration.nodePubkey,
      message: nodeRegistration.scope(registration),
      signature: registration.signature,
    },
  };
}

/** What a failed check means; undefined where nothing failed. `window` is the one in which it would be listed. */
export function judgeRegistration(
  state: NodeState,
  registration: NodeRegistration,
  { failure }: RegistrationCheck,
): Verdict | undefined {
  switch (failure) {
    case undefined:
      return undefined;
    case "operator-account-not-found":
      return state.rules.admission === "per-window" ? hold(failure) : ignore(failure);
    case "w-start-out-of-range": {
      const isTooRecent = registration.wStart + state.rules.params.tau2Windows > state.window + 1n;
      return isTooRecent ? hold(failure) : ignore(failure);
    }
    case "invalid-signature":
      return reject(failure);
    case "unsupported-suite":
    case "node-id-already-in-node-table":
    case "node-id-already-in-candidate-pool":
    case "operator-account-already-node":
    case "operator-account-already-candidate":
    case "vdf-mismatch":
      return ignore(failure);
  }
}
