/**
 * The candidate's deadline (chapter 05 §5.2, R8): a chain is void after W_start + 2τ₂, so its owner is told before starting
 * what it takes, and while it runs how long it may still be paused. Windows are `bigint`, durations are seconds, and nothing
 * here enters a signed object.
 *
 * Assumptions, all measured: windows go on to last `windowSeconds`, an own segment `segmentSeconds` of running, and the
 * computer runs for `awakeShare` of the time whenever the person does not pause it.
 */
import { estimateProving } from "../../protocol/entry/status.ts";
import type { NetworkRules } from "../../protocol/genesis/rules.ts";

/** A finished chain is published in one window and applied in the next but one at the earliest. */
const PUBLISH_AND_APPLY_WINDOWS = 2n;

/** The last window whose transition may apply a registration of this chain. */
export function deadlineWindow(wStart: bigint, tau2Windows: bigint): bigint {
  return wStart + 2n * tau2Windows;
}

/** After `window` was applied: can the chain never be registered any more? (chapter 05 §6.4) */
export function isVoid(window: bigint, wStart: bigint, tau2Windows: bigint): boolean {
  return window > deadlineWindow(wStart, tau2Windows);
}

/** May a registration that is published once `window` is applied be applied in time, and not too early? (R8) */
export function isPublishable(window: bigint, wStart: bigint, tau2Windows: bigint): boolean {
  const applied = window + PUBLISH_AND_APPLY_WINDOWS;
  return wStart + tau2Windows <= applied && applied <= deadlineWindow(wStart, tau2Windows);
}

/** How far a chain is and how far it must come. */
export interface ChainPosition {
  readonly wStart: bigint;
  readonly target: bigint;
  /** Whole segments done, and iterations of the next one. */
  readonly done: bigint;
  readonly iterations: bigint;
  /** Iterations of a segment. */
  readonly d: bigint;
}

export interface Pace {
  /** The last applied window. */
  readonly window: bigint;
  /** Mean duration of a window; above 0. */
  readonly windowSeconds: number;
  /** Of one own segment while the chain runs, rests for its CPU share included. */
  readonly segmentSeconds: number;
  /** Share of the time in which the chain can run at all: above 0, at most 1. */
  readonly awakeShare: number;
}

export interface Deadline {
  readonly deadlineWindow: bigint;
  /** Until the chain must be finished to be published and applied in time. */
  readonly timeLeftSeconds: number;
  /** Of running that the chain still needs. */
  readonly workSeconds: number;
  /** For how long from now the chain may do nothing, if afterwards it runs as it did. Whole seconds, cut. */
  readonly pausableSeconds: number;
  /** Time left beyond what the chain takes at the measured share; negative when it will be late. */
  readonly slackSeconds: number;
  /** Time left beyond what the chain takes without any break; negative when it cannot be in time. */
  readonly slackWithoutBreaksSeconds: number;
  /** Hours a day that the chain must run from now on; above 24 when it cannot be in time. */
  readonly hoursPerDayNeeded: number;
}

export function deadlineOf(chain: ChainPosition, tau2Windows: bigint, pace: Pace): Deadline {
  const last = deadlineWindow(chain.wStart, tau2Windows);
  const windowsLeft = last - PUBLISH_AND_APPLY_WINDOWS - pace.window;
  const timeLeftSeconds = Math.max(0, Number(windowsLeft)) * pace.windowSeconds;
  const workSeconds = remainingSegments(chain) * pace.segmentSeconds;
  const slackSeconds = timeLeftSeconds - workSeconds / pace.awakeShare;
  return {
    deadlineWindow: last,
    timeLeftSeconds,
    workSeconds,
    pausableSeconds: Math.floor(Math.max(0, slackSeconds)),
    slackSeconds,
    slackWithoutBreaksSeconds: timeLeftSeconds - workSeconds,
    hoursPerDayNeeded: workSeconds === 0 ? 0 : (24 * workSeconds) / timeLeftSeconds,
  };
}

/** Segments to go; one that was begun counts by what is missing of it. */
export function remainingSegments({ target, done, iterations, d }: ChainPosition): number {
  if (done >= target) return 0;
  const begun = d === 0n ? 0 : Number(iterations) / Number(d);
  return Number(target - done) - begun;
}

/**
 * How the chain stands towards its deadline. `tight`: little may still go wrong. `at-risk`: at the measured share of hours it
 * will be late. `out-of-reach`: it will be late even without any break.
 */
export type Alarm = "none" | "tight" | "at-risk" | "out-of-reach";

const ALARMS = ["none", "tight", "at-risk", "out-of-reach"] as const satisfies readonly Alarm[];

/**
 * Reserves at which an alarm begins and ends, as shares of τ₂ (14 days: two days and 67 hours; nothing and twelve hours): an
 * estimate that swings around a limit must not ring each time.
 */
const LIMITS = {
  tight: { begins: 1 / 7, ends: 1 / 5 },
  "at-risk": { begins: 0, ends: 1 / 28 },
  "out-of-reach": { begins: 0, ends: 1 / 28 },
} as const;

/** The alarm after `deadline` was computed; an alarm rises at once and falls only when the reserve has clearly grown. */
export function nextAlarm(before: Alarm, deadline: Deadline, tau2Seconds: number): Alarm {
  const reserve = (alarm: Exclude<Alarm, "none">): number =>
    alarm === "out-of-reach" ? deadline.slackWithoutBreaksSeconds : deadline.slackSeconds;
  const holds = (alarm: Alarm): boolean => {
    if (alarm === "none") return true;
    const { begins, ends } = LIMITS[alarm];
    const isRinging = ALARMS.indexOf(before) >= ALARMS.indexOf(alarm);
    return reserve(alarm) < (isRinging ? ends : begins) * tau2Seconds;
  };
  return ALARMS.toReversed().find(holds) ?? "none";
}

export interface Eta {
  /** Until the chain is finished and may be published. */
  readonly chainSeconds: number;
  /** Until the expected admission, the queue included. */
  readonly admissionSeconds: number;
}

/**
 * When the candidate will be admitted: its chain takes the longer of its own work at the measured share and of the network's
 * way to the first window that may apply it (W_start + τ₂ + 1); then comes the queue of `queueLength` at present.
 */
export function etaOf(
  rules: NetworkRules,
  chain: ChainPosition,
  pace: Pace,
  queueLength: bigint,
  activeNodes: bigint,
): Eta {
  const { tau2Windows } = rules.params;
  const { window, windowSeconds, segmentSeconds, awakeShare } = pace;
  const ownSeconds = (remainingSegments(chain) * segmentSeconds) / awakeShare;
  const windowsToGo = chain.wStart + tau2Windows + 1n - window;
  const networkSeconds = Math.max(0, Number(windowsToGo)) * windowSeconds;
  const chainSeconds = Math.max(ownSeconds, networkSeconds);
  const chainWindows = BigInt(Math.ceil(chainSeconds / windowSeconds));
  const { expected } = estimateProving(rules, window, chainWindows, queueLength, activeNodes);
  const queueSeconds = Number(expected - chainWindows) * windowSeconds;
  return { chainSeconds: Math.round(chainSeconds), admissionSeconds: Math.round(chainSeconds + queueSeconds) };
}

/** Before starting: can this computer make it, and what does it take? */
export interface Outlook {
  /** `barely`: only if it runs more than {@link BARELY_HOURS} hours a day. */
  readonly verdict: "comfortable" | "possible" | "barely" | "too-slow";
  readonly segmentSeconds: number;
  /** Hours a day that the computer must run for the deadline; above 24 when it is too slow. */
  readonly hoursPerDayNeeded: number;
  /** One core at full load for so many hours in all: what is paid for in power and noise. */
  readonly coreHours: number;
  /** Until the registration at the earliest, running day and night. */
  readonly shortestSeconds: number;
}

const COMFORTABLE_HOURS = 12;
const BARELY_HOURS = 22;

/** `iterationsPerSecond` as measured by the speed test, with all chains running that will run. */
export function outlookOf(
  iterationsPerSecond: number,
  network: {
    readonly d: bigint;
    readonly tau2Windows: bigint;
    readonly target: bigint;
    readonly windowSeconds: number;
  },
): Outlook {
  const { d, tau2Windows, target, windowSeconds } = network;
  const segmentSeconds = Number(d) / iterationsPerSecond;
  const chain = { wStart: 0n, target, done: 0n, iterations: 0n, d };
  const pace = { window: 0n, windowSeconds, segmentSeconds, awakeShare: 1 };
  const { hoursPerDayNeeded, workSeconds } = deadlineOf(chain, tau2Windows, pace);
  return {
    verdict: verdictOf(hoursPerDayNeeded),
    segmentSeconds,
    hoursPerDayNeeded,
    coreHours: workSeconds / 3600,
    shortestSeconds: Math.max(workSeconds, (Number(tau2Windows) + 1) * windowSeconds),
  };
}

function verdictOf(hoursPerDayNeeded: number): Outlook["verdict"] {
  if (hoursPerDayNeeded <= COMFORTABLE_HOURS) return "comfortable";
  if (hoursPerDayNeeded <= BARELY_HOURS) return "possible";
  return hoursPerDayNeeded <= 24 ? "barely" : "too-slow";
}
