import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";

import { readFixture } from "../../cities/cities.fixture.ts";
import { decodeCities } from "../../cities/cities.ts";
import { decodeHealth } from "../../cities/health.ts";
import { decodeNetwork } from "../../cities/network.ts";
import { decodeSubscription } from "../../cities/subscription.ts";
import { fixtureFetcher, makeMeshPlace, nothingInstead } from "./aggregator.fixture.ts";
import { runAggregator } from "./aggregator.ts";
import { openStateFiles } from "./stateFiles.ts";

const CHILD = fileURLToPath(new URL("crash.fixture.ts", import.meta.url));
const KILLS = 4;

test("an aggregator that is killed at any moment leaves whole files, and the next run goes on from them", async () => {
  const place = makeMeshPlace(readFixture("three-city/cities.json"));
  try {
    for (let i = 0; i < KILLS; i++) {
      const child = spawn(process.execPath, [CHILD, place.settingsFile], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await wait(Math.random() * 40);
      child.kill("SIGKILL");
      await ended;

      const labels = decodeSubscription(place.readPublic("vpn/sub")).servers.map(({ label }) => label);
      expect(labels.filter((label) => label !== "Montana FRA")).toEqual(["Montana FIN", "Montana MSK"]);
      expect(place.readPublic("vpn/city/fin")).toBe(readFixture("three-city/city/fin.txt"));
      expect(decodeNetwork(place.readPublic("vpn/network.json")).nodes.length).toBe(3);
      decodeCities(place.readPublic("net/cities.json"));
      decodeHealth(place.readPublic("vpn/health.json"));
      const state = openStateFiles(place.settings().stateDirectory);
      expect([2, 3]).toContain(state.readLastGood().size);
      expect([2, 3]).toContain(state.readHealth().length);
    }
    const fetcher = fixtureFetcher("three-city", nothingInstead);
    await runAggregator(place.settings(), { fetcher, nowUnix: () => 1_778_500_000 });
    expect(place.readPublic("vpn/sub")).toBe(readFixture("three-city/sub.b64"));
    expect(place.hasPublic("vpn/city/fra")).toBe(true);
  } finally {
    place.remove();
  }
});
