/** Whether a site can be the decoy of an exit: what Reality borrows must look right to strangers (chapter 08 §11.1). */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, rootCertificates, type TLSSocket } from "node:tls";

import type { ProtocolError } from "../../protocol/errors.ts";
import { exitError } from "./errors.ts";
import type { Decoy } from "./record.ts";

export interface DecoyReport {
  /** What the site answers a hello with, in bytes. */
  readonly flightBytes: number;
  readonly roundTripMs: number;
  /** It agrees on X25519MLKEM768, so tunnels do, too. */
  readonly isPostQuantum: boolean;
}

/** The engine passes on no more of the site's first answer. Bytes. */
export const FLIGHT_MAX = 8192;
/** Every new connection of a client waits for the site. */
const ROUND_TRIP_MS_MAX = 100;
const ROUND_TRIPS = 3;
const TIMEOUT_MS = 5000;
/** Of the answer to a request for `/`: its head. Bytes. */
const HEAD_MAX = 16_384;
/** The engine itself warns of them. */
const REFUSED_NAMES = /(?:^|\.)(?:apple|icloud)\.com$/;

/** Browsers offer both groups at once, this library one at a time. */
const CLASSIC = "X25519:P-256";
const POST_QUANTUM = "X25519MLKEM768";

/** Throws a `DecoyFault` with `name`. */
export async function checkDecoy(site: Decoy): Promise<DecoyReport> {
  const { name } = site;
  if (REFUSED_NAMES.test(name)) throw exitError("decoy-refused-name", { name });
  const address = await resolve(site);
  const roundTripMs = await measureRoundTrip(site, address);
  const classic = await shake(site, address, { groups: CLASSIC });
  const quantum = await shake(site, address, { groups: POST_QUANTUM });
  const shaken = quantum.kind === "done" ? quantum : classic;
  if (shaken.kind === "failed") throw await explainFailure(site, address);
  if (quantum.kind === "failed" && classic.kind === "done" && classic.group !== "X25519") {
    throw exitError("decoy-no-x25519", { name });
  }
  const { certificateFault, keyType, alpn, flightBytes } = shaken;
  if (certificateFault !== undefined) throw exitError("decoy-certificate", { name, reason: certificateFault });
  if (keyType === "ed25519" || keyType === "ed448") throw exitError("decoy-key-type", { name, type: keyType });
  if (alpn !== "h2") throw exitError("decoy-no-h2", { name });
  if (flightBytes >= FLIGHT_MAX)
    throw exitError("decoy-flight-too-large", { name, bytes: flightBytes, max: FLIGHT_MAX });
  if (roundTripMs > ROUND_TRIP_MS_MAX) throw exitError("decoy-slow", { name, ms: roundTripMs, max: ROUND_TRIP_MS_MAX });
  const elsewhere = await findRedirect(site, address);
  if (elsewhere !== undefined) throw exitError("decoy-redirects", { name, to: elsewhere });
  return { flightBytes, roundTripMs, isPostQuantum: quantum.kind === "done" };
}

async function resolve({ name, host }: Decoy): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch {
    throw exitError("decoy-name-unresolved", { name });
  }
}

const unreachable = (name: string, error: unknown): ProtocolError =>
  exitError("decoy-unreachable", { name, reason: (error as NodeJS.ErrnoException).code ?? "unknown" });

/** The best of some, in milliseconds: one packet there and one back. */
async function measureRoundTrip({ name, port }: Decoy, host: string): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const began = performance.now();
    try {
      const socket = await openTcp(host, port);
      best = Math.min(best, performance.now() - began);
      socket.destroy();
    } catch (error) {
      throw unreachable(name, error);
    }
  }
  return Math.round(best);
}

function openTcp(host: string, port: number): Promise<Socket> {
  return new Promise((resolveSocket, reject) => {
    const socket = connectTcp({ host, port });
    const late = setTimeout(() => socket.destroy(Object.assign(new Error("late"), { code: "ETIMEDOUT" })), TIMEOUT_MS);
    socket.once("connect", () => {
      clearTimeout(late);
      resolveSocket(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(late);
      reject(error);
    });
  });
}

interface Offer {
  readonly groups?: string;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  readonly protocols?: readonly string[];
}

type Handshake =
  | {
      readonly kind: "done";
      readonly socket: TLSSocket;
      readonly group: string | undefined;
      readonly alpn: string | false | null;
      readonly flightBytes: number;
      readonly certificateFault: string | undefined;
      readonly keyType: string | undefined;
    }
  | { readonly kind: "failed" };

async function shake(site: Decoy, address: string, offer: Offer): Promise<Handshake> {
  const done = await openTls(site, address, offer);
  if (done.kind === "done") done.socket.destroy();
  return done;
}

/** The socket of a finished handshake is the caller's to end. */
async function openTls({ name, port, certificate }: Decoy, host: string, offer: Offer): Promise<Handshake> {
  const { groups, minVersion = "TLSv1.3", protocols = ["h2", "http/1.1"] } = offer;
  let raw: Socket;
  try {
    raw = await openTcp(host, port);
  } catch {
    return { kind: "failed" };
  }
  return new Promise((settle) => {
    const fail = (): void => {
      raw.destroy();
      settle({ kind: "failed" });
    };
    const late = setTimeout(fail, TIMEOUT_MS);
    try {
      const socket = connectTls({
        ...{ socket: raw, servername: name, minVersion, ALPNProtocols: [...protocols] },
        ...(groups !== undefined && { ecdhCurve: groups }),
        ...(certificate !== null && { ca: [...rootCertificates, certificate] }),
        // Judged here, so that the reason can be told.
        rejectUnauthorized: false,
      });
      socket.once("secureConnect", () => {
        clearTimeout(late);
        const { name: group } = socket.getEphemeralKeyInfo() as { readonly name?: string };
        const { authorizationError } = socket as { readonly authorizationError?: unknown };
        settle({
          ...{ kind: "done", socket, group, alpn: socket.alpnProtocol, flightBytes: raw.bytesRead },
          certificateFault: socket.authorized ? undefined : nameOf(authorizationError),
          keyType: socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType,
        });
      });
      socket.on("error", () => {
        clearTimeout(late);
        fail();
      });
    } catch {
      // A library that does not know the group.
      clearTimeout(late);
      fail();
    }
  });
}

function nameOf(fault: unknown): string {
  if (typeof fault === "string") return fault;
  return (fault as NodeJS.ErrnoException | undefined)?.code ?? "unknown";
}

/** Why no handshake with the groups of browsers came about. */
async function explainFailure(site: Decoy, address: string): Promise<ProtocolError> {
  const { name } = site;
  if ((await shake(site, address, {})).kind === "done") return exitError("decoy-no-x25519", { name });
  if ((await shake(site, address, { minVersion: "TLSv1.2" })).kind === "done")
    return exitError("decoy-no-tls13", { name });
  return exitError("decoy-unreachable", { name, reason: "no TLS" });
}

/** The other host that `/` sends people to. */
async function findRedirect(site: Decoy, address: string): Promise<string | undefined> {
  const opened = await openTls(site, address, { protocols: ["http/1.1"] });
  if (opened.kind === "failed") return undefined;
  const head = await askForPage(opened.socket, site.name);
  const status = /^HTTP\/1\.[01] 3\d\d\b/.test(head);
  const target = /^location:[ \t]*(\S+)/im.exec(head)?.[1];
  if (!status || target === undefined || !URL.canParse(target, `https://${site.name}/`)) return undefined;
  const { hostname } = new URL(target, `https://${site.name}/`);
  return hostname === site.name ? undefined : hostname;
}

function askForPage(socket: TLSSocket, name: string): Promise<string> {
  return new Promise((settle) => {
    let head = "";
    const end = (): void => {
      clearTimeout(late);
      socket.destroy();
      settle(head);
    };
    const late = setTimeout(end, TIMEOUT_MS);
    socket.on("data", (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (head.includes("\r\n\r\n") || head.length > HEAD_MAX) end();
    });
    socket.once("close", end);
    socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nAccept: */*\r\nConnection: close\r\n\r\n`);
  });
}
