/** Builds the page: static files with hashed names, which run under a policy that allows no inline script. */
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** As the page asks for it. */
const WORKER_ADDRESS = "virtual:map-worker-address";

/**
 * MapLibre from its sources. The map and its worker are mostly the same code: as two entries of one build they share it, and
 * what no entry uses is left out. Its own bundles hold everything, each for itself: 110 KB more, gzipped.
 */
function sharedMapLibre(): Plugin {
  let worker = "";
  return {
    name: "shared-maplibre",
    apply: "build",
    config: () => ({
      resolve: { alias: [{ find: /^maplibre-gl$/, replacement: at("node_modules/maplibre-gl/src/index.ts") }] },
    }),
    buildStart() {
      worker = this.emitFile({
        type: "chunk",
        id: at("node_modules/maplibre-gl/src/source/worker.ts"),
        name: "mapWorker",
      });
    },
    resolveId: (id) => (id === WORKER_ADDRESS ? `\0${id}` : undefined),
    load: (id) => (id === `\0${WORKER_ADDRESS}` ? `export default import.meta.ROLLUP_FILE_URL_${worker};` : undefined),
  };
}

export default defineConfig({
  root: at("renderer"),
  // The page does not know under which path it is served.
  base: "./",
  publicDir: false,
  plugins: [react(), sharedMapLibre()],
  // MapLibre's classes name fields that the constructor of their base has set.
  oxc: { typescript: { removeClassFieldsWithoutInitializer: true } },
  build: {
    outDir: at("dist/renderer"),
    emptyOutDir: true,
    // Chromium alone opens it: Electron's, or a browser's of the last years.
    target: "es2024",
    // Nothing as a data: URL, which the policy would refuse to scripts and workers.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Of one file; what the page weighs altogether is held by a test.
    chunkSizeWarningLimit: 1_500,
  },
});
