import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";

import { sized, type AccountId, type NodeId } from "../../protocol/bytes.ts";
import { crypto, hashOf } from "./network.fixture.ts";
import { StateFile } from "./stateFile.ts";
import type { Hindrance, LifecycleState, Phase, RestartCause } from "./state.ts";

const folder = mkdtempSync(join(tmpdir(), "montana-state-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const NODE_ID = hashOf("node") as NodeId;
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => sized(bytes, 32));
const account = hash.map((bytes) => bytes as AccountId);
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined });

const states: fc.Arbitrary<LifecycleState> = fc
  .record({
    phase: fc.constantFrom<Phase>("Bootstrap", "CandidateVdf", "Registered", "Active"),
    notBefore: fc.constant(undefined),
    operatorAccountId: maybe(account),
    chain: maybe(fc.record({ wStart: u64, init: hash, d: u64, target: u64, done: u64, value: hash })),
    publication: maybe(fc.record({ operatorAccountId: account, proofEndpoint: hash, vdfChainLength: u64 })),
    registration: maybe(fc.record({ window: u64, noderegHash: hash })),
    admissionWindow: maybe(u64),
    hindrance: maybe(fc.constantFrom<Hindrance>("operator-account-not-found", "entry-closed", "unsupported-suite")),
    lastRestart: maybe(fc.constantFrom<RestartCause>("too-slow", "evicted", "requested")),
  })
  .filter((state) => state.phase !== "CandidateVdf" || (!!state.chain && !!state.operatorAccountId));

test("every state is read back as it was written", () => {
  const path = join(folder, "state");
  fc.assert(
    fc.property(states, (state) => {
      const file = new StateFile(crypto, path, NODE_ID);
      file.write(state);
      file.close();
      expect(new StateFile(crypto, path, NODE_ID)).toMatchObject({ state, notices: [] });
    }),
    { numRuns: 50 },
  );
});

test("there is no state before the first is written", () => {
  expect(new StateFile(crypto, join(folder, "none"), NODE_ID)).toMatchObject({ state: undefined, notices: [] });
});
