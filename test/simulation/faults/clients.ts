/** Somebody pays somebody, sometimes twice over from the same frontier. */
import { operationMessage } from "../../../main/consensus/objects.ts";
import { toHex } from "../../../main/protocol/bytes.ts";
import {
  TYPE_TRANSFER,
  operation as operationClass,
  type Operation,
} from "../../../main/protocol/objects/operations.ts";
import type { Run } from "./run.ts";

type Transfer = Omit<Extract<Operation, { type: typeof TYPE_TRANSFER }>, "signature">;

const OPERATION_INTERVAL_MS = 20_000;
const RETRY_WINDOWS = 14n;
const DOUBLE_SPENDS = 0.2;

export function planClients(run: Run): void {
  const usedFrontiers = new Map<string, bigint>();
  const plan = (): void => {
    run.world.clock.after(run.random.between(1, 2) * OPERATION_INTERVAL_MS, () => {
      pay(run, usedFrontiers);
      plan();
    });
  };
  plan();
}

function pay({ world, random }: Run, usedFrontiers: Map<string, bigint>): void {
  const [payer, payee] = random.sample(world.nodes, 2);
  const account = payer?.disk.state.accounts.get(payer.member.accountId);
  if (payer === undefined || payee === undefined || account === undefined || account.balance <= 2n) return;
  // An honest wallet waits; one that spent twice may try anew when the network has forgotten it.
  const frontier = toHex(account.frontierHash);
  if (payer.window < (usedFrontiers.get(frontier) ?? -RETRY_WINDOWS) + RETRY_WINDOWS) return;
  usedFrontiers.set(frontier, payer.window);
  const parts = random.chance(DOUBLE_SPENDS) ? [2n, 3n] : [2n];
  world.show(parts.length > 1 ? "double spends" : "transfers");
  for (const part of parts) {
    const signed = operationClass.sign(world.crypto, payer.member.account.secretKey, {
      type: TYPE_TRANSFER,
      prevHash: account.frontierHash,
      sender: account.accountId,
      link: payee.member.accountId,
      amount: account.balance / part,
    } as Transfer);
    for (const node of random.sample(world.nodes, 2)) node.submit(operationMessage(signed));
  }
}
