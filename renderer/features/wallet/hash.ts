/** The one hash of the protocol, in the page: for checksums of what a person types. */
import { sha256 } from "@noble/hashes/sha2.js";

import type { Hash32 } from "../../../main/protocol/bytes.ts";
import type { Crypto } from "../../../main/protocol/crypto.ts";

export type HashOnly = Pick<Crypto, "sha256">;

export const pageHash: HashOnly = { sha256: (message) => sha256(message) as Hash32 };
