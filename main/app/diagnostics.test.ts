/** What may leave a person's computer to be read by others: nothing that identifies them, whom they pay or where they go. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import type { Status } from "../api/contract.ts";
import type { Services } from "../api/services.ts";
import { loadCrypto } from "../native/index.ts";
import { sized, toHex } from "../protocol/bytes.ts";
import { encodeAddress } from "../protocol/identity/address.ts";
import { mnemonicWords } from "../protocol/identity/mnemonic.ts";
import { formatPeerId, peerIdOf } from "../protocol/identity/peerId.ts";
import { locateData } from "./dataDirectory.ts";
import { makeDiagnostics, redact, redactPhrases } from "./diagnostics.ts";
import { createLog } from "./log.ts";
import { HostPreferences } from "./preferences.ts";

const { crypto } = loadCrypto();
const random32 = () => sized(Uint8Array.from(randomBytes(32)), 32);
const accountId = random32();
const account = toHex(accountId);
const words = [...mnemonicWords(crypto, random32())];
const { publicKey, secretKey } = crypto.mldsa65.generate(random32());

/** By what they are. */
const SECRETS: Record<string, string> = {
  account,
  address: encodeAddress(crypto, accountId as never),
  "secret key": toHex(secretKey),
  "public key": toHex(publicKey),
  peer: formatPeerId(peerIdOf(crypto, publicKey)),
  ipv4: "198.51.100.23",
  ipv6: "2001:db8::17",
  multiaddr: "/dns4/node.operator.example/tcp/8444",
  host: "news.visited.example",
  link: "vless://1b671a64-40d5-491e-99b0-da01ff1f3341@203.0.113.9:443?security=reality",
  uuid: "1b671a64-40d5-491e-99b0-da01ff1f3341",
  subscription: "https://sub.operator.example/secret/path",
  request: "montana:request?key=AAAA",
  home: "/home/satoshi/.local/share",
};
/** What must not be found: the secret, or the part of it that tells. */
const TELLING: Record<string, string> = { multiaddr: "node.operator.example", link: "203.0.113.9", home: "satoshi" };

const forms: Record<string, (secret: string) => string> = {
  "a text": (secret) => `something about ${secret} happened`,
  "the end of a sentence": (secret) => `It was ${secret}.`,
  "a field of a log line": (secret) =>
    JSON.stringify({ level: "info", time: "2026-01-09T00:00:00Z", what: secret, msg: "m" }),
  "a message": (secret) =>
    JSON.stringify({ level: "error", err: { message: `Error: ${secret}`, stack: `at ${secret}` } }),
  brackets: (secret) => `(${secret})`,
};

describe("redaction", () => {
  it.each(Object.entries(forms))("finds every secret as %s", (_, form) => {
    for (const [what, secret] of Object.entries(SECRETS)) {
      expect(redact(form(secret)), what).not.toContain(TELLING[what] ?? secret);
    }
  });

  it("finds a phrase whatever stands between its words", () => {
    const texts = [
      words.join(" "),
      JSON.stringify(words),
      JSON.stringify({ words }, null, 1),
      words.map((word, i) => `${i + 1} ${word}`).join("\n"),
      words.map((word) => word.toUpperCase()).join(", "),
      `the phrase is ${words.slice(0, 8).join(" ")} and so on`,
    ];
    for (const text of texts) {
      const shown = redactPhrases(text).toLowerCase();
      for (const [i, word] of words.slice(0, 7).entries()) {
        expect(shown, text).not.toContain(`${word} ${words[i + 1]!}`);
        expect(shown, text).not.toContain(`"${word}"`);
      }
    }
  });

  it("leaves what says nothing of anybody", () => {
    const line = '{"level":"warn","code":"store-behind","window":17,"msg":"the signed log ended in a cut record"}';
    expect(redactPhrases(redact(line))).toBe(line);
    expect(redact("at main/app/host.ts:17, file host.lock, 127.0.0.1, version 0.1.0, 12:30:59")).toBe(
      "at main/app/host.ts:17, file host.lock, 127.0.0.1, version 0.1.0, 12:30:59",
    );
  });
});

describe("the text", () => {
  const everything = Object.values(SECRETS);
  const status = {
    ...{ version: "0.1.0", network: "montana", balance: "1234567890123", stateRoot: account, phase: "Active" },
    notices: everything.map((secret) => ({ code: "seen", params: { secret } })),
  } as unknown as Status;
  const services = {
    setup: { networks: () => Promise.resolve({ chosen: "montana", networks: everything.map((fault) => ({ fault })) }) },
    vpn: {
      status: () => ({
        state: "connected",
        city: "fra",
        proxy: { host: "127.0.0.1", port: 1080 },
        signInUrl: "http://hotel.example",
      }),
      settings: () => ({ mode: "proxy", direct: ["domain:bank.example"], probeUrl: "https://probe.example/x" }),
      subscriptions: () => ({ subscriptions: [{ id: "7", url: SECRETS["subscription"], title: "Operator's own" }] }),
    },
  } as unknown as Services;

  it("holds version, computer, status, settings and the newest lines, and none of the secrets that go in", async () => {
    const log = createLog("debug", { write: () => undefined });
    const { logger } = log;
    for (const secret of everything) logger.debug({ remote: secret, deep: { note: secret } }, `about ${secret}`);
    logger.info({ words, seed: account }, words.join(" "));
    logger.info("the last line");
    const { text, fileName } = await makeDiagnostics({
      ...{
        services: () => services,
        status: () => Promise.resolve(status),
        logLines: () => log.recentLines(),
        nowMs: () => 0,
      },
    });
    expect(fileName).toBe("montana-diagnostics-1970-01-01.txt");
    for (const part of [
      '"network": "montana"',
      '"phase": "Active"',
      '"city": "fra"',
      '"mode": "proxy"',
      "the last line",
    ])
      expect(text).toContain(part);
    for (const [what, secret] of Object.entries(SECRETS)) expect(text, what).not.toContain(TELLING[what] ?? secret);
    expect(text).toContain(account.slice(0, 8));
    for (const hidden of [
      "1234567890123",
      "bank.example",
      "hotel.example",
      "probe.example",
      "Operator's",
      ...words.slice(0, 3).map((word) => `"${word}"`),
    ])
      expect(text, hidden).not.toContain(hidden);
  });

  it("has an end, and it is the newest lines that stay", async () => {
    const logLines = Array.from({ length: 500 }, (_, i) => `{"line":${i},"filler":"${"x ".repeat(1500)}"}`);
    const { text } = await makeDiagnostics({
      ...{ services: () => ({}), status: () => Promise.resolve(status), logLines: () => logLines, nowMs: () => 0 },
    });
    expect(text.length).toBeLessThanOrEqual(262_144);
    expect(text).toContain('{"line":499,');
    expect(text).not.toContain('{"line":0,');
  });
});

describe("the log", () => {
  it("keeps its newest lines, and changes its level and with it what it hides", () => {
    const lines: string[] = [];
    const log = createLog("warn", { write: (line) => void lines.push(line) });
    const { logger } = log;
    logger.info({ host: "a.example" }, "not heard");
    log.setLevel("debug");
    logger.debug({ host: "b.example", passphrase: "hunter22" }, "heard");
    log.setLevel(undefined);
    logger.warn({ host: "c.example" }, "hidden");
    logger.info("not heard again");
    expect(lines.join("")).not.toMatch(/a\.example|c\.example|hunter22|not heard/);
    expect(log.recentLines()).toEqual(lines.map((line) => line.trimEnd()));
    expect(lines.join("")).toContain("b.example");
    for (let i = 0; i < 600; i++) logger.warn({ i }, "many");
    expect(log.recentLines()).toHaveLength(500);
    expect(log.recentLines().at(-1)).toContain('"i":599');
  });
});

describe("preferences", () => {
  const folder = mkdtempSync(join(tmpdir(), "montana-preferences-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const directory = locateData(folder);

  it("stay as they were chosen, and others are told", async () => {
    const told: unknown[] = [];
    const first = new HostPreferences(directory, (preferences) => told.push(preferences));
    expect(first.read()).toMatchObject({ theme: "system", language: null, favourites: [], onQuit: "ask" });
    await first.change({ theme: "dark", favourites: ["fra", "hel"] });
    const chosen = await first.change({ language: "ru", theme: undefined });
    expect(chosen).toMatchObject({ theme: "dark", favourites: ["fra", "hel"], language: "ru" });
    expect(told.at(-1)).toEqual(chosen);
    expect(new HostPreferences(directory, () => undefined).read()).toEqual(chosen);
  });

  it("that cannot be read are named and set aside until somebody chooses again", async () => {
    writeFileSync(join(folder, "preferences"), "rubbish");
    const damaged = new HostPreferences(directory, () => undefined);
    expect(damaged.read().theme).toBe("system");
    expect(damaged.notices).toEqual([{ code: "preferences-damaged", params: {} }]);
    expect(readFileSync(join(folder, "preferences.corrupt"), "utf8")).toBe("rubbish");
    await damaged.change({ theme: "light" });
    expect(damaged.notices).toEqual([]);
  });
});
