import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";

import { readFixture } from "../../cities/cities.fixture.ts";
import { makeMeshPlace, type MeshPlace } from "./aggregator.fixture.ts";
import { MY_VPN_MAX } from "../../cities/limits.ts";
import { createFetcher } from "./practiceFetcher.ts";

const places: MeshPlace[] = [];
afterEach(() => places.splice(0).forEach((place) => place.remove()));

function placeWith(change: Readonly<Record<string, unknown>>): MeshPlace {
  const peers = [
    { node: "frankfurt", host: "127.0.0.1", host_keys: [], files: { my_vpn: "fra.json", peers: "p.json" } },
  ];
  const place = makeMeshPlace(readFixture("three-city/cities.json"), { peers, canonical_exit: undefined, ...change });
  places.push(place);
  return place;
}

test("a node of a practice network is read where it publishes, without SSH", async () => {
  const place = placeWith({ practice: { allow_loopback: true } });
  const settings = place.settings();
  const [peer] = settings.peers;
  const fetcher = await createFetcher(settings);
  const ask = (file: "my-vpn" | "peers" | "journal") => fetcher.fetch(peer!, file, AbortSignal.timeout(60_000));
  expect(await ask("my-vpn")).toEqual({ kind: "missing" });
  writeFileSync(join(place.directory, "fra.json"), "{}");
  expect(await ask("my-vpn")).toEqual({ kind: "body", body: "{}" });
  writeFileSync(join(place.directory, "fra.json"), "x".repeat(MY_VPN_MAX + 1));
  expect(await ask("my-vpn")).toEqual({ kind: "failed", reason: "too-large" });
  writeFileSync(join(place.directory, "p.json"), Buffer.from([0xff, 0xfe]));
  expect(await ask("peers")).toEqual({ kind: "failed", reason: "not-text" });
  expect(await ask("journal")).toEqual({ kind: "missing" });
});

test("elsewhere no file of this machine stands for a node", () => {
  expect(() => placeWith({}).settings()).toThrow(
    expect.objectContaining({
      code: "mesh-settings-invalid",
      params: expect.objectContaining({ reason: "practice-only", at: "peers[0].files" }) as object,
    }),
  );
});
