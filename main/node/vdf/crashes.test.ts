/** A process that is killed again and again while it computes a chain, as by a power cut of the process. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { toHex } from "../../protocol/bytes.ts";
import { vdfStep } from "../../protocol/timechain/vdf.ts";
import { LOSS_MS_MAX } from "./pacing.ts";
import { crypto, hashOf, temporaryFolder } from "./vdf.fixture.ts";

const PROGRAM = fileURLToPath(new URL("./crashing.fixture.ts", import.meta.url));
const KILLS = 32;
const D = 200_000n;
const ENDLESS = 10n ** 9n;

interface Outcome {
  /** The first and the last position that the process told, and the last that it called saved, in iterations. */
  readonly first: bigint | undefined;
  readonly last: bigint | undefined;
  readonly saved: bigint | undefined;
  readonly notices: readonly string[];
  readonly end: string | undefined;
}

/** Runs until the process ends, or has told `lines` lines and is killed. */
async function runUntil(path: string, target: bigint, lines: number): Promise<Outcome> {
  const child = spawn(process.execPath, [PROGRAM, path, String(D), String(target)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: string[][] = [];
  if (lines === 0) child.kill("SIGKILL");
  for await (const line of createInterface(child.stdout)) {
    told.push(line.split(" "));
    if (told.length === lines) child.kill("SIGKILL");
  }
  const positions = (word: string): bigint[] =>
    told.filter(([first]) => first === word).map(([, segment, rest]) => BigInt(segment!) * D + BigInt(rest!));
  return {
    first: positions("at")[0],
    last: positions("at").at(-1),
    saved: positions("saved").at(-1),
    notices: told.filter(([first]) => first === "notice").map(([, code]) => code!),
    end: told.find(([first]) => first === "end")?.[1],
  };
}

/** The most iterations that this machine does in a millisecond. */
function iterationsPerMs(): number {
  let best = 0;
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    crypto.sha256Chain(hashOf("speed"), 200_000);
    best = Math.max(best, 200_000 / (performance.now() - start));
  }
  return best;
}

test(`a candidate chain killed ${String(KILLS)} times loses nothing that was saved and ends at the value of an uninterrupted run`, async () => {
  const path = join(temporaryFolderPath, "candidate.bin");
  const lossMax = BigInt(Math.ceil(iterationsPerMs() * LOSS_MS_MAX));
  let saved = 0n;
  let told = 0n;
  for (let kill = 0; kill < KILLS; kill++) {
    const outcome = await runUntil(path, ENDLESS, Math.floor(Math.random() * 12));
    // The first slot is written at once or not at all; a later one may be torn, which is no damage to what counts as saved.
    for (const notice of outcome.notices) expect(notice).toBe("progress-slot-damaged");
    if (outcome.first !== undefined) {
      expect(outcome.first).toBeGreaterThanOrEqual(saved);
      expect(told - outcome.first).toBeLessThanOrEqual(lossMax);
    }
    saved = outcome.saved ?? saved;
    told = outcome.last ?? told;
  }
  expect(saved).toBeGreaterThan(0n);
  const target = saved / D + 2n;
  const { end } = await runUntil(path, target, Infinity);
  expect(end).toBe(toHex(vdfStep(crypto, hashOf("init"), D * target)));
});

const temporaryFolderPath = temporaryFolder();
