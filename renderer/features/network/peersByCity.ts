/** Connected nodes, counted by city: more than that no view tells. */
import type { Output } from "../../../main/api/contract.ts";

type Peer = Output<"networkView">["peers"][number];
type City = NonNullable<Peer["city"]>;

export interface PeersOfCity {
  /** Null for those whose city the network does not say. */
  readonly city: City | null;
  readonly peers: number;
}

/** Most first, those without a city last. */
export function peersByCity(peers: readonly Peer[]): readonly PeersOfCity[] {
  const byCity = new Map<string | null, PeersOfCity>();
  for (const { city } of peers) {
    const id = city?.id ?? null;
    byCity.set(id, { city, peers: (byCity.get(id)?.peers ?? 0) + 1 });
  }
  return [...byCity.values()].toSorted(
    (a, b) =>
      Number(a.city === null) - Number(b.city === null) ||
      b.peers - a.peers ||
      (a.city?.id ?? "").localeCompare(b.city?.id ?? ""),
  );
}
