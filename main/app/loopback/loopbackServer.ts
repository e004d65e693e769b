/**
 * The page's origin: HTTP on 127.0.0.1, which every user and every page of this computer can reach. Gives the page's files to all
 * (they hold nothing of the person), the API to holders of a token alone.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { z } from "zod";

import type { Notice } from "../../api/contract.ts";
import { apiError, explain, type ErrorCode } from "../../api/errors.ts";
import { API_PATH } from "../../api/server.ts";
import { readPageFile } from "./pageFiles.ts";
import { PAGE_HEADERS } from "./pageHeaders.ts";
import type { OpeningCodes } from "./openingCodes.ts";
import { LOOPBACK, refusalOf } from "./requestGuard.ts";
import type { Sessions } from "./sessions.ts";

/** POST takes {code} and gives {key}, once; GET gives {run}, of which the page makes its token. */
const SESSION_PATH = "/session";
const SESSION_BODY_BYTES_MAX = 256;
const CONNECTIONS_MAX = 128;
const HEADER_BYTES_MAX = 8192;
const HEADERS_MS_MAX = 5000;
const REQUEST_MS_MAX = 30_000;
const IDLE_MS_MAX = 5000;
const CHECK_MS = 1000;
const TOKEN = /^Bearer ([0-9a-f]{64})$/;
const exchange = z.strictObject({ code: z.string().regex(/^[0-9a-f]{64}$/) });

export interface LoopbackOptions {
  readonly sessions: Sessions;
  readonly codes: OpeningCodes;
  /** Of the built page. */
  readonly folder: string;
  /** Answers under {@link API_PATH}; asked for holders of a token alone. */
  readonly api: RequestListener;
  /** Gets what no client is told. */
  readonly onDefect: (error: unknown) => void;
}

/** Listens on `port`. Throws `ProtocolError("port-in-use")`. */
export async function listenOnLoopback(port: number, options: LoopbackOptions): Promise<Server> {
  const limits = {
    ...{ headersTimeout: HEADERS_MS_MAX, requestTimeout: REQUEST_MS_MAX, keepAliveTimeout: IDLE_MS_MAX },
    ...{ connectionsCheckingInterval: CHECK_MS, maxHeaderSize: HEADER_BYTES_MAX },
  };
  const server = createServer(limits, (request, response) => {
    // A client that goes away in the middle is no defect.
    response.on("error", () => undefined);
    answer(request, response, port, options).catch((error: unknown) => {
      options.onDefect(error);
      if (response.headersSent) response.destroy();
      else refuse(request, response, 500, "internal");
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(apiError("port-in-use", { port, errno: error.code ?? "unknown" })),
    );
    server.listen({ port, host: LOOPBACK, exclusive: true }, resolve);
  });
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  options: LoopbackOptions,
): Promise<void> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
  const [path = ""] = (request.url ?? "").split("?");
  const isApi = path.startsWith(API_PATH);
  const isCall = isApi || path === SESSION_PATH;
  if (isCall) response.setHeader("cache-control", "no-store");
  const refusal = refusalOf(request, isCall ? "call" : "file", port);
  if (refusal !== undefined) refuse(request, response, refusal, "page-request-refused");
  else if (isApi) answerApi(request, response, options);
  else if (!isCall) await answerFile(request, response, path, options.folder);
  else if (request.method === "GET") answerJson(response, 200, { run: options.sessions.run });
  else await answerExchange(request, response, options);
}

function answerApi(request: IncomingMessage, response: ServerResponse, { sessions, api }: LoopbackOptions): void {
  const [, token] = TOKEN.exec(request.headers.authorization ?? "") ?? [];
  if (token === undefined || !sessions.use(token)) {
    refuse(request, response, 401, "page-session-over");
    return;
  }
  // A stream may last longer than its session would without a use.
  response.once("close", () => void sessions.use(token));
  api(request, response);
}

async function answerExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { sessions, codes }: LoopbackOptions,
): Promise<void> {
  const body = exchange.safeParse(await readJson(request));
  if (!body.success || !codes.take(body.data.code)) refuse(request, response, 401, "page-code-refused");
  else answerJson(response, 200, { key: sessions.create() });
}

/** Undefined for what is no JSON, or too long. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > SESSION_BODY_BYTES_MAX) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}

async function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  folder: string,
): Promise<void> {
  const file = await readPageFile(folder, path);
  if (file === undefined) {
    if (path === "/") answerNotBuilt(response, folder);
    else refuse(request, response, 404, "page-file-unknown");
    return;
  }
  const { bytes, type, etag, cacheControl } = file;
  const headers = { etag, "cache-control": cacheControl };
  if (request.headers["if-none-match"] === etag) response.writeHead(304, headers).end();
  else {
    response.writeHead(200, { ...headers, "content-type": type, "content-length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }
}

/** For whoever has no page to be told by. */
function answerNotBuilt(response: ServerResponse, folder: string): void {
  const { sentence, remedy } = explain({ code: "page-not-built", params: { folder } });
  const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  response.writeHead(503, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Montana</title><p>${escape(sentence)}</p><p>${escape(remedy)}</p></html>`,
  );
}

function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** As the API itself tells errors, so that the page reads all of them in one way. What the client still sends is not read. */
function refuse(request: IncomingMessage, response: ServerResponse, httpStatus: number, code: ErrorCode): void {
  const notice: Notice = { code, params: {} };
  if (!request.complete) response.setHeader("connection", "close");
  answerJson(response, httpStatus, { error: { message: code, code: WIRE_CODE, data: { httpStatus, notice } } });
}

/** What tRPC calls "unauthorized"; its clients ask for some number. */
const WIRE_CODE = -32_001;
