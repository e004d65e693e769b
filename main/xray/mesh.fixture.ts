/**
 * Real cities on loopback for tests: a decoy and a site that this file makes, exits behind Reality, each of which leaves from
 * an address of its own, so that the site sees which one (Linux; macOS has only 127.0.0.1).
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { connect, createServer, type AddressInfo, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";

import { buildShareLink, parseShareLink, type ShareLink } from "../cities/shareLink.ts";
import { loadCrypto } from "../native/index.ts";
import { findBinaries, type Binaries } from "./binaries.ts";
import { makeCertificate } from "./certificate.ts";
import { exitConfig, type ExitParameters } from "./config/serverConfig.ts";
import { openEngineDirectory } from "./directory.ts";
import { startEngine, type Engine, type EngineEvent } from "./engine.ts";
import { createExitKeys } from "./exitKeys.ts";

export const DECOY_NAME = "www.decoy.example";
/** What exits know the site by; private ranges would be reached past the tunnel. */
export const SITE_NAME = "site.montana.example";

export interface TestExit {
  readonly code: string;
  readonly link: ShareLink;
  readonly url: string;
  /** Address that the site sees. */
  readonly leavesFrom: string;
  readonly engine: Engine;
  readonly parameters: ExitParameters;
}

export interface TestMesh {
  /** For engines of the test's own. */
  readonly folder: string;
  readonly exits: readonly TestExit[];
  readonly decoy: TestDecoy;
  readonly site: TestSite;
  close(): Promise<void>;
}

export interface TestDecoy {
  readonly port: number;
  /** PEM. Only an engine whose SSL_CERT_FILE holds it tells a wrong key from a wrong certificate. */
  readonly certificate: string;
  close(): Promise<void>;
}

export interface TestSite {
  readonly port: number;
  /** `http://SITE_NAME:port`, with `/from` (the caller's address), `/204` and `/bytes/N`. */
  readonly url: string;
  /** Addresses that asked, in order. */
  readonly callers: readonly string[];
  close(): Promise<void>;
}

/**
 * The first connection through an exit waits until 5 s after its start (chapter 08 §11.2); use one mesh for many tests.
 * `codes` of three letters; the exits leave from 127.0.0.11, 127.0.0.12 and so on.
 */
export async function startMesh(codes: readonly string[]): Promise<TestMesh> {
  const folder = mkdtempSync(join(tmpdir(), "mesh-"));
  const decoy = await startDecoy();
  const site = await startSite();
  const exits = await Promise.all(codes.map((code, i) => startExit(code, i, folder, decoy.port)));
  const close = async (): Promise<void> => {
    await Promise.all([...exits.map(({ engine }) => engine.stop()), decoy.close(), site.close()]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, exits, decoy, site, close };
}

async function startExit(code: string, index: number, folder: string, decoyPort: number): Promise<TestExit> {
  const keys = createExitKeys(loadCrypto().crypto.x25519);
  const directory = openEngineDirectory(folder, `exit-${code}`);
  const leavesFrom = process.platform === "linux" ? `127.0.0.${11 + index}` : "127.0.0.1";
  const parameters: ExitParameters = {
    listen: "127.0.0.1",
    port: await freePort(),
    dest: `127.0.0.1:${decoyPort}`,
    serverNames: [DECOY_NAME],
    shortIds: [keys.shortId],
    privateKey: keys.privateKey,
    clients: [{ id: keys.uuid, email: "subscription" }],
    dns: ["localhost"],
    dnsHosts: { [SITE_NAME]: "127.0.0.1" },
    api: directory.apiSocket,
    sendThrough: leavesFrom,
    allowLoopback: true,
  };
  const engine = await startEngine({
    binaries: findBinaries(),
    directory: directory.path,
    config: exitConfig(parameters),
    onEvent: () => undefined,
  });
  const { uuid, publicKey: pbk, shortId: sid } = keys;
  const label = `Montana ${code.toUpperCase()}`;
  const url = buildShareLink({ uuid, host: "127.0.0.1", port: parameters.port, sni: DECOY_NAME, pbk, sid, label });
  return { code, link: parseShareLink(url), url, leavesFrom, engine, parameters };
}

/** Undefined where there is no engine: tests of it are skipped. */
export function binariesHere(): Binaries | undefined {
  try {
    return findBinaries();
  } catch {
    return undefined;
  }
}

/** Collects events, and waits for one. */
export class EventCollector {
  readonly events: EngineEvent[] = [];
  #waiting: (() => void)[] = [];

  readonly push = (event: EngineEvent): void => {
    this.events.push(event);
    for (const wake of this.#waiting.splice(0)) wake();
  };

  /** The first event of this kind from `position` on, past or future. */
  async next<Kind extends EngineEvent["kind"]>(
    kind: Kind,
    position = 0,
  ): Promise<Extract<EngineEvent, { kind: Kind }>> {
    for (;;) {
      const found = this.events.slice(position).find((event) => event.kind === kind);
      if (found !== undefined) return found as Extract<EngineEvent, { kind: Kind }>;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** A site of TLS 1.3 with h2, as chapter 08 §11.1 asks; its certificate is its own. */
export async function startDecoy(port = 0): Promise<TestDecoy> {
  const { key, certificate } = makeCertificate(DECOY_NAME);
  const options = { key, cert: certificate, minVersion: "TLSv1.3", ALPNProtocols: ["h2", "http/1.1"] } as const;
  const server = createTlsServer(options, (socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  // Handshakes that the exits break off are what a decoy is for.
  server.on("tlsClientError", () => undefined);
  return { ...(await listen(server, port)), certificate };
}

export async function startSite(): Promise<TestSite> {
  const callers: string[] = [];
  const server = createHttpServer((request, response) => {
    const from = request.socket.remoteAddress ?? "";
    callers.push(from);
    const bytes = /^\/bytes\/(\d+)$/.exec(request.url ?? "")?.[1];
    if (bytes !== undefined) response.end(siteBytes(Number(bytes)));
    else if (request.url === "/204") response.writeHead(204).end();
    else response.end(from);
  });
  const { port, close } = await listen(server, 0);
  return { port, url: `http://${SITE_NAME}:${port}`, callers, close };
}

/** What `/bytes/N` answers: the same for each N. */
export function siteBytes(length: number): Buffer {
  return Buffer.alloc(length, createHash("sha256").update(String(length)).digest());
}

export const freePort = async (): Promise<number> => {
  const { port, close } = await listen(createServer(), 0);
  await close();
  return port;
};

/** Whether anybody takes connections there, on loopback. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

async function listen(server: NetServer | Server, port: number) {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket: { destroy(): void; once(event: "close", then: () => void): void }) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, close };
}
