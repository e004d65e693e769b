/**
 * Updates of the program: a manifest that the project signed says which files make the next version. Nothing of a feed is used,
 * and nothing handed to electron-updater, before its signature holds. The format is in README.md.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { z } from "zod";

import { apiError } from "../../api/errors.ts";
import type { Crypto } from "../../protocol/crypto.ts";

const SOURCE_FILE = fileURLToPath(new URL("../../../resources/updates.json", import.meta.url));
const SIGNED_PREFIX = "montana-update-1\0";
const FILES_MAX = 8;
/** Characters of a manifest, and of its signature in base64. */
const MANIFEST_LENGTH_MAX = 65_536;
const SIGNATURE_LENGTH_MAX = 4420;

const SIGNATURE_BYTES = 3309;

const version = z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/);
const manifest = z.strictObject({
  /** As Node names them: a manifest of another one cannot be put in its place. */
  platform: z.string().max(32),
  version,
  releasedAt: z.iso.datetime(),
  files: z
    .array(
      z.strictObject({
        /** Beside the manifest. */
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
        size: z.int().min(1),
        /** Base64, as electron-updater checks it. */
        sha512: z.base64().length(88),
      }),
    )
    .min(1)
    .max(FILES_MAX),
});
export type UpdateManifest = z.output<typeof manifest>;

const source = z.strictObject({
  /** Of the folder with manifests and files. */
  url: z.url({ protocol: /^https$/ }),
  /** ML-DSA-65, hex. */
  publicKey: z.hex().length(2 * 1952),
});
export type UpdateSource = z.output<typeof source>;

/** Undefined in a program that was not packaged by the project: nobody signs its updates. */
export async function readUpdateSource(file: string = SOURCE_FILE): Promise<UpdateSource | undefined> {
  try {
    return source.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Names of manifest and signature for a platform. */
export const manifestNames = (platform: string): readonly [manifest: string, signature: string] => [
  `montana-${platform}.json`,
  `montana-${platform}.json.sig`,
];

/**
 * The manifest of `text` for `platform` (`linux-x64`, say), when `signature` (base64) is one of `publicKey` (hex) for it. Throws
 * `ProtocolError("update-refused")` with the reason.
 */
export function readManifest(
  crypto: Pick<Crypto, "mldsa65">,
  { publicKey, platform }: { readonly publicKey: string; readonly platform: string },
  text: string,
  signature: string,
): UpdateManifest {
  if (text.length > MANIFEST_LENGTH_MAX || signature.length > SIGNATURE_LENGTH_MAX) throw refused("size");
  const bytes = Buffer.from(signature, "base64");
  const isSigned =
    bytes.length === SIGNATURE_BYTES && crypto.mldsa65.verify(Buffer.from(publicKey, "hex"), signedBytes(text), bytes);
  if (!isSigned) throw refused("signature");
  const read = manifest.safeParse(parse(text));
  if (!read.success) throw refused("format");
  if (read.data.platform !== platform) throw refused("platform");
  return read.data;
}

/** What the project's key signs. */
export const signedBytes = (text: string): Uint8Array => new TextEncoder().encode(SIGNED_PREFIX + text);

const refused = (reason: "size" | "signature" | "format" | "platform") => apiError("update-refused", { reason });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
