/** What the environment hands to a service: variables and systemd credentials (systemd.exec(5), LoadCredential=). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { keystoreError } from "./errors.ts";

/** `process.env` or a part of it. Variables that held a secret are deleted from it. */
export type Environment = Record<string, string | undefined>;

const CREDENTIAL_SIZE_MAX = 4096;

/**
 * The content of the credential `name`; `undefined` when this is no service with credentials or it has no such one.
 * Throws `ProtocolError("file-failed")`.
 */
export async function readCredential(environment: Environment, name: string): Promise<Uint8Array | undefined> {
  const directory = environment["CREDENTIALS_DIRECTORY"];
  if (directory === undefined || directory === "") return undefined;
  const path = join(directory, name);
  try {
    const content = await readFile(path);
    const own = Uint8Array.from(content);
    content.fill(0);
    if (own.length > CREDENTIAL_SIZE_MAX) throw Object.assign(new Error(), { code: "EFBIG" });
    return own;
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? "unknown";
    if (errno === "ENOENT") return undefined;
    throw keystoreError("file-failed", { operation: "read", file: path, errno });
  }
}
