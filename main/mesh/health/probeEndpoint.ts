/**
 * One probe of one exit (chapter 08 §4.8): connect, TLS 1.3 with the name of the entry, the certificate checked against it.
 * It proves that the port is open and that the site behind it is the genuine one, not that the entry's credentials work.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

import type { Probe, ProbeError } from "../../cities/health.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly sni: string;
}

export interface ProbeOptions {
  readonly connectTimeoutMs: number;
  readonly tlsTimeoutMs: number;
  /** PEM; the roots of this machine unless given. */
  readonly roots?: string | undefined;
}

/** Seconds as in §2. */
export const PROBE_TIMEOUTS = { connectTimeoutMs: 5000, tlsTimeoutMs: 5000 };

/** Never rejects. */
export async function probeEndpoint(endpoint: Endpoint, options: ProbeOptions): Promise<Probe> {
  const start = performance.now();
  const socket = await connect(endpoint, options.connectTimeoutMs);
  if (typeof socket === "string") return { error: socket };
  const fault = await shakeHands(socket, endpoint.sni, options);
  if (fault !== undefined) return { error: fault };
  return { handshakeMs: Math.round(performance.now() - start) };
}

function connect({ host, port }: Endpoint, timeoutMs: number): Promise<Socket | ProbeError> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const timer = setTimeout(() => fail("tcp-timeout"), timeoutMs);
    const fail = (error: ProbeError): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(error);
    };
    const onError = (error: Error): void => fail(connectErrorOf(error));
    socket.once("error", onError);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", onError);
      resolve(socket);
    });
  });
}

function shakeHands(
  socket: Socket,
  sni: string,
  { tlsTimeoutMs, roots }: ProbeOptions,
): Promise<ProbeError | undefined> {
  return new Promise((resolve) => {
    const tls: TLSSocket = connectTls({
      ...{ socket, servername: sni, minVersion: "TLSv1.3", ALPNProtocols: ["h2", "http/1.1"] },
      ...(roots === undefined ? {} : { ca: roots }),
    });
    const settle = (fault: ProbeError | undefined): void => {
      clearTimeout(timer);
      tls.destroy();
      socket.destroy();
      resolve(fault);
    };
    const timer = setTimeout(() => settle("tls-timeout"), tlsTimeoutMs);
    tls.once("secureConnect", () => settle(undefined));
    tls.on("error", (error: Error) => settle(handshakeErrorOf(error)));
    tls.once("close", () => settle("reset"));
  });
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? "";

function connectErrorOf(error: Error): ProbeError {
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : error;
  const code = codeOf(first ?? error);
  if (["ENOTFOUND", "EAI_AGAIN", "ENODATA", "EAI_FAIL", "EAI_NONAME"].includes(code)) return "dns";
  if (code === "ECONNREFUSED") return "tcp-refused";
  if (code === "ECONNRESET") return "reset";
  return "tcp-timeout";
}

const NAME = ["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"];
const TIME = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];
const UNTRUSTED =
  /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_|PATH_LENGTH_|CRL_|ERROR_IN_CERT_|ERR_TLS_CERT_|UNSPECIFIED)/;
const VERSION = /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|WRONG_VERSION_NUMBER|WRONG_SSL_VERSION/;

function handshakeErrorOf(error: Error): ProbeError {
  const code = codeOf(error);
  if (NAME.includes(code)) return "cert-name";
  if (TIME.includes(code)) return "cert-expired";
  if (UNTRUSTED.test(code)) return "cert-untrusted";
  if (VERSION.test(code)) return "tls-version";
  if (code.startsWith("ERR_SSL_")) return "tls-alert";
  return "reset";
}
