/** What a person orders: one call at a time, and what became of it. */
import { useCallback, useRef, useState } from "react";

import type { Notice } from "../../main/api/contract.ts";
import { failureOf, order, type Answer, type Asked, type MutationName } from "./api.ts";

export interface Call<N extends MutationName> {
  /** The answer, or undefined where there was none: `failure` then says why. A second call waits for nothing: it is not made. */
  readonly run: (input: Asked<N>) => Promise<Answer<N> | undefined>;
  readonly isRunning: boolean;
  readonly failure: Notice | null;
  readonly clear: () => void;
  /** Ends the call that runs: the host is told, where it can still stop, and there is no answer and no failure. */
  readonly cancel: () => void;
}

export function useCall<N extends MutationName>(name: N): Call<N> {
  const [isRunning, setIsRunning] = useState(false);
  const [failure, setFailure] = useState<Notice | null>(null);
  const underWay = useRef<AbortController>(undefined);
  const run = useCallback(
    async (input: Asked<N>) => {
      if (underWay.current !== undefined) return undefined;
      const { signal } = (underWay.current = new AbortController());
      setIsRunning(true);
      setFailure(null);
      try {
        return await order(name, input, { signal });
      } catch (error) {
        if (!signal.aborted) setFailure(failureOf(error));
        return undefined;
      } finally {
        underWay.current = undefined;
        setIsRunning(false);
      }
    },
    [name],
  );
  const clear = useCallback(() => setFailure(null), []);
  const cancel = useCallback(() => underWay.current?.abort(), []);
  return { run, isRunning, failure, clear, cancel };
}
