/** The typed way to the host. */
import type { z } from "zod";

import { noticeOfCall, type Client } from "../../main/api/client.ts";
import type { Contract, Notice } from "../../main/api/contract.ts";

type NameOf<K extends Contract[keyof Contract]["kind"]> = {
  [N in keyof Contract]: Contract[N]["kind"] extends K ? N : never;
}[keyof Contract];

export type QueryName = NameOf<"query">;
export type MutationName = NameOf<"mutation">;
/** As a caller gives it: what has a default may be left out. */
export type Asked<N extends keyof Contract> = z.input<Contract[N]["input"]>;
export type Answer<N extends keyof Contract> = z.output<Contract[N]["output"]>;

let client: Client | undefined;

/** Before anything is drawn. */
export function setApi(made: Client): void {
  client = made;
}

export function api(): Client {
  if (client === undefined) throw new Error("the page asked its host before it knew one");
  return client;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

type Callable = Record<
  string,
  { query(input: unknown): Promise<unknown>; mutate(input: unknown, options?: CallOptions): Promise<unknown> }
>;

// The contract's types hold for a name that is known when the call is written; here it is any of them.
export const ask = <N extends QueryName>(name: N, input: Asked<N>): Promise<Answer<N>> =>
  (api() as unknown as Callable)[name]!.query(input) as Promise<Answer<N>>;

export const order = <N extends MutationName>(name: N, input: Asked<N>, options?: CallOptions): Promise<Answer<N>> =>
  (api() as unknown as Callable)[name]!.mutate(input, options) as Promise<Answer<N>>;

/** What went wrong with a call, as something that can be told. A defect of the page itself is for whoever looks at its console. */
export function failureOf(error: unknown): Notice {
  try {
    return noticeOfCall(error);
  } catch {
    console.error(error);
    return { code: "internal", params: {} };
  }
}
