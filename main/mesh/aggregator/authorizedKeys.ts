/** Keys of the aggregator, and the lines that let a node's account accept them (chapter 08 §7.1). */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { errnoOf, meshError } from "./errors.ts";
import { NODE_FILES, nodeFiles, type NodeFile, type NodePaths } from "./nodeFiles.ts";

/** No character that a shell, or the quotation of an options list, reads as anything but itself. */
const PLAIN = /^[A-Za-z0-9._/@-]{1,256}$/;
const PUBLIC_KEY = /^(?:ssh|ecdsa|sk-)[a-z0-9@.-]* [A-Za-z0-9+/]+=*(?: |$)/;

/** One line: the key may run the command of one file and nothing else, whatever its holder asks for. */
export function authorizedKeysLine(file: NodeFile, publicKey: string, paths: NodePaths): string {
  const { command, comment } = nodeFiles[file];
  const [key] = PUBLIC_KEY.exec(publicKey) ?? [];
  if (key === undefined) throw meshError("mesh-settings-invalid", { file, reason: "not-a-public-key", at: "" });
  for (const [at, path] of Object.entries(paths) as [string, string][]) {
    if (!PLAIN.test(path) || path.startsWith("-")) {
      throw meshError("mesh-settings-invalid", { file, reason: "bad-path", at });
    }
  }
  return `restrict,command="${command(paths)}" ${key.trimEnd()} ${comment}`;
}

export const keyFileOf = (keysDirectory: string, file: NodeFile): string => join(keysDirectory, file);

/** Makes the keys that are not there yet, without a passphrase: a timer uses them. Gives all public keys. */
export function provideKeys(keysDirectory: string): ReadonlyMap<NodeFile, string> {
  try {
    mkdirSync(keysDirectory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw meshError("file-unwritable", { file: keysDirectory, errno: errnoOf(error) });
  }
  return new Map(NODE_FILES.map((file) => [file, provideKey(keyFileOf(keysDirectory, file), nodeFiles[file].comment)]));
}

/** Throws `mesh-key-exposed` where another user may read a private key. A missing one is found when it is used. */
export function checkKeyModes(keysDirectory: string): void {
  for (const name of NODE_FILES) {
    const file = keyFileOf(keysDirectory, name);
    if (!existsSync(file) || process.platform === "win32") continue;
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) throw meshError("mesh-key-exposed", { file, mode: mode.toString(8) });
  }
}

function provideKey(file: string, comment: string): string {
  if (!existsSync(file)) runKeygen(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
  return runKeygen(["-y", "-f", file]).trim();
}

function runKeygen(args: readonly string[]): string {
  const program = "ssh-keygen";
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    ...{ encoding: "utf8", timeout: 10_000, stdio: ["ignore", "pipe", "pipe"] },
  });
  if (error !== undefined) throw meshError("mesh-program-missing", { program, errno: errnoOf(error) });
  if (status !== 0) throw meshError("mesh-program-failed", { program, reason: stderr.trim().slice(0, 200) });
  return stdout;
}
