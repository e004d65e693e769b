/** What others wrote of this program: a file beside the page, made when the page is built. */
import { useEffect, useState } from "react";

import licencesUrl from "../../../.cache/page/licences.json?url";

/** As `build/scripts/licences.ts` writes them. */
export interface Work {
  readonly name: string;
  readonly version: string;
  readonly part: string;
  readonly licence: string;
  /** Place in `texts`; null where its authors ship none. */
  readonly text: number | null;
}

export interface Licences {
  readonly works: readonly Work[];
  readonly texts: readonly string[];
}

export function useLicences(): Licences | "loading" | "failed" {
  const [licences, setLicences] = useState<Licences | "loading" | "failed">("loading");
  useEffect(() => {
    const leaving = new AbortController();
    read(leaving.signal).then(setLicences, () => {
      if (!leaving.signal.aborted) setLicences("failed");
    });
    return () => leaving.abort();
  }, []);
  return licences;
}

async function read(signal: AbortSignal): Promise<Licences> {
  const response = await fetch(licencesUrl, { signal });
  if (!response.ok) throw new Error(`licences: ${response.status}`);
  return (await response.json()) as Licences;
}

/** Those whose name or licence holds what is searched for, in any case. */
export function found(works: readonly Work[], search: string): readonly Work[] {
  const wanted = search.trim().toLowerCase();
  return works.filter(({ name, licence }) => `${name}\n${licence}`.toLowerCase().includes(wanted));
}
