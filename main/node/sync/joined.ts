/**
 * What a node that joined from a snapshot still has to check: the TimeChain of the windows before it. A small file, so that a
 * restart goes on where the last run was.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { replaceFile } from "../../files/blocking.ts";
import { fromHex, sized, toHex, type Hash32 } from "../../protocol/bytes.ts";

const FILE = "joined.json";

const windowNumber = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const schema = z.object({ through: windowNumber, hash, verifiedThrough: windowNumber });

export interface Joined {
  /** Window of the snapshot, and the hash of its header. */
  readonly through: bigint;
  readonly hash: Hash32;
  /** Every step up to here has been recomputed. */
  readonly verifiedThrough: bigint;
}

/** Undefined where the node did not join from a snapshot, or the file cannot be read: then all is checked again. */
export function readJoined(directory: string): Joined | undefined {
  const path = join(directory, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const { through, hash: text, verifiedThrough } = schema.parse(JSON.parse(readFileSync(path, "utf8")));
    const done = verifiedThrough < through ? verifiedThrough : through;
    return { through: BigInt(through), hash: sized(fromHex(text)!, 32), verifiedThrough: BigInt(done) };
  } catch {
    return undefined;
  }
}

/** Before a snapshot takes its place. What an earlier run has verified of the same chain, as `hashOf` tells, stays verified. */
export function writeJoined(
  directory: string,
  { through, hash: anchorHash }: Pick<Joined, "through" | "hash">,
  hashOf: (window: bigint) => Hash32 | undefined,
): void {
  const earlier = readJoined(directory);
  const isOfChain = earlier !== undefined && toHex(hashOf(earlier.through) ?? new Uint8Array()) === toHex(earlier.hash);
  write(directory, { through, hash: anchorHash, verifiedThrough: isOfChain ? earlier.verifiedThrough : 0n });
}

export function noteVerified(directory: string, joined: Joined, verifiedThrough: bigint): void {
  write(directory, { ...joined, verifiedThrough });
}

function write(directory: string, { through, hash: text, verifiedThrough }: Joined): void {
  const json = { through: Number(through), hash: toHex(text), verifiedThrough: Number(verifiedThrough) };
  replaceFile(join(directory, FILE), [new TextEncoder().encode(`${JSON.stringify(json)}\n`)]);
}
