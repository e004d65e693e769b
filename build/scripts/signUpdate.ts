/**
 * For who releases the program: `node build/scripts/signUpdate.ts key FILE` makes a secret key for updates and prints the public one;
 * `node build/scripts/signUpdate.ts sign FILE FOLDER PLATFORM VERSION NAME…` writes manifest and signature of the files NAME in FOLDER, as
 * main/app/desktop/README.md has them.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { manifestNames, readManifest, signedBytes, type UpdateManifest } from "../../main/app/desktop/updates.ts";
import { loadCrypto } from "../../main/native/index.ts";

const SEED_BYTES = 32;
const { mldsa65 } = loadCrypto().crypto;

/** Writes a new secret, readable by its owner alone, where no file is yet; gives the public key, hex. */
export function makeUpdateKey(file: string): string {
  const seed = randomBytes(SEED_BYTES);
  writeFileSync(file, `${seed.toString("hex")}\n`, { flag: "wx", mode: 0o600 });
  return Buffer.from(mldsa65.generate(seed).publicKey).toString("hex");
}

/** Writes manifest and signature beside the files. */
export function signUpdate(
  keyFile: string,
  folder: string,
  { platform, version, names }: Pick<UpdateManifest, "platform" | "version"> & { readonly names: readonly string[] },
): void {
  const files = names.map((name) => {
    const bytes = readFileSync(join(folder, name));
    return { name, size: bytes.length, sha512: createHash("sha512").update(bytes).digest("base64") };
  });
  const manifest: UpdateManifest = { platform, version, releasedAt: new Date().toISOString(), files };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  const { publicKey, secretKey } = mldsa65.generate(Buffer.from(readFileSync(keyFile, "utf8").trim(), "hex"));
  const signature = Buffer.from(mldsa65.sign(secretKey, signedBytes(text))).toString("base64");
  // What the program would refuse is not published.
  readManifest(loadCrypto().crypto, { publicKey: Buffer.from(publicKey).toString("hex"), platform }, text, signature);
  const [manifestName, signatureName] = manifestNames(platform);
  writeFileSync(join(folder, manifestName), text);
  writeFileSync(join(folder, signatureName), signature);
}

const USAGE = "usage: signUpdate.ts key FILE | sign FILE FOLDER PLATFORM VERSION NAME…";

if (import.meta.main) {
  const [what, keyFile, folder, platform, version, ...names] = process.argv.slice(2);
  if (what === "key" && keyFile !== undefined) console.log(makeUpdateKey(keyFile));
  else if (what === "sign" && keyFile && folder && platform && version)
    signUpdate(keyFile, folder, { platform, version, names });
  else {
    console.error(USAGE);
    process.exitCode = 1;
  }
}
