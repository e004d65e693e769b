/** The files of the built page, read from their folder and from nowhere else. */
import { createHash } from "node:crypto";
import { open, realpath } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the build puts the page; packages and tests say so by MONTANA_PAGE_DIR where it lies elsewhere. */
export function locatePage(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const chosen = environment["MONTANA_PAGE_DIR"];
  if (chosen !== undefined && chosen !== "") return chosen;
  return fileURLToPath(new URL("../../../dist/renderer", import.meta.url));
}

const FILE_BYTES_MAX = 16_777_216;
const PATH_LENGTH_MAX = 256;
/** Segments that do not begin with a dot, and nothing that is written in percent. */
const PATH = /^(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/;
/** The build names these after their content. */
const NAMED_BY_CONTENT = /^\/assets\/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".geojson": "application/geo+json",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

export interface PageFile {
  readonly bytes: Uint8Array;
  readonly type: string;
  /** Of the content, with its quotes. */
  readonly etag: string;
  readonly cacheControl: string;
}

/** The file at `path` of a URL; undefined where the page has none. Rejects where the system does not let it be read. */
export async function readPageFile(folder: string, path: string): Promise<PageFile | undefined> {
  const name = path === "/" ? "/index.html" : path;
  const type = TYPES[extname(name)];
  if (name.length > PATH_LENGTH_MAX || !PATH.test(name) || type === undefined) return undefined;
  const bytes = await readInside(folder, join(folder, name));
  if (bytes === undefined) return undefined;
  const etag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
  const cacheControl = NAMED_BY_CONTENT.test(name) ? "public, max-age=31536000, immutable" : "no-cache";
  return { bytes, type, etag, cacheControl };
}

async function readInside(folder: string, path: string): Promise<Uint8Array | undefined> {
  try {
    const [root, real] = await Promise.all([realpath(folder), realpath(path)]);
    // A link in the folder leads out of it.
    if (!real.startsWith(root + sep)) return undefined;
    const file = await open(real, "r");
    try {
      const stat = await file.stat();
      return stat.isFile() && stat.size <= FILE_BYTES_MAX ? await file.readFile() : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}
