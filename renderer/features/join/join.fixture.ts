/** What a host reports, for tests of views. */
import type { Status } from "../../../main/api/contract.ts";
import type { Candidate } from "./joinStage.ts";

export const STOPPED: Status = {
  ...{ apiVersion: 1, version: "0.1.0", pid: 1, startedAtMs: 1, network: null, profile: null, isBackground: false },
  ...{ hasIdentity: false, nodeState: "none", nodeFault: null, isAccountUnlocked: false },
  ...{ phase: "stopped", window: null, windowAtMs: null, stateRoot: null, balance: null, supply: null, peers: 0 },
  ...{
    candidate: null,
    candidacy: null,
    queue: null,
    progress: null,
    unverifiedCandidates: [],
    silentNodes: [],
    notices: [],
  },
};

export const CANDIDACY: NonNullable<Status["candidacy"]> = {
  ...{ isWanted: true, cpuShare: 1, onMainsOnly: false, isLowPriority: false, keepsAwake: false },
};

export const CANDIDATE: Candidate = {
  ...{ done: 0, total: 20_160_000, d: 1000, etaSeconds: null, admissionSeconds: null, pausableSeconds: null },
  ...{ startWindow: 10, isPublishing: false, isPaused: false, waitsFor: null },
};
