import { spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { createIdentity } from "./create.ts";
import { CURRENT, PREVIOUS } from "./generations.ts";
import { IdentityStore } from "./identityStore.ts";
import { codeOf, contextAt, freshPath, OTHER_PASSPHRASE, PASSPHRASE, quietly } from "./keystore.fixture.ts";

const CHILD = fileURLToPath(new URL("keystore.child.fixture.ts", import.meta.url));

/** Lets a process rewrite the store and kills it somewhere in between. */
async function killWhile(task: string, parameters: readonly string[], withinMs: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, task, ...parameters], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error("the child ended before it was killed");
    }),
  ]);
  await after(randomInt(withinMs * 1000) / 1000);
  child.kill("SIGKILL");
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("killed at any moment of a rewriting, the store opens whole and leaves nothing behind", async () => {
  const directory = await freshPath();
  const { summary } = await createIdentity(contextAt(directory), { mode: "recoverable", ...quietly() });
  for (let round = 0; round < 12; round++) {
    await killWhile("rewrite", [directory], 60);
    const store = await IdentityStore.open(contextAt(directory));
    expect(store.warnings).toEqual([]);
    expect(store.summary.accountId).toEqual(summary.accountId);
    const signer = await store.openNodeSigner();
    expect(signer.nodeId).toEqual(summary.nodeId);
    signer.close();
    expect((await readdir(directory)).toSorted().slice(0, 2)).toEqual([CURRENT, PREVIOUS]);
    expect(await readdir(directory)).toHaveLength(3);
  }
  const store = await IdentityStore.open(contextAt(directory));
  (await store.unlock(PASSPHRASE)).lock();
});

test("killed at any moment of a change of passphrase, it opens to exactly one of the two", async () => {
  const directory = await freshPath();
  await createIdentity(contextAt(directory), { mode: "recoverable", ...quietly() });
  let [valid, other] = [PASSPHRASE, OTHER_PASSPHRASE];
  for (let round = 0; round < 4; round++) {
    await killWhile("rekey", [directory, text(valid), text(other)], 900);
    const store = await IdentityStore.open(contextAt(directory));
    expect(store.warnings).toEqual([]);
    const isFirst = await store.unlock(valid).then(
      (account) => {
        account.lock();
        return true;
      },
      () => false,
    );
    if (!isFirst) [valid, other] = [other, valid];
    (await store.unlock(valid)).lock();
    expect(await codeOf(() => store.unlock(other))).toBe("wrong-passphrase");
    (await store.openNodeSigner()).close();
  }
});

test.skipIf(process.platform === "win32")(
  "a disk that takes only a part of the new file leaves the old one",
  async () => {
    const directory = await freshPath();
    await createIdentity(contextAt(directory), { mode: "recoverable", ...quietly() });
    const before = await readFile(join(directory, CURRENT));
    const run = (limit: string): string => {
      const script = `${limit} "$0" "$1" tryRewrite "$2"`;
      return spawnSync("sh", ["-c", script, process.execPath, CHILD, directory], { encoding: "utf8" }).stdout;
    };
    // In blocks of 512 bytes, or 1,024: less than a key file either way.
    expect(run("ulimit -f 4;")).toBe("file-failed write EFBIG\n");
    expect(await readFile(join(directory, CURRENT))).toEqual(before);
    expect(await readdir(directory)).toHaveLength(3);
    expect((await IdentityStore.open(contextAt(directory))).warnings).toEqual([]);
    expect(run("")).toBe("rewritten\n");
  },
);
