/**
 * Builds the page into dist/renderer, and what the shell hands to it into dist/preload, when what they are made from has changed: `node build/scripts/page.ts`. The folder is
 * replaced as a whole, so that a host that serves it never serves half of two.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const PAGE_FOLDER = join(ROOT, "dist", "renderer");
/** What the last build read besides the page's own folder. */
const READ_FILE = join(ROOT, ".cache", "page", "read.json");
/** Whatever they change, the page may be another. */
const ALWAYS = ["package-lock.json", "vite.config.ts", "build/scripts"];

function isFresh(): boolean {
  const index = join(PAGE_FOLDER, "index.html");
  if (!existsSync(index) || !existsSync(READ_FILE)) return false;
  const builtMs = statSync(index).mtimeMs;
  const read = JSON.parse(readFileSync(READ_FILE, "utf8")) as readonly string[];
  return ["renderer", "preload", ...ALWAYS, ...read].every((path) => newestMs(join(ROOT, path)) <= builtMs);
}

/** Of a file, or of what lies in a folder; never where it is gone, so that the page is built anew. */
function newestMs(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return Infinity;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

async function buildPage(): Promise<void> {
  // Whoever asks for it, a test say: React's other build is twice as large and runs every effect twice.
  process.env["NODE_ENV"] = "production";
  // Not before they are needed: mostly nothing has changed, and a command waits for this.
  const [{ build }, { makeBasemap }, { makeLicences }, { makePreload }] = await Promise.all([
    import("vite"),
    import("./basemap.ts"),
    import("./licences.ts"),
    import("./preload.ts"),
  ]);
  makeBasemap();
  makeLicences();
  makePreload();
  const fresh = `${PAGE_FOLDER}.${process.pid}.new`;
  const read = new Set<string>();
  const isOfOthers = (id: string): boolean => id.startsWith(join(ROOT, "main") + sep);
  try {
    await build({
      configFile: join(ROOT, "vite.config.ts"),
      logLevel: "warn",
      build: { outDir: fresh },
      plugins: [
        {
          name: "sources",
          moduleParsed({ id }) {
            if (isOfOthers(id)) read.add(relative(ROOT, id));
          },
        },
      ],
    });
    const old = `${PAGE_FOLDER}.${process.pid}.old`;
    if (existsSync(PAGE_FOLDER)) renameSync(PAGE_FOLDER, old);
    renameSync(fresh, PAGE_FOLDER);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  writeFileSync(READ_FILE, JSON.stringify([...read].sort()));
}

if (!isFresh()) {
  console.log("Building the page…");
  await buildPage();
}
