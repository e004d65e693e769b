/** Keys and names of a new exit (chapter 08 §7.2 step 4, §14 no. 10: made here, not read off the engine's output). */
import { randomBytes, randomUUID } from "node:crypto";

import type { X25519 } from "../native/interface.ts";

export interface ExitKeys {
  /** 43 characters base64url each; the private one is a secret. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** 16 hex digits. */
  readonly shortId: string;
  readonly uuid: string;
}

const KEY_BYTES = 32;
const SHORT_ID_BYTES = 8;

export function createExitKeys(x25519: X25519): ExitKeys {
  const secret = randomBytes(KEY_BYTES);
  return {
    privateKey: secret.toString("base64url"),
    publicKey: Buffer.from(x25519.publicKey(secret)).toString("base64url"),
    shortId: randomBytes(SHORT_ID_BYTES).toString("hex"),
    uuid: randomUUID(),
  };
}
