/**
 * Moving what lies on the account of the node key, where a newcomer's bonus lands (chapter 05 PW-13) and which the machine's
 * key opens: either the money goes to the account of the words, or that account gets the key of the words.
 */
import { isActivationCooldownOver } from "../protocol/accounts/validate.ts";
import { equalBytes, type AccountId } from "../protocol/bytes.ts";
import type { AccountRecord } from "../protocol/state/records.ts";
import type { OwnAccount } from "./person.ts";

export interface BonusOffer {
  readonly accountId: AccountId;
  /** nɈ that lie there. */
  readonly balance: bigint;
  readonly ways: readonly BonusWay[];
}

/** What each way costs and leaves behind: two windows and no fee, both. */
export type BonusWay =
  | {
      readonly kind: "transfer" | "create";
      readonly to: AccountId;
      readonly amount: bigint;
      /** Rewards of the node go on landing on the node key's account, where they must be moved again. */
      readonly laterRewardsStay: boolean;
      /** For `create`: the first window in which it may settle, and how long the account cannot create another one after. */
      readonly earliestWindow: bigint;
      readonly cooldownWindows: bigint;
    }
  | {
      readonly kind: "change-key";
      /** The account keeps its id, its money and later rewards; the passphrase opens it from then on, the machine no more. */
      readonly laterRewardsStay: false;
      /** Contacts who know the account must compare its six words again. */
      readonly changesFingerprint: true;
    };

/** Undefined where nothing lies on the node key's account, or that key opens it no more. `window` is the next one. */
export function bonusOfferOf(
  node: { readonly own: OwnAccount; readonly record: AccountRecord | undefined },
  account: { readonly own: OwnAccount; readonly record: AccountRecord | undefined },
  window: bigint,
  tau2Windows: bigint,
): BonusOffer | undefined {
  const { record } = node;
  if (record === undefined || record.balance === 0n) return undefined;
  if (!equalBytes(record.currentPubkey, node.own.firstKey)) return undefined;
  const isCreation = account.record === undefined;
  const isTooEarly = isCreation && !isActivationCooldownOver(record.lastActivationWindow, window, tau2Windows);
  return {
    accountId: record.accountId,
    balance: record.balance,
    ways: [
      {
        kind: isCreation ? "create" : "transfer",
        to: account.own.accountId,
        amount: record.balance,
        laterRewardsStay: record.isNodeOperator,
        earliestWindow: isTooEarly ? BigInt(record.lastActivationWindow) + tau2Windows : window,
        cooldownWindows: isCreation ? tau2Windows : 0n,
      },
      { kind: "change-key", laterRewardsStay: false, changesFingerprint: true },
    ],
  };
}
