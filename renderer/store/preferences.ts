/** What a person chose about the program, as the host keeps it. */
import { useCallback } from "react";

import { order, failureOf, type Answer, type Asked } from "./api.ts";
import { tell } from "./hostStore.ts";
import { putAnswer, useQueryOf } from "./queries.ts";

export type Preferences = Answer<"preferences">;

/** Undefined until the host has answered. */
export function usePreferences(): Preferences | undefined {
  return useQueryOf("preferences", undefined, { refreshOn: ["preferences"] }).value;
}

/** Changes what is given. What is shown follows when the host has kept it. */
export function useSetPreferences(): (change: Asked<"setPreferences">) => Promise<void> {
  return useCallback(async (change) => {
    try {
      putAnswer("preferences", await order("setPreferences", change));
    } catch (error) {
      tell(failureOf(error));
    }
  }, []);
}
