/** The objects that a body names, as far as they are held. */
import { byteKey } from "../../protocol/bytes.ts";
import type { ProposalBody } from "../../protocol/objects/consensus.ts";
import { cementedOperationHashes } from "../expected.ts";
import type { Material } from "../material.ts";
import type { NodeState } from "../state.ts";

export function materialOf(state: NodeState, body: ProposalBody): Material {
  const included = body.bundles.flatMap(({ hash }) => state.bundles.get(hash) ?? []);
  const evidence = body.evidence.flatMap(({ hash }) => state.bundles.get(hash) ?? []);
  const control = new Set(body.controlHashes.map(byteKey));
  const cemented = cementedOperationHashes(state, body.windowIndex - 1n, included);
  return {
    bundles: [...included, ...evidence].map(({ object }) => object),
    reveals: body.reveals.flatMap(({ hash }) => state.reveals.get(hash)?.object ?? []),
    operations: cemented
      .filter((hash) => !control.has(byteKey(hash)))
      .flatMap((hash) => state.operations.get(hash)?.operation ?? []),
    registrations: body.controlHashes.flatMap((hash) => state.registrations.get(hash)?.registration ?? []),
  };
}
