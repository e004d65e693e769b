/** The window machine's objects by name, and the network's by message type (chapter 07 §3.2). */
import type { Message, ObjectType } from "../../consensus/objects.ts";
import type { GossipObject, GossipType } from "../../network/gossip/object.ts";
import { MESSAGE } from "../../network/messages/registry.ts";
import { TYPE_ANCHOR, TYPE_CHANGE_KEY, TYPE_CREATE, TYPE_TRANSFER } from "../../protocol/objects/operations.ts";

const TYPES: Readonly<Record<Exclude<ObjectType, "operation">, GossipType>> = {
  registration: MESSAGE.nodeRegistration,
  bundle: MESSAGE.bundledConfirmation,
  reveal: MESSAGE.vdfReveal,
  header: MESSAGE.proposal,
  body: MESSAGE.proposalBody,
  vote: MESSAGE.proposalVote,
};

const OPERATION_TYPES: ReadonlyMap<number, GossipType> = new Map([
  [TYPE_TRANSFER, MESSAGE.transfer],
  [TYPE_CREATE, MESSAGE.transfer],
  [TYPE_CHANGE_KEY, MESSAGE.changeKey],
  [TYPE_ANCHOR, MESSAGE.anchor],
]);

const NAMES: ReadonlyMap<number, ObjectType> = new Map(
  Object.entries(TYPES).map(([name, type]) => [type, name as ObjectType]),
);

/** Of an object of this node, which is well-formed. */
export function toGossip({ type, payload }: Message): GossipObject {
  return { type: type === "operation" ? OPERATION_TYPES.get(payload[0]!)! : TYPES[type], payload };
}

/** Undefined where the type carries no object, or another operation than the payload's own type byte says. */
export function fromGossip(type: number, payload: Uint8Array): Message | undefined {
  const name = NAMES.get(type);
  if (name !== undefined) return { type: name, payload };
  const carried = payload.length === 0 ? undefined : OPERATION_TYPES.get(payload[0]!);
  return carried !== undefined && carried === type ? { type: "operation", payload } : undefined;
}
