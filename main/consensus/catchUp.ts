/**
 * Windows that others decided without this node (chapter 03 §6.10): the certificate is verified with the weights of the state
 * reached so far, everything else by the rules of the open window.
 */
import { byteKey, equalBytes } from "../protocol/bytes.ts";
import type { Crypto } from "../protocol/crypto.ts";
import { nodeIdOf } from "../protocol/identity/ids.ts";
import { controlRoot } from "../protocol/merkle/proposalRoots.ts";
import { nodeRegistration } from "../protocol/objects/nodeRegistration.ts";
import { operation as operationClass } from "../protocol/objects/operations.ts";
import { checkHeader } from "../protocol/validation/header.ts";
import { learnTime } from "./adoptTime.ts";
import { verifyCertificate } from "./certificate.ts";
import type { Effect } from "./effects.ts";
import type { PeerId, WindowFetched } from "./events.ts";
import { FETCH_WINDOWS_MAX } from "./limits.ts";
import type { FetchedWindow, Material } from "./material.ts";
import { newProposal } from "./pools/proposals.ts";
import { takeIn } from "./receive.ts";
import { NOTHING_ASKED, type NodeState } from "./state.ts";
import { checkBodyRoots } from "./validation/body.ts";
import { checkHeaderInContext } from "./validation/header.ts";

/** Kept until the windows before it are decided. */
export function queueFetched(state: NodeState, event: WindowFetched): void {
  const window = event.fetched.header.windowIndex;
  if (window < state.window || window >= state.window + FETCH_WINDOWS_MAX) return;
  state.fetched.set(window, event);
}

/** Takes in the decided window whose turn it is; the rules then find it valid and decided, or missing something. */
export function takeFetched(state: NodeState, out: Effect[]): boolean {
  const event = state.fetched.get(state.window);
  if (!state.isOpen || event === undefined) return false;
  state.fetched.delete(state.window);
  // The last of an answer: whoever gave it may have had no more, and what follows can be asked for.
  if (state.fetched.size === 0 && state.window >= state.asked.first) {
    state.asked = { first: state.window, end: state.window + 1n };
  }
  const failure = checkFetched(state, event.fetched);
  if (failure !== undefined) {
    refuse(state, out, event.from, failure);
    return true;
  }
  const { header, body, certificate } = event.fetched;
  if (learnTime(state, state.window, header.timechainValue, "adopted") === "contradiction") {
    state.fallSilent(out, "adopted-time-differs");
    return true;
  }
  const hash = state.objects.identify("header", header);
  const known = state.proposals.get(hash);
  if (known?.standing.at !== "valid") {
    state.proposals.put(newProposal(header, hash, body));
  }
  state.want([...body.bundles, ...body.evidence, ...body.reveals].map((named) => named.hash));
  loadMaterial(state, out, event.fetched);
  for (const vote of certificate) if (state.votes.place(vote) !== "duplicate") state.votes.add(vote);
  return true;
}

function checkFetched(state: NodeState, fetched: FetchedWindow): string | undefined {
  const { crypto, chain, window } = state;
  const { header, body, certificate } = fetched;
  const { facts, previous } = chain;
  const { protocolVersionMax } = state.self;
  const headerFailure = checkHeader(crypto, header, previous?.header, facts, protocolVersionMax);
  if (headerFailure !== undefined) return headerFailure;
  const hash = state.objects.identify("header", header);
  const context = { window, nodes: facts, weights: facts.weights };
  const certificateFailure = verifyCertificate(crypto, context, hash, certificate);
  if (certificateFailure !== undefined) return certificateFailure;
  const contextFailure = checkHeaderInContext(state, header);
  if (contextFailure !== undefined && contextFailure !== "wrong-timechain-value") return contextFailure;
  if (!equalBytes(body.proposalHash, hash)) return "malformed-body";
  return checkBodyRoots(crypto, header, body, state.objects.rootsOf(body)) ?? checkRegistrations(crypto, fetched);
}

/** The header commits to their bytes, signatures included. */
function checkRegistrations(
  crypto: Crypto,
  { header, body, registrations }: FetchedWindow,
): "control-set-mismatch" | undefined {
  const control = new Set(body.controlHashes.map(byteKey));
  const named = registrations.filter((each) => control.has(byteKey(nodeRegistration.identify(crypto, each))));
  return equalBytes(controlRoot(crypto, named), header.controlRoot) ? undefined : "control-set-mismatch";
}

/** The queue behind a bad window is of the same peer: all of it is asked for anew, from whomever the runtime takes next. */
function refuse(state: NodeState, out: Effect[], peer: PeerId, failure: string): void {
  state.fetched.clear();
  state.asked = NOTHING_ASKED;
  out.push({ kind: "report", fault: { code: "bad-window", peer, failure } });
}

/**
 * Puts what a proposal is made of into the pools. Operations are not verified here: the transition verifies their signatures
 * and names bad copies.
 */
export function loadMaterial(state: NodeState, out: Effect[], material: Material): void {
  const { crypto, window } = state;
  takeIn(state, out, [
    ...material.bundles.map((object) => state.objects.messageOf("bundle", object)),
    ...material.reveals.map((object) => state.objects.messageOf("reveal", object)),
  ]);
  for (const operation of material.operations) {
    const opHash = operationClass.identify(crypto, operation);
    if (state.operations.get(opHash) === undefined) state.operations.pin({ operation, opHash }, window);
  }
  const control = new Map((material.body?.controlHashes ?? []).map((hash) => [byteKey(hash), hash]));
  for (const registration of material.registrations) {
    const hash = nodeRegistration.identify(crypto, registration);
    const nodeId = nodeIdOf(crypto, registration.nodePubkey);
    if (material.body === undefined || control.has(byteKey(hash))) {
      state.registrations.pin({ registration, hash, nodeId, copies: 0 }, window);
    }
  }
}
