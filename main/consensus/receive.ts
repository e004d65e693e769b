/**
 * Objects from peers (chapter 03 §6.5, "on message"): cheap checks, then the signatures of all that wait in one batch, then the
 * pools. The rules act afterwards.
 */
import { byteKey, equalBytes, type Hash32, type NodeId } from "../protocol/bytes.ts";
import type { HeldOperation } from "../protocol/accounts/equivocation.ts";
import { nodeIdOf } from "../protocol/identity/ids.ts";
import type {
  BundledConfirmation,
  ProposalBody,
  ProposalHeader,
  ProposalVote,
  VdfReveal,
} from "../protocol/objects/consensus.ts";
import type { NodeRegistration } from "../protocol/objects/nodeRegistration.ts";
import type { Effect } from "./effects.ts";
import type { Checked, PeerId, ReceivedMessage } from "./events.ts";
import { BODIES_UNMATCHED_MAX, CHECKS_PENDING_MAX, HEADERS_HELD_MAX, VOTES_HELD_PER_NODE_MAX } from "./limits.ts";
import { operationMessage, registrationMessage, type Message, type Signed } from "./objects.ts";
import { newProposal } from "./pools/proposals.ts";
import type { NodeState, PendingCheck } from "./state.ts";
import { checkBodyRoots, inspectBody } from "./validation/body.ts";
import { inspectBundle } from "./validation/bundle.ts";
import { checkHeaderInContext, inspectHeader } from "./validation/header.ts";
import { inspectOperation, judgeOperation } from "./validation/operation.ts";
import { inspectRegistration, judgeRegistration } from "./validation/registration.ts";
import { inspectReveal, judgeReveal } from "./validation/reveal.ts";
import { inspectVote } from "./validation/vote.ts";
import { standingOf } from "./validation/window.ts";
import { ACCEPT, hold, ignore, isVerdict, reject, type Inspection, type Unverified, type Verdict } from "./verdict.ts";

/** A message on its way through the checks. */
interface Checking {
  readonly signature: Unverified<unknown>["signature"] | undefined;
  /** Takes the object in; undefined where the verdict comes later. */
  readonly admit: () => Verdict | undefined;
}

export function receive(state: NodeState, out: Effect[], messages: readonly ReceivedMessage[]): void {
  const verdicts = check(state, out, messages);
  for (const [i, { id, from, type, payload }] of messages.entries()) {
    const verdict = verdicts[i];
    if (verdict === undefined) continue;
    out.push({ kind: "verdict", id, verdict });
    if (verdict.verdict === "accept") out.push({ kind: "broadcast", message: { type, payload }, except: from });
  }
}

/** Objects that came with something else, such as a decided window: checked alike, relayed to nobody. */
export function takeIn(state: NodeState, out: Effect[], messages: readonly Message[]): void {
  check(
    state,
    out,
    messages.map((message) => ({ ...message, id: NO_ID, from: NOBODY })),
  );
}

const NO_ID = -1;
const NOBODY: PeerId = "";

/** Undefined where the verdict comes later. */
function check(state: NodeState, out: Effect[], messages: readonly ReceivedMessage[]): (Verdict | undefined)[] {
  const checking = messages.map((message) => inspect(state, out, message));
  const signed = checking.filter(({ signature }) => signature !== undefined);
  const isSigned = state.crypto.mldsa65.verifyBatch(signed.map(({ signature }) => signature!));
  const forged = new Set(signed.filter((_, i) => isSigned[i] !== true));
  return checking.map((each) => (forged.has(each) ? reject("invalid-signature") : each.admit()));
}

function inspect(state: NodeState, out: Effect[], message: ReceivedMessage): Checking {
  const { payload } = message;
  const checked = <T>(
    inspection: Inspection<T>,
    admit: (object: T, identifier: Hash32) => Verdict | undefined,
  ): Checking =>
    isVerdict(inspection)
      ? { signature: undefined, admit: () => inspection }
      : { signature: inspection.signature, admit: () => admit(inspection.object, inspection.identifier) };
  switch (message.type) {
    case "bundle":
      return checked(inspectBundle(state, payload), (bundle, hash) => admitBundle(state, out, bundle, hash));
    case "reveal":
      return checked(inspectReveal(state, payload), (reveal, hash) => admitReveal(state, out, reveal, hash));
    case "header":
      return checked(inspectHeader(state, payload), (header, hash) => admitHeader(state, out, header, hash));
    case "vote":
      return checked(inspectVote(state, payload), (vote) => admitVote(state, out, vote));
    case "registration":
      return checked(inspectRegistration(state, payload), (registration, hash) =>
        askAboutRegistration(state, message, registration, hash),
      );
    case "body": {
      const body = inspectBody(state.objects, payload);
      return { signature: undefined, admit: () => ("verdict" in body ? body : admitBody(state, body)) };
    }
    case "operation": {
      const held = inspectOperation(state, payload);
      const admit = () => ("verdict" in held ? held : askAboutOperation(state, message, held));
      return { signature: undefined, admit };
    }
  }
}

function admitBundle(state: NodeState, out: Effect[], bundle: BundledConfirmation, hash: Hash32): Verdict {
  const standing = standingOf(state, bundle.windowIndex);
  noteSeen(state, bundle.windowIndex);
  if (standing === "far") return ignore("wrong-window");
  const placement = state.bundles.place(bundle, hash, state.isWanted(hash));
  if (placement === "duplicate" || placement === "surplus") return ignore(placement);
  recordOwn(state, out, bundle.nodeId, { type: "bundle", object: bundle });
  const first = state.bundles.firstOf(bundle.windowIndex, bundle.nodeId);
  state.bundles.add(bundle, hash);
  if (first !== undefined) {
    const pair = {
      first: { type: "bundle", object: first.object },
      second: { type: "bundle", object: bundle },
    } as const;
    out.push({ kind: "report", fault: { code: "equivocation", nodeId: bundle.nodeId, ...pair } });
  }
  return standing === "ahead" ? hold("window-ahead") : ACCEPT;
}

function admitReveal(state: NodeState, out: Effect[], reveal: VdfReveal, hash: Hash32): Verdict {
  const placement = state.reveals.place(reveal, hash, state.isWanted(hash));
  if (placement === "duplicate" || placement === "surplus") return ignore(placement);
  recordOwn(state, out, reveal.nodeId, { type: "reveal", object: reveal });
  state.reveals.add(reveal, hash);
  return judgeReveal(state, reveal) === undefined ? ACCEPT : hold("unknown-draw");
}

/** A header whose signature is good. One that fails in context stays as evidence and gets no vote. */
export function admitHeader(state: NodeState, out: Effect[], header: ProposalHeader, hash: Hash32): Verdict {
  noteSeen(state, header.windowIndex);
  if (header.protocolVersion > state.self.protocolVersionMax) {
    // Not a reason to stop: one faulty proposer could silence everybody. A chain that moves on leaves this node waiting.
    const { proposerNodeId: nodeId, protocolVersion } = header;
    out.push({ kind: "report", fault: { code: "protocol-version-unsupported", nodeId, protocolVersion } });
    return ignore("protocol-version-unsupported");
  }
  if (header.windowIndex === state.window + 1n) return holdHeader(state, header);
  if (header.windowIndex !== state.window) return ignore("window-not-monotone");
  if (state.proposals.get(hash) !== undefined) return ignore("duplicate");
  if (!state.proposals.hasRoomAt(header.fallbackDepth) && !state.isWanted(hash)) return ignore("surplus");
  recordOwn(state, out, header.proposerNodeId, { type: "header", object: header });
  const rival = state.proposals.atDepth(header.fallbackDepth)[0];
  const failure = checkHeaderInContext(state, header);
  const proposal = newProposal(header, hash);
  state.proposals.put(failure === undefined ? proposal : { ...proposal, standing: { at: "invalid", failure } });
  if (rival !== undefined) {
    const pair = {
      first: { type: "header", object: rival.header },
      second: { type: "header", object: header },
    } as const;
    out.push({ kind: "report", fault: { code: "equivocation", nodeId: header.proposerNodeId, ...pair } });
  }
  if (failure !== undefined) {
    out.push({ kind: "report", fault: { code: "invalid-proposal", nodeId: header.proposerNodeId, hash, failure } });
    return reject(failure);
  }
  for (const body of state.unmatchedBodies) if (equalBytes(body.proposalHash, hash)) attachBody(state, body);
  state.unmatchedBodies = state.unmatchedBodies.filter((body) => !equalBytes(body.proposalHash, hash));
  return ACCEPT;
}

function holdHeader(state: NodeState, header: ProposalHeader): Verdict {
  const { headers } = state.held;
  const isKnown = headers.some(({ signature }) => equalBytes(signature, header.signature));
  if (isKnown || headers.length >= HEADERS_HELD_MAX) return ignore(isKnown ? "duplicate" : "surplus");
  headers.push(header);
  return hold("window-ahead");
}

export function admitBody(state: NodeState, body: ProposalBody): Verdict {
  if (body.windowIndex === state.window + 1n) return keepFew(state.held.bodies, body);
  if (body.windowIndex !== state.window) return ignore("wrong-window");
  const proposal = state.proposals.get(body.proposalHash);
  if (proposal === undefined) return keepFew(state.unmatchedBodies, body);
  if (proposal.standing.at === "invalid") return ignore("invalid-proposal");
  // A body that names what nobody has may be a spoilt copy: another one takes its place.
  const isStuck = proposal.standing.at === "waiting" && proposal.standing.missing.length > 0;
  if (proposal.body !== undefined && !isStuck) return ignore("duplicate");
  return attachBody(state, body);
}

function attachBody(state: NodeState, body: ProposalBody): Verdict {
  const proposal = state.proposals.get(body.proposalHash)!;
  const failure = checkBodyRoots(state.crypto, proposal.header, body, state.objects.rootsOf(body));
  if (failure !== undefined) return reject(failure);
  const digest = state.objects.identify("body", body);
  if (proposal.refusedBodies.some((refused) => equalBytes(refused, digest))) return ignore("refused-body");
  const known = proposal.body === undefined ? undefined : state.objects.identify("body", proposal.body);
  if (known !== undefined && equalBytes(known, digest)) return ignore("duplicate");
  if (proposal.standing.at === "waiting") state.unwant(proposal.standing.missing);
  state.proposals.put({ ...proposal, body, standing: { at: "waiting", missing: [] } });
  return ACCEPT;
}

function keepFew(bodies: ProposalBody[], body: ProposalBody): Verdict {
  if (bodies.some(({ proposalHash }) => equalBytes(proposalHash, body.proposalHash))) return ignore("duplicate");
  if (bodies.length >= BODIES_UNMATCHED_MAX) return ignore("surplus");
  bodies.push(body);
  return hold("unknown-header");
}

export function admitVote(state: NodeState, out: Effect[], vote: ProposalVote): Verdict {
  noteSeen(state, vote.windowIndex);
  if (vote.windowIndex === state.window + 1n) return holdVote(state, vote);
  if (vote.windowIndex !== state.window) return ignore("wrong-window");
  const placement = state.votes.place(vote);
  if (placement === "duplicate" || placement === "surplus") return ignore(placement);
  recordOwn(state, out, vote.nodeId, { type: "vote", object: vote });
  state.votes.add(vote);
  const other = state.votes.otherVote(vote);
  if (other !== undefined) {
    const pair = { first: { type: "vote", object: other }, second: { type: "vote", object: vote } } as const;
    out.push({ kind: "report", fault: { code: "equivocation", nodeId: vote.nodeId, ...pair } });
  }
  return ACCEPT;
}

function holdVote(state: NodeState, vote: ProposalVote): Verdict {
  const { votes } = state.held;
  const ofNode = votes.filter(({ nodeId }) => equalBytes(nodeId, vote.nodeId));
  if (ofNode.some(({ signature }) => equalBytes(signature, vote.signature))) return ignore("duplicate");
  if (ofNode.length >= VOTES_HELD_PER_NODE_MAX) return ignore("surplus");
  votes.push(vote);
  return hold("window-ahead");
}

/** This node's key signed it: if not here, then it must not be contradicted here all the same. */
function recordOwn(state: NodeState, out: Effect[], author: NodeId, signed: Signed): void {
  if (!equalBytes(author, state.self.nodeId) || state.signed.meet(signed)) return;
  out.push({ kind: "report", fault: { code: "own-signature-elsewhere", object: signed } });
}

/** Windows were decided up to the one before `window`, by whoever signed for it. */
export function noteSeen(state: NodeState, window: bigint): void {
  if (window > state.seenWindow) state.seenWindow = window;
}

function askAboutOperation(state: NodeState, message: ReceivedMessage, held: HeldOperation): Verdict | undefined {
  return waitForCheck(state, held.opHash, {
    message,
    isWanted: state.isWanted(held.opHash),
    subject: { operation: held },
  });
}

function askAboutRegistration(
  state: NodeState,
  message: ReceivedMessage,
  registration: NodeRegistration,
  hash: Hash32,
): Verdict | undefined {
  const known = state.registrations.get(hash);
  if (known !== undefined) {
    return state.registrations.replaceCopy(known, registration) ? ACCEPT : ignore("surplus");
  }
  const nodeId = nodeIdOf(state.crypto, registration.nodePubkey);
  if (state.isWanted(hash)) {
    state.registrations.pin({ registration, hash, nodeId, copies: 0 }, state.window);
    return ignore("fetched");
  }
  return waitForCheck(state, hash, {
    message,
    isWanted: false,
    subject: { registration: { registration, hash } },
  });
}

/** Asked of the owner of the tables at the end of the step, together with the others. */
function waitForCheck(state: NodeState, hash: Hash32, check: PendingCheck): Verdict | undefined {
  const key = byteKey(hash);
  if (state.pendingChecks.has(key)) return ignore("duplicate");
  if (state.pendingChecks.size >= CHECKS_PENDING_MAX) return ignore("busy");
  state.pendingChecks.set(key, check);
  state.unaskedChecks.push(check);
  return undefined;
}

export function askForChecks(state: NodeState, out: Effect[]): void {
  if (state.unaskedChecks.length === 0) return;
  const subjects = state.unaskedChecks.map(({ subject }) => subject);
  state.unaskedChecks = [];
  out.push({
    kind: "check-objects",
    window: state.window,
    operations: subjects.flatMap((subject) => ("operation" in subject ? subject.operation : [])),
    registrations: subjects.flatMap((subject) => ("registration" in subject ? subject.registration : [])),
  });
}

/** The owner of the tables has answered. */
export function takeChecks(state: NodeState, out: Effect[], checked: Checked): void {
  for (const check of checked.operations) {
    const pending = takePending(state, check.opHash);
    if (pending === undefined || !("operation" in pending.subject)) continue;
    const { operation } = pending.subject;
    const gathered = { ...operation, ...(check.verifiedWith && { verifiedWith: check.verifiedWith }) };
    if (pending.isWanted && check.failure !== "invalid-signature") state.operations.pin(gathered, state.window);
    const judged = judgeOperation(state, operation, check);
    if (pending.message === undefined) {
      if (judged === undefined && state.operations.release(check.opHash)) {
        out.push({ kind: "broadcast", message: operationMessage(operation.operation) });
      }
      continue;
    }
    const isKept = judged === undefined || judged.verdict === "hold";
    const placement = isKept ? state.operations.offer(gathered, state.window, check.priority) : undefined;
    if (placement === "new" && judged !== undefined) state.operations.holdBack(check.opHash);
    const verdict = placement === "duplicate" || placement === "surplus" ? ignore(placement) : (judged ?? ACCEPT);
    finish(out, pending.message, verdict, () => operationMessage(operation.operation));
  }
  for (const check of checked.registrations) {
    const pending = takePending(state, check.hash);
    if (pending === undefined || !("registration" in pending.subject)) continue;
    const { registration, hash } = pending.subject.registration;
    const judged = judgeRegistration(state, registration, check);
    if (pending.message === undefined) {
      if (judged === undefined && state.registrations.release(hash)) {
        out.push({ kind: "broadcast", message: registrationMessage(registration) });
      }
      continue;
    }
    const nodeId = nodeIdOf(state.crypto, registration.nodePubkey);
    const isKept = judged === undefined || judged.verdict === "hold";
    const placement = isKept ? state.registrations.offer({ registration, hash, nodeId, copies: 0 }) : undefined;
    if (placement === "new" && judged !== undefined) state.registrations.holdBack(hash);
    const verdict = placement === "duplicate" || placement === "surplus" ? ignore(placement) : (judged ?? ACCEPT);
    finish(out, pending.message, verdict, () => registrationMessage(registration));
  }
}

function takePending(state: NodeState, hash: Hash32): PendingCheck | undefined {
  const key = byteKey(hash);
  const pending = state.pendingChecks.get(key);
  state.pendingChecks.delete(key);
  return pending;
}

function finish(
  out: Effect[],
  received: NonNullable<PendingCheck["message"]>,
  verdict: Verdict,
  message: () => Message,
): void {
  out.push({ kind: "verdict", id: received.id, verdict });
  if (verdict.verdict === "accept") out.push({ kind: "broadcast", message: message(), except: received.from });
}

/** What is held back because something it needs was missing is checked again in every window; then it may travel. */
export function recheckHeld(state: NodeState): void {
  for (const { operation, opHash } of state.operations.heldBack()) {
    waitForCheck(state, opHash, { message: undefined, isWanted: false, subject: { operation: { operation, opHash } } });
  }
  for (const { registration, hash } of state.registrations.heldBack()) {
    waitForCheck(state, hash, {
      message: undefined,
      isWanted: false,
      subject: { registration: { registration, hash } },
    });
  }
}
