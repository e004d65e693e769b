/** Light or dark, and how much moves: as the person chose, or as the desktop says. */
import { useLayoutEffect, useSyncExternalStore } from "react";

import type { Preferences } from "../store/preferences.ts";

export type Theme = "light" | "dark";

const DARK = "(prefers-color-scheme: dark)";
const STILL = "(prefers-reduced-motion: reduce)";

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (onChange) => {
      const media = matchMedia(query);
      media.addEventListener("change", onChange);
      return () => media.removeEventListener("change", onChange);
    },
    () => matchMedia(query).matches,
  );
}

export function useTheme(preferences: Preferences | undefined): Theme {
  const isDesktopDark = useMedia(DARK);
  const chosen = preferences?.theme ?? "system";
  return chosen === "system" ? (isDesktopDark ? "dark" : "light") : chosen;
}

export function useIsStill(preferences: Preferences | undefined): boolean {
  const isDesktopStill = useMedia(STILL);
  return isDesktopStill || preferences?.motion === "reduced";
}

/** Puts both where the style sheets look. */
export function useLook(theme: Theme, isStill: boolean): void {
  // Before the effects of what reads colours from the style sheet, as the map does, which run before its parents' own.
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    document.documentElement.dataset["motion"] = isStill ? "reduced" : "full";
  }, [theme, isStill]);
}
