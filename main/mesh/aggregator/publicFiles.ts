/**
 * The public directory: files under the paths that they are served by, so that any web server can serve them. A document
 * passes the publication gate (chapter 08 §4.12) before it takes the place of the one before; lists of share URLs must be
 * made of exactly those URLs.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { CITY_CODE } from "../../cities/cities.ts";
import { scanForPublication, type Secrets, type Violation } from "../../cities/publicationGate.ts";
import { decodeSubscription } from "../../cities/subscription.ts";
import { decodeBase64 } from "../../cities/base64.ts";
import { decodeUtf8 } from "../../cities/utf8.ts";
import { replaceFile, syncDirectory } from "../../files/replaceFile.ts";
import { errnoOf, meshError } from "./errors.ts";

export const PUBLIC_PATHS = {
  subscription: "/vpn/sub",
  cityDirectory: "/vpn/city",
  cities: "/net/cities.json",
  network: "/vpn/network.json",
  health: "/vpn/health.json",
  explorer: "/net/data.json",
} as const;

/** A document that was held back; the one before stays. */
export interface Alarm {
  readonly path: string;
  /** `foreign-line`: a list of URLs holds something that no node published. */
  readonly violations: readonly (Violation | "foreign-line")[];
}

export interface PublicFiles {
  /** Body of `/vpn/sub` as published. */
  readSubscription(): string | undefined;
  /** `undefined` when it was written, or is there already. */
  publishDocument(path: string, body: string, secrets: Secrets): Promise<Alarm | undefined>;
  /** `urls` are what the nodes published, of which `body` is the base64. */
  publishSubscription(body: string, urls: readonly string[]): Promise<Alarm | undefined>;
  /** Plain lists by code; a city that is not among them has no file afterwards. */
  publishCities(bodies: ReadonlyMap<string, string>, urls: readonly string[]): Promise<readonly Alarm[]>;
}

const MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** Every call throws `file-unwritable` or `file-unreadable` when the disk does not let it. */
export function openPublicFiles(directory: string): PublicFiles {
  const at = (path: string): string => join(directory, path);
  return {
    readSubscription: () => readIfThere(at(PUBLIC_PATHS.subscription)),
    async publishDocument(path, body, secrets) {
      const violations = scanForPublication(body, secrets);
      if (violations.length > 0) return { path, violations };
      await put(at(path), body);
      return undefined;
    },
    async publishSubscription(body, urls) {
      const path = PUBLIC_PATHS.subscription;
      if (!isMadeOf(plainTextOf(body), urls)) return { path, violations: ["foreign-line"] };
      await put(at(path), body);
      return undefined;
    },
    async publishCities(bodies, urls) {
      const alarms: Alarm[] = [];
      const cityDirectory = at(PUBLIC_PATHS.cityDirectory);
      for (const [code, body] of bodies) {
        const path = `${PUBLIC_PATHS.cityDirectory}/${code}`;
        if (CITY_CODE.test(code) && isMadeOf(body, urls)) await put(at(path), body);
        else alarms.push({ path, violations: ["foreign-line"] });
      }
      await removeOthers(cityDirectory, bodies);
      return alarms;
    },
  };
}

function plainTextOf(body: string): string | undefined {
  const bytes = decodeBase64(body);
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}

/** Whether every line is one of `urls`, and an entry that clients read. */
function isMadeOf(text: string | undefined, urls: readonly string[]): boolean {
  if (text === undefined) return false;
  const published = new Set(urls);
  const { skipped, fault } = decodeSubscription(text);
  // A node that copies another one's entry under a label of its own harms nobody.
  const isReadable = fault === undefined && skipped.every(({ reason }) => reason === "duplicate");
  return isReadable && text.split("\n").every((line) => published.has(line));
}

/** Leaves a file alone that holds these bytes already, so that caches of other servers stay right. */
async function put(file: string, body: string): Promise<void> {
  if (readIfThere(file) === body) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    await replaceFile(file, body, MODE);
  } catch (error) {
    throw meshError("file-unwritable", { file, errno: errnoOf(error) });
  }
}

async function removeOthers(directory: string, kept: ReadonlyMap<string, string>): Promise<void> {
  try {
    const others = readdirSync(directory).filter((name) => !kept.has(name));
    for (const name of others) rmSync(join(directory, name), { force: true, recursive: true });
    if (others.length > 0) await syncDirectory(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw meshError("file-unwritable", { file: directory, errno: errnoOf(error) });
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw meshError("file-unreadable", { file, errno: errnoOf(error) });
  }
}
