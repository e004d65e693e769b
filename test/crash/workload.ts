/** A chain that follows from its windows alone: the same windows give the same states, whoever was killed in between. */
import { ZERO_HASH, type AccountId, type Hash32 } from "../../main/protocol/bytes.ts";
import { encode, u32 } from "../../main/protocol/codec/codec.ts";
import type { Crypto, PublicKey, Signature } from "../../main/protocol/crypto.ts";
import { MONTANA_PARAMS } from "../../main/protocol/genesis/montana.ts";
import { rulesOf, type NetworkRules } from "../../main/protocol/genesis/rules.ts";
import { accountIdOf, nodeIdOf } from "../../main/protocol/identity/ids.ts";
import {
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../../main/protocol/objects/operations.ts";
import type { AccountRecord } from "../../main/protocol/state/records.ts";
import type { WindowInputs } from "../../main/protocol/transition/applyWindow.ts";

const NO_SIGNATURE = new Uint8Array(3309) as Signature;
const OPERATIONS_PER_WINDOW = 24;

/** 1952 bytes that follow from a number. */
export function keyOf(crypto: Crypto, index: number): PublicKey {
  const key = new Uint8Array(1952);
  for (let i = 0; i < 61; i++) key.set(crypto.sha256(encode(u32, index * 64 + i)), 32 * i);
  return key as PublicKey;
}

const PEOPLE = 1_000_000;
const FIRST_NODE = 2_000_000;

/** One genesis node; everybody else is created by somebody. */
export function workloadRules(crypto: Crypto): NetworkRules {
  const params = {
    ...MONTANA_PARAMS,
    tau2Windows: 5n,
    bootstrapAccountPubkey: keyOf(crypto, PEOPLE),
    bootstrapNodePubkey: keyOf(crypto, FIRST_NODE),
  };
  return rulesOf(params, "spec", "per-window");
}

/** Person `index`; 0 is the operator of the only node, who earns what all others get. */
const personOf = (crypto: Crypto, index: number): AccountId => accountIdOf(crypto, 1, keyOf(crypto, PEOPLE + index));

/**
 * The inputs of `window`, whose state before it `get` reads: creations until there are some hundred people, transfers, key
 * changes and anchors among them.
 */
export async function inputsOf(
  crypto: Crypto,
  window: bigint,
  get: (id: AccountId) => Promise<AccountRecord | undefined>,
): Promise<WindowInputs> {
  const known = Math.min(200, Number(window));
  const operations: WindowInputs["operations"][number][] = [];
  const node = nodeIdOf(crypto, keyOf(crypto, FIRST_NODE));
  const senders = new Set<number>();
  for (let i = 0; i < OPERATIONS_PER_WINDOW; i++) {
    const random = crypto.sha256(encode(u32, Number(window) * OPERATIONS_PER_WINDOW + i));
    const from = i === 0 ? 0 : random[0]! % Math.max(1, known);
    if (senders.has(from)) continue;
    senders.add(from);
    const sender = await get(personOf(crypto, from));
    if (sender === undefined) continue;
    const to = random[1]! % Math.max(1, known);
    const operation = operationOf(crypto, sender, to, i === 0 ? 0 : 1 + (random[2]! % 4), window, random);
    operations.push({ operation, verifiedWith: sender.currentPubkey });
  }
  return {
    window,
    timechainValue: crypto.sha256(encode(u32, Number(window))),
    aggregate: ZERO_HASH,
    bundleSigners: [node],
    operations,
    registrations: [],
    winnerId: node,
    participationPermille: 1000,
    includedReveals: 1,
  };
}

function operationOf(
  crypto: Crypto,
  sender: AccountRecord,
  to: number,
  what: number,
  window: bigint,
  random: Hash32,
): Operation {
  const link = { prevHash: sender.frontierHash, sender: sender.accountId, signature: NO_SIGNATURE };
  const receiver = personOf(crypto, to);
  const newcomer = Number(window);
  switch (what) {
    case 0: {
      const receiverPubkey = keyOf(crypto, PEOPLE + newcomer);
      const amount = sender.balance / 3n;
      return { type: TYPE_CREATE, ...link, receiver: personOf(crypto, newcomer), suiteId: 1, receiverPubkey, amount };
    }
    case 1:
      return {
        type: TYPE_CHANGE_KEY,
        ...link,
        newSuiteId: 1,
        newPubkey: keyOf(crypto, Number(window) * 1000 + random[3]!),
      };
    case 2:
      return { type: TYPE_ANCHOR, ...link, appId: receiver, dataHash: random };
    default:
      return { type: TYPE_TRANSFER, ...link, link: receiver, amount: sender.balance / 10n };
  }
}
