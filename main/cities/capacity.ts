/** What a number of users asks of the network (chapter 08 §9). All integers: sessions rounded down, the rest up. */

export interface Demand {
  readonly users: bigint;
  readonly activePermille: bigint;
  readonly userKbps: bigint;
  readonly uplinkMbps: bigint;
  readonly urlBytes: bigint;
  readonly refreshSeconds: bigint;
}

export interface Capacity {
  readonly activeSessions: bigint;
  readonly sessionsPerNode: bigint;
  readonly nodes: bigint;
  /** Of one subscription that lists every node. */
  readonly subscriptionBytes: bigint;
  readonly requestsPerSecond: bigint;
}

/** `undefined` where a node could not serve one session, or the list would never be refreshed. */
export function capacityFor(demand: Demand): Capacity | undefined {
  const { users, activePermille, userKbps, uplinkMbps, urlBytes, refreshSeconds } = demand;
  if (userKbps <= 0n || refreshSeconds <= 0n) return undefined;
  const activeSessions = (users * activePermille) / 1000n;
  const sessionsPerNode = (uplinkMbps * 1000n) / userKbps;
  if (sessionsPerNode <= 0n) return undefined;
  const nodes = divideUp(activeSessions, sessionsPerNode);
  const plainBytes = nodes === 0n ? 0n : nodes * (urlBytes + 1n) - 1n;
  return {
    activeSessions,
    sessionsPerNode,
    nodes,
    subscriptionBytes: 4n * divideUp(plainBytes, 3n),
    requestsPerSecond: divideUp(users, refreshSeconds),
  };
}

const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;
