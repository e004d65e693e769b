/** Which cities and nodes owe their host an answer: what is shown of them is how it was when they were last heard. */
import { useMemo } from "react";

import { useHost } from "./hostStore.ts";

interface Silent {
  readonly city: string | null;
  readonly sinceMs: number;
}

const NOBODY: readonly Silent[] = [];

/** By city, the time at which it was last heard. */
export type Silence = ReadonlyMap<string | null, number>;

/** Exits of the tunnel's network. */
export function useSilentCities(): Silence {
  return useByCity(useHost(({ tunnel }) => tunnel?.silentCities ?? NOBODY));
}

/** Nodes that the own node is connected with; null stands for those whose city nobody knows. */
export function useSilentNodes(): Silence {
  return useByCity(useHost(({ status }) => status?.silentNodes ?? NOBODY));
}

function useByCity(silent: readonly Silent[]): Silence {
  return useMemo(() => new Map(silent.map(({ city, sinceMs }) => [city, sinceMs])), [silent]);
}
