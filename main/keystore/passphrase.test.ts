import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { toHex } from "../protocol/bytes.ts";
import { codeOf, codesIn, errorOf, freshPath, utf8 } from "./keystore.fixture.ts";
import { findPassphrase, normalizeNewPassphrase, normalizePassphrase } from "./passphrase.ts";
import { promptPassphrase, type Terminal } from "./terminal.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const CHILD = fileURLToPath(new URL("keystore.child.fixture.ts", import.meta.url));

describe("a passphrase", () => {
  test("has at least 8 characters, however many bytes they take", async () => {
    expect(text(normalizeNewPassphrase(utf8("12345678")))).toBe("12345678");
    expect(await codeOf(() => normalizeNewPassphrase(utf8("ööööööö")))).toBe("passphrase-too-short");
    expect(text(normalizeNewPassphrase(utf8("öööööööö")))).toBe("öööööööö");
    expect((await errorOf(() => normalizeNewPassphrase(utf8("1234567")))).params).toEqual({ characters: 7, min: 8 });
  });

  test("has at most 1,024 bytes, is text and one line", async () => {
    expect(normalizePassphrase(new Uint8Array(1024).fill(65))).toHaveLength(1024);
    expect(await codeOf(() => normalizePassphrase(new Uint8Array(1025).fill(65)))).toBe("passphrase-too-long");
    for (const bad of [utf8("one\ntwo"), utf8("one\rtwo"), utf8("one\0two"), new Uint8Array([65, 0xff])]) {
      expect(await codeOf(() => normalizePassphrase(bad))).toBe("passphrase-not-one-line");
    }
  });

  test("is copied, also out of a Node buffer", () => {
    const buffer = Buffer.from("correct horse");
    normalizePassphrase(buffer).fill(0);
    expect(buffer.toString()).toBe("correct horse");
  });
});

describe("without a window to type it into", () => {
  const request = { environment: {}, prompt: "" };

  test.each([
    ["secret line", "secret line"],
    ["secret line\n", "secret line"],
    ["secret line\r\n", "secret line"],
    ["secret line\n\n", "secret line\n"],
    ["", ""],
  ])("the passphrase is what the file %j holds but its line end", async (content, passphrase) => {
    const file = await freshPath("passphrase");
    await writeFile(file, content, { mode: 0o600 });
    const found = await findPassphrase({ ...request, file });
    expect([text(found.passphrase), found.source, found.warnings]).toEqual([passphrase, "file", []]);
  });

  test.skipIf(process.platform === "win32")("a file that others can read is told", async () => {
    const file = await freshPath("passphrase");
    await writeFile(file, "secret line", { mode: 0o644 });
    const { warnings } = await findPassphrase({ ...request, file });
    expect(codesIn(warnings)).toEqual(["passphrase-file-open"]);
  });

  test("a file that is too long keeps too many bytes to be accepted, one that is not there is named", async () => {
    const file = await freshPath("passphrase");
    await writeFile(file, "x".repeat(100_000), { mode: 0o600 });
    const { passphrase } = await findPassphrase({ ...request, file });
    expect(await codeOf(() => normalizePassphrase(passphrase))).toBe("passphrase-too-long");
    const missing = await errorOf(() => findPassphrase({ ...request, file: `${file}.none` }));
    expect([missing.code, missing.params["errno"]]).toEqual(["file-failed", "ENOENT"]);
  });

  test("the variable is taken and deleted, also when a file goes before it", async () => {
    const environment = { MONTANA_PASSPHRASE: "from the variable", OTHER: "x" };
    const { passphrase, source } = await findPassphrase({ ...request, environment });
    expect([text(passphrase), source]).toEqual(["from the variable", "variable"]);
    expect(environment).toEqual({ OTHER: "x" });

    const file = await freshPath("passphrase");
    await writeFile(file, "from the file", { mode: 0o600 });
    const both = { MONTANA_PASSPHRASE: "from the variable" };
    expect(text((await findPassphrase({ ...request, environment: both, file })).passphrase)).toBe("from the file");
    expect(both).toEqual({});
  });

  test("the systemd credential is read from the service's own directory", async () => {
    const directory = await freshPath("credentials");
    await mkdir(directory);
    await writeFile(join(directory, "montana-passphrase"), "from systemd\n");
    const environment = { CREDENTIALS_DIRECTORY: directory };
    const { passphrase, source } = await findPassphrase({ ...request, environment });
    expect([text(passphrase), source]).toEqual(["from systemd", "credential"]);
  });

  test("and without any of them, the error says which there are", async () => {
    const environment = { MONTANA_PASSPHRASE: "", CREDENTIALS_DIRECTORY: dirname(await freshPath()) };
    const { code, params } = await errorOf(() => findPassphrase({ ...request, environment }));
    expect([code, params]).toEqual([
      "passphrase-needed",
      { option: "--passphrase-file", variable: "MONTANA_PASSPHRASE", credential: "montana-passphrase" },
    ]);
  });

  test("a process whose input is no terminal asks nobody, and drops the variable from its environment", () => {
    const run = (environment: NodeJS.ProcessEnv): string =>
      spawnSync(process.execPath, [CHILD, "ask"], { input: "typed\n", env: environment, encoding: "utf8" }).stdout;
    const environment = { PATH: process.env["PATH"] };
    expect(run(environment)).toBe("failed passphrase-needed\n");
    expect(run({ ...environment, MONTANA_PASSPHRASE: "given so" })).toBe(
      `got variable ${toHex(utf8("given so"))} undefined\n`,
    );
  });
});

describe("at a terminal", () => {
  /** Streams that stand in for a terminal's: keys in, what is shown out. */
  function streams(): {
    terminal: Terminal;
    type: (keys: string | Uint8Array) => void;
    end: () => void;
    shown: () => string;
    raw: boolean[];
  } {
    const input = new PassThrough();
    const raw: boolean[] = [];
    let shown = "";
    const terminal = {
      input: Object.assign(input, { setRawMode: (isRaw: boolean) => raw.push(isRaw) }),
      output: { write: (output: string) => (shown += output) },
    };
    return { terminal, type: (keys) => input.write(keys), end: () => input.end(), shown: () => shown, raw };
  }

  test.each([
    ["plain words\r", "plain words"],
    ["teh\x7f\x7fhe\n", "the"],
    ["grüße\x7f\x7f\x7fün\r", "grün"],
    ["wrong\x15right\r", "right"],
    ["\x7f\x08ok\r", "ok"],
    ["\r", ""],
    ["a\x04b\r", "ab"],
  ])("the keys %j make %j", async (keys, passphrase) => {
    const { terminal, type, shown, raw } = streams();
    const typed = promptPassphrase(terminal, "Passphrase: ");
    for (const byte of Buffer.from(keys)) type(new Uint8Array([byte]));
    expect(text(await typed)).toBe(passphrase);
    expect([shown(), raw]).toEqual(["Passphrase: \n", [true, false]]);
  });

  test.each(["\x03", "abc\x03", "\x04"])("the keys %j give up", async (keys) => {
    const { terminal, type, raw } = streams();
    type(keys);
    expect(await codeOf(() => promptPassphrase(terminal, "?"))).toBe("passphrase-cancelled");
    expect(raw).toEqual([true, false]);
  });

  test("the end of the input gives up", async () => {
    const { terminal, end } = streams();
    end();
    expect(await codeOf(() => promptPassphrase(terminal, "?"))).toBe("passphrase-cancelled");
  });

  test("a new one is typed twice, and both entries may come at once", async () => {
    const { terminal, type } = streams();
    type("the same\rthe same\r");
    expect(text(await promptPassphrase(terminal, "1", "2"))).toBe("the same");
    type("this one\rthat one\r");
    expect(await codeOf(() => promptPassphrase(terminal, "1", "2"))).toBe("passphrases-differ");
  });

  // By its path: it comes with the system, not with a package.
  const SCRIPT = "/usr/bin/script";
  const hasScript = process.platform === "linux" && existsSync(SCRIPT);
  test.runIf(hasScript)("a real one shows nothing of what is typed (needs script of util-linux)", async () => {
    const command = `'${process.execPath}' '${CHILD}' ask twice`;
    const child = spawn(SCRIPT, ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, MONTANA_PASSPHRASE: "" },
    });
    let shown = "";
    const until = async (prompt: string): Promise<void> => {
      while (!shown.includes(prompt)) shown += String((await once(child.stdout, "data"))[0]);
    };
    await until("Passphrase: ");
    child.stdin.write("typed at it\r");
    await until("Again: ");
    child.stdin.write("typed at it\r");
    await until("undefined");
    child.stdin.end();
    await once(child, "exit");
    expect(shown.replaceAll("\r", "")).toBe(
      `Passphrase: \nAgain: \ngot terminal ${toHex(utf8("typed at it"))} undefined\n`,
    );
  });
});
