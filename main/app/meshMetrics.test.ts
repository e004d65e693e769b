import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readFixture } from "../cities/cities.fixture.ts";
import { fixtureFetcher, makeMeshPlace } from "../mesh/aggregator/aggregator.fixture.ts";
import { runAggregator } from "../mesh/aggregator/aggregator.ts";
import { countsOfAggregation, noteRun, readRun } from "../mesh/runFigures.ts";
import { ALLOWANCE } from "../mesh/subscriptions/allowance.ts";
import { startPublicServer } from "../mesh/subscriptions/server.ts";
import { createMeshMetrics } from "./meshMetrics.ts";

const NOW = 1_778_414_400;

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "montana-figures-"));
});
afterEach(() => rmSync(state, { recursive: true }));

/** Lines of the mesh alone. */
async function scrape(...[directory, readServer]: Parameters<typeof createMeshMetrics>): Promise<readonly string[]> {
  const text = await createMeshMetrics(directory, readServer).scrape();
  return text.split("\n").filter((line) => line.startsWith("montana_mesh_"));
}

describe("figures of the jobs", () => {
  test("are not there before a job has run, nor where what it left is damaged", async () => {
    expect(await scrape(state)).toEqual([]);
    noteRun(state, "aggregate", { endedUnix: NOW, milliseconds: 1, isSuccess: true, counts: [] });
    writeFileSync(join(state, "aggregate-figures.json"), "garbage");
    expect(readRun(state, "aggregate")).toBeUndefined();
    expect(await scrape(state)).toEqual([]);
  });

  test("tell how the nodes answered, and since when no run has ended well", async () => {
    const place = makeMeshPlace(readFixture("three-city/cities.json"));
    try {
      const silent = new Set<string>();
      const fetcher = fixtureFetcher("three-city", (node) =>
        silent.has(node) ? { kind: "failed", reason: "timeout" } : undefined,
      );
      const probe = () => Promise.resolve({ handshakeMs: 5 });
      await runAggregator(place.settings(), { fetcher, probe, nowUnix: () => NOW });
      silent.add("frankfurt");
      const report = await runAggregator(place.settings(), { fetcher, probe, nowUnix: () => NOW + 300 });
      const counts = countsOfAggregation(report);
      noteRun(state, "aggregate", { endedUnix: NOW + 310, milliseconds: 12_345.6, isSuccess: true, counts });
      noteRun(state, "aggregate", { endedUnix: NOW + 600, milliseconds: 2, isSuccess: false });
      const lines = await scrape(state);
      expect(lines).toEqual(
        expect.arrayContaining([
          'montana_mesh_run_duration_seconds{job="aggregate"} 0.002',
          `montana_mesh_run_timestamp_seconds{job="aggregate"} ${NOW + 600}`,
          'montana_mesh_run_success{job="aggregate"} 0',
          `montana_mesh_run_success_timestamp_seconds{job="aggregate"} ${NOW + 310}`,
          'montana_mesh_nodes{answer="ok"} 2',
          'montana_mesh_nodes{answer="stale"} 1',
          'montana_mesh_nodes{answer="failed"} 0',
          "montana_mesh_entries 3",
          "montana_mesh_held_back 0",
          'montana_mesh_exits{state="up"} 3',
          'montana_mesh_timechain_nodes{status="active"} 2',
        ]),
      );
      // Nothing was said by the other jobs.
      expect(lines.filter((line) => /explor|sync-keys/.test(line))).toEqual([]);
    } finally {
      place.remove();
    }
  });
});

test("figures of the public server count what was asked for by its answer, and what was refused, and hold no address", async () => {
  const place = makeMeshPlace(readFixture("three-city/cities.json"));
  const fetcher = fixtureFetcher("three-city", () => undefined);
  await runAggregator(place.settings(), { fetcher, nowUnix: () => NOW });
  const { publicDirectory, profile } = place.settings();
  const allowance = { ...ALLOWANCE, burst: 8, perMinute: 1 };
  const onTrouble = (error: unknown): never => {
    throw error;
  };
  const server = await startPublicServer({
    publicDirectory,
    profile,
    host: "127.0.0.1",
    port: 0,
    allowance,
    onTrouble,
  });
  try {
    const ask = async (path: string, headers: Record<string, string> = {}): Promise<Response> => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
      await response.arrayBuffer();
      return response;
    };
    const etag = (await ask("/vpn/sub")).headers.get("etag")!;
    await ask("/vpn/sub?hwid=1", { "if-none-match": etag });
    for (const path of ["/vpn/city/fra", "/vpn/city/zzz", "/net/cities.json", "/vpn/network.json", "/admin", "/"]) {
      await ask(path);
    }
    expect((await ask("/vpn/sub")).status).toBe(429);
    expect((await ask("/vpn/city/fra")).status).toBe(429);
    const lines = await scrape(state, () => server.figures());
    const requests = lines.filter((line) => line.includes("requests_total")).sort();
    expect(requests).toEqual([
      'montana_mesh_requests_total{route="cities",status="200"} 1',
      'montana_mesh_requests_total{route="city",status="200"} 1',
      'montana_mesh_requests_total{route="city",status="404"} 1',
      'montana_mesh_requests_total{route="city",status="429"} 1',
      'montana_mesh_requests_total{route="network",status="200"} 1',
      'montana_mesh_requests_total{route="other",status="404"} 2',
      'montana_mesh_requests_total{route="sub",status="200"} 1',
      'montana_mesh_requests_total{route="sub",status="304"} 1',
      'montana_mesh_requests_total{route="sub",status="429"} 1',
    ]);
    expect(lines.some((line) => /^montana_mesh_connections [1-9]/.test(line))).toBe(true);
    expect(lines).toContain("montana_mesh_connections_refused_total 0");
    expect(lines.join("\n")).not.toMatch(/127\.0\.0\.1|\d+\.\d+\.\d+\.\d+/);
  } finally {
    await server.close();
    place.remove();
  }
});
