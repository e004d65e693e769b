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
}

export function useCall<N extends MutationName>(name: N): Call<N> {
  const [isRunning, setIsRunning] = useState(false);
  const [failure, setFailure] = useState<Notice | null>(null);
  const isUnderWay = useRef(false);
  const run = useCallback(
    async (input: Asked<N>) => {
      if (isUnderWay.current) return undefined;
      isUnderWay.current = true;
      setIsRunning(true);
      setFailure(null);
      try {
        return await order(name, input);
      } catch (error) {
        setFailure(failureOf(error));
        return undefined;
      } finally {
        isUnderWay.current = false;
        setIsRunning(false);
      }
    },
    [name],
  );
  const clear = useCallback(() => setFailure(null), []);
  return { run, isRunning, failure, clear };
}
