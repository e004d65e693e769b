import { describe, expect, it } from "vitest";

import { CANDIDACY, CANDIDATE, STOPPED } from "./join.fixture.ts";
import { joinStage, stepOf } from "./joinStage.ts";

const running = { ...STOPPED, hasIdentity: true, nodeState: "running", candidacy: CANDIDACY } as const;
const progress = { what: "catch-up", done: 3, total: 9, unit: "windows" } as const;

describe("the stage of joining", () => {
  it("is unknown until the host has reported", () => {
    expect(joinStage(null)).toEqual({ kind: "unknown" });
  });

  it("begins with a newcomer, and with a start where an identity is there", () => {
    expect(joinStage(STOPPED).kind).toBe("newcomer");
    const fault = { code: "port-taken", params: {} };
    expect(joinStage({ ...STOPPED, hasIdentity: true, nodeFault: fault })).toEqual({ kind: "stopped", fault });
  });

  it("shows how far a starting node is", () => {
    expect(joinStage({ ...STOPPED, hasIdentity: true, nodeState: "starting", progress })).toEqual({
      kind: "starting",
      progress,
    });
  });

  it("tells a node that nobody asked to join from one whose chain begins by itself", () => {
    const bootstrap = { ...running, phase: "Bootstrap", progress } as const;
    expect(joinStage({ ...bootstrap, candidacy: { ...CANDIDACY, isWanted: false } })).toEqual({
      kind: "idle",
      progress,
    });
    expect(joinStage(bootstrap)).toEqual({ kind: "begins", progress });
  });

  it("follows the node's phases to the end", () => {
    const candidate = joinStage({ ...running, phase: "CandidateVdf", candidate: CANDIDATE });
    expect(candidate).toEqual({ kind: "candidate", candidate: CANDIDATE });
    expect(joinStage({ ...running, phase: "CandidateVdf" }).kind).toBe("begins");
    expect(joinStage({ ...running, phase: "Registered" })).toEqual({ kind: "registered", queue: null });
    expect(joinStage({ ...running, phase: "Active" })).toEqual({ kind: "active" });
  });

  it("stands under one of four steps", () => {
    const stages = [null, STOPPED, running, { ...running, phase: "Registered" } as const];
    expect(stages.map((status) => stepOf(joinStage(status)))).toEqual(["start", "start", "start", "queue"]);
    expect(stepOf({ kind: "candidate", candidate: CANDIDATE })).toBe("proving");
    expect(stepOf({ kind: "active" })).toBe("active");
  });
});
