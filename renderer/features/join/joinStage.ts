/**
 * Where a person is on the way into the Node Table, as a pure function of what the host reported. No step is remembered here:
 * a page that is loaded again shows the same one.
 */
import type { Notice, Status } from "../../../main/api/contract.ts";

export type Candidate = NonNullable<Status["candidate"]>;
export type Queue = NonNullable<Status["queue"]>;
export type Progress = NonNullable<Status["progress"]>;

export type JoinStage =
  /** The host has not said yet. */
  | { readonly kind: "unknown" }
  /** Nothing has been made on this computer. */
  | { readonly kind: "newcomer" }
  /** There is an identity, and the host runs no node; `fault` is why it could not be started. */
  | { readonly kind: "stopped"; readonly fault: Notice | null }
  | { readonly kind: "starting"; readonly progress: Progress | null }
  /** The node runs and nobody asked it to join. */
  | { readonly kind: "idle"; readonly progress: Progress | null }
  /** Asked to join: the chain begins with the first window that closes in step with the network. */
  | { readonly kind: "begins"; readonly progress: Progress | null }
  | { readonly kind: "candidate"; readonly candidate: Candidate }
  /** `queue` is null until the first window after a start. */
  | { readonly kind: "registered"; readonly queue: Queue | null }
  | { readonly kind: "active" };

export function joinStage(status: Status | null): JoinStage {
  if (status === null) return { kind: "unknown" };
  const { phase, candidate, candidacy, queue, progress, hasIdentity, nodeState, nodeFault } = status;
  switch (phase) {
    case "stopped":
      if (!hasIdentity) return { kind: "newcomer" };
      return nodeState === "none" ? { kind: "stopped", fault: nodeFault } : { kind: "starting", progress };
    case "Bootstrap":
      return { kind: candidacy?.isWanted === true ? "begins" : "idle", progress };
    case "CandidateVdf":
      return candidate === null ? { kind: "begins", progress } : { kind: "candidate", candidate };
    case "Registered":
      return { kind: "registered", queue };
    case "Active":
      return { kind: "active" };
  }
}

/** The four steps at the head of the view. */
export const STEPS = ["start", "proving", "queue", "active"] as const;
export type Step = (typeof STEPS)[number];

export function stepOf({ kind }: JoinStage): Step {
  switch (kind) {
    case "unknown":
    case "newcomer":
    case "stopped":
    case "starting":
    case "idle":
      return "start";
    case "begins":
    case "candidate":
      return "proving";
    case "registered":
      return "queue";
    case "active":
      return "active";
  }
}
