/** What the tunnel's parts say, in the form in which it is shown. Pure but for the clock of samples. */
import type { ErrorParams } from "../protocol/errors.ts";
import type { SubscriptionStatus } from "./subscriptions/subscriptions.ts";

export interface Notice {
  readonly code: string;
  readonly params: Record<string, string | number | boolean>;
}

export interface Rate {
  readonly atMs: number;
  readonly up: number;
  readonly down: number;
}

export function describeSubscription(status: SubscriptionStatus) {
  const { id, url, origin, profile, servers, skipped, fetchedUnix, fault } = status;
  const userinfo = profile?.userinfo ?? null;
  return {
    ...{ id, url, origin, servers },
    title: profile?.title ?? null,
    skipped: [...skipped],
    fetchedAtMs: fetchedUnix === null ? null : fetchedUnix * 1000,
    used: userinfo === null ? null : userinfo.upload + userinfo.download,
    allowed: userinfo?.total ?? null,
    expiresAtMs: userinfo?.expire == null ? null : userinfo.expire * 1000,
    fault: fault === null ? null : noticeOf(fault),
  };
}

export function noticeOf({ code, params }: { readonly code: string; readonly params: ErrorParams }): Notice {
  const told = Object.entries(params).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]);
  return { code, params: Object.fromEntries(told) as Notice["params"] };
}

/** Samples are timed by a clock that no one else has. */
export const rateOf = ({ atMs, rateUp, rateDown }: { atMs: number; rateUp: number; rateDown: number }): Rate => ({
  atMs: Math.round(Date.now() - performance.now() + atMs),
  up: rateUp,
  down: rateDown,
});
