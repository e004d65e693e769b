/**
 * The packages for servers as a person gets them: each into an empty folder, the program then run from there with an empty home
 * directory and nothing of this process's environment.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { packDeb, packTarball, serverTree, type ServerTree } from "../../build/packaging/server.ts";
import { differences, digestsBelow } from "../../build/packaging/tree.ts";
import { isAlive } from "../../main/app/published.ts";
import type { Binaries } from "../../main/xray/binaries.ts";
import { PACKING_MS_MAX, whyNoPackage } from "./built.fixture.ts";

const reason = process.platform === "linux" ? whyNoPackage() : "packages for servers are made on Linux";
/** Compression takes most of the time, and is not what is tested. */
const LEVEL = 0;
const EPOCH = 1_700_000_000;
const WINDOWS = 2;

const folder = mkdtempSync(join(tmpdir(), "montana-server-"));
const home = join(folder, "home");
const environment = { HOME: home, PATH: "/usr/bin:/bin" };

/** What a program prints; rejects with its standard error where it fails. */
async function run(program: string, ...words: string[]): Promise<string> {
  return (await promisify(execFile)(program, words, { env: environment, cwd: folder })).stdout;
}

describe.skipIf(reason !== undefined)(
  `packages for servers${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    let tree: ServerTree;
    let prefix: string;
    let montana: string;

    beforeAll(() => {
      tree = serverTree();
      const archive = packTarball(tree, { folder, level: LEVEL, epoch: EPOCH });
      mkdirSync(home);
      prefix = join(folder, "prefix");
      mkdirSync(prefix);
      execFileSync("tar", ["-C", prefix, "--strip-components=1", "-xf", archive]);
      montana = join(prefix, "bin", "montana");
    }, PACKING_MS_MAX);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("the tarball's program says its version, also through a link", async () => {
      const { version } = JSON.parse(readFileSync(join(prefix, "lib/montana/app/package.json"), "utf8")) as {
        readonly version: string;
      };
      const link = join(folder, "montana");
      symlinkSync(montana, link);
      expect(await run(link, "--version")).toBe(`montana ${version}\n`);
      expect(JSON.parse(await run(montana, "version", "--json"))).toMatchObject({
        version,
        node: expect.stringMatching(/^24\./) as string,
      });
    });

    test("its node decides windows with the Rust add-on, its host in the background shows the page, and both end cleanly", async () => {
      const passphrase = join(folder, "passphrase");
      writeFileSync(passphrase, "correct horse battery\n", { mode: 0o600 });
      await run(montana, "init", "--machine-key", "file", "--passphrase-file", passphrase);
      const { url } = JSON.parse(await run(montana, "open", "--print", "--json", "--network", "solo")) as {
        readonly url: string;
      };
      interface Status {
        readonly pid: number;
        readonly window: number | null;
      }
      const status = async (): Promise<Status> => JSON.parse(await run(montana, "status", "--json")) as Status;
      let now = await status();
      try {
        for (; (now.window ?? 0) < WINDOWS; now = await status()) await wait(200);
        const page = await fetch(url);
        expect(page.status).toBe(200);
        expect(await page.text()).toContain('<div id="page">');
      } finally {
        await run(montana, "stop");
      }
      expect(isAlive(now.pid)).toBe(false);
      const log = readFileSync(join(home, ".local", "share", "montana", "host.log"), "utf8");
      expect(log).toContain("Rust cryptography");
      expect(log).toContain("host stopped");
    });

    test("its tunnel engine and the engine's guard are found where they lie, and the engine answers", async () => {
      const app = join(prefix, "lib", "montana", "app");
      const script = `
      const { findBinaries } = await import("${app}/main/xray/binaries.js");
      console.log(JSON.stringify(findBinaries()));`;
      const node = join(prefix, "lib", "montana", "node");
      const binaries = JSON.parse(await run(node, "--input-type=module", "-e", script)) as Binaries;
      const native = join(prefix, "lib", "montana", "native");
      expect(binaries).toEqual({ xray: join(native, "xray"), guard: join(native, "montana-guard") });
      expect(await run(binaries.xray, "version")).toMatch(/^Xray 26\.3\.27 /);
    });

    test("the .deb holds the same below /usr, with units that start what it installs, and scripts that the shell reads", async () => {
      const archive = packDeb(tree, { folder, level: LEVEL, epoch: EPOCH });
      const root = join(folder, "root");
      execFileSync("dpkg-deb", ["-R", archive, root]);
      const differing = differences("the .deb", digestsBelow(prefix), digestsBelow(join(root, "usr")));
      expect(
        differing.filter((sentence) => !/another lib\/systemd\/system\/montana-[\w-]+\.service$/.test(sentence)),
      ).toEqual([]);
      expect(differing.length).toBeGreaterThan(0);
      const unit = readFileSync(join(root, "usr/lib/systemd/system/montana-exit.service"), "utf8");
      expect(unit).toContain("ExecStart=/usr/bin/montana start ");
      const control = readFileSync(join(root, "DEBIAN/control"), "utf8");
      expect(control).toMatch(/^Package: montana\nVersion: \d+\.\d+\.\d+\nArchitecture: (amd64|arm64)\n/);
      expect(control).toMatch(/^Depends: libc6 \(>= 2\.\d+\), libgcc-s1, libstdc\+\+6$/m);
      for (const script of ["postinst", "prerm", "postrm"]) execFileSync("sh", ["-n", join(root, "DEBIAN", script)]);
      expect(await run(join(root, "usr/bin/montana"), "--version")).toMatch(/^montana \d/);
    });

    test("their entries are sorted, of nobody, and of the source's time, so that the same source gives the same bytes", () => {
      const name = packed(".tar.gz");
      const lines = execFileSync("tar", ["--utc", "--numeric-owner", "--full-time", "-tvf", name], {
        encoding: "utf8",
      });
      const entries = lines.trimEnd().split("\n");
      const paths = entries.map((line) => line.split(/\s+/).slice(5).join(" "));
      expect(entries.filter((line) => !/^[-d]rw[x-]r-[x-]r-[x-] 0\/0 +\d+ 2023-11-14 22:13:20 /.test(line))).toEqual(
        [],
      );
      expect(paths.length).toBeGreaterThan(tree.size);
      const deb = execFileSync("dpkg-deb", ["-c", packed(".deb")], { encoding: "utf8" })
        .trimEnd()
        .split("\n");
      expect(deb.filter((line) => !/^[-d]rw[x-]r-[x-]r-[x-] root\/root +\d+ 2023-11-14 22:13 /.test(line))).toEqual([]);
    });
  },
);

const packed = (ending: string): string =>
  join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(ending))!,
  );
