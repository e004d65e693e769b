/** Which operations a confirmer lists in its own bundle (chapter 04 §4.9, chapter 03 §5.6). */
import { byteKey, compareBytes, equalBytes, type Hash32 } from "../bytes.ts";
import type { Crypto, PublicKey } from "../crypto.ts";
import { TYPE_CREATE } from "../objects/operations.ts";
import type { Attestations, HeldOperation } from "./equivocation.ts";
import { chooseByPriority, type Standing } from "./priority.ts";
import { validateOperation, type AccountLookup } from "./validate.ts";

/** A producer's own limit; a receiver takes more (decision E14). */
const LISTED_OPERATIONS_MAX = 16_000;

export interface GatheredOperation extends HeldOperation {
  /** The key its signature was found valid with before; it is checked again unless that is still the sender's key. */
  readonly verifiedWith?: PublicKey;
}

export interface ListingContext {
  /** Of the bundle. */
  readonly window: bigint;
  readonly tau2Windows: bigint;
  /** Settled before `window`. */
  readonly accounts: AccountLookup;
  /** What this node attested in earlier windows. */
  readonly attestations: Pick<Attestations, "in">;
  /** Cemented, as this node sees it, by the bundles of the window before: they settle without being listed again. */
  readonly isAwaitingSettlement: (opHash: Hash32) => boolean;
  readonly capacity?: number;
}

/**
 * The operations of `gathered`, which is in the order in which they were first seen, that the bundle lists, ascending by
 * identifier: valid, one a sender, one create a receiver, nothing that contradicts an earlier attestation. Of two operations
 * of one sender the first seen counts; of two creates of one receiver the one attested before, else the smaller identifier.
 */
export function listableOperations(
  crypto: Crypto,
  gathered: readonly GatheredOperation[],
  context: ListingContext,
): GatheredOperation[] {
  const { accounts, window, tau2Windows } = context;
  const listable = oneCreateOfEachReceiver(firstOfEachSender(crypto, gathered, context), context);
  const standingOf = ({ operation }: GatheredOperation): Standing => accounts.get(operation.sender)!;
  const capacity = context.capacity ?? LISTED_OPERATIONS_MAX;
  const chosen = chooseByPriority(listable, standingOf, window, tau2Windows, capacity);
  return chosen.sort((a, b) => compareBytes(a.opHash, b.opHash));
}

function firstOfEachSender(
  crypto: Crypto,
  gathered: readonly GatheredOperation[],
  context: ListingContext,
): GatheredOperation[] {
  const senders = new Set<string>();
  return gathered.filter((held) => {
    const sender = byteKey(held.operation.sender);
    if (senders.has(sender) || !isListable(crypto, held, context)) return false;
    senders.add(sender);
    return true;
  });
}

function isListable(crypto: Crypto, held: GatheredOperation, context: ListingContext): boolean {
  const { operation, opHash, verifiedWith } = held;
  const { accounts, window, tau2Windows } = context;
  const attested = context.attestations.in(operation, window);
  if (attested !== undefined && !equalBytes(attested, opHash)) return false;
  if (context.isAwaitingSettlement(opHash)) return false;
  const key = accounts.get(operation.sender)?.currentPubkey;
  const isVerified = key !== undefined && verifiedWith !== undefined && equalBytes(key, verifiedWith);
  const signature = isVerified ? "assume-valid" : "check";
  return validateOperation(crypto, operation, accounts, window, tau2Windows, { signature }) === undefined;
}

function oneCreateOfEachReceiver(
  operations: readonly GatheredOperation[],
  context: ListingContext,
): GatheredOperation[] {
  const chosen = new Map<string, GatheredOperation>();
  for (const held of operations) {
    if (held.operation.type !== TYPE_CREATE) continue;
    const receiver = byteKey(held.operation.receiver);
    const rival = chosen.get(receiver);
    if (rival === undefined || isPreferredCreate(held, rival, context)) chosen.set(receiver, held);
  }
  return operations.filter(
    (held) => held.operation.type !== TYPE_CREATE || chosen.get(byteKey(held.operation.receiver)) === held,
  );
}

function isPreferredCreate(held: GatheredOperation, rival: GatheredOperation, context: ListingContext): boolean {
  const isAttested = context.attestations.in(held.operation, context.window) !== undefined;
  const isRivalAttested = context.attestations.in(rival.operation, context.window) !== undefined;
  if (isAttested !== isRivalAttested) return isAttested;
  return compareBytes(held.opHash, rival.opHash) < 0;
}
