/** Nodes of a practice network lie on this machine: what they publish is read where they wrote it, all others over SSH. */
import { createReadStream } from "node:fs";

import { errnoOf } from "./errors.ts";
import type { Answer, Fetcher } from "./fetcher.ts";
import { nodeFiles, type NodeFile } from "./nodeFiles.ts";
import type { Peer, Settings } from "./settings.ts";
import { createSshFetcher } from "./sshFetcher.ts";

/** Throws what {@link createSshFetcher} throws, where a node is asked over SSH at all. */
export async function createFetcher(settings: Settings): Promise<Fetcher> {
  const { peers } = settings;
  if (peers.length === 0 || peers.some(({ files }) => files === undefined)) {
    const overSsh = await createSshFetcher(settings);
    return { fetch: (peer, file, signal) => readHere(peer, file, signal) ?? overSsh.fetch(peer, file, signal) };
  }
  return { fetch: (peer, file, signal) => readHere(peer, file, signal)! };
}

/** Undefined for a node that is elsewhere. */
function readHere({ files }: Peer, file: NodeFile, signal: AbortSignal): Promise<Answer> | undefined {
  if (files === undefined) return undefined;
  if (file === "my-vpn") return readFileOf(files.myVpn, nodeFiles[file].bytesMax, signal);
  if (file === "peers") return readFileOf(files.peers, nodeFiles[file].bytesMax, signal);
  return Promise.resolve({ kind: "missing" });
}

async function readFileOf(path: string, bytesMax: number, signal: AbortSignal): Promise<Answer> {
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of createReadStream(path, { signal })) {
      length += (chunk as Buffer).length;
      if (length > bytesMax) return { kind: "failed", reason: "too-large" };
      chunks.push(chunk as Buffer);
    }
    return { kind: "body", body: new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return { kind: "missing" };
    if (error instanceof TypeError) return { kind: "failed", reason: "not-text" };
    return { kind: "failed", reason: signal.aborted ? "timeout" : "refused" };
  }
}
