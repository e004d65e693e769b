/** What the one door says where a machine lacks something: in a folder of its own, with an npm and a Node that are made for it. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readAudit } from "./npm.mjs";

describe.skipIf(process.platform === "win32")("a command on a machine that lacks something", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "run-"));
    for (const name of ["run.mjs", "native.mjs", "npm.mjs"]) {
      cpSync(join(import.meta.dirname, name), join(root, "build", "scripts", name));
    }
    write("package-lock.json", "{}");
    write("old.cjs", 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  /** What comes before the program's first line: no words of it are here. */
  function program(path: string, script: string): void {
    write(path, `#!/bin/sh\n${script}\n`);
    chmodSync(join(root, path), 0o755);
  }

  const install = (): void => program("bin/npm", "/bin/mkdir -p node_modules && : > node_modules/.package-lock.json");

  function run(...options: string[]): { readonly code: number | null; readonly said: string } {
    const words = [...options, join(root, "build", "scripts", "run.mjs"), "conformance"];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, {
      env: { PATH: join(root, "bin") },
      encoding: "utf8",
    });
    return { code: status, said: stdout + stderr };
  }
  const runOld = () => run("--require", join(root, "old.cjs"));

  test.for([
    ["ENOSPC", /The disk is full\. Make room/],
    ["EACCES", /This folder cannot be written\. Clone into/],
    ["EAI_AGAIN", /The registry was not reached\. Check the network connection/],
    ["EINTEGRITY", /not the one that is pinned\. Run npm cache clean/],
    ["EOTHER", /npm ci failed\. Check the network connection/],
  ] as const)("that npm calls %s is told what to do", ([code, remedy]) => {
    program("bin/npm", `echo "npm error code ${code}" >&2; exit 1`);
    const { code: ended, said } = run();
    expect(ended).toBe(1);
    expect(said).toMatch(remedy);
    // What npm said itself stands above it.
    expect(said).toContain(`npm error code ${code}`);
  });

  test("without npm is told that", () => {
    expect(run()).toMatchObject({ code: 1, said: expect.stringContaining("npm could not be started") as string });
  });

  test("with an older Node uses the one that came with the dependencies", () => {
    install();
    program(`node_modules/node-${process.platform}-${process.arch}/bin/node`, 'echo "brought along: $1"');
    expect(runOld()).toMatchObject({
      code: 0,
      said: expect.stringMatching(/brought along: test.conformance/) as string,
    });
  });

  test("with an older Node, and none that came along, is told which to install", () => {
    install();
    const { code, said } = runOld();
    expect(code).toBe(1);
    expect(said).toMatch(/Node 24 or newer is needed.*Install Node 24 and run the command again\./);
  });

  test("without cargo goes on, and is told what is slower", () => {
    install();
    expect(run().said).toContain("cargo is not installed; the program will use its slower JavaScript cryptography");
  });
});

test("an audit names what something is known of, and lets pass what is slight", () => {
  const known = { evil: { name: "evil", severity: "high" }, dull: { name: "dull", severity: "low" } };
  expect(readAudit(JSON.stringify({ vulnerabilities: known }))).toEqual({ known: ["evil (high)"] });
  expect(readAudit(JSON.stringify({ vulnerabilities: {} }))).toEqual({ known: [] });
});

test("an audit that nobody answers is skipped with the reason, which names no address", () => {
  const refused = {
    message: "405 Method Not Allowed - POST https://registry.example/-/npm/v1/security",
    statusCode: 405,
  };
  expect(readAudit(JSON.stringify(refused))).toEqual({ skipped: "405 Method Not Allowed" });
  expect(readAudit("")).toEqual({ skipped: "no answer" });
});
