import { cp, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { equalBytes, toHex } from "../protocol/bytes.ts";
import { encodeMnemonic } from "../protocol/identity/mnemonic.ts";
import { createIdentity, restoreIdentity } from "./create.ts";
import { CURRENT, PREVIOUS } from "./generations.ts";
import { IdentityStore, inspectIdentity } from "./identityStore.ts";
import { decodeKeyFile } from "./keyFile.ts";
import {
  bytesIn,
  codeOf,
  contextAt,
  crypto,
  freshPath,
  NOW_MS,
  OTHER_PASSPHRASE,
  PASSPHRASE,
  quietly,
  utf8,
} from "./keystore.fixture.ts";

/** One identity that the tests copy: making one takes the slow derivation. */
let original: string;
beforeAll(async () => {
  original = await freshPath();
  await createIdentity(contextAt(original), { mode: "recoverable", ...quietly() });
});

async function copied(): Promise<IdentityStore> {
  const directory = await freshPath();
  await cp(original, directory, { recursive: true });
  return IdentityStore.open(contextAt(directory));
}

/** A store in a directory of the test's own, whose path it needs. */
async function copiedAt(): Promise<{ store: IdentityStore; directory: string }> {
  const directory = await freshPath();
  await cp(original, directory, { recursive: true });
  return { store: await IdentityStore.open(contextAt(directory)), directory };
}

const scope = utf8("a scope to sign");

describe("an identity", () => {
  test("comes back with the same keys after the process that made it", async () => {
    const first = await IdentityStore.open(contextAt(original));
    const again = await IdentityStore.open(contextAt(original));
    expect(again.summary).toEqual(first.summary);
    expect(again.warnings).toEqual([]);

    const signer = await again.openNodeSigner();
    expect(crypto.mldsa65.verify(first.summary.nodePublicKey, scope, signer.signScope(scope))).toBe(true);
    const account = await again.unlock(PASSPHRASE);
    const signature = account.account.signScope(scope);
    expect(crypto.mldsa65.verify(first.summary.accountPublicKey, scope, signature)).toBe(true);
    expect(account.account.accountId).toEqual(first.summary.accountId);
    expect(account.nodeAccount.accountId).toEqual(first.summary.nodeAccountId);

    const { ciphertext, sharedSecret } = crypto.mlkem768.encapsulate(first.summary.appKemPublicKey, new Uint8Array(32));
    expect(account.decapsulate(ciphertext)).toEqual(sharedSecret);
  });

  test("tells its public facts without a secret and without touching the directory", async () => {
    const { summary } = await IdentityStore.open(contextAt(original));
    expect(summary.provenance).toEqual({
      origin: "created",
      createdAtMs: NOW_MS,
      changedMarks: [],
      isRestoredOrCopied: false,
    });
    expect(summary.address).toMatch(/^mt/);
    expect(summary.peerId).toMatch(/^Qm/);
    expect(summary.accountFingerprint).toHaveLength(6);
    expect([summary.mode, summary.hasWords, summary.areWordsConfirmed, summary.machineKey]).toEqual([
      "recoverable",
      true,
      false,
      "file",
    ]);
    const before = await bytesIn(original);
    expect(await inspectIdentity(contextAt(original))).toEqual(summary);
    expect(equalBytes(await bytesIn(original), before)).toBe(true);
  });

  test("opens to its passphrase only, and again when the entry is composed otherwise", async () => {
    const directory = await freshPath();
    const composed = utf8("über-geheim".normalize("NFC"));
    const store = await createIdentity(contextAt(directory), { mode: "ephemeral", ...quietly(composed) });
    expect(await codeOf(() => store.unlock(PASSPHRASE))).toBe("wrong-passphrase");
    expect(await codeOf(() => store.unlock(new Uint8Array()))).toBe("wrong-passphrase");
    const decomposed = utf8("über-geheim".normalize("NFD"));
    expect(equalBytes(composed, decomposed)).toBe(false);
    (await store.unlock(decomposed)).lock();
  });

  test("is not made over another one, and not with a passphrase that is too short", async () => {
    expect(await codeOf(() => createIdentity(contextAt(original), { mode: "ephemeral", ...quietly() }))).toBe(
      "identity-exists",
    );
    const directory = await freshPath();
    const short = quietly(utf8("seven77"));
    expect(await codeOf(() => createIdentity(contextAt(directory), { mode: "ephemeral", ...short }))).toBe(
      "passphrase-too-short",
    );
    expect(await codeOf(() => IdentityStore.open(contextAt(directory)))).toBe("identity-missing");
  });

  test("locks: neither the account nor the node signs afterwards", async () => {
    const store = await IdentityStore.open(contextAt(original));
    const account = await store.unlock(PASSPHRASE);
    account.lock();
    expect(account.isLocked).toBe(true);
    for (const sign of [
      () => account.account.signScope(scope),
      () => account.nodeAccount.signScope(scope),
      () => account.decapsulate(new Uint8Array(1088)),
    ]) {
      expect(await codeOf(sign)).toBe("account-locked");
    }
    const signer = await store.openNodeSigner();
    signer.close();
    expect(await codeOf(() => signer.signScope(scope))).toBe("signer-closed");
  });
});

describe("the words", () => {
  test("are shown on demand, and bring the same identity back elsewhere", async () => {
    const store = await IdentityStore.open(contextAt(original));
    expect(await codeOf(() => store.showWords(OTHER_PASSPHRASE))).toBe("wrong-passphrase");
    const shown = await store.showWords(PASSPHRASE);
    expect(shown.words).toHaveLength(24);

    const phrase = utf8(`  ${shown.words.join(" \n\t")}　`);
    const restored = await restoreIdentity(contextAt(await freshPath()), {
      mode: "recoverable",
      phrase,
      ...quietly(OTHER_PASSPHRASE),
    });
    const { provenance, areWordsConfirmed } = restored.summary;
    expect(areWordsConfirmed).toBe(true);
    expect([provenance.origin, provenance.isRestoredOrCopied]).toEqual(["restored", true]);
    const { provenance: originalProvenance } = store.summary;
    expect({ ...restored.summary, provenance: originalProvenance, areWordsConfirmed: false }).toEqual(store.summary);
    const [a, b] = [await store.unlock(PASSPHRASE), await restored.unlock(OTHER_PASSPHRASE)];
    expect(a.account.signScope(scope)).toEqual(b.account.signScope(scope));
    expect(a.nodeAccount.signScope(scope)).toEqual(b.nodeAccount.signScope(scope));

    shown.hide();
    expect(shown.words).toEqual([]);
  });

  test("are confirmed by giving four of them back, and that is remembered", async () => {
    const { store, directory } = await copiedAt();
    const shown = await store.showWords(PASSPHRASE);
    expect(await store.confirmWords(shown, [])).toEqual([]);
    expect(store.summary.areWordsConfirmed).toBe(false);

    const places = shown.ask();
    expect(new Set(places).size).toBe(4);
    const answers = places.map((place) => ` ${shown.words[place]!.toUpperCase()} `);
    expect(await store.confirmWords(shown, answers.with(2, "wrong"))).toEqual([places[2]]);
    expect(await store.confirmWords(shown, answers.slice(0, 3))).toEqual([places[3]]);
    expect(store.summary.areWordsConfirmed).toBe(false);
    expect(await store.confirmWords(shown, answers)).toEqual([]);
    expect((await IdentityStore.open(contextAt(directory))).summary.areWordsConfirmed).toBe(true);
  });

  test.each([
    ["a b c", "word-count"],
    [`${"abandon ".repeat(23)}zzz`, "unknown-word"],
    [`${"abandon ".repeat(23)}abandon`, "checksum-mismatch"],
    [`${"abandon ".repeat(23)}art${" ".repeat(1024)}`, "phrase-too-long"],
    ["x".repeat(4000), "phrase-too-long"],
    [`\ufeff${"abandon ".repeat(23)}art`, "unknown-word"],
  ])("that are none are refused by name: %.12s…", async (text, code) => {
    const directory = await freshPath();
    const restore = () =>
      restoreIdentity(contextAt(directory), { mode: "recoverable", phrase: utf8(text), ...quietly() });
    expect(await codeOf(restore)).toBe(code);
    expect(await codeOf(() => IdentityStore.open(contextAt(directory)))).toBe("identity-missing");
  });

  test("that are no text are refused", async () => {
    const phrase = new Uint8Array([0xff, 0xfe]);
    const restore = async () =>
      restoreIdentity(contextAt(await freshPath()), { mode: "recoverable", phrase, ...quietly() });
    expect(await codeOf(restore)).toBe("phrase-not-text");
  });
});

describe("changing the passphrase", () => {
  test("closes every file to the old one", async () => {
    const { store, directory } = await copiedAt();
    expect(await codeOf(() => store.changePassphrase(OTHER_PASSPHRASE, PASSPHRASE))).toBe("wrong-passphrase");
    expect(await codeOf(() => store.changePassphrase(PASSPHRASE, utf8("short")))).toBe("passphrase-too-short");
    await store.changePassphrase(PASSPHRASE, OTHER_PASSPHRASE);
    expect(await codeOf(() => store.unlock(PASSPHRASE))).toBe("wrong-passphrase");

    const [current, previous] = await Promise.all([CURRENT, PREVIOUS].map((name) => readFile(join(directory, name))));
    expect(current).toEqual(previous);
    const again = await IdentityStore.open(contextAt(directory));
    expect(again.warnings).toEqual([]);
    (await again.unlock(OTHER_PASSPHRASE)).lock();
    (await again.openNodeSigner()).close();
  });

  test("cut short after the first file is finished by the next opening", async () => {
    const { store, directory } = await copiedAt();
    const before = await readFile(join(directory, PREVIOUS));
    await store.changePassphrase(PASSPHRASE, OTHER_PASSPHRASE);
    await cp(join(original, PREVIOUS), join(directory, PREVIOUS));
    expect(await readFile(join(directory, PREVIOUS))).toEqual(before);
    expect((await IdentityStore.open(contextAt(directory))).warnings).toEqual([]);
    expect(await readFile(join(directory, PREVIOUS))).toEqual(await readFile(join(directory, CURRENT)));
  });

  test("takes the caller's copies at once and leaves them as they are", async () => {
    const store = await copied();
    const [old, next] = [PASSPHRASE.slice(), OTHER_PASSPHRASE.slice()];
    const change = store.changePassphrase(old, next);
    expect([old, next]).toEqual([PASSPHRASE, OTHER_PASSPHRASE]);
    old.fill(0);
    next.fill(0);
    await change;
    (await store.unlock(OTHER_PASSPHRASE)).lock();
  });

  test("keeps one previous generation when only the state changes", async () => {
    const { store, directory } = await copiedAt();
    await store.endQuietPeriod();
    const generationOf = async (name: string): Promise<bigint> =>
      decodeKeyFile(crypto, name, await readFile(join(directory, name))).state.generation;
    expect([await generationOf(CURRENT), await generationOf(PREVIOUS)]).toEqual([2n, 1n]);
    expect((await IdentityStore.open(contextAt(directory))).warnings).toEqual([]);
    expect(await generationOf(PREVIOUS)).toBe(1n);
  });

  test("that fails after the first file is told, and the store goes on with what is there", async () => {
    const { store, directory } = await copiedAt();
    await rm(join(directory, PREVIOUS));
    await mkdir(join(directory, PREVIOUS, "in the way"), { recursive: true });
    expect(await codeOf(() => store.changePassphrase(PASSPHRASE, OTHER_PASSPHRASE))).toBe("file-failed");
    (await store.unlock(OTHER_PASSPHRASE)).lock();
    await rm(join(directory, PREVIOUS), { recursive: true });
    await store.changePassphrase(OTHER_PASSPHRASE, PASSPHRASE);
    (await (await IdentityStore.open(contextAt(directory))).unlock(PASSPHRASE)).lock();
  });

  test("of a store that another process rewrote is refused", async () => {
    const { store, directory } = await copiedAt();
    const other = await IdentityStore.open(contextAt(directory));
    await other.endQuietPeriod();
    expect(await codeOf(() => store.changePassphrase(PASSPHRASE, OTHER_PASSPHRASE))).toBe("key-file-changed");
  });

  test("and other changes called at once are done one after the other", async () => {
    const { store, directory } = await copiedAt();
    await Promise.all([
      store.endQuietPeriod(),
      store.changePassphrase(PASSPHRASE, OTHER_PASSPHRASE),
      store.unlock(OTHER_PASSPHRASE),
      store.endQuietPeriod(),
    ]);
    (await (await IdentityStore.open(contextAt(directory))).unlock(OTHER_PASSPHRASE)).lock();
  });
});

describe("making it ephemeral", () => {
  test("keeps every key and leaves neither words nor master seed behind", async () => {
    const { store, directory } = await copiedAt();
    const before = store.summary;
    await store.makeEphemeral(PASSPHRASE);
    const { mode, hasWords, ...names } = store.summary;
    expect([mode, hasWords]).toEqual(["ephemeral", false]);
    expect({ ...names, mode: before.mode, hasWords: before.hasWords }).toEqual(before);
    const account = await store.unlock(PASSPHRASE);
    expect(crypto.mldsa65.verify(before.accountPublicKey, scope, account.account.signScope(scope))).toBe(true);
    (await store.openNodeSigner()).close();

    expect(await codeOf(() => store.showWords(PASSPHRASE))).toBe("words-unknown");
    expect(await codeOf(() => store.makeEphemeral(PASSPHRASE))).toBe("already-ephemeral");
    for (const name of [CURRENT, PREVIOUS]) {
      const file = decodeKeyFile(crypto, name, await readFile(join(directory, name)));
      expect(file.identity.contents).toBe("role-seeds");
    }
  });
});

describe("a directory that was copied", () => {
  test("is told from the one it was copied from, until the quiet period is over", async () => {
    const { store, directory } = await copiedAt();
    expect(store.summary.provenance.changedMarks).toEqual(["directory"]);
    expect(store.summary.provenance.isRestoredOrCopied).toBe(true);
    await store.endQuietPeriod();
    expect(store.summary.provenance.isRestoredOrCopied).toBe(false);
    const again = await IdentityStore.open(contextAt(directory));
    expect(again.summary.provenance.isRestoredOrCopied).toBe(false);
  });

  test("without the machine's key opens by the passphrase and gets a new one", async () => {
    const directory = await freshPath();
    await cp(original, directory, { recursive: true, filter: (source) => !source.includes("machine-") });
    const store = await IdentityStore.open(contextAt(directory));
    expect(await codeOf(() => store.openNodeSigner())).toBe("machine-key-missing");
    await store.renewMachineKey(PASSPHRASE, "file");
    const signer = await store.openNodeSigner();
    expect(signer.nodeId).toEqual(store.summary.nodeId);
    signer.close();
  });
});

describe("on disk", () => {
  test("nothing lies open: no seed, no words, no passphrase, and no name of a secret", async () => {
    const { store, directory } = await copiedAt();
    const shown = await store.showWords(PASSPHRASE);
    await store.exportIdentityFile(PASSPHRASE, join(dirname(directory), "identity.bin"));
    const plain = await readFile(join(dirname(directory), "identity.bin"));
    const sealed = await bytesIn(directory);
    const secrets = [
      plain.subarray(11, 75),
      plain.subarray(11, 43),
      plain.subarray(2027 + 32, 2027 + 64),
      plain.subarray(8011 + 32, 8011 + 64),
      Buffer.from(PASSPHRASE),
      Buffer.from(shown.words.slice(0, 3).join(" ")),
    ];
    for (const secret of secrets) expect(sealed.includes(secret)).toBe(false);
    expect(encodeMnemonic(crypto, new Uint8Array(32) as never)).not.toBe(shown.words.join(" "));
  });

  test.runIf(process.platform !== "win32")("all is for the owner alone", async () => {
    expect((await stat(original)).mode & 0o777).toBe(0o700);
    const names = await readdir(original);
    expect(names.toSorted()).toEqual([
      CURRENT,
      PREVIOUS,
      expect.stringMatching(/^machine-[0-9a-f]{32}\.key$/) as unknown as string,
    ]);
    for (const name of names) expect((await stat(join(original, name))).mode & 0o777).toBe(0o600);
  });

  test("each sealing is with keys and nonces of its own", async () => {
    const { store, directory } = await copiedAt();
    const seen = new Set<string>();
    for (const [from, to] of [
      [PASSPHRASE, OTHER_PASSPHRASE],
      [OTHER_PASSPHRASE, PASSPHRASE],
    ] as const) {
      await store.changePassphrase(from, to);
      const file = decodeKeyFile(crypto, CURRENT, await readFile(join(directory, CURRENT)));
      for (const part of [file.accountPart, file.nodePart]) {
        seen.add(toHex(part.keyNonce)).add(toHex(part.nonce)).add(toHex(part.sealedKey));
      }
      seen.add(toHex(file.derivation.salt));
    }
    expect(seen.size).toBe(14);
  });
});
