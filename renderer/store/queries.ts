/** Answers of the host that views share: the last one of each stays, with its age, until a newer one is there. */
import { useCallback, useEffect } from "react";
import { create } from "zustand";

import type { Notice } from "../../main/api/contract.ts";
import { ask, failureOf, type Answer, type Asked, type QueryName } from "./api.ts";
import type { Occasion } from "./hostState.ts";
import { useHost } from "./hostStore.ts";

/** Views ask for a few; pages of a long list are forgotten, oldest first. */
const ANSWERS_MAX = 128;

interface Entry {
  readonly value: unknown;
  readonly atMs: number | null;
  readonly failure: Notice | null;
  readonly isLoading: boolean;
}

const UNASKED: Entry = { value: undefined, atMs: null, failure: null, isLoading: false };

const useAnswers = create<{ readonly entries: ReadonlyMap<string, Entry> }>(() => ({ entries: new Map() }));
/** Keys that are being asked for; true when something happened meanwhile and they must be asked for again. */
const underWay = new Map<string, boolean>();

export interface QueryAnswer<N extends QueryName> {
  /** The last answer; undefined before the first. */
  readonly value: Answer<N> | undefined;
  /** When it came. */
  readonly atMs: number | null;
  /** Why the last question was not answered. */
  readonly failure: Notice | null;
  readonly isLoading: boolean;
  /** The host is gone, or did not answer this: `value` is how things were at `atMs`. */
  readonly isStale: boolean;
  readonly refresh: () => void;
}

/**
 * The answer to a query, asked anew on each of `refreshOn` and when a lost host is back. Not asked while `isOff`.
 * `input` is compared by its text.
 */
export function useQueryOf<N extends QueryName>(
  name: N,
  input: Asked<N>,
  { refreshOn = [], isOff = false }: { readonly refreshOn?: readonly Occasion[]; readonly isOff?: boolean } = {},
): QueryAnswer<N> {
  const key = keyOf(name, input);
  const happened = useHost(({ occasions }) =>
    ["link" as const, ...refreshOn].map((occasion) => occasions[occasion] ?? 0).join(" "),
  );
  const link = useHost((host) => host.link);
  const entry = useAnswers(({ entries }) => entries.get(key)) ?? UNASKED;
  const refresh = useRefresh(name, input);
  useEffect(() => {
    if (!isOff && link === "live") refresh();
  }, [refresh, happened, link, isOff]);
  const { value, atMs, failure, isLoading } = entry;
  const isStale = atMs !== null && (link !== "live" || failure !== null);
  return { value: value as Answer<N> | undefined, atMs, failure, isLoading, isStale, refresh };
}

/** An input that is nothing has no text. */
const keyOf = (name: QueryName, input: unknown): string =>
  `${name} ${(JSON.stringify(input) as string | undefined) ?? ""}`;

/** For what has just changed something that no event tells of. */
export function useRefresh<N extends QueryName>(name: N, input: Asked<N>): () => void {
  const key = keyOf(name, input);
  return useCallback(() => {
    const text = key.slice(name.length + 1);
    void load(name, (text === "" ? undefined : JSON.parse(text)) as Asked<N>, key);
  }, [name, key]);
}

/** Sets what a mutation answered as the answer to the query that asks for the same. */
export function putAnswer<N extends QueryName>(name: N, value: Answer<N>): void {
  set(keyOf(name, undefined), { value, atMs: Date.now(), failure: null, isLoading: false });
}

async function load<N extends QueryName>(name: N, input: Asked<N>, key: string): Promise<void> {
  if (underWay.has(key)) {
    underWay.set(key, true);
    return;
  }
  const before = useAnswers.getState().entries.get(key) ?? UNASKED;
  set(key, { ...before, isLoading: true });
  do {
    underWay.set(key, false);
    try {
      const value = await ask(name, input);
      set(key, { value, atMs: Date.now(), failure: null, isLoading: underWay.get(key) === true });
    } catch (error) {
      const failure = failureOf(error);
      set(key, { ...(useAnswers.getState().entries.get(key) ?? UNASKED), failure, isLoading: false });
    }
  } while (underWay.get(key) === true && useHost.getState().link === "live");
  underWay.delete(key);
}

function set(key: string, entry: Entry): void {
  useAnswers.setState(({ entries }) => {
    const others = [...entries].filter(([other]) => other !== key);
    return { entries: new Map([...others.slice(1 - ANSWERS_MAX), [key, entry]]) };
  });
}
