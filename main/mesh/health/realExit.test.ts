import { describe, expect, test } from "vitest";

import { recordProbe, unprobed } from "../../cities/health.ts";
import { binariesHere, startMesh } from "../../xray/mesh.fixture.ts";
import { probeEndpoint } from "./probeEndpoint.ts";

describe.skipIf(binariesHere() === undefined)("a real exit", () => {
  test("is up while it runs behind its genuine site, degraded at once and down after three probes without it", async () => {
    const mesh = await startMesh(["fra"]);
    try {
      const { host, port, sni } = mesh.exits[0]!.link;
      const timeouts = { connectTimeoutMs: 20_000, tlsTimeoutMs: 20_000 };
      const probe = () => probeEndpoint({ host, port, sni }, { ...timeouts, roots: mesh.decoy.certificate });
      let health = recordProbe(unprobed("frankfurt", "fra"), await probe(), 1000);
      expect(health).toMatchObject({ state: "up", error: null });
      // Nobody vouches for the site: what a stranger sees is not what it should be.
      expect(await probeEndpoint({ host, port, sni }, timeouts)).toEqual({ error: "cert-untrusted" });
      await mesh.exits[0]!.engine.stop();
      const states: string[] = [];
      for (const now of [1300, 1600, 1900]) {
        health = recordProbe(health, await probe(), now);
        states.push(`${health.state} ${health.error ?? ""}`);
      }
      expect(states).toEqual(["degraded tcp-refused", "degraded tcp-refused", "down tcp-refused"]);
    } finally {
      await mesh.close();
    }
  });
});
