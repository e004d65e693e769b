/** Whether what the node reports of the coins is what the protocol says (chapter 02 §4.5). */
import type { Output } from "../../../main/api/contract.ts";

const EMISSION_MONETA = 13_000_000_000n;

export interface SupplyCheck {
  /** 13·(W + 1), in nɈ. */
  readonly expected: bigint;
  readonly supply: bigint;
  /** What all accounts hold; null where that is not known. */
  readonly credited: bigint | null;
  /** What the window earned that the next one credits. */
  readonly underWay: bigint;
  /** 0 where all agree; above where too much is there. */
  readonly difference: bigint;
}

/** Null before the first window. All accounts together and the emission that is under way make the supply. */
export function checkSupply({
  window,
  supply,
  credited,
}: Pick<Output<"networkView">, "window" | "supply" | "credited">): SupplyCheck | null {
  if (window === null || supply === null) return null;
  const expected = EMISSION_MONETA * (BigInt(window) + 1n);
  const reported = BigInt(supply);
  const held = credited === null ? null : BigInt(credited);
  const bySupply = reported - expected;
  const byAccounts = held === null ? 0n : held + EMISSION_MONETA - expected;
  return {
    ...{ expected, supply: reported, credited: held, underWay: EMISSION_MONETA },
    difference: bySupply === 0n ? byAccounts : bySupply,
  };
}
