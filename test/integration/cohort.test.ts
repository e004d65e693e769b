/** Networks of real processes on loopback: the same state root at every window, whoever is killed meanwhile. */
import { expect, test } from "vitest";

import { bootstrapAndNewcomers, fourFounders, play, threeFounders } from "./scenarios.ts";

const WINDOWS = 100;
const quiet = (): void => undefined;

test("three equal founders wait while one is down and go on by themselves", async () => {
  const { sameWindows, comparedByApi, kills } = await play(threeFounders(WINDOWS), quiet);
  expect(sameWindows).toBeGreaterThan(WINDOWS);
  expect(comparedByApi).toBeGreaterThan(WINDOWS / 2);
  expect(kills).toBe(2);
}, 400_000);

test("four equal founders never wait, and five candidates join, one a window, each with its bonus on every node", async () => {
  const { sameWindows, kills, admittedIn } = await play(fourFounders(WINDOWS, 5, 40n), quiet);
  expect(sameWindows).toBeGreaterThan(WINDOWS);
  expect(kills).toBe(2);
  expect(admittedIn).toHaveLength(5);
}, 600_000);

test("newcomers fetch the chain of a bootstrap node and follow it, also after they were killed", async () => {
  const { sameWindows, kills } = await play(bootstrapAndNewcomers(WINDOWS, 70), quiet);
  expect(sameWindows).toBeGreaterThan(WINDOWS);
  expect(kills).toBe(2);
}, 400_000);
