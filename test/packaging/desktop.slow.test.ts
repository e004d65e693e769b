/**
 * `npm run pack:check` on the real program: electron-builder packs it as electron-builder.yml says (with a stand-in where Electron's
 * binary is not here), and what it made is compared with what the program uses.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { createPackageWithOptions, extractAll } from "@electron/asar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  checkResources,
  desktopTree,
  findElectron,
  packUnpacked,
  RESOURCES_BYTES_MAX,
  runBuilder,
  writeDesktop,
  type DesktopTree,
} from "../../build/packaging/desktop.ts";
import { ROOT } from "../../build/packaging/tree.ts";
import { PACKING_MS_MAX, whyNoPackage } from "./built.fixture.ts";

const isPackable = process.platform === "linux" || findElectron() !== undefined;
const reason = isPackable ? whyNoPackage() : "Electron's binary is not here, and a stand-in is made on Linux alone";

const folder = mkdtempSync(join(tmpdir(), "montana-desktop-"));
const extracted = join(folder, "app");

describe.skipIf(reason !== undefined)(`the package${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  let expected: DesktopTree;
  let resources: string;

  beforeAll(() => {
    expected = desktopTree();
    writeDesktop(expected, join(ROOT, "dist", "package", "desktop"));
    resources = packUnpacked(join(folder, "packed"));
    extractAll(join(resources, "app.asar"), extracted);
    cpSync(join(resources, "native"), join(folder, "native"), { recursive: true });
  }, PACKING_MS_MAX);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("holds what the program uses, and nothing else", () => {
    expect(checkResources(expected, resources)).toEqual([]);
    // Of what is in the repository's own folders.
    const paths = [...expected.asar.keys()];
    expect(paths.filter((path) => /\.(test|fixture)\.|\.ts$|\.map$|(^|\/)(typescript|electron)\//.test(path))).toEqual(
      [],
    );
    for (const path of ["main/app/shell/main.js", "main/node/state/worker.js", "dist/preload/preload.cjs"])
      expect(paths).toContain(path);
    expect([...expected.unpacked]).toEqual([
      expect.stringMatching(/^node_modules\/@napi-rs\/keyring-[^/]+\/.*\.node$/),
    ]);
  });

  test("starts: what Electron runs first loads all it needs, and is the command line where it is asked to be", async () => {
    // Stands for Electron's own module, of which the command line uses nothing.
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ resolve: (name, context, next) => name === "electron"
        ? { url: "data:text/javascript,export default {}", shortCircuit: true } : next(name, context) });`;
    const words = [
      ...["--import", `data:text/javascript,${encodeURIComponent(hook)}`],
      ...[join(extracted, "main", "app", "shell", "main.js"), "--command-line", "version", "--json"],
    ];
    const home = { HOME: folder, PATH: "/usr/bin:/bin" };
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: folder, env: home });
    expect(JSON.parse(stdout)).toMatchObject({ version: /"version": "(.*)"/.exec(packageJson())?.[1] });
  });

  test("fails the check where a file is surplus, missing or another one, in the asar or beside it, or it is too large", async () => {
    writeFileSync(join(extracted, "main", "left.js"), "export {};\n");
    writeFileSync(join(extracted, "package.json"), "{}");
    rmSync(join(extracted, "main", "app", "version.js"));
    await createPackageWithOptions(extracted, join(resources, "app.asar"), { unpack: "**/*.node" });
    writeFileSync(join(resources, "native", "left"), "");
    truncateSync(join(resources, "native", "left"), RESOURCES_BYTES_MAX);
    rmSync(join(resources, "licences", "LICENSE-MIT"));
    const wrong = checkResources(expected, resources);
    expect(wrong.slice(0, -1)).toEqual([
      "app.asar misses main/app/version.js",
      "app.asar has another package.json",
      "app.asar holds main/left.js, which nothing uses",
      "the folder of resources misses licences/LICENSE-MIT",
      "the folder of resources holds native/left, which nothing uses",
    ]);
    expect(wrong.at(-1)).toMatch(/^the package without Electron has \d+ bytes, more than \d+$/);
  });

  test("is not made where electron-builder's own schema refuses the configuration", () => {
    expect(runBuilder(["--dir"], { "mac.hardenedRuntimes": "true" }, "ignore")).not.toBe(0);
  });

  const packageJson = (): string => {
    const content = expected.asar.get("package.json")!;
    return "text" in content ? content.text.toString() : "";
  };
});
