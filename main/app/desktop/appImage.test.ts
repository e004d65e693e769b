import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { readableByRoot } from "./appImage.ts";

const mount = mkdtempSync(join(tmpdir(), "montana-mount-"));
const native = join(mount, "resources", "native");
mkdirSync(native, { recursive: true });
writeFileSync(join(native, "montana-helper"), "#!/bin/sh\n", { mode: 0o755 });
afterAll(() => rmSync(mount, { recursive: true }));

describe("what an administrator's process is to read", () => {
  test("is copied out of an AppImage's mount, with its rights, until it is done", async () => {
    const { folder, remove } = await readableByRoot(native, mount);
    const copy = join(folder, "montana-helper");
    expect(folder.startsWith(mount)).toBe(false);
    expect(readFileSync(copy, "utf8")).toBe("#!/bin/sh\n");
    expect(statSync(copy).mode & 0o777).toBe(0o755);
    await remove();
    expect(existsSync(folder)).toBe(false);
  });

  test.each([undefined, "", `${mount}-of-another`])("stays where it is where that is no mount (%s)", async (place) => {
    const { folder, remove } = await readableByRoot(native, place);
    expect(folder).toBe(native);
    await remove();
    expect(existsSync(native)).toBe(true);
  });
});
