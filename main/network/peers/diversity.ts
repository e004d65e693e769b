/** Which address may join the outbound peers: not too many from one network, operator or age group (chapter 07 §4.8). */
import {
  OUTBOUND_RELAXED_BELOW,
  PER_ASN_MAX,
  PER_COHORT_MAX,
  PER_GROUP_MAX,
  PER_GROUP_RELAXED_MAX,
  RECORDS_RELAXED_BELOW,
} from "./limits.ts";

/** What the rules compare. */
export interface Standing {
  readonly group: string;
  readonly asn: number | undefined;
  /** Two weeks of start windows; undefined, which counts as one cohort, where the Node Table does not know the node. */
  readonly cohort: bigint | undefined;
  readonly isPublic: boolean;
}

/** Laxity 0 is strict; 1 is without the cohort's limit; 2 without the operator's, too; 3 with four of one network. */
const LAXITY_MAX = 3;

export function isDiverse(set: readonly Standing[], candidate: Standing, laxity: number): boolean {
  const count = (isAlike: (standing: Standing) => boolean) => set.filter(isAlike).length;
  if (count(({ group }) => group === candidate.group) >= (laxity < LAXITY_MAX ? PER_GROUP_MAX : PER_GROUP_RELAXED_MAX))
    return false;
  // Whoever runs a network of private addresses holds all of them: these limits would only keep it small.
  if (!candidate.isPublic) return true;
  if (laxity < 2 && candidate.asn !== undefined && count(({ asn }) => asn === candidate.asn) >= PER_ASN_MAX)
    return false;
  return laxity >= 1 || count(({ cohort }) => cohort === candidate.cohort) < PER_COHORT_MAX;
}

/**
 * How far the rules may give way for one more peer. `fittingCount` is how many known addresses fit the strict rules: a large
 * table whose nodes are all of one cohort must not leave a young network with two peers each.
 */
export function laxityMax(outboundCount: number, fittingCount: number): number {
  return outboundCount < OUTBOUND_RELAXED_BELOW && fittingCount < RECORDS_RELAXED_BELOW ? LAXITY_MAX : 0;
}
