/** The city of a host, put together: it needs neither a node nor an identity. */
import { join } from "node:path";

import { ExitService } from "../mesh/exit/exitService.ts";
import { readGazetteer } from "../mesh/cities/gazetteer.ts";
import { loadCrypto } from "../native/index.ts";
import { findBinaries } from "../xray/binaries.ts";
import { claimForCommand } from "./attach.ts";
import { makeRoot, type DataDirectory } from "./dataDirectory.ts";
import { storedPart, type StoredPart } from "./localClient.ts";

/** Reads what is kept and starts nothing. Throws `ProtocolError`. */
export function openExit({ root }: DataDirectory, onDefect: (error: unknown) => void): ExitService {
  return new ExitService({
    directory: join(root, "mesh"),
    x25519: loadCrypto().crypto.x25519,
    binaries: () => findBinaries(),
    gazetteer: () => readGazetteer(),
    onDefect,
  });
}

/**
 * The city of a data directory on which no host runs, held and changed for one command; it runs from the next start of a host
 * on. Throws `ProtocolError` "host-running" and what reading what is kept throws.
 */
export async function openStoredExit(
  directory: DataDirectory,
  onDefect: (error: unknown) => void,
): Promise<StoredPart> {
  makeRoot(directory);
  const claimed = await claimForCommand(directory);
  try {
    const exit = openExit(directory, onDefect);
    return storedPart({ claimed, services: { exit }, stop: () => exit.stop(), onDefect });
  } catch (error) {
    await claimed.release();
    throw error;
  }
}
