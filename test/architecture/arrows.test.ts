import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, describe, expect, test } from "vitest";

import { findForbidden, reachable } from "./arrows.ts";
import { readImportGraph } from "./imports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const planted = mkdtempSync(join(tmpdir(), "montana-arrows-"));
afterAll(() => rmSync(planted, { recursive: true }));

/** Where the program starts: its commands, and the threads that it starts by name. */
const isEntry = (path: string): boolean => /^main\/app\/[^/]+\.ts$|(\.thread|\/worker|Thread)\.ts$/.test(path);

/**
 * What runners test before the program uses it, with the room that will. The list only shrinks: an entry that the program
 * reaches, or that no runner imports, fails the test.
 */
const AWAITED: Readonly<Record<string, string>> = {
  "main/cities/capacity.ts": "main/mesh, the explorer page",
  "main/keystore/legacyTransportKey.ts": "comparison with what the reference prints of an imported identity",
  "main/network/messages/batchLookup.ts": "a service for clients that have an account and no node",
  "main/network/messages/peerRecord.ts": "the long form of an address, which no message carries",
  "main/network/messages/rangeSubscribe.ts": "a service for clients that have an account and no node",
  "main/network/privacy/admission.ts": "the gate of the Identity-Bound Tunnel, in front of an account's client",
  "main/network/privacy/dandelion.ts": "the stem phase, once peers serve /montana/stem/1.0.0",
  "main/network/privacy/nonceTracker.ts": "the gate of the Identity-Bound Tunnel",
  "main/network/privacy/queueLabel.ts": "the messenger that asks by labels",
  "main/network/privacy/tunnelProof.ts": "the gate of the Identity-Bound Tunnel",
  "main/network/privacy/uniformFrame.ts": "connections of an account's client, which have no substreams",
  "main/network/radio/fragmentFrame.ts": "a radio; no machine that this program runs on lends it one yet",
  "main/network/radio/intake.ts": "a radio",
  "main/network/radio/meshAck.ts": "a radio",
  "main/network/radio/meshFrame.ts": "a radio",
  "main/network/radio/natState.ts": "port mapping; a node behind NAT works outbound-only without it",
  "main/network/radio/relayBuffer.ts": "a radio, or a relay that keeps envelopes for others",
  "main/network/radio/sealedEnvelope.ts": "a radio, or a relay that keeps envelopes for others",
  "main/protocol/fastsync/verify.ts": "a server of snapshots that cannot verify them in parts; none is known",
  "main/protocol/identity/bootstrapWork.ts": "main/network/privacy, first contact with a bootstrap server",
  "main/protocol/identity/tunnelProof.ts": "main/network/privacy, Identity-Bound Tunnel",
  "main/protocol/quorum/controlSet.ts": "the general form of the rule; windows without gaps need its order alone",
  "main/protocol/rc1/liveCandidate.ts": "comparison with a candidate of the reference",
  "main/protocol/validation/acceptance.ts":
    "one function a check, as the suites compare them; the machine compares whole lists",
};

describe("the arrows between the rooms", () => {
  test("lead from the program to everything that the conformance runners test", async () => {
    const { modules, imports } = await readImportGraph(root, ["main", "test/conformance/runners"]);
    const program = reachable(imports, modules.filter(isEntry));
    const tested = imports.filter(({ from, to }) => from.startsWith("test/") && to.startsWith("main/"));
    const unused = new Set(tested.map(({ to }) => to).filter((to) => !program.has(to)));
    expect([...unused].sort()).toEqual(Object.keys(AWAITED).sort());
  });

  test("point one way only", async () => {
    const { modules, imports } = await readImportGraph(root, ["main", "test/conformance"]);
    expect(modules.filter((path) => path.startsWith("main/protocol/")).length).toBeGreaterThan(50);
    expect(modules.some((path) => path.startsWith("test/conformance/runners/"))).toBe(true);
    expect(imports.length).toBeGreaterThan(modules.length);
    expect(findForbidden(imports)).toEqual([]);
  });

  test("are broken by planted violations, each of which is found", async () => {
    for (const [path, text] of Object.entries({
      "main/protocol/clock.ts": 'import { now } from "node:perf_hooks";\nexport const value = now;\n',
      "main/protocol/noble.ts": 'import { sha256 } from "@noble/hashes/sha2.js";\nexport const value = sha256;\n',
      "main/protocol/upward.ts": 'import { value } from "../native/index.ts";\nexport const other = value;\n',
      "main/native/index.ts": "export const value = 1;\n",
      "main/cellar/index.ts": 'import { value } from "../native/index.ts";\nexport const other = value;\n',
      "test/conformance/runners/own.ts": 'import { value } from "../../bench/trick.ts";\nexport const other = value;\n',
      "test/bench/trick.ts": "export const value = 1;\n",
    })) {
      mkdirSync(join(planted, path, ".."), { recursive: true });
      writeFileSync(join(planted, path), text);
    }
    const { imports } = await readImportGraph(planted, ["main", "test"]);
    expect(findForbidden(imports).sort()).toEqual([
      "main/cellar/index.ts lies in no known room",
      "main/protocol/clock.ts must not import node:perf_hooks",
      "main/protocol/noble.ts must not import @noble/hashes/sha2.js",
      "main/protocol/upward.ts must not import main/native/index.ts",
      "test/conformance/runners/own.ts must not import test/bench/trick.ts",
    ]);
  });
});
