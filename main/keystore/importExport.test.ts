import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { fromHex, sized, toHex } from "../protocol/bytes.ts";
import { encodeMnemonic } from "../protocol/identity/mnemonic.ts";
import { importIdentity, restoreIdentity } from "./create.ts";
import { IdentityStore } from "./identityStore.ts";
import {
  codeOf,
  contextAt,
  crypto,
  errorOf,
  freshPath,
  PASSPHRASE,
  programContextAt,
  quietly,
  utf8,
} from "./keystore.fixture.ts";

interface Case {
  readonly name: string;
  readonly input: {
    readonly op: "save" | "load";
    readonly entropy: string;
    readonly mode: "recoverable" | "ephemeral";
  };
  readonly expect: Readonly<Record<string, string | number>>;
}
const vectors = new URL("../../test/conformance/vectors/01-crypto/identity-file.json", import.meta.url);
const { cases } = JSON.parse(await readFile(vectors, "utf8")) as { cases: readonly Case[] };
const saved = cases.filter(({ input }) => input.op === "save");
const loaded = cases.find(({ name }) => name === "load-v1")!;

async function restored(entropy: string, mode: "recoverable" | "ephemeral"): Promise<IdentityStore> {
  const phrase = utf8(encodeMnemonic(crypto, sized(fromHex(entropy)!, 32)));
  return restoreIdentity(programContextAt(await freshPath()), { mode, phrase, ...quietly() });
}

const digestOf = async (path: string): Promise<string> => toHex(crypto.sha256(await readFile(path)));

describe("identity.bin of the reference node", () => {
  test.each(saved)("is written as the vector says: $name", async ({ input, expect: expected }) => {
    const store = await restored(input.entropy, input.mode);
    const path = await freshPath("identity.bin");
    await store.exportIdentityFile(PASSPHRASE, path);
    const written = await readFile(path);
    expect([written.length, toHex(crypto.sha256(written)), toHex(written.subarray(0, 11))]).toEqual([
      expected["size"],
      expected["sha256"],
      expected["header"],
    ]);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("is read back in both versions, with the names of the vector, and written again as it was", async () => {
    const whole = await restored(loaded.input.entropy, "recoverable");
    const paths = { recoverable: await freshPath("v1.bin"), ephemeral: await freshPath("v2.bin") };
    for (const form of ["recoverable", "ephemeral"] as const) {
      await whole.exportIdentityFile(PASSPHRASE, paths[form], { form });
      const context = contextAt(await freshPath());
      const imported = await importIdentity(context, { path: paths[form], ...quietly() });
      expect([imported.summary.mode, imported.summary.hasWords]).toEqual([form, false]);
      expect([toHex(imported.summary.accountId), toHex(imported.summary.nodeId)]).toEqual([
        loaded.expect["account_id"],
        loaded.expect["node_id"],
      ]);
      expect(imported.summary.provenance).toMatchObject({ origin: "imported", isRestoredOrCopied: true });

      const again = await IdentityStore.open(context);
      const signer = await again.openNodeSigner();
      const account = await again.unlock(PASSPHRASE);
      expect(account.nodeAccount.signScope(utf8("x"))).toEqual(signer.signScope(utf8("x")));
      expect((await errorOf(() => again.showWords(PASSPHRASE))).params["reason"]).toBe(
        form === "recoverable" ? "imported" : "ephemeral",
      );

      const back = await freshPath("back.bin");
      await again.exportIdentityFile(PASSPHRASE, back);
      expect(await digestOf(back)).toBe(await digestOf(paths[form]));
    }

    // An imported version 1 can be made ephemeral; version 2 has no way back.
    const first = await importIdentity(contextAt(await freshPath()), { path: paths.recoverable, ...quietly() });
    await first.makeEphemeral(PASSPHRASE);
    await first.exportIdentityFile(PASSPHRASE, paths.ephemeral, { overwrites: true });
    const path = await freshPath("v1.bin");
    expect(await codeOf(() => first.exportIdentityFile(PASSPHRASE, path, { form: "recoverable" }))).toBe(
      "not-recoverable",
    );
    const v2 = saved.find(({ input }) => input.mode === "ephemeral" && input.entropy === loaded.input.entropy)!;
    expect(await digestOf(paths.ephemeral)).toBe(v2.expect["sha256"]);
  });

  test("is refused where its keys do not belong together, where it is malformed and where it is not", async () => {
    const store = await restored(loaded.input.entropy, "recoverable");
    const path = await freshPath("identity.bin");
    await store.exportIdentityFile(PASSPHRASE, path);
    const whole = Uint8Array.from(await readFile(path));
    const faults: [Uint8Array, string, string?][] = [
      [whole.with(75, whole[75]! ^ 1), "identity-keys-mismatch", "account"],
      [whole.with(8011 + 200, whole[8011 + 200]! ^ 1), "identity-keys-mismatch", "node"],
      [whole.with(15_626, whole[15_626]! ^ 1), "identity-keys-mismatch", "appKem"],
      [whole.with(0, 0), "invalid-magic"],
      [whole.with(8, 3), "unsupported-version"],
      [whole.with(9, 2), "unsupported-suite"],
      [whole.subarray(0, -1), "corrupted-size"],
      [new Uint8Array(20_000).fill(7).with(0, 0x6d), "invalid-magic"],
      [new Uint8Array(), "corrupted-size"],
    ];
    for (const [content, code, key] of faults) {
      await writeFile(path, content);
      const directory = await freshPath();
      const error = await errorOf(() => importIdentity(contextAt(directory), { path, ...quietly() }));
      expect([error.code, error.params["key"]]).toEqual([code, key]);
      expect(await codeOf(() => IdentityStore.open(contextAt(directory)))).toBe("identity-missing");
    }
    const none = { path: `${path}.none`, ...quietly() };
    const context = contextAt(await freshPath());
    expect((await errorOf(() => importIdentity(context, none))).params["errno"]).toBe("ENOENT");
  });

  test("is not written over another file, and leaves nothing beside it", async () => {
    const store = await restored(loaded.input.entropy, "ephemeral");
    const path = await freshPath("identity.bin");
    await writeFile(path, "mine");
    expect((await errorOf(() => store.exportIdentityFile(PASSPHRASE, path))).params["errno"]).toBe("EEXIST");
    expect(await codeOf(() => store.exportIdentityFile(utf8("wrong passphrase"), path, { overwrites: true }))).toBe(
      "wrong-passphrase",
    );
    expect(await readFile(path, "utf8")).toBe("mine");
    await store.exportIdentityFile(PASSPHRASE, path, { overwrites: true });
    expect(await readdir(join(path, ".."))).toEqual(["identity.bin"]);
  });
});
