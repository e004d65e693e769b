/** Everything outside of the machine, in its namespace: `node outside.ts FOLDER`. Prints what the test must know, then serves. */
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";

import { buildShareLink } from "../../../main/cities/shareLink.ts";
import { loadCrypto } from "../../../main/native/index.ts";
import { findBinaries } from "../../../main/xray/binaries.ts";
import { exitConfig } from "../../../main/xray/config/serverConfig.ts";
import { openEngineDirectory } from "../../../main/xray/directory.ts";
import { startEngine } from "../../../main/xray/engine.ts";
import { createExitKeys } from "../../../main/xray/exitKeys.ts";
import { DECOY_NAME, SITE_NAME, startDecoy } from "../../../main/xray/mesh.fixture.ts";
import { EXITS, EXIT_PORT, RESOLVER, ROUTER, SITE, SITE6 } from "./namespaces.ts";

export const CITIES = ["fra", "fin", "ams"] as const;

export interface Outside {
  /** Share links, in the order of {@link CITIES}. */
  readonly links: readonly string[];
}

/** The first exit, by a name that only resolvers know. */
export const EXIT_NAME = "exit.example";

/** Answers every question about IPv4 addresses with the site's, but for the exit. */
async function startResolver(address: string): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address: from }) => socket.send(answerTo(question), port, from));
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
}

function answerTo(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const isIpv4 = question.readUInt16BE(end - 4) === 1;
  const header = Buffer.from([question[0]!, question[1]!, 0x81, 0x80, 0, 1, 0, isIpv4 ? 1 : 0, 0, 0, 0, 0]);
  const isExit =
    question
      .subarray(13, 13 + 4)
      .toString()
      .toLowerCase() === EXIT_NAME.slice(0, 4);
  const address = (isExit ? EXITS[0]! : SITE).split(".").map(Number);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]);
  return Buffer.concat([header, question.subarray(12, end), ...(isIpv4 ? [record] : [])]);
}

/** `/204`, or the caller's address; and a port that takes connections and says nothing. */
async function startSite(address: string): Promise<void> {
  const site = createServer((request, response) => {
    if (request.url === "/204") response.writeHead(204).end();
    else response.end(request.socket.remoteAddress ?? "");
  });
  await new Promise<void>((resolve) => site.listen(80, address, resolve));
  const silent = createNetServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(853, address, resolve));
}

async function startExit(folder: string, index: number, decoyPort: number): Promise<string> {
  const keys = createExitKeys(loadCrypto().crypto.x25519);
  const host = EXITS[index]!;
  const config = exitConfig({
    listen: host,
    port: EXIT_PORT,
    dest: `127.0.0.1:${decoyPort}`,
    serverNames: [DECOY_NAME],
    shortIds: [keys.shortId],
    privateKey: keys.privateKey,
    clients: [{ id: keys.uuid, email: "subscription" }],
    dns: ["localhost"],
    dnsHosts: { [SITE_NAME]: SITE },
    api: openEngineDirectory(folder, `exit-${index}`).apiSocket,
    sendThrough: host,
  });
  const { path } = openEngineDirectory(folder, `exit-${index}`);
  await startEngine({ binaries: findBinaries(), directory: path, config, onEvent: () => undefined });
  const { uuid, publicKey: pbk, shortId: sid } = keys;
  const label = `Montana ${CITIES[index]!.toUpperCase()}`;
  return buildShareLink({ uuid, host, port: EXIT_PORT, sni: DECOY_NAME, pbk, sid, label });
}

if (import.meta.main) {
  const [folder = ""] = process.argv.slice(2);
  const decoy = await startDecoy();
  await Promise.all([
    startResolver(ROUTER),
    startResolver(RESOLVER),
    startSite(SITE),
    startSite(SITE6),
    startSite(ROUTER),
  ]);
  const links = await Promise.all(CITIES.map((_, i) => startExit(folder, i, decoy.port)));
  process.stdout.write(`${JSON.stringify({ links } satisfies Outside)}\n`);
}
