/** The command line: identities, where a passphrase comes from, and what scripts rely on. */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { PASSPHRASE, Playground } from "./cli.fixture.ts";
import { createCommands } from "./cli/commands.ts";
import { runCommandLine } from "./cli/run.ts";

let playground: Playground;
beforeAll(async () => {
  playground = await Playground.make();
});
afterAll(() => playground.remove());

const inFile = (): string[] => ["--passphrase-file", playground.passphraseFile, "--machine-key", "file"];
const open = (): string[] => ["--passphrase-file", playground.passphraseFile];
const elsewhere = (name: string): NodeJS.ProcessEnv => ({ MONTANA_DATA_DIR: join(playground.folder, name) });

describe("an identity", () => {
  let words: string[];
  let address: string;
  beforeAll(async () => {
    const made = await playground.run(["init", "--json", "--show-words", ...inFile()]);
    ({ words, address } = made.json() as { words: string[]; address: string });
  });

  it("shows its names to everybody, and its words for the passphrase", async () => {
    expect(words).toHaveLength(24);
    expect((await playground.run(["inspect", "--json"])).json()).toMatchObject({ address });
    const shown = await playground.run(["export", "--words", "--json", ...open()]);
    expect(shown.json()).toEqual({ words });
  });

  it("is not overwritten", async () => {
    const again = await playground.run(["init", "--json", ...inFile()]);
    expect([again.code, again.json()]).toMatchObject([1, { error: { code: "identity-exists" } }]);
  });

  it("comes back from its words on another machine", async () => {
    const more = { stdin: words.join("\n"), environment: elsewhere("restored") };
    const restored = await playground.run(["restore", "--json", ...inFile()], more);
    expect(restored.json()).toMatchObject({ address });
  });

  it("goes to the reference node and back", async () => {
    const file = join(playground.folder, "identity.bin");
    const exported = await playground.run(["export", "identity.bin", "--json", ...open()]);
    expect(exported.json()).toEqual({ file: "identity.bin" });
    expect((await readFile(file)).length).toBeGreaterThan(64);
    const twice = await playground.run(["export", "identity.bin", "--json", ...open()]);
    expect(twice.json()).toMatchObject({ error: { params: { errno: "EEXIST" } } });
    const environment = elsewhere("imported");
    const taken = await playground.run(["import", playground.folder, "--json", ...inFile()], { environment });
    expect(taken.json()).toMatchObject({ address });
  });

  it("without words says so", async () => {
    const environment = elsewhere("ephemeral");
    await playground.run(["init", "--ephemeral", ...inFile()], { environment });
    const shown = await playground.run(["export", "--words", "--json", ...open()], { environment });
    expect(shown.json()).toMatchObject({ error: { code: "words-unknown", params: { reason: "ephemeral" } } });
  });

  it("is not made of wrong words or of none", async () => {
    const environment = elsewhere("wrong");
    const wrong = await playground.run(["restore", "--json", ...inFile()], {
      stdin: "abandon ".repeat(24),
      environment,
    });
    expect(wrong.json()).toMatchObject({ error: { code: "checksum-mismatch" } });
    const none = await playground.run(["restore", "--json", ...inFile()], { environment });
    expect(none.json()).toMatchObject({ error: { code: "words-needed" } });
  });
});

describe("a passphrase", () => {
  let home = 0;
  const init = (environment: NodeJS.ProcessEnv, ...words: string[]) =>
    playground.run(["init", "--json", "--machine-key", "file", ...words], {
      environment: { ...elsewhere(`home-${++home}`), ...environment },
    });

  it("comes from the variable, and the file goes before it", async () => {
    await writeFile(join(playground.folder, "short"), "short");
    const fromFile = await init({ MONTANA_PASSPHRASE: PASSPHRASE }, "--passphrase-file", "short");
    expect([fromFile.code, fromFile.json()]).toMatchObject([5, { error: { code: "passphrase-too-short" } }]);
    expect((await init({ MONTANA_PASSPHRASE: PASSPHRASE })).code).toBe(0);
  });

  it("comes from a systemd credential", async () => {
    await writeFile(join(playground.folder, "montana-passphrase"), PASSPHRASE, { mode: 0o600 });
    expect((await init({ CREDENTIALS_DIRECTORY: playground.folder })).code).toBe(0);
  });

  it("is asked for with the remedy where there is none and no terminal", async () => {
    const ended = await init({});
    expect([ended.code, ended.json()]).toMatchObject([
      5,
      { error: { code: "passphrase-needed", remedy: expect.stringMatching(/--passphrase-file/) as string } },
    ]);
  });

  it("in a file that others can read is used with a warning", async () => {
    const file = join(playground.folder, "open");
    await writeFile(file, PASSPHRASE, { mode: 0o644 });
    const words = ["init", "--machine-key", "file", "--passphrase-file", file];
    const ended = await playground.run(words, { environment: elsewhere("warned") });
    expect(ended.code).toBe(0);
    expect(ended.err).toContain(`chmod 600 ${file}`);
  });
});

describe("what scripts rely on", () => {
  /** Without a process of its own: nothing here touches a host or an identity. */
  const runHere = async (...words: string[]) => {
    let out = "";
    let err = "";
    const code = await runCommandLine(createCommands(undefined), words, {
      out: (text) => (out += text),
      err: (text) => (err += text),
    });
    return { code, out, err };
  };

  it("one JSON document on standard output for success and failure, options before or after the command", async () => {
    const version = await playground.run(["--json", "version"]);
    expect([version.code, version.json()]).toMatchObject([0, { apiVersion: 1 }]);
    const failed = await playground.run(["--json", "--data-dir", "nowhere", "status"]);
    expect([failed.code, failed.json(), failed.err]).toMatchObject([3, { error: { code: "host-not-running" } }, ""]);
  });

  it("no stack trace for what a person did wrong, and a remedy instead", async () => {
    for (const words of [
      "nope",
      "status --nope",
      "send",
      "anchor burn",
      "start --profile x",
      "restore abandon about",
    ]) {
      const { code, out, err } = await runHere(...words.split(" "));
      expect([words, code, out]).toEqual([words, 2, ""]);
      expect(err).toMatch(/^montana: .+\n.*montana help/);
      expect(err).not.toMatch(/ {4}at /);
    }
  });

  it("help for every command", async () => {
    const { out } = await runHere("help");
    const names = [...out.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name ?? "");
    for (const name of ["init", "start", "send", "request", "backup", "bench", "completion", "help"]) {
      expect(names).toContain(name);
      expect((await runHere("help", name)).out).toContain(`usage: montana ${name}`);
    }
    expect((await runHere("restore", "--help")).out).toContain("--words-file FILE");
  });

  it("completion that the shells accept", async () => {
    const complete = async (...line: string[]) => {
      const script = `${(await runHere("completion", "bash")).out}
COMP_WORDS=(montana ${line.join(" ")}); COMP_CWORD=${line.length}; _montana; echo "\${COMPREPLY[@]}"`;
      return execFileSync("bash", ["-c", script], { encoding: "utf8", cwd: playground.folder }).trim();
    };
    expect(await complete("anchor", "writ")).toBe("write");
    expect(await complete("ini")).toBe("init");
    expect(await complete("start", "--profile", "r")).toBe("rc1");
    expect(await complete("restore", "--words")).toBe("--words-file");
    for (const shell of ["zsh", "fish"]) expect((await runHere("completion", shell)).out).toContain("words-file");
  });

  it("figures of this computer", async () => {
    expect(JSON.parse((await runHere("bench", "--json")).out)).toMatchObject({
      hashesPerSecond: expect.any(Number) as number,
      canMeetDeadline: expect.any(Boolean) as boolean,
    });
  });
});
