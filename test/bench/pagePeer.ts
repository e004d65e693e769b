/** What the page's map is compared with: a bare MapLibre page that draws the same cities as plain labels, nothing else. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import type { Place } from "./pageWorld.ts";

const DIST = fileURLToPath(new URL("../../node_modules/maplibre-gl/dist/", import.meta.url));
const FILES = ["maplibre-gl.mjs", "maplibre-gl-shared.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"];

/** Has the map as `globalThis.map`, and as `loadMs` the time at which its first tiles were drawn. */
const PAGE = `<!doctype html>
<link rel="stylesheet" href="/maplibre-gl.css">
<style>body { margin: 0 } #map { block-size: 100vh }</style>
<div id="map"></div>
<script type="module">
  import { Map, setWorkerUrl } from "/maplibre-gl.mjs";
  setWorkerUrl("/maplibre-gl-worker.mjs");
  const layout = { "text-field": ["get", "name"], "text-font": ["sans-serif"], "text-size": 13 };
  globalThis.map = new Map({
    container: "map",
    center: [15, 30],
    zoom: 1,
    attributionControl: false,
    style: {
      version: 8,
      sources: { cities: { type: "geojson", data: "/cities.json" } },
      layers: [
        { id: "water", type: "background", paint: { "background-color": "#e1e9ea" } },
        { id: "names", type: "symbol", source: "cities", layout },
      ],
    },
  });
  map.once("load", () => (globalThis.loadMs = performance.now()));
</script>`;

export interface Peer {
  readonly url: string;
  close(): void;
}

export async function servePeer(places: readonly Place[]): Promise<Peer> {
  const features = places.map(({ en: name, lon, lat }) => ({
    ...{ type: "Feature", properties: { name } },
    geometry: { type: "Point", coordinates: [lon, lat] },
  }));
  const bodies = new Map<string, readonly [type: string, body: string | Buffer]>([
    ["/", ["text/html; charset=utf-8", PAGE]],
    ["/cities.json", ["application/json", JSON.stringify({ type: "FeatureCollection", features })]],
    ...FILES.map((name) => {
      const type = name.endsWith(".css") ? "text/css" : "text/javascript";
      return [`/${name}`, [type, readFileSync(`${DIST}${name}`)]] as const;
    }),
  ]);
  const server = createServer(({ url = "/" }, response) => {
    const [type, body] = bodies.get(url) ?? [];
    if (type === undefined) response.writeHead(404).end();
    // As the program serves its own, so that a second visit finds them compiled.
    else response.writeHead(200, { "content-type": type, "cache-control": "max-age=3600" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
