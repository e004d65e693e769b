/**
 * The public server (chapter 08 §4.6, §12): what lies in the public directory, from memory. A request costs a look-up and a
 * comparison; nothing of it is written down.
 */
import { readFileSync, statSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { isIP, type AddressInfo, type Socket } from "node:net";
import { promisify } from "node:util";

import { answerRequest, type Answer } from "../../cities/endpoints.ts";
import { isLoopbackHost } from "../../cities/addresses.ts";
import type { ProfileHeaders } from "../../cities/subscriptionHeaders.ts";
import { errnoOf, meshError } from "../aggregator/errors.ts";
import { PUBLIC_PATHS } from "../aggregator/publicFiles.ts";
import { Allowances, blockOf, type Allowance } from "./allowance.ts";
import {
  CERTIFICATE_CHECK_MS,
  CONNECTION_CHECK_MS,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS,
  HEADER_BYTES_MAX,
  HEADERS_MAX,
  HEADERS_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  PATH_MAX,
  REFUSAL_PAUSE_MS,
  REFUSALS_PER_PAUSE,
  RELOAD_MS,
  REQUEST_TIMEOUT_MS,
  REQUESTS_PER_CONNECTION,
  RETRY_AFTER_SECONDS,
  TLS_HANDSHAKE_MS,
  WAITING_PER_CONNECTION,
} from "./limits.ts";
import { openPublicPages, type PublicPages } from "./publicPages.ts";
import { RequestCounts, type RequestCount } from "./requestCounts.ts";

export interface ServerOptions {
  readonly publicDirectory: string;
  readonly profile: ProfileHeaders;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** PEM files, read again when they change. Without them only this machine may ask: a reverse proxy. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  /** `undefined` behind a CDN, where every request comes from a few addresses. */
  readonly allowance?: Allowance | undefined;
  /** Told of what a running server cannot throw: a certificate or a directory that became unreadable. */
  readonly onTrouble: (error: unknown) => void;
  readonly timing?: Partial<Timing>;
}

export interface Timing {
  readonly reloadMs: number;
  readonly certificateCheckMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface PublicServer {
  readonly port: number;
  /** There is a list to be served. */
  readonly hasList: boolean;
  /** Looks at the public directory now. */
  refresh(): Promise<void>;
  /** Since its start. */
  figures(): Promise<ServerFigures>;
  close(): Promise<void>;
}

export interface ServerFigures {
  readonly requests: readonly RequestCount[];
  /** That were closed at once because their address had too many, or asked on without waiting for its refusals. */
  readonly connectionsRefused: number;
  readonly connectionsOpen: number;
}

const TIMING: Timing = {
  reloadMs: RELOAD_MS,
  certificateCheckMs: CERTIFICATE_CHECK_MS,
  headersTimeoutMs: HEADERS_TIMEOUT_MS,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  idleTimeoutMs: IDLE_TIMEOUT_MS,
};

/** Throws `mesh-tls-needed`, `mesh-certificate-invalid`, `mesh-listen-failed`, `file-unreadable`. */
export async function startPublicServer(options: ServerOptions): Promise<PublicServer> {
  const { host, port, tls, publicDirectory, profile, allowance, onTrouble } = options;
  const timing = { ...TIMING, ...options.timing };
  if (tls === undefined && !isLoopbackHost(host)) throw meshError("mesh-tls-needed", { address: host });
  const pages = await openPublicPages(publicDirectory, profile);
  const allowances = allowance === undefined ? undefined : new Allowances(allowance);
  const server = createServer(options, timing);
  const counts = new RequestCounts();
  let connectionsRefused = 0;
  const refuseConnection = (socket: Socket): void => {
    connectionsRefused++;
    socket.destroy();
  };
  if (allowances !== undefined) limitConnections(server, refuseConnection);
  server.on("request", createListener({ pages, allowances, counts, refuseConnection }));

  const certificate = tls === undefined ? undefined : watchCertificate(server as HttpsServer, tls);
  const report = (work: () => Promise<void> | void): void => {
    void (async () => work())().catch(onTrouble);
  };
  const timers = [
    setInterval(() => report(() => pages.refresh()), timing.reloadMs),
    setInterval(() => allowances?.forgetIdle(performance.now()), RELOAD_MS),
    ...(certificate === undefined ? [] : [setInterval(() => report(certificate), timing.certificateCheckMs)]),
  ];
  const stopTimers = (): void => timers.forEach((timer) => clearInterval(timer));
  try {
    await listen(server, host, port);
  } catch (error) {
    stopTimers();
    throw meshError("mesh-listen-failed", { address: `${host}:${port}`, errno: errnoOf(error) });
  }
  return {
    port: (server.address() as AddressInfo).port,
    get hasList() {
      return pages.current.pages.has(PUBLIC_PATHS.subscription);
    },
    refresh: () => pages.refresh(),
    figures: async () => ({
      requests: counts.list(),
      connectionsRefused,
      connectionsOpen: await promisify(server.getConnections.bind(server))(),
    }),
    close: () =>
      new Promise((resolve) => {
        stopTimers();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function createServer({ tls }: ServerOptions, timing: Timing): Server | HttpsServer {
  const bounds = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: timing.headersTimeoutMs,
    requestTimeout: timing.requestTimeoutMs,
    keepAliveTimeout: Math.min(KEEP_ALIVE_MS, timing.idleTimeoutMs),
    connectionsCheckingInterval: Math.min(CONNECTION_CHECK_MS, timing.headersTimeoutMs),
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createHttpServer(bounds)
      : createHttpsServer({
          ...bounds,
          ...readCertificate(tls),
          minVersion: "TLSv1.2",
          handshakeTimeout: TLS_HANDSHAKE_MS,
        });
  server.maxHeadersCount = HEADERS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION;
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = timing.idleTimeoutMs;
  // Nothing is said to what does not speak HTTP.
  server.on("clientError", (_, socket) => socket.destroy());
  (server as HttpsServer).on("tlsClientError", (_, socket) => socket.destroy());
  return server;
}

function listen(server: Server | HttpsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Before any byte is read or a key is used: no address may hold many connections where limits are on. */
function limitConnections(server: Server | HttpsServer, refuse: (socket: Socket) => void): void {
  const open = new Map<string, number>();
  server.prependListener("connection", (socket: Socket) => {
    const key = blockOf(socket.remoteAddress ?? "");
    const before = open.get(key) ?? 0;
    if (before >= CONNECTIONS_PER_ADDRESS) {
      refuse(socket);
      return;
    }
    open.set(key, before + 1);
    socket.once("close", () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    });
  });
}

interface Listening {
  readonly pages: PublicPages;
  readonly allowances: Allowances | undefined;
  readonly counts: RequestCounts;
  readonly refuseConnection: (socket: Socket) => void;
}

function createListener({ pages, allowances, counts, refuseConnection }: Listening) {
  const onConnection = new WeakMap<Socket, number>();
  const ofAddress = new Map<string, number>();
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    // Only GET and HEAD are answered, and neither has a body: whoever sends one is not listened to.
    const hasBody = request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"]) > 0;
    if (hasBody) {
      response.shouldKeepAlive = false;
      response.once("finish", () => socket.destroySoon());
    }
    if (allowances?.take(socket.remoteAddress ?? "", performance.now()) === false) {
      const before = onConnection.get(socket) ?? 0;
      if (before >= WAITING_PER_CONNECTION) {
        refuseConnection(socket);
        return;
      }
      counts.add(request.url ?? "", REFUSED);
      onConnection.set(socket, before + 1);
      const key = blockOf(socket.remoteAddress ?? "");
      const waiting = (ofAddress.get(key) ?? 0) + 1;
      ofAddress.set(key, waiting);
      // A pause costs the one who asks too often more than it costs this server; the more wait, the longer it is.
      const pauseMs = REFUSAL_PAUSE_MS * Math.max(1, waiting / REFUSALS_PER_PAUSE);
      setTimeout(() => {
        onConnection.set(socket, (onConnection.get(socket) ?? 1) - 1);
        const left = (ofAddress.get(key) ?? 1) - 1;
        if (left === 0) ofAddress.delete(key);
        else ofAddress.set(key, left);
        if (!response.destroyed) refuse(request, response);
      }, pauseMs);
      return;
    }
    counts.add(request.url ?? "", answer(pages, request, response));
  };
}

const REFUSED = 429;
const REFUSAL = Buffer.from("too many requests\n");
const REFUSAL_HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
  "retry-after": String(RETRY_AFTER_SECONDS),
  "content-length": REFUSAL.length,
};

function refuse({ method }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(REFUSED, REFUSAL_HEADERS);
  response.end(method === "HEAD" ? undefined : REFUSAL);
}

/** Gives the status. */
function answer({ current }: PublicPages, request: IncomingMessage, response: ServerResponse): number {
  const { method = "", url = "" } = request;
  const path = url.length > PATH_MAX ? "" : url;
  const { status, headers, body } = answerRequest(current.pages, {
    ...{ method, path, ifNoneMatch: request.headers["if-none-match"] },
  });
  const bytes = current.bytes.get(body) ?? Buffer.from(body);
  const length = method === "HEAD" ? lengthOf(current, path, status) : bytes.length;
  if (status === 304 || length === undefined) response.writeHead(status, headers);
  else response.writeHead(status, { ...headers, "content-length": length });
  response.end(bytes);
  return status;
}

/** Of what a GET would have brought. */
function lengthOf(
  { pages, bytes }: PublicPages["current"],
  path: string,
  status: Answer["status"],
): number | undefined {
  const page = status === 200 ? pages.get(path.split("?", 1)[0]!) : undefined;
  return page === undefined ? undefined : bytes.get(page.body)?.length;
}

type TlsFiles = NonNullable<ServerOptions["tls"]>;

function readCertificate({ certificateFile, keyFile }: TlsFiles): { cert: Buffer; key: Buffer } {
  let file = certificateFile;
  try {
    const cert = readFileSync(certificateFile);
    file = keyFile;
    return { cert, key: readFileSync(keyFile) };
  } catch (error) {
    throw meshError("mesh-certificate-invalid", { file, reason: errnoOf(error) });
  }
}

/** Gives what loads the files again when they have changed; a pair that does not fit is not taken. */
function watchCertificate(server: HttpsServer, tls: TlsFiles): () => void {
  const stampNow = (): string =>
    [tls.certificateFile, tls.keyFile].map((file) => statSync(file, { bigint: true }).mtimeNs).join(" ");
  let stamp = stampNow();
  return () => {
    const now = stampNow();
    if (now === stamp) return;
    try {
      server.setSecureContext({ ...readCertificate(tls), minVersion: "TLSv1.2" });
    } catch (error) {
      throw meshError("mesh-certificate-invalid", { file: tls.certificateFile, reason: errnoOf(error) });
    }
    stamp = now;
  };
}

/** `HOST:PORT`, `[HOST]:PORT` or a port of this machine. Undefined where it is none of them. */
export function parseListen(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits = ""] = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]]+):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "127.0.0.1";
  const port = Number(digits);
  if (digits === "" || port > 65_535 || (isIP(host) === 0 && host !== "localhost")) return undefined;
  return { host, port };
}
