/**
 * Certificates from an authority that speaks ACME, by the challenge over HTTP. Key and chain lie in one file, so that no
 * crash can leave a key beside another one's certificate.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

import acme from "acme-client";

import { isDnsName } from "../../cities/addresses.ts";
import { record, text, type Shape } from "../../cities/shape.ts";
import { createDirectory } from "../../files/blocking.ts";
import { replaceFile } from "../../files/replaceFile.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { errnoOf, meshError } from "../aggregator/errors.ts";
import { HEADER_BYTES_MAX, HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "./limits.ts";

export interface CertificateOptions {
  readonly names: readonly string[];
  /** For the account's key, and the certificate with its own. */
  readonly directory: string;
  /** Of the authority; Let's Encrypt unless given. */
  readonly directoryUrl?: string | undefined;
  /** Where the authority finds the answer to its challenge: it asks port 80 of the name. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly onTrouble: (error: unknown) => void;
}

export interface Certificates {
  readonly files: { readonly certificateFile: string; readonly keyFile: string };
  close(): Promise<void>;
}

/** How often it is asked whether one is due, and how soon a failed order is tried again. */
const CHECK_MS = 3_600_000;
/** The library's own attempts within one order, 5 s apart. */
const ATTEMPTS = 2;
const CHALLENGE_PATH = "/.well-known/acme-challenge/";
const CHALLENGES_MAX = 100;
/** An order takes some seconds; an authority that says nothing for so long has failed. */
const ORDER_TIMEOUT_MS = 120_000;

/**
 * Resolves once there is a certificate that is valid for `names`; renews it in its last third. Throws `mesh-acme-failed`
 * (`reason`) where there is none and none can be had; later failures go to `onTrouble`, and it is tried again.
 */
export async function openCertificates(options: CertificateOptions): Promise<Certificates> {
  const { names, directory, onTrouble } = options;
  const wrong = names.find((name) => !isDnsName(name));
  if (wrong !== undefined) throw meshError("mesh-acme-failed", { reason: `${wrong} is no name` });
  const file = join(directory, "certificate.pem");
  const renewIfDue = async (): Promise<void> => {
    if (!isDue(file, names)) return;
    await replaceFile(file, await orderCertificate(options));
  };
  try {
    createDirectory(directory);
    await renewIfDue();
  } catch (error) {
    if (!isUsable(file, names)) throw failureOf(error);
    onTrouble(failureOf(error));
  }
  const timer = setInterval(() => {
    renewIfDue().catch((error: unknown) => onTrouble(failureOf(error)));
  }, CHECK_MS);
  return {
    files: { certificateFile: file, keyFile: file },
    close: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}

function failureOf(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error as ProtocolError;
  const reason = error instanceof Error ? error.message.slice(0, 200) : "unknown";
  return meshError("mesh-acme-failed", { reason });
}

function readCertificate(file: string): X509Certificate | undefined {
  try {
    const [, chain] = /(-----BEGIN CERTIFICATE-----[\s\S]*)/.exec(readFileSync(file, "utf8")) ?? [];
    return chain === undefined ? undefined : new X509Certificate(chain);
  } catch {
    // Absent, or not what was written: another one is got.
    return undefined;
  }
}

function isUsable(file: string, names: readonly string[]): boolean {
  const certificate = readCertificate(file);
  if (certificate === undefined || Date.parse(certificate.validTo) <= Date.now()) return false;
  return names.every((name) => certificate.checkHost(name) !== undefined);
}

function isDue(file: string, names: readonly string[]): boolean {
  const certificate = readCertificate(file);
  if (certificate === undefined || !isUsable(file, names)) return true;
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return Date.now() > from + ((to - from) * 2) / 3;
}

/** Key and chain as PEM. */
async function orderCertificate({ names, directory, directoryUrl, listen }: CertificateOptions): Promise<string> {
  const client = await openAccount(
    join(directory, "account.json"),
    directoryUrl ?? acme.directory.letsencrypt.production,
  );
  const [key, csr] = await acme.crypto.createCsr({ altNames: [...names] }, await acme.crypto.createPrivateEcdsaKey());
  const answers = new Map<string, string>();
  const server = await answerChallenges(answers, listen);
  try {
    const order = client.auto({
      csr,
      termsOfServiceAgreed: true,
      challengePriority: ["http-01"],
      // It would ask this machine under its public name, which many networks do not lead back.
      skipChallengeVerification: true,
      challengeCreateFn: (_, { token }, keyAuthorization) => {
        if (answers.size < CHALLENGES_MAX) answers.set(CHALLENGE_PATH + token, keyAuthorization);
        return Promise.resolve();
      },
      challengeRemoveFn: (_, { token }) => Promise.resolve(answers.delete(CHALLENGE_PATH + token)),
    });
    return `${key.toString()}\n${await withinTime(order)}`;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(meshError("mesh-acme-failed", { reason: "timeout" })), ORDER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** With the account of before at the same authority, or a new one: strict authorities take no second one for a key. */
async function openAccount(file: string, directoryUrl: string): Promise<acme.Client> {
  Object.assign(acme.axios.defaults, { acmeSettings: { ...settingsOfLibrary(), retryMaxAttempts: ATTEMPTS } });
  const before = readAccount(file);
  if (before?.directoryUrl === directoryUrl) {
    return new acme.Client({ directoryUrl, accountKey: before.key, accountUrl: before.url });
  }
  const key = (await acme.crypto.createPrivateEcdsaKey()).toString();
  const client = new acme.Client({ directoryUrl, accountKey: key });
  await client.createAccount({ termsOfServiceAgreed: true });
  await replaceFile(file, JSON.stringify({ directoryUrl, url: client.getAccountUrl(), key }));
  return client;
}

/** Its types do not name them. */
const settingsOfLibrary = (): object => (acme.axios.defaults as { readonly acmeSettings?: object }).acmeSettings ?? {};

const readAccountDocument = record({ directoryUrl: text(2048), url: text(2048), key: text(8192) });

/** `undefined` where there is none, or something else in its place: then another account does as well. */
function readAccount(file: string): Shape<typeof readAccountDocument> | undefined {
  try {
    return readAccountDocument(JSON.parse(readFileSync(file, "utf8")), "");
  } catch {
    return undefined;
  }
}

function answerChallenges(
  answers: ReadonlyMap<string, string>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    ({ url = "" }, response) => {
      const answer = answers.get(url);
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "text/plain", connection: "close" });
      response.end(answer ?? "not found\n");
    },
  );
  server.maxConnections = CHALLENGES_MAX;
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(meshError("mesh-listen-failed", { address: `${host}:${port}`, errno: errnoOf(error) })),
    );
    server.listen({ host, port }, () => resolve(server));
  });
}
