/**
 * What the page knows of its host, as a pure function of what the host reported. Nothing here is guessed: a field is what the
 * host said last, and `link` says whether that still holds.
 */
import type { HistoryEntry, HostEvent, Notice, Status, Task } from "../../main/api/contract.ts";

type Of<K extends HostEvent["kind"]> = Extract<HostEvent, { kind: K }>["payload"];

export type TunnelStatus = Of<"tunnel">;
export type Figures = Of<"tunnel-figures">;
export type Rate = NonNullable<Figures["rate"]>;
/** What a query may want to be asked again after. "link" is the return of a host. */
export type Occasion = HostEvent["kind"] | "link";

/** Five minutes of the tunnel's rates. */
export const RATES_MAX = 300;
/** Newest operations that changed since the page was opened; all of them are asked for by pages. */
const HISTORY_MAX = 50;
const NOTICES_MAX = 20;
const TASKS_MAX = 16;

export interface HostState {
  /** "live" while the host reports; "lost" since `lostAtMs`, when everything below is how it was then. */
  readonly link: "connecting" | "live" | "lost";
  readonly lostAtMs: number | null;
  /** Why this page may not use the host any more: it has to be opened anew. */
  readonly over: Notice | null;
  /** When the host was last heard. */
  readonly heardAtMs: number | null;
  readonly status: Status | null;
  readonly tunnel: TunnelStatus | null;
  readonly figures: Figures | null;
  /** Oldest first. */
  readonly rates: readonly Rate[];
  readonly tasks: readonly Task[];
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  /** What the host wanted known since the page was opened, newest first, each with a number of its own. */
  readonly notices: readonly { readonly id: number; readonly notice: Notice }[];
  /** How often each occasion came; a query that depends on one looks at its number. */
  readonly occasions: Readonly<Partial<Record<Occasion, number>>>;
}

export const NO_HOST: HostState = {
  link: "connecting",
  lostAtMs: null,
  over: null,
  heardAtMs: null,
  status: null,
  tunnel: null,
  figures: null,
  rates: [],
  tasks: [],
  history: [],
  notices: [],
  occasions: {},
};

/** The host answered at `nowMs`, with nothing new. Only a snapshot makes a link live. */
export function hear(state: HostState, nowMs: number): HostState {
  return { ...state, heardAtMs: nowMs };
}

/** The host does not answer, as noticed at `nowMs`. What it said stays, as how things were when it was last heard. */
export function lose(state: HostState, nowMs: number): HostState {
  if (state.link === "lost") return state;
  return { ...state, link: "lost", lostAtMs: state.heardAtMs ?? nowMs };
}

export function apply(state: HostState, event: HostEvent, nowMs: number): HostState {
  const heard = { ...state, heardAtMs: nowMs, occasions: count(state, event.kind) };
  switch (event.kind) {
    case "snapshot":
      return reset(heard, event.payload);
    case "window-closed":
    case "status":
      return { ...heard, status: event.payload };
    case "tunnel":
      return { ...heard, ...tunnelOf(state, event.payload) };
    case "tunnel-figures":
      return { ...heard, figures: event.payload, rates: addRate(state.rates, event.payload.rate) };
    case "task":
      return { ...heard, tasks: put(state.tasks, event.payload, TASKS_MAX) };
    case "history":
      return { ...heard, history: put(state.history, event.payload, HISTORY_MAX) };
    case "notice":
      return { ...heard, notices: addNotice(state, event.payload) };
    // Who shows them asks for them when this is counted.
    case "preferences":
      return heard;
    default:
      // Of a later host, which says what this page does not know.
      return heard;
  }
}

/** What came before a snapshot no longer counts: events may have been missed, or another process is the host now. */
function reset(state: HostState, { status, tasks, tunnel }: Of<"snapshot">): HostState {
  const isOther = state.status?.startedAtMs !== status.startedAtMs;
  return {
    ...state,
    link: "live",
    lostAtMs: null,
    status,
    tasks,
    ...(tunnel === null ? { tunnel: null, figures: null, rates: [] } : tunnelOf(state, tunnel)),
    history: [],
    notices: isOther ? [] : state.notices,
    occasions: count(state, "link"),
  };
}

/** Rates belong to one session of the tunnel. */
function tunnelOf(
  { rates, figures }: HostState,
  tunnel: TunnelStatus,
): Pick<HostState, "tunnel" | "figures" | "rates"> {
  const isOver = tunnel.state === "disconnected" || tunnel.state === "connecting";
  return { tunnel, figures: isOver ? null : figures, rates: isOver ? [] : rates };
}

/** What the host kept of the rates before the page was there. */
export function withEarlierRates(state: HostState, earlier: readonly Rate[]): HostState {
  const firstMs = state.rates[0]?.atMs ?? Infinity;
  return { ...state, rates: [...earlier.filter(({ atMs }) => atMs < firstMs), ...state.rates].slice(-RATES_MAX) };
}

export function withoutNotice(state: HostState, id: number): HostState {
  return { ...state, notices: state.notices.filter((entry) => entry.id !== id) };
}

function addRate(rates: readonly Rate[], rate: Rate | null): readonly Rate[] {
  if (rate === null || rate.atMs === rates.at(-1)?.atMs) return rates;
  return [...rates.slice(1 - RATES_MAX), rate];
}

function addNotice({ notices }: HostState, notice: Notice): HostState["notices"] {
  const [newest] = notices;
  if (newest !== undefined && isSame(newest.notice, notice)) return notices;
  return [{ id: (newest?.id ?? 0) + 1, notice }, ...notices].slice(0, NOTICES_MAX);
}

const isSame = (a: Notice, b: Notice): boolean =>
  a.code === b.code && JSON.stringify(a.params) === JSON.stringify(b.params);

/** Newest first; an entry that is known moves there with what is new of it. */
const put = <T extends { readonly id: string }>(list: readonly T[], entry: T, max: number): readonly T[] =>
  [entry, ...list.filter(({ id }) => id !== entry.id)].slice(0, max);

function count({ occasions }: HostState, ...kinds: readonly Occasion[]): HostState["occasions"] {
  const counted = { ...occasions };
  for (const kind of kinds) counted[kind] = (counted[kind] ?? 0) + 1;
  return counted;
}
