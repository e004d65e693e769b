/** A network of cities on loopback, as a person meets it: exits, what it publishes, and the file that names it. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startMesh, type TestMesh } from "../../main/xray/mesh.fixture.ts";

const MONTANA = fileURLToPath(new URL("../../resources/networks/montana.json", import.meta.url));

export interface VpnWorld {
  readonly mesh: TestMesh;
  readonly folder: string;
  readonly subscriptionUrl: string;
  /** A network file that names the subscription and the site to probe. */
  readonly networkFile: string;
  /** What was asked of the server: path and status. */
  readonly requests: string[];
  /** By path; a missing one is 404. */
  readonly published: Map<string, string>;
  close(): Promise<void>;
}

const NAMES: Readonly<Record<string, { readonly en: string; readonly ru: string; readonly country: string }>> = {
  fra: { en: "Frankfurt", ru: "Франкфурт", country: "DE" },
  fin: { en: "Helsinki", ru: "Хельсинки", country: "FI" },
  msk: { en: "Moscow", ru: "Москва", country: "RU" },
};

export async function startVpnWorld(codes: readonly string[] = ["fra", "fin", "msk"]): Promise<VpnWorld> {
  const folder = mkdtempSync(join(tmpdir(), "vpn-world-"));
  const mesh = await startMesh(codes);
  const requests: string[] = [];
  const published = new Map<string, string>();
  const server = createServer((request, response) => {
    const body = published.get(request.url ?? "");
    const etag = `"${createHash("sha256")
      .update(body ?? "")
      .digest("hex")
      .slice(0, 32)}"`;
    const status = body === undefined ? 404 : request.headers["if-none-match"] === etag ? 304 : 200;
    requests.push(`${request.url} ${status}`);
    response.writeHead(status, status === 404 ? {} : { etag }).end(status === 200 ? body : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const subscriptionUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/vpn/sub`;
  published.set("/vpn/sub", Buffer.from(mesh.exits.map(({ url }) => url).join("\n")).toString("base64"));
  published.set("/net/cities.json", JSON.stringify(citiesDocument(codes)));
  published.set("/vpn/health.json", JSON.stringify(healthDocument(codes)));
  const networkFile = join(folder, "loopback.json");
  const network = {
    ...(JSON.parse(readFileSync(MONTANA, "utf8")) as object),
    network_name: "loopback",
    tunnel: { subscription_url: subscriptionUrl, cities: codes, probe_url: `${mesh.site.url}/204` },
  };
  writeFileSync(networkFile, JSON.stringify(network));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await mesh.close();
    rmSync(folder, { recursive: true });
  };
  return { mesh, folder, subscriptionUrl, networkFile, requests, published, close };
}

const UNIX = 1_778_414_400;
const HEAD = { version: 1, updated: "2026-05-10T12:00:00Z", updated_unix: UNIX };

const nodeOf = (code: string): string => `node-${code}`;

const citiesDocument = (codes: readonly string[]): object => ({
  ...HEAD,
  network: "loopback",
  cities: codes.map((code, i) => {
    const { en, ru, country } = NAMES[code] ?? { en: code, ru: code, country: "ZZ" };
    return {
      ...{ code, node: nodeOf(code), name: { en, ru }, country, region: "eu", lat: 50 + i, lon: 10.5 },
      timechain: { phase: "Active", emits: true },
      vpn: { enabled: true, primary: i === 0, exit: code, fronts: [], fronted_by: [], endpoint: `/vpn/city/${code}` },
    };
  }),
});

const healthDocument = (codes: readonly string[]): object => ({
  ...HEAD,
  interval_seconds: 300,
  nodes: codes.map((code) => ({
    ...{ node: nodeOf(code), city: code, state: "up", since_unix: UNIX, first_probe_unix: UNIX, last_probe_unix: UNIX },
    ...{ last_ok_unix: UNIX, consecutive_failures: 0, consecutive_successes: 2, handshake_ms: 40, error: null },
  })),
});
