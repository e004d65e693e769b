/** ProposalBody (chapter 03 §3.6, checks 5 and 6 of §5.4): its lists must hash to the roots of a signed header. */
import { equalBytes } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import type { ProposalBody, ProposalHeader } from "../../protocol/objects/consensus.ts";
import { BODY_ENTRIES_MAX } from "../limits.ts";
import { bodyRoots, type ObjectBytes } from "../objectBytes.ts";
import { reject, type Verdict } from "../verdict.ts";

export function inspectBody(objects: ObjectBytes, payload: Uint8Array): Verdict | ProposalBody {
  const body = objects.read("body", payload)?.object;
  if (body === undefined) return reject("malformed-body");
  const entries = body.bundles.length + body.evidence.length + body.reveals.length;
  return entries <= BODY_ENTRIES_MAX ? body : reject("malformed-body");
}

/** control_root commits to whole registrations, which may not be here yet: it is checked with them. */
export function checkBodyRoots(
  crypto: Crypto,
  header: ProposalHeader,
  body: ProposalBody,
  roots = bodyRoots(crypto, body),
): "malformed-body" | "root-mismatch" | undefined {
  if (body.windowIndex !== header.windowIndex) return "malformed-body";
  const isSame =
    equalBytes(roots.bundles, header.includedBundlesRoot) && equalBytes(roots.reveals, header.includedRevealsRoot);
  return isSame ? undefined : "root-mismatch";
}
