/** A document's fingerprint and its proof, as files. */
import { toHex } from "../../../main/protocol/bytes.ts";
import { appIdOf } from "../../../main/protocol/identity/ids.ts";
import { pageHash } from "./hash.ts";

/** The application under which this page writes documents down; `montana anchor --app documents` finds the same. */
const APP_NAME = "documents";

export const DOCUMENTS_APP = toHex(appIdOf(pageHash, APP_NAME));

/** It is read whole. */
const DOCUMENT_BYTES_MAX = 268_435_456;
/** In hex, with something around it. */
const PROOF_LENGTH_MAX = 8_388_700;

export interface Fingerprint {
  readonly name: string;
  /** SHA-256. */
  readonly hash: string;
}

/** Undefined where the file is larger than 256 MiB. Nothing of it leaves the page. */
export async function fingerprintOf(file: File): Promise<Fingerprint | undefined> {
  if (file.size > DOCUMENT_BYTES_MAX) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return { name: file.name, hash: toHex(new Uint8Array(digest)) };
}

/** The proof in a file, as it was saved; undefined where it holds none. */
export async function readProof(file: Blob): Promise<string | undefined> {
  if (file.size > PROOF_LENGTH_MAX) return undefined;
  const text = (await file.text()).trim();
  return /^([0-9a-f]{2})+$/.test(text) ? text : undefined;
}

export const proofFileName = (hash: string): string => `montana-proof-${hash.slice(0, 8)}.txt`;
