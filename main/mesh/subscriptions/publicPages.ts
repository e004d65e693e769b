/** The public directory in memory, as the answers that it gives: read again when it has changed. */
import { createHash } from "node:crypto";
import { constants, type BigIntStats } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { CITY_CODE } from "../../cities/cities.ts";
import { preparePages, type Page, type Pages } from "../../cities/endpoints.ts";
import { CITIES_MAX, HTTP_MAX_AGE_SECONDS, PUBLIC_FILE_MAX, SUBSCRIPTION_MAX } from "../../cities/limits.ts";
import type { ProfileHeaders } from "../../cities/subscriptionHeaders.ts";
import { errnoOf, meshError } from "../aggregator/errors.ts";
import { PUBLIC_PATHS } from "../aggregator/publicFiles.ts";
import { PAGE_FILES, pageHeaders } from "../explorer/pageFiles.ts";
import { CITY_FILE_MAX, PAGE_FILE_MAX } from "./limits.ts";

export interface Snapshot {
  readonly pages: Pages;
  /** Bytes by text, so that no request turns one into the other. */
  readonly bytes: ReadonlyMap<string, Buffer>;
}

export interface PublicPages {
  readonly current: Snapshot;
  /** Reads the directory again where something in it changed. Throws `file-unreadable`; then the old pages stay. */
  refresh(): Promise<void>;
}

/** A link is not followed, and a pipe in a file's place does not hold this up. Windows has neither flag. */
const READ_NO_LINK =
  process.platform === "win32" ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const DIRECTORIES = ["vpn", "vpn/city", "net"] as const;
const DOCUMENTS = [PUBLIC_PATHS.cities, PUBLIC_PATHS.network, PUBLIC_PATHS.health, PUBLIC_PATHS.explorer];

/** `directory` need not be there yet: then there are no cities. */
export async function openPublicPages(directory: string, profile: ProfileHeaders): Promise<PublicPages> {
  let seen = "";
  const pages: { current: Snapshot; refresh: () => Promise<void> } = {
    current: { pages: new Map(), bytes: new Map() },
    async refresh() {
      // Files are replaced by renaming, which every directory notes; what is renamed while this reads is read next time.
      const now = await stampOf(directory);
      if (now === seen) return;
      pages.current = await readSnapshot(directory, profile);
      seen = now;
    },
  };
  await pages.refresh();
  return pages;
}

async function stampOf(directory: string): Promise<string> {
  const stamps = DIRECTORIES.map(async (name) => {
    try {
      const { mtimeNs, ino }: BigIntStats = await stat(join(directory, name), { bigint: true });
      return `${ino} ${mtimeNs}`;
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return "absent";
      throw meshError("file-unreadable", { file: directory, errno: errnoOf(error) });
    }
  });
  return (await Promise.all(stamps)).join(", ");
}

async function readSnapshot(directory: string, profile: ProfileHeaders): Promise<Snapshot> {
  const read = (path: string, bytesMax: number): Promise<string | undefined> =>
    readBounded(join(directory, path), bytesMax);
  const cities = new Map<string, string>();
  for (const code of await listCodes(join(directory, PUBLIC_PATHS.cityDirectory))) {
    const body = await read(`${PUBLIC_PATHS.cityDirectory}/${code}`, CITY_FILE_MAX);
    if (body !== undefined) cities.set(code, body);
  }
  const documents = new Map<string, string>();
  for (const path of DOCUMENTS) {
    const body = await read(path, PUBLIC_FILE_MAX);
    if (body !== undefined) documents.set(path, body);
  }
  const subscription = await read(PUBLIC_PATHS.subscription, SUBSCRIPTION_MAX);
  const pages = new Map(preparePages(sha256, { subscription, cities, documents, profile }));
  for (const { file, type, paths } of PAGE_FILES) {
    const body = await read(join("net", file), PAGE_FILE_MAX);
    for (const path of body === undefined ? [] : paths) pages.set(path, pageOf(body!, type));
  }
  return { pages, bytes: new Map(Array.from(pages.values(), ({ body }) => [body, Buffer.from(body)])) };
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

function pageOf(body: string, type: string): Page {
  const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"`;
  const cached = `public, max-age=${HTTP_MAX_AGE_SECONDS}`;
  return { body, headers: { ...pageHeaders, "content-type": type, "cache-control": cached, etag } };
}

async function listCodes(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => CITY_CODE.test(name)).slice(0, CITIES_MAX);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw meshError("file-unreadable", { file: directory, errno: errnoOf(error) });
  }
}

/** `undefined` where there is no such file, or something else in its place: links are not followed. */
async function readBounded(path: string, bytesMax: number): Promise<string | undefined> {
  let file;
  try {
    file = await open(path, READ_NO_LINK);
  } catch (error) {
    if (["ENOENT", "ELOOP"].includes(errnoOf(error))) return undefined;
    throw meshError("file-unreadable", { file: path, errno: errnoOf(error) });
  }
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > bytesMax) return undefined;
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
