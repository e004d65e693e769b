/** Which messages exist and on which substream protocol each travels (chapter 07 §3.2). */

/** Message types by name. */
export const MESSAGE = {
  /** Every transfer, the one that creates its receiver too: operations are told apart by their own first byte. */
  transfer: 0x01,
  changeKey: 0x03,
  anchor: 0x04,
  nodeRegistration: 0x10,
  bundledConfirmation: 0x20,
  vdfReveal: 0x21,
  proposal: 0x22,
  proposalBody: 0x23,
  proposalVote: 0x24,
  fastSyncRequest: 0x40,
  fastSyncResponse: 0x41,
  fastSyncError: 0x42,
  peerListRequest: 0x50,
  peerListResponse: 0x51,
  batchLookupRequest: 0x60,
  batchLookupResponse: 0x61,
  batchLookupError: 0x62,
  rangeSubscribeRequest: 0x63,
  rangeSubscribeResponse: 0x64,
  rangeSubscribeError: 0x65,
  ping: 0xf0,
  pong: 0xf1,
  bye: 0xff,
} as const;

export type MessageType = (typeof MESSAGE)[keyof typeof MESSAGE];

/** The two substream protocols that carry envelopes, by what they are called in `ports.ts`. */
export type EnvelopeProtocol = "messages" | "consensus";

export interface MessageKind {
  readonly type: MessageType;
  /** As the chapter and the vectors spell it. */
  readonly name: string;
  /** `one-way` travels as a request, too, and is acknowledged by a Pong. */
  readonly role: "one-way" | "request" | "response";
  readonly protocol: EnvelopeProtocol;
}

const kind = (
  type: MessageType,
  name: string,
  role: MessageKind["role"] = "one-way",
  protocol: EnvelopeProtocol = "messages",
): MessageKind => ({ type, name, role, protocol });

/** In ascending order of type. 0x02 stays free for ever. */
export const MESSAGE_KINDS: readonly MessageKind[] = [
  kind(MESSAGE.transfer, "transfer"),
  kind(MESSAGE.changeKey, "change-key"),
  kind(MESSAGE.anchor, "anchor"),
  kind(MESSAGE.nodeRegistration, "node-registration"),
  kind(MESSAGE.bundledConfirmation, "bundled-confirmation"),
  kind(MESSAGE.vdfReveal, "vdf-reveal"),
  kind(MESSAGE.proposal, "proposal"),
  kind(MESSAGE.proposalBody, "proposal-body", "one-way", "consensus"),
  kind(MESSAGE.proposalVote, "proposal-vote", "one-way", "consensus"),
  kind(MESSAGE.fastSyncRequest, "fast-sync-request", "request"),
  kind(MESSAGE.fastSyncResponse, "fast-sync-response", "response"),
  kind(MESSAGE.fastSyncError, "fast-sync-error", "response"),
  kind(MESSAGE.peerListRequest, "peer-list-request", "request"),
  kind(MESSAGE.peerListResponse, "peer-list-response", "response"),
  kind(MESSAGE.batchLookupRequest, "batch-lookup-request", "request"),
  kind(MESSAGE.batchLookupResponse, "batch-lookup-response", "response"),
  kind(MESSAGE.batchLookupError, "batch-lookup-error", "response"),
  kind(MESSAGE.rangeSubscribeRequest, "range-subscribe-request", "request"),
  kind(MESSAGE.rangeSubscribeResponse, "range-subscribe-response", "response"),
  kind(MESSAGE.rangeSubscribeError, "range-subscribe-error", "response"),
  kind(MESSAGE.ping, "ping", "request"),
  kind(MESSAGE.pong, "pong", "response"),
  kind(MESSAGE.bye, "bye"),
];

const byType = new Map<number, MessageKind>(MESSAGE_KINDS.map((it) => [it.type, it]));

/** Undefined for a type that is not registered on `protocol`: 21 are on `messages`, two on `consensus`. */
export function messageKind(type: number, protocol: EnvelopeProtocol = "messages"): MessageKind | undefined {
  const found = byType.get(type);
  return found?.protocol === protocol ? found : undefined;
}

/** What each request may be answered with; a Pong says that the peer does not serve it (chapter 07 §4.2, §5.2). */
const RESPONSES: ReadonlyMap<MessageType, readonly MessageType[]> = new Map<MessageType, readonly MessageType[]>([
  [MESSAGE.fastSyncRequest, [MESSAGE.fastSyncResponse, MESSAGE.fastSyncError]],
  [MESSAGE.peerListRequest, [MESSAGE.peerListResponse]],
  [MESSAGE.batchLookupRequest, [MESSAGE.batchLookupResponse, MESSAGE.batchLookupError]],
  [MESSAGE.rangeSubscribeRequest, [MESSAGE.rangeSubscribeResponse, MESSAGE.rangeSubscribeError]],
]);

/** What a reply of type `reply` to a message of type `sent` is; `unfitting` is a violation. */
export function classifyReply(sent: MessageType, reply: MessageType): "answer" | "acknowledged" | "unfitting" {
  if (reply === MESSAGE.pong) return "acknowledged";
  return RESPONSES.get(sent)?.includes(reply) === true ? "answer" : "unfitting";
}
