/** How the contract states a procedure. */
import { z } from "zod";

export interface Procedure {
  readonly kind: "query" | "mutation" | "subscription";
  readonly input: z.ZodType;
  readonly output: z.ZodType;
}

export const query = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: "query", input, output }) as const satisfies Procedure;
export const mutation = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: "mutation", input, output }) as const satisfies Procedure;
export const subscription = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: "subscription", input, output }) as const satisfies Procedure;

export const nothing = z.void();
export const done = z.object({});
export const count = z.int().min(0);

/** What can go wrong or should be known, as a value; sentences are in errors.ts. */
export const notice = z.object({
  code: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
