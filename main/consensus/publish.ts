/** A node's own word on a window whose T it computed: bundle and reveal (chapter 03 §5.6, §6.1). */
import { byteKey, compareBytes, equalBytes } from "../protocol/bytes.ts";
import { mayReveal } from "../protocol/lottery/target.ts";
import type { Effect } from "./effects.ts";
import type { Listed } from "./events.ts";
import { cementedOperationHashes } from "./expected.ts";
import { LISTED_REVEALS_MAX } from "./limits.ts";
import { NO_MATERIAL } from "./material.ts";
import { bundleKey, revealKey } from "./signedLog.ts";
import type { NodeState } from "./state.ts";
import { isValidReveal } from "./validation/reveal.ts";

/** Every node of the Node Table says what it saw; never for a T that others computed. */
function mayPublish(state: NodeState): boolean {
  const isMember = state.chain.facts.get(state.self.nodeId) !== undefined;
  return state.isOpen && isMember && state.silence === undefined && state.times.isComputed(state.window);
}

/** Asks once a window what may stand in the bundle. */
export function askForListing(state: NodeState, out: Effect[]): boolean {
  const { window, operations } = state;
  if (!mayPublish(state) || state.listing !== "unasked" || state.signed.has(bundleKey(window))) return false;
  state.listing = "asked";
  const previous = window === 0n ? [] : state.bundles.firsts(window - 1n);
  const awaiting = new Set(cementedOperationHashes(state, window - 1n, previous).map(byteKey));
  const gathered = operations.gathered().filter(({ operation, opHash }) => {
    const attested = operations.attestations.in(operation, window);
    return (attested === undefined || equalBytes(attested, opHash)) && !awaiting.has(byteKey(opHash));
  });
  out.push({
    kind: "list-objects",
    window,
    operations: gathered,
    attested: gathered.filter(({ operation }) => operations.attestations.in(operation, window) !== undefined),
    registrations: state.registrations.all().filter(({ hash }) => !awaiting.has(byteKey(hash))),
  });
  return true;
}

/** Signs BC_W over what may be listed; its objects are logged with it, for a restart must not lose what was attested. */
export function signBundle(state: NodeState, out: Effect[], listed: Listed): void {
  const { window } = state;
  if (listed.window !== window || state.listing !== "asked") return;
  state.listing = "answered";
  if (!mayPublish(state) || state.signed.has(bundleKey(window))) return;
  const operations = listed.operations.flatMap((hash) => state.operations.get(hash) ?? []);
  const registrations = listed.registrations.flatMap((hash) => state.registrations.get(hash) ?? []);
  const reveals = window === 0n ? [] : state.reveals.firsts(window - 1n);
  const revealHashes = reveals.filter(({ object }) => isValidReveal(state, object)).map(({ hash }) => hash);
  state.operations.attestations.record(operations, window);
  for (const held of operations) state.operations.pin(held, window);
  for (const held of registrations) state.registrations.pin(held, window);
  const object = {
    nodeId: state.self.nodeId,
    endpoint: state.timechainValue!,
    windowIndex: window,
    opHashes: [...operations.map(({ opHash }) => opHash), ...registrations.map(({ hash }) => hash)].sort(compareBytes),
    revealHashes: revealHashes.sort(compareBytes).slice(0, LISTED_REVEALS_MAX),
  };
  state.sign(
    out,
    { type: "bundle", object },
    {
      ...NO_MATERIAL,
      operations: operations.map(({ operation }) => operation),
      registrations: registrations.map(({ registration }) => registration),
    },
  );
}

export function signReveal(state: NodeState, out: Effect[]): boolean {
  const { window, chain } = state;
  if (!mayPublish(state) || state.signed.has(revealKey(window))) return false;
  const ticket = chain.facts.tickets(state.timechainValue!).get(byteKey(state.self.nodeId));
  if (ticket === undefined || !mayReveal(ticket.ticket, chain.facts.target)) return false;
  const object = { nodeId: state.self.nodeId, windowIndex: window, endpoint: ticket.endpoint };
  state.sign(out, { type: "reveal", object });
  return true;
}
