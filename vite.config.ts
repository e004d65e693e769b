/** Builds the page: static files with hashed names, which run under a policy that allows no inline script. */
import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("renderer"),
  // The page does not know under which path it is served.
  base: "./",
  publicDir: false,
  plugins: [react()],
  worker: { format: "es" },
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
