/** One GET over HTTP or HTTPS, directly or through the tunnel's local port; nothing is followed, decoded or kept. */
import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";

import type { ProxyEndpoint } from "../systemProxy/adapter.ts";

export interface Answer {
  readonly status: number;
  /** By name in lower case; of several of a name the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** In pieces, as they come. Leaving it early ends the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection. */
  close(): void;
}

/** Throws what the system says (`code` is its errno), also when `signal` is aborted. */
export type Transport = (url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Answer>;

const HEADERS_MAX = 16_384;

/** The certificate must be one that this machine trusts. */
export const directTransport: Transport = (url, headers, signal) => {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return answerOf(request(url, optionsOf(headers, signal)));
};

/** Names are resolved at the exit. */
export function tunnelTransport({ host, port }: ProxyEndpoint): Transport {
  return async (url, headers, signal) => {
    const proxy = { ...optionsOf(headers, signal), host, port };
    if (url.protocol === "http:") {
      return answerOf(requestHttp({ ...proxy, path: url.href, headers: { ...headers, host: url.host } }));
    }
    const authority = `${url.hostname}:${url.port || 443}`;
    const tunnel = requestHttp({ ...proxy, method: "CONNECT", path: authority, headers: { host: authority } });
    const socket = await new Promise<Duplex>((resolve, reject) => {
      tunnel.once("connect", (answer: IncomingMessage, opened) => {
        if (answer.statusCode === 200) return resolve(opened);
        opened.destroy();
        reject(Object.assign(new Error("refused by the tunnel"), { code: "ECONNREFUSED" }));
      });
      rejectWithout(tunnel, reject);
      tunnel.end();
    });
    const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
    // Only without an agent: one of its own would resolve the name here and go past the tunnel.
    const createConnection = () =>
      connect({ socket, host: name, servername: /[a-z]/i.test(name) && !name.includes(":") ? name : "" });
    return answerOf(requestHttps(url, { ...optionsOf(headers, signal), agent: undefined, createConnection }));
  };
}

const optionsOf = (headers: Readonly<Record<string, string>>, signal: AbortSignal): RequestOptions => ({
  method: "GET",
  headers,
  signal,
  // A connection that stays open would tell one fetch from the next.
  agent: false,
  maxHeaderSize: HEADERS_MAX,
});

function answerOf(request: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once("response", (message) => {
      const headers = new Map<string, string>();
      for (const [name, values] of Object.entries(message.headersDistinct)) {
        if (values?.[0] !== undefined) headers.set(name, values[0]);
      }
      resolve({ status: message.statusCode ?? 0, headers, body: message, close: () => message.destroy() });
    });
    rejectWithout(request, reject);
    request.end();
  });
}

/** Without an answer: an error, also after the answer has begun (the reader of its body learns of it there), or silence. */
function rejectWithout(request: ClientRequest, reject: (reason: unknown) => void): void {
  request.on("error", reject);
  // What nobody asked for ends without a word.
  request.once("close", () => reject(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" })));
}
