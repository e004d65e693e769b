import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { makeUpdateKey, signUpdate } from "../../../build/scripts/signUpdate.ts";
import { loadCrypto } from "../../native/index.ts";
import { createUpdates, type UpdaterOptions } from "./updater.ts";
import { readManifest, readUpdateSource } from "./updates.ts";

const { crypto } = loadCrypto();
const folder = mkdtempSync(join(tmpdir(), "montana-update-"));
const keyFile = join(folder, "key");
let publicKey: string;
let text: string;
let signature: string;

beforeAll(() => {
  publicKey = makeUpdateKey(keyFile);
  writeFileSync(join(folder, "Montana-0.2.0.AppImage"), "a program");
  signUpdate(keyFile, folder, { platform: "linux-x64", version: "0.2.0", names: ["Montana-0.2.0.AppImage"] });
  text = readFileSync(join(folder, "montana-linux-x64.json"), "utf8");
  signature = readFileSync(join(folder, "montana-linux-x64.json.sig"), "utf8");
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (of: Partial<{ text: string; signature: string; publicKey: string; platform: string }>) => {
  const { platform = "linux-x64", ...given } = of;
  const key = given.publicKey ?? publicKey;
  return readManifest(crypto, { publicKey: key, platform }, given.text ?? text, given.signature ?? signature);
};

/** With another first byte. */
const spoilt = (base64: string): string => `${base64.startsWith("A") ? "B" : "A"}${base64.slice(1)}`;

describe("a manifest", () => {
  test("that the project signed is read", () => {
    const { version, files } = read({});
    expect([version, files[0]!.name, files[0]!.size]).toEqual(["0.2.0", "Montana-0.2.0.AppImage", 9]);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["was changed by one character", () => read({ text: text.replace("0.2.0", "0.2.1") }), "signature"],
    ["has a signature that was changed", () => read({ signature: spoilt(signature) }), "signature"],
    ["has half a signature", () => read({ signature: signature.slice(0, 2000) }), "signature"],
    ["has none", () => read({ signature: "" }), "signature"],
    ["has another key's", () => read({ publicKey: "00".repeat(1952) }), "signature"],
    ["is another platform's", () => read({ platform: "win32-x64" }), "platform"],
    ["is longer than any", () => read({ text: text.padEnd(70_000) }), "size"],
  ])("that %s is refused", (_what, attempt, reason) => {
    expect(attempt).toThrow(expect.objectContaining({ code: "update-refused", params: { reason } }));
  });

  test("that leads out of its folder, or says more than it may, is refused although it is signed", () => {
    const { secretKey } = crypto.mldsa65.generate(Buffer.from(readFileSync(keyFile, "utf8").trim(), "hex"));
    for (const changed of [
      text.replace("Montana-0", "../Montana-0"),
      text.replace("{", '{"more": 1,'),
      "[]",
      "no JSON",
    ]) {
      const message = new TextEncoder().encode(`montana-update-1\0${changed}`);
      const signed = Buffer.from(crypto.mldsa65.sign(secretKey, message)).toString("base64");
      expect(() => read({ text: changed, signature: signed })).toThrow(
        expect.objectContaining({ params: { reason: "format" } }),
      );
    }
  });
});

describe("the source of updates", () => {
  test("is there in packaged programs alone, and must be https and a key", async () => {
    const file = join(folder, "updates.json");
    expect(await readUpdateSource(file)).toBeUndefined();
    writeFileSync(file, JSON.stringify({ url: "https://updates.example/", publicKey }));
    expect(await readUpdateSource(file)).toEqual({ url: "https://updates.example/", publicKey });
    writeFileSync(file, JSON.stringify({ url: "http://updates.example/", publicKey }));
    await expect(readUpdateSource(file)).rejects.toThrow();
  });
});

/** electron-updater as far as it is used: it asks its provider for the next version. */
class FakeUpdater {
  readonly asked: string[] = [];
  readonly proxies: unknown[] = [];
  readonly found: unknown[] = [];
  readonly failures: unknown[] = [];
  readonly #listeners = new Map<string, (value: never) => void>();
  #provider: { getLatestVersion(): Promise<unknown> } | undefined;
  readonly netSession = {
    setProxy: (proxy: unknown) => Promise.resolve(void this.proxies.push(proxy)),
    fetch: (url: string) => {
      this.asked.push(url);
      return Promise.resolve(new Response(url.endsWith(".sig") ? this.served.signature : this.served.text));
    },
  };
  installs = 0;
  readonly served: { text: string; signature: string };

  constructor(served: { text: string; signature: string }) {
    this.served = served;
  }

  setFeedURL({ updateProvider: Made }: { updateProvider: new (...words: unknown[]) => never }): void {
    this.#provider = new Made({}, this, {});
  }

  on(name: string, listener: (value: never) => void): this {
    this.#listeners.set(name, listener);
    return this;
  }

  async checkForUpdates(): Promise<null> {
    try {
      const info = (await this.#provider!.getLatestVersion()) as { version: string };
      this.found.push(info);
      this.#listeners.get("update-downloaded")!(info as never);
    } catch (error) {
      this.#listeners.get("error")!(error as never);
    }
    return null;
  }

  quitAndInstall(): void {
    this.installs++;
  }
}

describe("looking for updates", () => {
  const proxy = { host: "127.0.0.1", port: 1080 };

  function make(served = { text, signature }) {
    const updater = new FakeUpdater(served);
    let onEnd: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (onEnd = resolve));
    const failures: unknown[] = [];
    const updates = createUpdates({
      ...{ updater: updater as unknown as UpdaterOptions["updater"], platform: "linux-x64", onReady: onEnd },
      Provider: Object as unknown as UpdaterOptions["Provider"],
      source: { url: "https://updates.example/feed", publicKey },
      onFailure(error) {
        failures.push(error);
        onEnd();
      },
    });
    return { updater, updates, ended, failures };
  }

  test("happens only where the person wants it, and only through a tunnel", () => {
    const { updater, updates } = make();
    updates.look({ isWanted: false, proxy });
    updates.look({ isWanted: true, proxy: null });
    expect([updater.proxies, updater.asked]).toEqual([[], []]);
    expect(updater).toMatchObject({ autoInstallOnAppQuit: false, disableWebInstaller: true });
  });

  test("asks through the tunnel, once in a while, and says what lies ready; nothing is installed by itself", async () => {
    const { updater, updates, ended } = make();
    updates.look({ isWanted: true, proxy });
    updates.look({ isWanted: true, proxy });
    await ended;
    expect(updater.proxies).toEqual([{ proxyRules: "socks5://127.0.0.1:1080", proxyBypassRules: "<-loopback>" }]);
    const base = "https://updates.example/feed/montana-linux-x64.json";
    expect(updater.asked).toEqual([base, `${base}.sig`]);
    expect([updates.ready, updater.installs]).toEqual(["0.2.0", 0]);
    updates.install();
    expect(updater.installs).toBe(1);
  });

  test("hands nothing on that is not signed", async () => {
    const { updater, updates, ended, failures } = make({ text: text.replace("0.2.0", "9.9.9"), signature });
    updates.look({ isWanted: true, proxy });
    await ended;
    expect(failures).toEqual([expect.objectContaining({ code: "update-refused" })]);
    expect([updater.found, updates.ready]).toEqual([[], null]);
  });
});
