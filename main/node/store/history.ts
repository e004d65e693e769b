/** The lines that a window adds to the histories of accounts and applications (chapter 04 §4.13). */
import { byteKey, ZERO_HASH, type Hash32 } from "../../protocol/bytes.ts";
import type { Crypto } from "../../protocol/crypto.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";
import {
  operation as operationClass,
  TYPE_ANCHOR,
  TYPE_CHANGE_KEY,
  TYPE_CREATE,
  TYPE_TRANSFER,
  type Operation,
} from "../../protocol/objects/operations.ts";
import { rewardOf } from "../../protocol/state/supply.ts";
import type { WindowEvents, WindowInputs } from "../../protocol/transition/applyWindow.ts";
import type { HistoryEntry } from "./archive.ts";

/** In the order of settlement; the emission of the window comes last, as in the table of steps. */
export function historyOf(
  crypto: Crypto,
  rules: NetworkRules,
  { operations }: Pick<WindowInputs, "operations">,
  events: Pick<WindowEvents, "settled" | "rewarded" | "admitted">,
): HistoryEntry[] {
  const byHash = new Map(
    operations.map(({ operation }) => [byteKey(operationClass.identify(crypto, operation)), operation]),
  );
  const lines = events.settled.flatMap((opHash) => linesOf(byHash.get(byteKey(opHash))!, opHash));
  const { rewarded } = events;
  if (rewarded !== undefined) {
    const isBonus = rules.admission === "per-window" && events.admitted.length > 0;
    lines.push({
      subject: rewarded,
      kind: isBonus ? "welcome-bonus" : "reward",
      opHash: ZERO_HASH,
      counterparty: ZERO_HASH,
      amount: rewardOf(rules.params.emissionMoneta),
    });
  }
  return lines;
}

function linesOf(operation: Operation, opHash: Hash32): HistoryEntry[] {
  const { sender } = operation;
  switch (operation.type) {
    case TYPE_TRANSFER: {
      const { link, amount } = operation;
      return [
        { subject: sender, kind: "sent", opHash, counterparty: link, amount },
        { subject: link, kind: "received", opHash, counterparty: sender, amount },
      ];
    }
    case TYPE_CREATE: {
      const { receiver, amount } = operation;
      return [
        { subject: sender, kind: "created", opHash, counterparty: receiver, amount },
        { subject: receiver, kind: "activated", opHash, counterparty: sender, amount },
      ];
    }
    case TYPE_CHANGE_KEY:
      return [{ subject: sender, kind: "key-changed", opHash, counterparty: ZERO_HASH, amount: 0n }];
    case TYPE_ANCHOR: {
      const { appId } = operation;
      return [
        { subject: sender, kind: "anchored", opHash, counterparty: appId, amount: 0n },
        { subject: appId, kind: "anchored", opHash, counterparty: sender, amount: 0n },
      ];
    }
  }
}
