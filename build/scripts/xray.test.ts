import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { zipSync } from "fflate";

import { keyOf, PINS, provideXray, type Options, type Pins, type Platform } from "./xray.ts";

const BINARY = Buffer.from("not really an engine");
const archive = Buffer.from(zipSync({ "README.md": Buffer.from("x"), xray: BINARY }));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

let server: Server;
let cache: string;
let asked: string[];

beforeEach(async () => {
  asked = [];
  cache = mkdtempSync(join(tmpdir(), "provide-xray-"));
  server = createServer((request, response) => {
    asked.push(request.url!);
    if (request.url === "/linux.zip") response.end(archive);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  server.close();
  rmSync(cache, { recursive: true, force: true });
});

const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Without Go on the path. */
function options(hash: string, environment: NodeJS.ProcessEnv = {}): Options {
  const asset = { asset: "linux.zip", member: "xray", sha256: hash };
  const pins: Pins = {
    ...PINS,
    archive: `${base()}/{asset}`,
    assets: { ...PINS.assets, "linux-arm64": asset, "darwin-x64": { ...asset, member: "other" } },
  };
  return { pins, cache, environment: { PATH: cache, ...environment }, log: () => undefined };
}

describe("without Go, the engine", () => {
  test("is taken from the archive of the pinned hash, once", async () => {
    const binary = await provideXray("linux-arm64", options(sha256(archive)));
    expect(binary).toBe(join(cache, "native", "linux-arm64", "xray"));
    expect(readFileSync(binary)).toEqual(BINARY);
    await provideXray("linux-arm64", options(sha256(archive)));
    expect(asked).toEqual(["/linux.zip"]);
  });

  test("is refused when its archive is another one, and nothing is left of that", async () => {
    const refused = provideXray("linux-arm64", options(sha256(BINARY)));
    await expect(refused).rejects.toThrow(/refused because its hash is not the pinned one.*everything else works/);
    expect(existsSync(join(cache, "native", "linux-arm64", "xray"))).toBe(false);
    expect(existsSync(join(cache, "native", "linux-arm64", "xray.new"))).toBe(false);
  });

  test("is missing with one sentence when the archive lacks it or cannot be had", async () => {
    await expect(provideXray("darwin-x64", options(sha256(archive)))).rejects.toThrow("holds no other");
    await expect(provideXray("win32-x64", options(sha256(archive)))).rejects.toThrow("HTTP 404");
  });

  test("is not built with a toolchain of another hash", async () => {
    const here = `${process.platform}-${process.arch}`;
    const path = { ...PINS.toolchain, path: "linux.zip" };
    const { pins, ...rest } = options(sha256(archive), { GOPROXY: `${base()},direct` });
    await provideXray("linux-arm64", { ...rest, pins: { ...pins, toolchain: path } });
    const isPinned = Object.hasOwn(PINS.toolchain.sha256, here);
    expect(asked).toEqual(isPinned ? ["/linux.zip", "/linux.zip"] : ["/linux.zip"]);
    expect(existsSync(join(cache, "go"))).toBe(false);
  });
});

test("an engine is brought anew for other pins and another platform", () => {
  const key = keyOf("linux-x64", PINS);
  expect(keyOf("linux-x64", PINS)).toBe(key);
  expect(keyOf("linux-arm64", PINS)).not.toBe(key);
  expect(keyOf("linux-x64", { ...PINS, version: "26.3.28" })).not.toBe(key);
});

test("every platform is pinned, the module by its sum", () => {
  const platforms: readonly Platform[] = [
    "linux-x64",
    "linux-arm64",
    "darwin-x64",
    "darwin-arm64",
    "win32-x64",
    "win32-arm64",
  ];
  expect(Object.keys(PINS.assets).sort()).toEqual([...platforms].sort());
  for (const { sha256: pin } of Object.values(PINS.assets)) expect(pin).toMatch(/^[0-9a-f]{64}$/);
  const sums = readFileSync(new URL("../xray/go.sum", import.meta.url), "utf8");
  expect(sums).toMatch(/^github\.com\/xtls\/xray-core v1\.260327\.0 h1:\S{44}$/m);
});
