/** What a city's operator is told. */
import type { ErrorParams } from "../../protocol/errors.ts";
import type { Figures } from "./meter.ts";
import type { Place } from "./record.ts";

/** Something to be known, as {code, params}. */
export interface ExitNotice {
  readonly code: string;
  readonly params: ErrorParams;
}

export type ExitState =
  /** There is none. */
  | "none"
  /** No host runs it. */
  | "stopped"
  | "starting"
  | "serving"
  /** The month's volume is used up: not published, no new connections. */
  | "capped"
  /** Not published any more; those who hold a link are still served. */
  | "draining"
  | "withdrawn"
  /** Its engine does not run. */
  | "failed";

export interface ExitStatus {
  readonly state: ExitState;
  readonly kind: "exit" | "relay" | null;
  readonly city: Place | null;
  /** What is published; it has the address. */
  readonly link: string | null;
  readonly isPublished: boolean;
  readonly publication: string | null;
  readonly ports: readonly number[];
  /** Accounts that are accepted, the published one first. */
  readonly accounts: readonly { readonly port: number; readonly shortId: string; readonly untilMs: number | null }[];
  readonly drainUntilMs: number | null;
  readonly decoy: {
    readonly name: string;
    readonly state: Figures["decoy"]["state"];
    readonly sinceMs: number | null;
    readonly lastOkMs: number | null;
  } | null;
  readonly usage: {
    readonly month: string;
    readonly bytesUp: number;
    readonly bytesDown: number;
    readonly bytesMax: number | null;
  } | null;
  readonly connections: {
    readonly open: number | null;
    readonly max: number | null;
    readonly isRefusing: boolean;
  } | null;
  readonly rate: {
    readonly device: string;
    readonly mbit: number;
    readonly isInForce: boolean;
    readonly commands: readonly string[];
  } | null;
  readonly notices: readonly ExitNotice[];
}

export const NO_EXIT: ExitStatus = {
  ...{
    state: "none",
    kind: null,
    city: null,
    link: null,
    isPublished: false,
    publication: null,
    ports: [],
    accounts: [],
  },
  ...{ drainUntilMs: null, decoy: null, usage: null, connections: null, rate: null, notices: [] },
};
