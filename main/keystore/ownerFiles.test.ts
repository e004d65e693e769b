import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

import { createIdentity } from "./create.ts";
import { CURRENT, PREVIOUS } from "./generations.ts";
import { IdentityStore } from "./identityStore.ts";
import { codesIn, contextAt, errorOf, freshPath, quietly, utf8 } from "./keystore.fixture.ts";
import { prepareDirectory, readOwnerFile, removeTemporaries, writeOwnerFile } from "./ownerFiles.ts";

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe.skipIf(process.platform === "win32")("permissions", () => {
  test("that are too open are named and closed at every opening", async () => {
    const directory = await freshPath();
    await createIdentity(contextAt(directory), { mode: "ephemeral", ...quietly() });
    const machine = (await readdir(directory)).find((name) => name.startsWith("machine-"))!;
    await chmod(directory, 0o755);
    await chmod(join(directory, CURRENT), 0o644);
    await chmod(join(directory, PREVIOUS), 0o660);

    const { warnings } = await IdentityStore.open(contextAt(directory));
    expect(codesIn(warnings)).toEqual(["permissions-repaired", "permissions-repaired", "permissions-repaired"]);
    expect(warnings.map(({ params }) => [params["file"], params["mode"]])).toEqual([
      ["identity", "755"],
      [CURRENT, "644"],
      [PREVIOUS, "660"],
    ]);
    expect(await modeOf(directory)).toBe("700");
    expect([await modeOf(join(directory, CURRENT)), await modeOf(join(directory, PREVIOUS))]).toEqual(["600", "600"]);
    expect((await IdentityStore.open(contextAt(directory))).warnings).toEqual([]);

    await chmod(join(directory, machine), 0o604);
    (await (await IdentityStore.open(contextAt(directory))).openNodeSigner()).close();
    expect(await modeOf(join(directory, machine))).toBe("600");
  });

  test("of a directory that is there already are closed before anything is written", async () => {
    const directory = await freshPath();
    await mkdir(directory, { mode: 0o755 });
    expect(codesIn(await prepareDirectory(directory))).toEqual(["permissions-repaired"]);
    expect(await modeOf(directory)).toBe("700");
    const deep = join(directory, "a", "b");
    expect(await prepareDirectory(deep)).toEqual([]);
    expect([await modeOf(deep), await modeOf(dirname(deep))]).toEqual(["700", "700"]);
  });

  test("do not follow a link to somebody else's file", async () => {
    const path = await freshPath("secret");
    await writeFile(`${path}.target`, "x", { mode: 0o644 });
    await symlink(`${path}.target`, path);
    expect((await errorOf(() => readOwnerFile(path, 10))).params["errno"]).toBe("ELOOP");
    expect(await modeOf(`${path}.target`)).toBe("644");
    await writeOwnerFile(path, utf8("new"));
    expect(await readFile(`${path}.target`, "utf8")).toBe("x");
    expect(await readFile(path, "utf8")).toBe("new");
  });
});

describe("an owner's file", () => {
  test("is replaced as a whole, and scrubbing the old one does not touch the new one", async () => {
    const path = await freshPath("secret");
    expect(await readOwnerFile(path, 10)).toBeUndefined();
    for (const scrubsOld of [false, true, true]) {
      const content = utf8(scrubsOld ? "longer content" : "content");
      await writeOwnerFile(path, content, { scrubsOld });
      expect((await readOwnerFile(path, 20))?.bytes).toEqual(content);
    }
    expect(await readdir(dirname(path))).toEqual(["secret"]);
  });

  test("that is too large, or a directory, is named damaged", async () => {
    const path = await freshPath("secret");
    await writeOwnerFile(path, new Uint8Array(11));
    expect((await errorOf(() => readOwnerFile(path, 10))).code).toBe("key-file-damaged");
    expect((await errorOf(() => readOwnerFile(dirname(path), 10))).code).toBe("key-file-damaged");
  });

  test("that cannot be written is an error with the system's reason, and nothing stays behind", async () => {
    const path = await freshPath("directory");
    await mkdir(join(path, "full"), { recursive: true });
    const { code, params } = await errorOf(() => writeOwnerFile(path, utf8("x")));
    expect([code, params["operation"]]).toEqual(["file-failed", "write"]);
    expect(await readdir(dirname(path))).toEqual(["directory"]);
    expect((await errorOf(() => writeOwnerFile(join(path, "none", "x"), utf8("x")))).params["errno"]).toBe("ENOENT");
  });

  test("that a killed writer left half written is removed, others are not", async () => {
    const path = await freshPath("identity.key");
    await writeFile(`${path}.0123456789abcdef.new`, "half");
    await writeFile(`${path}.new`, "mine");
    await removeTemporaries(dirname(path));
    expect(await readdir(dirname(path))).toEqual(["identity.key.new"]);
  });
});
