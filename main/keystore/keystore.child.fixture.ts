/** A process of its own for tests: `node keystore.child.fixture.ts TASK ARGUMENTS…`. */
import { loadCrypto } from "../native/index.ts";
import { toHex } from "../protocol/bytes.ts";
import type { ProtocolError } from "../protocol/errors.ts";
import { keystoreContext } from "./context.ts";
import { IdentityStore } from "./identityStore.ts";
import { findPassphrase } from "./passphrase.ts";
import { ownTerminal } from "./terminal.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const argon2 = { memoryKib: 19_456, passes: 2, lanes: 1 };

const open = (directory: string): Promise<IdentityStore> =>
  IdentityStore.open(keystoreContext({ directory, crypto: loadCrypto().crypto, environment: {}, argon2 }));

const tasks: Readonly<Record<string, (...parameters: string[]) => Promise<void>>> = {
  /** Rewrites the state as fast as it can, until it is killed. */
  async rewrite(directory) {
    const store = await open(directory);
    process.stdout.write("ready\n");
    for (;;) await store.endQuietPeriod();
  },

  /** Changes the passphrase from one to the other and back, until it is killed. */
  async rekey(directory, from, to) {
    const store = await open(directory);
    process.stdout.write("ready\n");
    for (;;) {
      await store.changePassphrase(utf8(from), utf8(to));
      await store.changePassphrase(utf8(to), utf8(from));
    }
  },

  /** Tries to change the state and says how that ends. */
  async tryRewrite(directory) {
    const store = await open(directory);
    await store.endQuietPeriod().then(
      () => process.stdout.write("rewritten\n"),
      (error: unknown) => {
        const { code, params } = error as ProtocolError;
        process.stdout.write(`${code} ${String(params["operation"])} ${String(params["errno"])}\n`);
      },
    );
  },

  /** Uses an identity in all ways, of which some fail, and prints nothing itself. */
  async use(directory, passphrase) {
    const store = await open(directory);
    (await store.openNodeSigner()).close();
    const unlocked = await store.unlock(utf8(passphrase));
    unlocked.account.signScope(utf8("x"));
    unlocked.lock();
    (await store.showWords(utf8(passphrase))).hide();
    await store.unlock(utf8("not the passphrase")).catch(() => undefined);
    await store.changePassphrase(utf8(passphrase), utf8("s")).catch(() => undefined);
  },

  /** Finds the passphrase as a command would and prints what it got, and what is left in the environment. */
  async ask(repeats) {
    try {
      const { passphrase, source } = await findPassphrase({
        environment: process.env,
        terminal: ownTerminal(),
        prompt: "Passphrase: ",
        ...(repeats === "twice" ? { repeatPrompt: "Again: " } : {}),
      });
      process.stdout.write(`got ${source} ${toHex(passphrase)} ${String(process.env["MONTANA_PASSPHRASE"])}\n`);
    } catch (error) {
      process.stdout.write(`failed ${(error as Error).message}\n`);
    }
  },
};

await tasks[process.argv[2]!]!(...process.argv.slice(3));
