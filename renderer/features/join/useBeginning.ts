/** From an identity to a candidate: the node started where it does not run, then asked to join. */
import { useState } from "react";

import type { Notice } from "../../../main/api/contract.ts";
import { useCall } from "../../store/calls.ts";
import { useHost } from "../../store/hostStore.ts";

export interface Beginning {
  /** With `startsAnyway` also where the host says that this computer is too slow. */
  readonly begin: (startsAnyway?: boolean) => Promise<void>;
  readonly isRunning: boolean;
  readonly failure: Notice | null;
}

/** Of the view as a whole: its stages change while it works. */
export function useBeginning(): Beginning {
  const start = useCall("startNode");
  const join = useCall("join");
  const [isRunning, setIsRunning] = useState(false);
  const begin = async (startsAnyway = false): Promise<void> => {
    setIsRunning(true);
    const isStarted = useHost.getState().status?.nodeState === "running" || (await start.run({})) !== undefined;
    if (isStarted) await join.run(startsAnyway ? { startsAnyway } : {});
    setIsRunning(false);
  };
  return { begin, isRunning, failure: start.failure ?? join.failure };
}
