/** Which view is open. It stands behind the # of the address, so that going back works and a reload opens the same. */
import { useSyncExternalStore } from "react";

/** The first part of what stands behind the #. */
export function usePlace(): string {
  return useSyncExternalStore(
    (onChange) => {
      addEventListener("hashchange", onChange);
      return () => removeEventListener("hashchange", onChange);
    },
    () => location.hash.replace(/^#\/?/, ""),
  );
}

/** Opens a view, from anywhere: `go("wallet")`. */
export function go(place: string): void {
  location.hash = `/${place}`;
}
