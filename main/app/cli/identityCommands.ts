/** Commands about the identity. All but lock and unlock work on the data of a stopped host. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { call } from "../../api/client.ts";
import { apiError } from "../../api/errors.ts";
import { keystoreContext, type KeystoreContext } from "../../keystore/context.ts";
import { createIdentity, importIdentity, restoreIdentity, type NewIdentity } from "../../keystore/create.ts";
import { IdentityStore, inspectIdentity } from "../../keystore/identityStore.ts";
import { ownTerminal, promptPassphrase } from "../../keystore/terminal.ts";
import { loadCrypto, wipe } from "../../native/index.ts";
import { toHex } from "../../protocol/bytes.ts";
import { claimForCommand } from "../attach.ts";
import type { DataDirectory } from "../dataDirectory.ts";
import { describeIdentity } from "../identityService.ts";
import type { Call, Command, Option, Result } from "./command.ts";

const PHRASE_BYTES_MAX = 4096;
const UNLOCK_SECONDS_DEFAULT = 300;
const UNLOCK_SECONDS_MAX = 86_400;

const machineKey: Option = {
  type: "string",
  choices: ["auto", "keychain", "credential", "file"],
  summary: "where this machine keeps the key of the node; auto unless given",
};
const ephemeral: Option = { type: "boolean", summary: "without words: lost with its file" };

export const init: Command = {
  name: "init",
  summary: "make an identity",
  arguments: [],
  options: {
    ephemeral,
    "show-words": { type: "boolean", summary: "print the 24 words, once, among the result" },
    "machine-key": machineKey,
  },
  detail: "Asks for a passphrase. The words are shown on demand: montana export --words.",
  async run(called) {
    const { options } = called;
    const mode = options.flag("ephemeral") ? "ephemeral" : "recoverable";
    if (mode === "ephemeral" && options.flag("show-words")) {
      throw apiError("usage", { reason: "An ephemeral identity has no words", command: "init" });
    }
    return withPassphrase(called, "new", (passphrase) =>
      withContext(called, async (context) => {
        const store = await createIdentity(context, { ...asked(called, passphrase), mode });
        return describeNew(called, store, options.flag("show-words") ? await wordsOf(store, passphrase) : undefined);
      }),
    );
  },
};

export const restore: Command = {
  name: "restore",
  summary: "bring an identity back from its 24 words",
  arguments: [],
  options: {
    "words-file": { type: "string", value: "FILE", summary: "a file with the words; - for standard input" },
    ephemeral,
    "machine-key": machineKey,
  },
  detail:
    "Takes the words at a prompt that does not show them, from --words-file or from a pipe, never as arguments. A node " +
    "that was restored keeps quiet for a while, because the same words may be at work elsewhere.",
  async run(called) {
    const mode = called.options.flag("ephemeral") ? "ephemeral" : "recoverable";
    const phrase = await readWords(called.options.text("words-file"));
    try {
      return await withPassphrase(called, "new", (passphrase) =>
        withContext(called, async (context) =>
          describeNew(called, await restoreIdentity(context, { ...asked(called, passphrase), phrase, mode })),
        ),
      );
    } finally {
      wipe(phrase);
    }
  },
};

export const importCommand: Command = {
  name: "import",
  summary: "take over identity.bin of the reference node",
  arguments: [{ name: "FILE|DIR" }],
  options: { "machine-key": machineKey },
  detail: "A directory stands for the identity.bin in it.",
  async run(called) {
    const [asked_ = ""] = called.arguments;
    const path = (await isDirectory(asked_)) ? join(asked_, "identity.bin") : asked_;
    return withPassphrase(called, "new", (passphrase) =>
      withContext(called, async (context) =>
        describeNew(called, await importIdentity(context, { ...asked(called, passphrase), path })),
      ),
    );
  },
};

export const exportCommand: Command = {
  name: "export",
  summary: "write identity.bin for the reference node, or show the words",
  arguments: [{ name: "FILE", isOptional: true }],
  options: {
    words: { type: "boolean", summary: "show the 24 words instead" },
    form: {
      type: "string",
      choices: ["recoverable", "ephemeral"],
      summary: "version 1 or 2 of the file; by the identity's own mode unless given",
    },
    overwrite: { type: "boolean", summary: "replace a file that is there" },
  },
  detail: "identity.bin is not encrypted: whoever has it has the money.",
  async run(called) {
    const { options } = called;
    const [path] = called.arguments;
    if ((path === undefined) !== options.flag("words")) {
      throw apiError("usage", { reason: "Give either a file or --words", command: "export" });
    }
    return withPassphrase(called, "open", (passphrase) =>
      withContext(called, async (context) => {
        const store = await IdentityStore.open(context);
        called.warn(store.warnings);
        if (path === undefined) {
          const words = await wordsOf(store, passphrase);
          return { json: { words }, text: numbered(words) };
        }
        const form = options.text("form") as "recoverable" | "ephemeral" | undefined;
        await store.exportIdentityFile(passphrase, path, {
          ...(form === undefined ? {} : { form }),
          overwrites: options.flag("overwrite"),
        });
        return {
          json: { file: path },
          text: `Written to ${path}. It is not encrypted: keep it where nobody else reads.`,
        };
      }),
    );
  },
};

export const inspect: Command = {
  name: "inspect",
  summary: "the public names of the identity",
  arguments: [],
  options: {},
  async run({ directory }) {
    const summary = await inspectIdentity(contextOf(directory));
    const names = describeIdentity(summary);
    const more = {
      nodeAccountAddress: summary.nodeAccountAddress,
      mode: summary.mode,
      areWordsConfirmed: summary.areWordsConfirmed,
      machineKey: summary.machineKey,
      fingerprint: summary.accountFingerprint.join(" "),
      ...publicKeysOf(summary),
    };
    const text = [
      `address      ${names.address}`,
      `account id   ${names.accountId}`,
      `fingerprint  ${more.fingerprint}`,
      `node id      ${names.nodeId}`,
      `peer id      ${names.peerId}`,
      `node account ${more.nodeAccountAddress}`,
      `mode         ${more.mode}`,
      `machine key  ${more.machineKey}`,
    ];
    return { json: { ...names, ...more }, text: text.join("\n") };
  },
};

export const unlock: Command = {
  name: "unlock",
  summary: "let the host use the account key for a while",
  arguments: [],
  options: { seconds: { type: "string", value: "N", summary: `how long; ${UNLOCK_SECONDS_DEFAULT} unless given` } },
  async run(called) {
    const text = called.options.text("seconds") ?? String(UNLOCK_SECONDS_DEFAULT);
    const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (seconds < 1 || seconds > UNLOCK_SECONDS_MAX) {
      throw apiError("usage", { reason: `--seconds takes 1 to ${UNLOCK_SECONDS_MAX}`, command: "unlock" });
    }
    const client = await called.connect();
    await withPassphrase(called, "open", (passphrase) =>
      call(client.unlock.mutate({ passphrase: Buffer.from(passphrase).toString("utf8"), seconds })),
    );
    return { json: { seconds }, text: `Unlocked for ${seconds} seconds.` };
  },
};

export const lock: Command = {
  name: "lock",
  summary: "take the account key from the host",
  arguments: [],
  options: {},
  async run({ connect }) {
    await call((await connect()).lock.mutate());
    return { json: {}, text: "Locked." };
  },
};

/** Runs `act` with the account unlocked, asking for the passphrase where it is locked, which it then is again. */
export async function withAccount<T>(called: Call, act: () => Promise<T>): Promise<T> {
  const client = await called.connect();
  if ((await call(client.status.query())).isAccountUnlocked) return act();
  await withPassphrase(called, "open", (passphrase) =>
    call(client.unlock.mutate({ passphrase: Buffer.from(passphrase).toString("utf8"), seconds: ACT_SECONDS })),
  );
  try {
    return await act();
  } finally {
    await call(client.lock.mutate());
  }
}

/** For one operation; the lock comes back sooner. */
const ACT_SECONDS = 60;

async function withPassphrase<T>(
  called: Call,
  question: "open" | "new",
  use: (passphrase: Uint8Array) => Promise<T>,
): Promise<T> {
  const passphrase = await called.passphrase(question);
  try {
    return await use(passphrase);
  } finally {
    wipe(passphrase);
  }
}

/** The identity is written by one process at a time. */
async function withContext<T>({ directory }: Call, use: (context: KeystoreContext) => Promise<T>): Promise<T> {
  const claimed = await claimForCommand(directory);
  try {
    return await use(contextOf(directory));
  } finally {
    await claimed.release();
  }
}

function contextOf({ identity }: DataDirectory): KeystoreContext {
  return keystoreContext({ directory: identity, crypto: loadCrypto().crypto });
}

function asked({ options }: Call, passphrase: Uint8Array): NewIdentity {
  const kind = options.text("machine-key") as NewIdentity["machineKey"];
  return { passphrase, nowMs: Date.now(), ...(kind === undefined ? {} : { machineKey: kind }) };
}

function describeNew(called: Call, store: IdentityStore, words?: readonly string[]): Result {
  called.warn(store.warnings);
  const { summary } = store;
  const names = describeIdentity(summary);
  const json = {
    ...names,
    mode: summary.mode,
    machineKey: summary.machineKey,
    ...publicKeysOf(summary),
    ...(words === undefined ? {} : { words }),
  };
  const next =
    words !== undefined
      ? `Write these words down and keep them where nobody else reads:\n${numbered(words)}`
      : summary.hasWords && !summary.areWordsConfirmed
        ? "Write the 24 words down before there is money: montana export --words"
        : "";
  return { json, text: [`Your address: ${names.address}`, next].filter((line) => line !== "").join("\n") };
}

const publicKeysOf = ({ accountPublicKey, nodePublicKey }: IdentityStore["summary"]) => ({
  accountPublicKey: toHex(accountPublicKey),
  nodePublicKey: toHex(nodePublicKey),
});

async function wordsOf(store: IdentityStore, passphrase: Uint8Array): Promise<readonly string[]> {
  const shown = await store.showWords(passphrase);
  const words = [...shown.words];
  shown.hide();
  return words;
}

function numbered(words: readonly string[]): string {
  return words.map((word, i) => `${String(i + 1).padStart(2)} ${word}`).join("\n");
}

async function readWords(file: string | undefined): Promise<Uint8Array> {
  const terminal = ownTerminal();
  if (file === undefined && terminal !== undefined) return promptPassphrase(terminal, "The 24 words: ");
  const bytes = file === undefined || file === "-" ? await readStandardInput() : await readSmallFile(file);
  if (bytes.length === 0) throw apiError("words-needed");
  return bytes;
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > PHRASE_BYTES_MAX) break;
  }
  const joined = Uint8Array.from(Buffer.concat(chunks));
  wipe(...chunks);
  return joined;
}

async function readSmallFile(file: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(file));
  } catch (error) {
    throw apiError("file-unreadable", { file, errno: (error as NodeJS.ErrnoException).code ?? "unknown" });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
