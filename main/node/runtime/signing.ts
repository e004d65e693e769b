/** Signs what the machine asks for with the node key, which only its signer holds. */
import { voteScope, type Signed, type Unsigned } from "../../consensus/objects.ts";
import type { NodeSigner } from "../../keystore/signers.ts";
import { bundledConfirmation, proposalHeader, vdfReveal } from "../../protocol/objects/consensus.ts";

/** The caller has written the write-ahead log or is about to (chapter 03 §6.9). */
export function signObject(signer: NodeSigner, unsigned: Unsigned): Signed {
  switch (unsigned.type) {
    case "bundle": {
      const signature = signer.signScope(bundledConfirmation.scope(unsigned.object));
      return { type: "bundle", object: { ...unsigned.object, signature } };
    }
    case "reveal": {
      const signature = signer.signScope(vdfReveal.scope(unsigned.object));
      return { type: "reveal", object: { ...unsigned.object, signature } };
    }
    case "header": {
      const signature = signer.signScope(proposalHeader.scope(unsigned.object));
      return { type: "header", object: { ...unsigned.object, signature } };
    }
    case "vote": {
      const signature = signer.signScope(voteScope(unsigned.object));
      return { type: "vote", object: { ...unsigned.object, signature } };
    }
  }
}
