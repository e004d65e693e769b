/** BundledConfirmation (chapter 03 §5.2). */
import { checkBundle } from "../../protocol/validation/bundle.ts";
import { checkSigner } from "../../protocol/validation/signer.ts";
import type { BundledConfirmation } from "../../protocol/objects/consensus.ts";
import type { NodeState } from "../state.ts";
import { ignore, reject, type Inspection } from "../verdict.ts";
import { factsFor, standingOf } from "./window.ts";

export function inspectBundle(state: NodeState, payload: Uint8Array): Inspection<BundledConfirmation> {
  const { crypto } = state;
  const known = state.objects.read("bundle", payload);
  if (known === undefined) return reject("malformed");
  const bundle = known.object;
  const window = bundle.windowIndex;
  if (standingOf(state, window) === "past") return ignore("wrong-window");
  const nodes = factsFor(state, window);
  const endpoint = state.times.of(window);
  const failure =
    endpoint === undefined
      ? checkSigner(nodes, bundle.nodeId)
      : checkBundle(crypto, bundle, nodes, endpoint, { signature: "assume-valid" });
  if (failure === "unknown-node") return ignore(failure);
  if (failure !== undefined) return reject(failure);
  const { identifier } = known;
  const placement = state.bundles.place(bundle, identifier, state.isWanted(identifier));
  if (placement === "duplicate" || placement === "surplus") return ignore(placement);
  return {
    object: bundle,
    identifier,
    signature: {
      publicKey: nodes.get(bundle.nodeId)!.nodePubkey,
      message: known.scope,
      signature: bundle.signature,
    },
  };
}
